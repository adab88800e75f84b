package dispatch_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sever/dispatch"
	"sever/revocation"
)

const week = 7 * 24 * time.Hour

func TestATerminationToComeIsHeldAndThenReleased(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStores()
		signal := leaves("a", week)
		s.say(t, signal)
		require.Empty(t, s.jobs)
		entry := s.holds.one(t)
		require.Equal(t, revocation.HoldWaits, entry.State)
		require.Equal(t, signal.Effective, entry.Hold.Due)
		require.Equal(t, revocation.HeldForDate, entry.Hold.Why)
		require.Contains(t, entry.Hold.Reason, "employee.terminated takes effect at "+signal.Effective.UTC().Format(time.RFC3339))
		require.Equal(t, []string{"hold"}, s.verbs())
		require.Equal(t, entry.Key, s.actions[0].Target)
		require.Contains(t, s.actions[0].Reason, "source hr: job "+entry.Hold.Job.ID+" takes effect at ")
		held := s.seen(revocation.StepHeld)
		require.Len(t, held, 1)
		require.Equal(t, "hold", held[0].Reason)

		pass(week)
		stop := s.release(t)
		s.wakes <- revocation.Wake{Key: entry.Key, Due: signal.Effective}
		pass(time.Millisecond)
		stop()
		require.Len(t, s.jobs, 1)
		job := s.jobs[0]
		require.Equal(t, signal.Effective, job.Received, "what was revoked before the date does not cover it")
		require.Equal(t, signal.Effective, job.Effective)
		require.True(t, job.Enqueued.After(signal.Effective))
		require.Equal(t, signal.Person, job.Person)
		require.Equal(t, revocation.LaneHigh, job.Lane)
		require.Equal(t, []string{"hold", "release"}, s.verbs())
		require.Len(t, s.seen(revocation.StepReleased), 1)
		require.Len(t, s.seen(revocation.StepEnqueued), 1)
		require.Equal(t, revocation.HoldReleased, s.holds.one(t).State)
	})
}

func TestATerminationAtOnceIsNotHeld(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]time.Duration{"no date": 0, "a date in the past": -week} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newStores()
				s.say(t, leaves("a", in))
				require.Len(t, s.jobs, 1)
				require.Zero(t, s.jobs[0].Effective)
				require.Empty(t, s.holds.known)
				require.Empty(t, s.actions)
			})
		})
	}
}

