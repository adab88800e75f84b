package dispatch_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sever/policy"
	"sever/revocation"
)

// ruled is a policy of one rule for the signals of leaves and alerts.
func ruled(t *testing.T, mode revocation.Mode, do policy.Action) *policy.Policy {
	t.Helper()
	do.Revoke, do.Lane = &policy.Revoke{OAuthTokens: true}, "high"
	made, problems := policy.Compile([]policy.RuleConfig{{Name: "mine", When: `source == "hr"`, Do: do}}, policy.Options{Mode: mode})
	require.False(t, policy.Broken(problems), problems)
	return &made
}

// alerts is an alert about ada, sent now.
func alerts(name string) revocation.Signal {
	signal := leaves(name, 0)
	signal.Type, signal.Kind, signal.Severity = "alert.raised", revocation.KindAlert, revocation.SeverityHigh
	return signal
}

// approve has an operator approve of the only hold, and gives its error.
func (s *stores) approve(t *testing.T, by string) (err error) {
	t.Helper()
	key := s.holds.one(t).Key
	require.NoError(t, s.holds.Change(t.Context(), key, func(e revocation.HoldEntry) (next revocation.HoldEntry, differs bool) {
		next, err = e.Approve(by, time.Now())
		return next, err == nil
	}))
	return err
}

// wake has the time of the only hold come, if it has one, and waits for it.
func (s *stores) wake(t *testing.T) {
	t.Helper()
	hold := s.holds.one(t).Hold
	if hold == nil || hold.Wakes().IsZero() {
		return
	}
	if left := time.Until(hold.Wakes()); left > 0 {
		pass(left)
	}
	stop := s.release(t)
	s.wakes <- revocation.Wake{Key: s.holds.one(t).Key, Due: hold.Wakes()}
	pass(time.Minute)
	stop()
}

