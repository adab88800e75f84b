package revocation_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sever/revocation"
)

// waiting gives the holds that wait.
func (w *world) waiting() []revocation.Hold {
	w.mu.Lock()
	defer w.mu.Unlock()
	var holds []revocation.Hold
	for _, entry := range w.holds {
		if entry.State == revocation.HoldWaits {
			holds = append(holds, *entry.Hold)
		}
	}
	slices.SortFunc(holds, func(a, b revocation.Hold) int { return a.Held.Compare(b.Held) })
	return holds
}

// release has a hold let go: by an operator, or because its time has come.
func (w *world) release(hold revocation.Hold, approved bool) {
	w.mu.Lock()
	entry := w.holds[hold.Key]
	entry.State = revocation.HoldReleased
	w.holds[hold.Key] = entry
	w.mu.Unlock()
	if approved {
		hold.Approvals = make([]revocation.Approval, max(hold.People, 1))
	}
	w.lane.publish(hold.Release(time.Now()))
}

// Every combination of what may keep a job back, and of what lets it through.
func TestWorkerGuards(t *testing.T) {
	t.Parallel()
	const nobody, held, refused = "nobody", "held", "refused"
	for _, lane := range revocation.Lanes() {
		for _, mode := range []revocation.Mode{"", revocation.ModeEnforce, revocation.ModeDryRun, revocation.ModeApprove} {
			for _, protected := range []string{nobody, held, refused} {
				for _, full := range []bool{false, true} { // the brake
					for _, approved := range []bool{false, true} {
						outcome, why := revocation.OutcomeRevoked, ""
						switch {
						case protected == refused, mode == revocation.ModeDryRun:
							outcome = revocation.OutcomeRefused
						case approved:
						case protected == held:
							outcome, why = revocation.OutcomeHeld, revocation.HeldForProtected
						case mode == revocation.ModeApprove:
							outcome, why = revocation.OutcomeHeld, revocation.HeldForApproval
						case full:
							outcome, why = revocation.OutcomeHeld, revocation.HeldForBrake
						}
						name := fmt.Sprintf("%s, mode %q, protected %s, brake full %t, approved %t", lane, mode, protected, full, approved)
						t.Run(name, func(t *testing.T) {
							t.Parallel()
							synctest.Test(t, func(t *testing.T) {
								w := newWorld()
								job := suspended("sig_1", ada)
								job.Lane, job.Mode, job.Approved = lane, mode, approved
								w.limits = &revocation.BrakeLimits{Per: time.Hour, Max: 1}
								if full {
									w.room, _, _ = w.room.Claim(*w.limits, job, grace, time.Now())
								}
								switch protected {
								case held:
									w.shield[ada] = "they are protected"
								case refused:
									w.refuse[ada] = "they are protected"
								}
								w.lane.publish(job)
								w.finish(t, w.start(t, 1))
								w.requireOutcome(t, job, outcome, why)
							})
						})
					}
				}
			}
		}
	}
}

func (w *world) requireOutcome(t *testing.T, job revocation.Job, outcome revocation.Outcome, why string) {
	t.Helper()
	calls, audit, letters := w.seen()
	require.Empty(t, letters)
	require.Len(t, audit, 1)
	require.Equal(t, outcome, audit[0].Outcome)
	require.Equal(t, ada, audit[0].User)
	require.NotEmpty(t, audit[0].Reason)
	require.Equal(t, []string{"done"}, w.lane.ends())
	_, finished, err := w.ledger.Finished(t.Context(), job.ID)
	require.NoError(t, err)
	if outcome == revocation.OutcomeRevoked {
		require.Len(t, calls, 1)
	} else {
		require.Empty(t, calls)
	}
	if why == "" {
		require.Empty(t, w.waiting())
		require.True(t, finished)
		return
	}
	require.False(t, finished, "it is not finished")
	holds := w.waiting()
	require.Len(t, holds, 1)
	require.Equal(t, why, holds[0].Why)
	require.Equal(t, job, holds[0].Job)
	require.Equal(t, revocation.JobHoldKey(job.ID), holds[0].Key)
	require.Zero(t, holds[0].Due)
	require.Equal(t, 1, w.steps()[revocation.StepHeld])
	require.Equal(t, audit[0].Reason, holds[0].Reason)
}

// The hold is there before the job's task ends, and all of it may run twice.
func TestWorkerCrashesWhileItHolds(t *testing.T) {
	t.Parallel()
	way := []string{opFinished, opResolve, opNewest, opJudge, opHold, opAppend, opDone}
	for after := range len(way) + 1 {
		t.Run(fmt.Sprintf("after %d steps", after), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.shield[ada] = "they are protected"
				job := suspended("sig_1", ada)
				w.lane.publish(job)
				pass(time.Second)
				dying := w.startDying(t, 1, after)
				pass(time.Minute)
				dying.kill()
				require.Equal(t, way[:after], append([]string{}, w.trace...))
				p := w.start(t, 1)
				pass(time.Hour)
				holds := w.waiting()
				require.Len(t, holds, 1)
				w.release(holds[0], true)
				w.finish(t, p)
				records := w.revocationsOf(job.ID)
				require.Len(t, records, 1)
				require.True(t, records[0].Job.Approved)
				require.Equal(t, 1, records[0].Job.Redrives)
				require.Empty(t, w.waiting())
			})
		})
	}
}