func TestWhatSourcesSayOfTheirTerminations(t *testing.T) {
	t.Parallel()
	later := func(signal revocation.Signal, d time.Duration) revocation.Signal {
		signal.Received = signal.Received.Add(d)
		return signal
	}
	type signals []revocation.Signal
	for name, tt := range map[string]struct {
		said    func() signals
		state   revocation.HoldState
		due     time.Duration // from now, of a hold that waits
		jobs    int
		verbs   []string
		ignored []string
	}{
		"corrected": {
			func() signals { return signals{leaves("a", week), later(leaves("b", 2*week), 1)} },
			revocation.HoldWaits, 2 * week, 0,
			[]string{"hold", "replace"},
			nil,
		},
		"corrected to at once": {
			func() signals { return signals{leaves("a", week), later(leaves("b", 0), 1)} },
			revocation.HoldReleased, 0, 1,
			[]string{"hold", "release"},
			nil,
		},
		"out of order": {
			func() signals { return signals{later(leaves("b", 2*week), 1), leaves("a", week)} },
			revocation.HoldWaits, 2 * week, 0,
			[]string{"hold"},
			[]string{dispatch.IgnoredSuperseded},
		},
		"sent twice": {
			func() signals { return signals{leaves("a", week), later(leaves("a", week), 1)} },
			revocation.HoldWaits, week, 0,
			[]string{"hold"},
			[]string{dispatch.IgnoredDuplicate},
		},
		"said again": {
			func() signals { return signals{leaves("a", week), later(leaves("b", week), 1)} },
			revocation.HoldWaits, week, 0,
			[]string{"hold"},
			[]string{dispatch.IgnoredUnchanged},
		},
		"withdrawn": {
			func() signals { return signals{leaves("a", week), later(stays("b"), 1)} },
			revocation.HoldWithdrawn, 0, 0,
			[]string{"hold", "withdraw"},
			nil,
		},
		"withdrawn twice": {
			func() signals { return signals{leaves("a", week), later(stays("b"), 1), later(stays("b"), 2)} },
			revocation.HoldWithdrawn, 0, 0,
			[]string{"hold", "withdraw"},
			[]string{dispatch.IgnoredDuplicate},
		},
		"withdrawn before it is heard of": {
			func() signals { return signals{later(stays("b"), 1), leaves("a", week), leaves("c", 0)} },
			revocation.HoldWithdrawn, 0, 0,
			[]string{"withdraw"},
			[]string{dispatch.IgnoredSuperseded, dispatch.IgnoredSuperseded},
		},
		"withdrawn, then sent again": {
			func() signals { return signals{leaves("a", week), later(stays("b"), 1), later(leaves("a", week), 2)} },
			revocation.HoldWithdrawn, 0, 0,
			[]string{"hold", "withdraw"},
			[]string{dispatch.IgnoredSuperseded},
		},
		"withdrawn, then announced anew": {
			func() signals { return signals{leaves("a", week), later(stays("b"), 1), later(leaves("c", week), 2)} },
			revocation.HoldWaits, week, 0,
			[]string{"hold", "withdraw", "hold"},
			nil,
		},
		"withdrawn too late": {
			func() signals { return signals{leaves("a", week), later(leaves("b", 0), 1), later(stays("c"), 2)} },
			revocation.HoldWithdrawn, 0, 1,
			[]string{"hold", "release", "withdraw"},
			nil,
		},
		"withdrawal of an older one": {
			func() signals { return signals{later(leaves("a", week), 1), stays("b")} },
			revocation.HoldWaits, week, 0,
			[]string{"hold"},
			[]string{dispatch.IgnoredSuperseded},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newStores()
				began := time.Now()
				s.say(t, tt.said()...)
				entry := s.holds.one(t)
				require.Equal(t, tt.state, entry.State)
				if tt.state == revocation.HoldWaits {
					require.Equal(t, began.Add(tt.due), entry.Hold.Due)
				}
				require.Len(t, s.jobs, tt.jobs)
				require.Equal(t, tt.verbs, s.verbs())
				var ignored []string
				for _, event := range s.seen(revocation.StepIgnored) {
					ignored = append(ignored, event.Reason)
				}
				require.Equal(t, tt.ignored, ignored)
				require.Empty(t, s.letters)
			})
		})
	}
}

func TestDatesAndPeopleThatCannotBe(t *testing.T) {
	t.Parallel()
	nobody := func(signal revocation.Signal) revocation.Signal {
		signal.Person, signal.NoPerson = revocation.Person{}, "nobody at data.email"
		return signal
	}
	for name, tt := range map[string]struct {
		signal func() revocation.Signal
		reason string
	}{
		"too far":              {func() revocation.Signal { return leaves("a", 401*24*time.Hour) }, "employee.terminated: its effective date is more than 400 days ahead"},
		"nobody leaves":        {func() revocation.Signal { return nobody(leaves("a", week)) }, "employee.terminated: nobody at data.email"},
		"nobody stays instead": {func() revocation.Signal { return nobody(stays("a")) }, "employee.termination_cancelled: nobody at data.email"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newStores()
				s.say(t, tt.signal())
				require.Empty(t, s.holds.known)
				require.Empty(t, s.jobs)
				require.Len(t, s.letters, 1)
				require.Contains(t, s.letters[0].Reason, tt.reason)
				require.NotContains(t, s.letters[0].Reason, "ada@")
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		s := newStores()
		s.say(t, leaves("a", 399*24*time.Hour))
		require.Equal(t, revocation.HoldWaits, s.holds.one(t).State)
	})
}

// The store fails a few times on the way: it ends as if it had not.
func TestHoldsThoughTheStoreFails(t *testing.T) {
	t.Parallel()
	for failures := range 5 {
		synctest.Test(t, func(t *testing.T) {
			s := newStores()
			s.failing, s.err = failures, errors.New("no server")
			first, off, now := leaves("a", week), stays("b"), leaves("c", 0)
			off.Received, now.Received = off.Received.Add(1), now.Received.Add(2)
			again := leaves("d", 2*week)
			again.Received = again.Received.Add(3)
			s.say(t, first, off, now, again)
			require.Equal(t, []string{"hold", "withdraw", "hold"}, s.verbs())
			require.Len(t, s.jobs, 1)
			require.Len(t, s.verdicts, 4)
			require.Equal(t, revocation.HoldWaits, s.holds.one(t).State)
		})
	}
}

func TestFullHoldsDoNotHoldUpTheLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStores()
		s.holds.err = revocation.ErrHoldsFull
		alert := leaves("b", 0)
		alert.Kind, alert.Severity = revocation.KindAlert, revocation.SeverityHigh
		s.say(t, leaves("a", week), alert)
		require.Len(t, s.jobs, 1)
		require.Equal(t, []revocation.Verdict{{Again: true, Delay: 15 * time.Second}, {}}, s.verdicts)
	})
}

func TestReleaseLeavesWhatIsNotDue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStores()
		signal := leaves("a", week)
		s.say(t, signal)
		key := s.holds.one(t).Key
		stop := s.release(t)
		s.wakes <- revocation.Wake{Key: key, Due: signal.Effective}                // by a clock that goes ahead
		s.wakes <- revocation.Wake{Key: key, Due: signal.Effective.Add(-3 * week)} // was replaced
		s.wakes <- revocation.Wake{Key: "hold_forgotten", Due: signal.Effective}   // ended long ago
		pass(time.Until(signal.Effective) - 300*time.Millisecond)                  // nearly there
		s.wakes <- revocation.Wake{Key: key, Due: signal.Effective}
		pass(time.Millisecond)
		require.Empty(t, s.jobs)
		require.Equal(t, []revocation.Verdict{{}, {Again: true, Delay: time.Minute}, {}, {}, {Again: true, Delay: 300 * time.Millisecond}}, s.verdicts)
		pass(time.Second)
		s.wakes <- revocation.Wake{Key: key, Due: signal.Effective}
		pass(time.Millisecond)
		stop()
		require.Len(t, s.jobs, 1)
	})
}

// Every step of a release may fail, and the wake may be handed out to two processes.
func TestReleaseIsRepeatedUntilItIsDone(t *testing.T) {
	t.Parallel()
	for failures := range 3 {
		synctest.Test(t, func(t *testing.T) {
			one := newStores()
			signal := leaves("a", time.Hour)
			one.say(t, signal)
			two := newStoresOf(one.holds)
			one.failing, one.err = failures, errors.New("no server")
			key := one.holds.one(t).Key
			pass(time.Hour)
			stopOne, stopTwo := one.release(t), two.release(t)
			for range failures + 1 {
				one.wakes <- revocation.Wake{Key: key, Due: signal.Effective}
				pass(time.Second)
			}
			two.wakes <- revocation.Wake{Key: key, Due: signal.Effective}
			pass(time.Second)
			stopOne()
			stopTwo()
			require.Len(t, one.jobs, 1)
			require.Len(t, two.jobs, 1)
			require.Equal(t, one.jobs[0].ID, two.jobs[0].ID, "which the queue stores once")
			require.Equal(t, []string{"hold", "release"}, one.verbs())
			require.Equal(t, one.actions[len(one.actions)-1], two.actions[0])
			require.Len(t, one.verdicts, 1+failures+1)
			require.Len(t, append(one.seen(revocation.StepReleased), two.seen(revocation.StepReleased)...), 1)
		})
	}
}

func TestAWithdrawalIsInTimeOrTooLate(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		first  string
		jobs   int
		reason string
	}{
		"in time":  {"withdrawal", 0, "called off; it was to take effect at"},
		"too late": {"wake", 1, "too late: job job_"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newStores()
				signal, off := leaves("a", time.Second), stays("b")
				off.Received = off.Received.Add(1)
				s.say(t, signal)
				key := s.holds.one(t).Key
				if tt.first == "withdrawal" {
					s.say(t, off)
				}
				stop := s.release(t)
				s.wakes <- revocation.Wake{Key: key, Due: signal.Effective}
				pass(time.Second)
				stop()
				if tt.first == "wake" {
					s.say(t, off)
				}
				require.Len(t, s.jobs, tt.jobs)
				require.Contains(t, s.actions[len(s.actions)-1].Reason, tt.reason)
				require.Equal(t, revocation.HoldWithdrawn, s.holds.one(t).State)
			})
		})
	}
}

func TestReleaserLooksForLostTimes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStores()
		stop := s.release(t)
		pass(20*time.Minute + time.Millisecond)
		stop()
		require.Equal(t, 3, s.holds.rearms)
		troubles := s.seen(revocation.StepTrouble)
		require.Len(t, troubles, 2)
		require.ErrorContains(t, troubles[0].Err, "no server")
		require.ErrorContains(t, troubles[1].Err, "1 holds had lost their time")
	})
}