// Every mode, number of people, expiry and what operators do, to what becomes of the job.
func TestModesApprovalsAndExpiry(t *testing.T) {
	t.Parallel()
	const at, dead, waits = "on its lane", "dead letter", "waits for ever"
	type approvals = revocation.Approvals
	day := 24 * time.Hour
	for _, tt := range []struct {
		global, rule revocation.Mode
		settings     approvals
		by           []string // who approves, in this order
		want         string
		approved     bool
	}{
		{"", "", approvals{People: 1, Expire: day}, nil, at, false},
		{"", revocation.ModeEnforce, approvals{People: 2, Expire: day}, nil, at, false},
		{"", revocation.ModeDryRun, approvals{People: 1, Expire: day}, nil, at, false},
		{revocation.ModeDryRun, revocation.ModeApprove, approvals{People: 1, Expire: day}, nil, at, false},
		{revocation.ModeDryRun, "", approvals{People: 2}, nil, at, false},

		{"", revocation.ModeApprove, approvals{People: 1, Expire: day}, nil, dead, false},
		{revocation.ModeApprove, "", approvals{People: 1, Expire: day}, nil, dead, false},
		{revocation.ModeApprove, revocation.ModeEnforce, approvals{People: 1, Expire: day}, nil, dead, false},
		{revocation.ModeApprove, "", approvals{People: 1, Expire: day, Release: true}, nil, at, false},
		{revocation.ModeApprove, "", approvals{People: 1}, nil, waits, false},
		{revocation.ModeApprove, "", approvals{People: 1, Release: true}, nil, waits, false},
		{revocation.ModeApprove, "", approvals{People: 1, Expire: day}, []string{"ada"}, at, true},
		{revocation.ModeApprove, "", approvals{People: 1, Expire: day}, []string{""}, at, true},
		{revocation.ModeApprove, "", approvals{People: 1}, []string{"ada"}, at, true},
		{revocation.ModeApprove, "", approvals{People: 1, Expire: day, Release: true}, []string{"ada"}, at, true},
		{revocation.ModeApprove, "", approvals{}, []string{"ada"}, at, true},

		{revocation.ModeApprove, "", approvals{People: 2, Expire: day}, nil, dead, false},
		{revocation.ModeApprove, "", approvals{People: 2, Expire: day}, []string{"ada"}, dead, false},
		{revocation.ModeApprove, "", approvals{People: 2, Expire: day}, []string{"ada", "Ada"}, dead, false},
		{revocation.ModeApprove, "", approvals{People: 2, Expire: day}, []string{"", ""}, dead, false},
		{revocation.ModeApprove, "", approvals{People: 2, Expire: day}, []string{"ada", "bob"}, at, true},
		{revocation.ModeApprove, "", approvals{People: 2, Expire: day, Release: true}, []string{"ada"}, at, false},
		{revocation.ModeApprove, "", approvals{People: 2, Expire: day, Release: true}, []string{"ada", "bob"}, at, true},
		{revocation.ModeApprove, "", approvals{People: 2}, []string{"ada"}, waits, false},
		{revocation.ModeApprove, "", approvals{People: 2}, []string{"ada", "bob"}, at, true},
	} {
		for _, signalOf := range []func(string) revocation.Signal{alerts, func(name string) revocation.Signal { return leaves(name, 0) }} {
			synctest.Test(t, func(t *testing.T) {
				s := newStores()
				s.rules, s.approvals = ruled(t, tt.global, policy.Action{Mode: string(tt.rule)}), tt.settings
				signal := signalOf("a")
				name := fmt.Sprintf("%+v of %s", tt, signal.Kind)
				s.say(t, signal)
				if len(s.holds.known) > 0 {
					require.Empty(t, s.jobs, name)
					for _, by := range tt.by {
						_ = s.approve(t, by)
					}
					s.wake(t)
				}
				switch tt.want {
				case at:
					require.Len(t, s.jobs, 1, name)
					job := s.jobs[0]
					require.Equal(t, tt.approved, job.Approved, name)
					require.Equal(t, signal.Received, job.Received, "the alert's own time: %s", name)
					require.Equal(t, tt.approved, job.Mode == revocation.ModeApprove, "who lets it go: %s", name)
					require.Equal(t, len(s.holds.known), job.Redrives, name)
					require.Empty(t, s.letters, name)
				case dead:
					require.Empty(t, s.jobs, name)
					require.Len(t, s.letters, 1, name)
					require.Equal(t, signal.ID, s.letters[0].Job.Signal, name)
					require.Equal(t, revocation.HoldExpired, s.holds.one(t).State, name)
					require.Equal(t, []string{"hold", "expire"}, s.verbs(), name)
				case waits:
					require.Empty(t, s.jobs, name)
					require.Empty(t, s.letters, name)
					require.Equal(t, revocation.HoldWaits, s.holds.one(t).State, name)
				default:
					t.Fatal(tt.want)
				}
			})
		}
	}
}