// A guard that cannot tell is asked again; where another job would be given up, or would be
// at once, this one is held. Nobody is called meanwhile.
func TestWorkerHoldsWhomItCannotTell(t *testing.T) {
	t.Parallel()
	for failure, atOnce := range map[revocation.Failure]bool{
		revocation.FailureTemporary: false, revocation.FailureRateLimited: false,
		revocation.FailureForbidden: true, revocation.FailureInvalid: true,
	} {
		t.Run(string(failure), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.unsure = func(string) error { return &revocation.CallError{Failure: failure, Err: errors.New("no groups")} }
				job := suspended("sig_1", ada)
				began := time.Now()
				w.lane.publish(job)
				w.finish(t, w.start(t, 1))
				calls, audit, letters := w.seen()
				require.Empty(t, calls)
				require.Empty(t, letters)
				require.Equal(t, revocation.OutcomeHeld, audit[len(audit)-1].Outcome)
				holds := w.waiting()
				require.Len(t, holds, 1)
				require.Equal(t, revocation.HeldForProtected, holds[0].Why)
				require.Contains(t, holds[0].Reason, "no groups")
				require.Equal(t, !atOnce, time.Since(began) >= time.Hour)

				// Approved, they are still not called while it cannot be told: they may be of the refused.
				w.release(holds[0], true)
				w.finish(t, w.start(t, 1))
				calls, _, _ = w.seen()
				require.Empty(t, calls)
				require.Len(t, w.waiting(), 1, "held once more")
				w.unsure = func(string) error { return nil }
				w.release(w.waiting()[0], true)
				w.finish(t, w.start(t, 1))
				require.Len(t, w.revocationsOf(job.ID), 1)
			})
		})
	}
}

// Without the brake's store nobody is called, and nothing is lost.
func TestWorkerWaitsForTheBrakesStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.limits = &revocation.BrakeLimits{Per: time.Minute, Max: 1}
		broken := errors.New("no server")
		w.fault = func(op string) error {
			if op == opBrake {
				return broken
			}
			return nil
		}
		job := suspended("sig_1", ada)
		w.lane.publish(job)
		p := w.start(t, 1)
		pass(time.Hour)
		calls, audit, _ := w.seen()
		require.Empty(t, calls)
		require.Empty(t, audit)
		w.mu.Lock()
		w.fault = func(string) error { return nil }
		w.mu.Unlock()
		w.finish(t, p)
		require.Len(t, w.revocationsOf(job.ID), 1)
	})
}

// What the brake holds for a time asks it again then.
func TestWorkerBrakeLetsGoByTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.limits = &revocation.BrakeLimits{Per: time.Minute, Max: 1}
		w.config = func(config *revocation.Config, _ *revocation.Deps) { config.BrakeHold = 40 * time.Second }
		first, second := suspended("sig_1", ada), suspended("sig_2", grace)
		w.lane.publish(first, second)
		p := w.start(t, 1)
		for _, calls := range []int{1, 1, 2} { // after 40 s there is no room yet, after 80 s there is
			pass(time.Second)
			made, _, _ := w.seen()
			require.Len(t, made, calls)
			if holds := w.waiting(); len(holds) > 0 {
				pass(time.Until(holds[0].Due))
				w.release(holds[0], false)
			}
		}
		w.finish(t, p)
		require.Len(t, w.revocationsOf(second.ID), 1)
		require.False(t, w.revocationsOf(second.ID)[0].Job.Approved)
		require.Equal(t, 1, w.steps()[revocation.StepBraked], "told once")
		require.Equal(t, 2, w.steps()[revocation.StepHeld])
	})
}

// The second look is a job of its own, held once, however often the first is repeated.
func TestWorkerLooksAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.fault = failing(opHold, 2, errors.New("no server"))
		job := suspended("sig_1", ada)
		job.Again = 5 * time.Minute
		w.lane.publish(job, job)
		p := w.start(t, 2)
		pass(time.Minute)
		records := w.revocationsOf(job.ID)
		require.Len(t, records, 1)
		holds := w.waiting()
		require.Len(t, holds, 1)
		second := holds[0]
		require.Equal(t, revocation.HeldForSecondLook, second.Why)
		require.Equal(t, records[0].Began.Add(5*time.Minute), second.Due)
		require.Equal(t, revocation.DeriveID("hold", job.ID, "again"), second.Key)
		require.NotEqual(t, job.ID, second.Job.ID)
		require.Zero(t, second.Job.Again, "there is no third")
		require.Equal(t, ada, second.User)
		require.Equal(t, second.Due, second.Job.Received, "what was done before does not cover it")

		pass(time.Until(second.Due))
		w.release(second, false)
		w.lane.publish(job) // a late duplicate of the first
		w.finish(t, p)
		require.Len(t, w.revocationsOf(second.Job.ID), 1)
		require.Empty(t, w.waiting())
		calls, _, _ := w.seen()
		require.Len(t, calls, 2)
	})
}

func TestWorkerLooksAgainOnlyAtWhomItRevoked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.answer = func(context.Context, string) error {
			return &revocation.CallError{Failure: revocation.FailureGone, Err: errors.New("no such user")}
		}
		job := suspended("sig_1", ada)
		job.Again = time.Minute
		w.lane.publish(job)
		w.finish(t, w.start(t, 1))
		require.Empty(t, w.waiting())
	})
}