func TestARulesDelay(t *testing.T) {
	t.Parallel()
	for name, signalOf := range map[string]func(string) revocation.Signal{
		"an alert": alerts, "a termination": func(name string) revocation.Signal { return leaves(name, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newStores()
				s.rules = ruled(t, "", policy.Action{Delay: time.Hour, Again: time.Minute, Everywhere: true})
				signal := signalOf("a")
				s.say(t, signal, signal)
				hold := s.holds.one(t).Hold
				require.Equal(t, []any{revocation.HeldForDelay, signal.Received.Add(time.Hour)}, []any{hold.Why, hold.Due})
				require.Equal(t, []string{"hold"}, s.verbs())
				s.wake(t)
				s.say(t, signal)
				require.Len(t, s.jobs, 1, "sent once more, it is not held once more")
				job := s.jobs[0]
				require.Equal(t, []any{false, 1, signal.Received}, []any{job.Approved, job.Redrives, job.Received})
				require.Equal(t, []any{time.Minute, true, s.rules.Version()}, []any{job.Again, job.Everywhere, job.Policy})
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		s := newStores()
		s.rules = ruled(t, "", policy.Action{Delay: time.Hour})
		signal := leaves("a", week)
		s.say(t, signal)
		require.Equal(t, signal.Effective.Add(time.Hour), s.holds.one(t).Hold.Due, "after a date, the delay counts from it")
	})
}

// Terminations that wait for an operator are called off by their source like those with a
// date; what an operator has decided of one says nothing of the next.
func TestTerminationsThatWaitForAnOperator(t *testing.T) {
	t.Parallel()
	later := func(signal revocation.Signal, d time.Duration) revocation.Signal {
		signal.Received = signal.Received.Add(d)
		return signal
	}
	synctest.Test(t, func(t *testing.T) {
		s := newStores()
		s.rules, s.approvals = ruled(t, revocation.ModeApprove, policy.Action{}), revocation.Approvals{People: 1}
		s.say(t, leaves("a", 0), later(stays("b"), 1))
		require.Equal(t, revocation.HoldWithdrawn, s.holds.one(t).State)
		s.say(t, leaves("c", 0))
		require.NoError(t, s.approve(t, "ada"))
		s.wake(t)
		require.Len(t, s.jobs, 1)
		s.say(t, leaves("d", 0))
		require.Equal(t, revocation.HoldWaits, s.holds.one(t).State, "another one")
		require.Equal(t, "sig_d", s.holds.one(t).Hold.Job.Signal)
		require.Equal(t, []string{"hold", "withdraw", "hold", "release", "hold"}, s.verbs())
	})
}

// A crash, or a store that fails, at each step of holding and expiring: the job ends as a
// dead letter, on record, and nothing is lost or doubled.
func TestExpiryThoughTheStoreFails(t *testing.T) {
	t.Parallel()
	for failures := range 4 {
		synctest.Test(t, func(t *testing.T) {
			s := newStores()
			s.rules, s.approvals = ruled(t, revocation.ModeApprove, policy.Action{}), revocation.Approvals{People: 1, Expire: time.Hour}
			s.say(t, alerts("a"))
			key, due := s.holds.one(t).Key, s.holds.one(t).Hold.Expires
			pass(time.Until(due))
			s.failing, s.err = failures, errors.New("no server")
			stop := s.release(t)
			for range failures + 2 { // the wake comes again until it is acknowledged, and once too often
				s.wakes <- revocation.Wake{Key: key, Due: due}
				pass(time.Minute)
			}
			stop()
			require.Empty(t, s.jobs)
			ids := map[string]int{}
			for _, letter := range s.letters {
				ids[letter.ID]++
				require.Contains(t, letter.Reason, "nobody approved or rejected it before")
			}
			require.Len(t, ids, 1)
			require.Equal(t, []string{"hold", "expire"}, s.verbs())
			again := 0
			for _, verdict := range s.verdicts {
				if verdict.Again {
					again++
				}
			}
			require.Equal(t, failures, again, "a wake is acknowledged when all is done")
		})
	}
}

// From an approval on, the job is released once, whatever fails, and is not held once more.
func TestApprovalThoughTheStoreFails(t *testing.T) {
	t.Parallel()
	for failures := range 4 {
		synctest.Test(t, func(t *testing.T) {
			s := newStores()
			s.rules, s.approvals = ruled(t, revocation.ModeApprove, policy.Action{}), revocation.Approvals{People: 1, Expire: time.Hour}
			s.failing, s.err = failures, errors.New("no server")
			signal := alerts("a")
			s.say(t, signal)
			expires := s.holds.one(t).Hold.Expires
			require.NoError(t, s.approve(t, "ada"))
			require.ErrorIs(t, s.approve(t, "bob"), revocation.ErrInvalid, "it is on its way")
			entry := s.holds.one(t)
			s.failing = failures
			stop := s.release(t)
			for range failures + 1 {
				s.wakes <- revocation.Wake{Key: entry.Key, Due: entry.Hold.Due}
				pass(time.Minute)
			}
			s.wakes <- revocation.Wake{Key: entry.Key, Due: expires} // set before
			pass(time.Hour)
			stop()
			s.say(t, signal) // its entry was not acknowledged before a crash
			require.Len(t, s.jobs, 1)
			require.Empty(t, s.letters)
			require.True(t, s.jobs[0].Approved)
			require.Equal(t, []string{"hold", "release"}, s.verbs())
		})
	}
}

func TestSecondLooksAreCalledOff(t *testing.T) {
	t.Parallel()
	trusted := func(kind string) revocation.Signal {
		signal := stays("b")
		if kind != "" {
			signal.Kind, signal.Type = "", kind
		}
		return signal
	}
	for name, tt := range map[string]struct {
		says    func() revocation.Signal
		why     string
		called  bool
		failing int
	}{
		"unsuspended":        {func() revocation.Signal { return trusted("user.lifecycle.unsuspend") }, revocation.HeldForSecondLook, true, 0},
		"reactivated":        {func() revocation.Signal { return trusted("user.lifecycle.reactivate") }, revocation.HeldForSecondLook, true, 0},
		"rehired":            {func() revocation.Signal { return trusted("") }, revocation.HeldForSecondLook, true, 0},
		"the store fails":    {func() revocation.Signal { return trusted("user.lifecycle.unsuspend") }, revocation.HeldForSecondLook, true, 1},
		"something else":     {func() revocation.Signal { return trusted("user.session.start") }, revocation.HeldForSecondLook, false, 0},
		"held for the brake": {func() revocation.Signal { return trusted("user.lifecycle.unsuspend") }, revocation.HeldForBrake, false, 0},
		"unsuspended, by id": {func() revocation.Signal {
			signal := trusted("user.lifecycle.unsuspend")
			signal.Person = revocation.Person{Kind: revocation.PersonOktaID, Value: ada}
			return signal
		}, revocation.HeldForSecondLook, true, 0},
		"another id": {func() revocation.Signal {
			signal := trusted("user.lifecycle.unsuspend")
			signal.Person = revocation.Person{Kind: revocation.PersonOktaID, Value: grace}
			return signal
		}, revocation.HeldForSecondLook, false, 0},
		"of another": {func() revocation.Signal {
			signal := trusted("user.lifecycle.unsuspend")
			signal.Person.Value = "bob@acme.example"
			return signal
		}, revocation.HeldForSecondLook, false, 0},
		"older than the alert": {func() revocation.Signal {
			signal := trusted("user.lifecycle.unsuspend")
			signal.Occurred = signal.Received.Add(-3 * time.Hour)
			return signal
		}, revocation.HeldForSecondLook, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newStores()
				job := revocation.NewJob(alerts("a"), "mine", revocation.LaneHigh, revocation.Scope{})
				job.Occurred = time.Now().Add(-time.Hour)
				hold := revocation.Hold{Key: "hold_again", Why: tt.why, Job: job, User: ada, Due: time.Now().Add(time.Hour), Held: time.Now().Add(-time.Second)}
				entry, _ := revocation.HoldEntry{}.Put(hold, revocation.Notice{}, time.Now())
				s.holds.known[hold.Key] = entry
				s.failing, s.err = tt.failing, errors.New("no server")
				s.say(t, tt.says())
				want := revocation.HoldWaits
				if tt.called {
					want = revocation.HoldWithdrawn
					require.Contains(t, s.verbs(), "withdraw")
				}
				require.Equal(t, want, s.holds.known[hold.Key].State)
				stop := s.release(t)
				pass(time.Until(hold.Due))
				s.wakes <- revocation.Wake{Key: hold.Key, Due: hold.Due}
				pass(time.Minute)
				stop()
				require.Equal(t, tt.called, len(s.jobs) == 0)
			})
		})
	}
}
