package revocation_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sever/revocation"
)

// wayOfOne is what one job that succeeds does, in order.
func wayOfOne() []string {
	return []string{opFinished, opResolve, opNewest, opJudge, opRevoke, opCommit, opCommitID, opAppend, opDone}
}

func TestWorkerSurvivesEachStepFailingOnce(t *testing.T) {
	t.Parallel()
	for _, op := range wayOfOne() {
		t.Run(op, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.fault = failing(op, 1, errors.New("no server"))
				job := suspended("sig_1", ada)
				w.lane.publish(job)
				pass(time.Second)
				w.finish(t, w.start(t, 1))
				requireRevokedOnce(t, w, job)
				calls, _, letters := w.seen()
				require.Empty(t, letters)
				require.Equal(t, []string{"done"}, w.lane.ends())
				require.Len(t, calls, 1)
			})
		})
	}
}

func TestWorkerPutsAsideThoughEachStepFailsOnce(t *testing.T) {
	t.Parallel()
	for _, op := range []string{opFinished, opResolve, opNewest, opJudge, opRevoke, opBury, opAppend, opEnded} {
		t.Run(op, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.fault = failing(op, 1, errors.New("no server"))
				w.answer = func(context.Context, string) error {
					return &revocation.CallError{Failure: revocation.FailureForbidden, Err: errors.New("not for you")}
				}
				w.lane.publish(suspended("sig_1", ada))
				w.finish(t, w.start(t, 1))
				_, audit, letters := w.seen()
				require.Len(t, letters, 1)
				require.Equal(t, []string{"ended"}, w.lane.ends())
				require.Equal(t, revocation.OutcomeDead, audit[len(audit)-1].Outcome)
			})
		})
	}
}

// A process dies between the two writes of a commit. What its revocation covers until the job comes
// again is covered by something that is on record.
func TestACoveringCallIsOnRecord(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		first, second := suspended("sig_1", ada), suspended("sig_2", ada)
		pass(time.Second)
		w.lane.publish(first)
		p := w.startDying(t, 1, len(wayOfOne())-3) // before opCommitID
		pass(time.Second)
		p.kill()
		w.lane.publish(second)
		p = w.start(t, 1)
		pass(time.Second)
		w.lane.publish(suspended("sig_3", ada)) // its revocation is the newest when the first job comes again
		w.finish(t, p)
		calls, audit, _ := w.seen()
		require.Len(t, calls, 2)
		revoked := map[string]bool{}
		for _, record := range audit {
			if record.Outcome == revocation.OutcomeRevoked {
				revoked[record.Job.ID] = true
			}
		}
		require.Len(t, revoked, 2)
		for _, record := range audit {
			if record.CoveredBy != "" {
				require.Contains(t, revoked, record.CoveredBy)
			}
		}
	})
}

// Here too the ledger knows it before the audit does: else the job, coming again, could be called for
// although its call is on record.
func TestTheLedgerKnowsACoveringCallFirst(t *testing.T) {
	t.Parallel()
	for after := range 2 * len(wayOfOne()) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			first, second := suspended("sig_1", ada), suspended("sig_2", ada)
			pass(time.Second)
			w.lane.publish(first)
			p := w.startDying(t, 1, len(wayOfOne())-3) // before opCommitID
			pass(time.Second)
			p.kill()
			w.lane.publish(second)
			p = w.startDying(t, 1, after)
			pass(time.Second)
			p.kill()
			if len(w.revocationsOf(first.ID)) > 0 {
				_, found, err := w.ledger.Finished(t.Context(), first.ID)
				require.NoError(t, err)
				require.True(t, found, "after %d operations", after)
			}
		})
	}
}

// The process dies between the two writes of a commit, and an operator cancels the job before it comes
// again: its end is the cancelling then, and what its revocation covers is covered by a record of that.
func TestACoveringCallIsOnRecordThoughItsJobWasCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		first, second := suspended("sig_1", ada), suspended("sig_2", ada)
		pass(time.Second)
		w.lane.publish(first)
		p := w.startDying(t, 1, len(wayOfOne())-3) // before opCommitID
		pass(time.Second)
		p.kill()
		w.commit(t, revocation.Record{ID: "aud_0", Job: first, Outcome: revocation.OutcomeRefused, Began: time.Now()})
		w.lane.publish(second)
		w.finish(t, w.start(t, 1))
		calls, _, _ := w.seen()
		require.Len(t, calls, 1)
		finished, _, err := w.ledger.Finished(t.Context(), second.ID)
		require.NoError(t, err)
		require.Equal(t, first.ID, finished.CoveredBy)
		require.Len(t, w.revocationsOf(first.ID), 1)
	})
}

// Two workers have one job in hand: its lease ran out while Okta took long to answer. The ledger keeps
// the first's record, which did not reach the audit; the second acknowledges the job, so that nobody
// comes back to it.
func TestTheRecordThatTheLedgerKeepsIsInTheAudit(t *testing.T) {
	t.Parallel()
	for name, operations := range map[string]int{
		"the audit was away":    -1,
		"the first worker died": len(wayOfOne()) - 2, // before opAppend
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.lane = newLane(time.Second)
				job := suspended("sig_1", ada)
				w.lane.publish(job)
				pass(time.Second)
				audited := time.Now().Add(3500 * time.Millisecond)
				w.fault = func(op string) error {
					if op == opAppend && time.Now().Before(audited) {
						return errors.New("no server")
					}
					return nil
				}
				w.answer = func(context.Context, string) error {
					calls, _, _ := w.seen()
					<-time.After(time.Duration(1+len(calls)) * time.Second)
					return nil
				}
				first := w.startDying(t, 1, operations)
				pass(1500 * time.Millisecond)
				first.stop() // it takes nothing more
				w.finish(t, w.start(t, 1))
				first.end()

				calls, audit, _ := w.seen()
				require.Len(t, calls, 2)
				finished, found, err := w.ledger.Finished(t.Context(), job.ID)
				require.NoError(t, err)
				require.True(t, found)
				require.Contains(t, audit, finished)
				require.Len(t, w.revocationsOf(job.ID), 2, "and so is the other's call")
				require.Equal(t, len(audit), w.steps()[revocation.StepAudited])
			})
		})
	}
}

// The audit is away for longer than a worker insists. What then reaches it late is told of all the same, for the
// log and the metrics, and told of once, however often it is brought.
func TestARecordThatReachesTheAuditLateIsToldOf(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.fault = failing(opAppend, 4, errors.New("no server"))
		job := suspended("sig_1", ada)
		w.lane.publish(job)
		p := w.start(t, 1)
		pass(time.Minute)
		require.Equal(t, 1, w.steps()[revocation.StepAudited])
		w.lane.publish(job)
		w.finish(t, p)
		_, audit, _ := w.seen()
		require.Len(t, audit, 2, "the end of the job, and that of its duplicate")
		require.Equal(t, 2, w.steps()[revocation.StepAudited])
	})
}

// lossyAudit stores what it is given, and its first answers get lost.
type lossyAudit struct {
	revocation.Audit

	lost int
}

func (a *lossyAudit) Append(ctx context.Context, record revocation.Record) (fresh bool, err error) {
	fresh, err = a.Audit.Append(ctx, record)
	a.lost--
	if a.lost >= 0 {
		return false, errors.New("no answer")
	}
	return fresh, err
}

// The audit has the record, and the worker did not hear of it.
func TestARecordWhoseAnswerGotLostIsToldOf(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.config = func(_ *revocation.Config, deps *revocation.Deps) { deps.Audit = &lossyAudit{deps.Audit, 4} }
		job := suspended("sig_1", ada)
		w.lane.publish(job)
		w.finish(t, w.start(t, 1))
		_, audit, _ := w.seen()
		require.Len(t, audit, 1)
		require.Equal(t, 1, w.steps()[revocation.StepAudited])
	})
}

// TestWorkerCrash kills the process between any two steps of a job's way. The job
// comes again counted as a second delivery, or, since counts get lost, as a first.
func TestWorkerCrash(t *testing.T) {
	t.Parallel()
	for after := range len(wayOfOne()) + 1 {
		for _, forgets := range []bool{false, true} {
			t.Run(fmt.Sprintf("after %d steps, forgets %t", after, forgets), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := newWorld()
					w.lane.forgets = forgets
					job := suspended("sig_1", ada)
					w.lane.publish(job)
					pass(time.Second)
					dying := w.startDying(t, 1, after)
					pass(time.Minute)
					dying.kill()
					require.Equal(t, wayOfOne()[:after], append([]string{}, w.trace...), "the crash came where it was meant to")
					w.finish(t, w.start(t, 1))

					requireRevokedOnce(t, w, job)
					calls, _, _ := w.seen()
					if committed := slices.Index(wayOfOne(), opCommit); after > committed {
						require.Len(t, calls, 1, "no second call after the ledger has it")
					} else {
						require.LessOrEqual(t, len(calls), 2)
					}
					require.Equal(t, []string{"done"}, w.lane.ends())
				})
			})
		}
	}
}

// requireRevokedOnce checks that the job's end is in the ledger, and in the audit under one id.
func requireRevokedOnce(t *testing.T, w *world, job revocation.Job) {
	t.Helper()
	finished, found, err := w.ledger.Finished(t.Context(), job.ID)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, revocation.OutcomeRevoked, finished.Outcome)
	require.True(t, finished.Began.After(job.Received))
	require.Equal(t, []revocation.Record{finished}, w.revocationsOf(job.ID))
}

// A failed attempt and the one that succeeds are two records, also when the count
// of deliveries was lost in between: else the store would drop the second.
func TestWorkerAuditsEveryAttemptThoughCountsAreLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.lane.forgets = true
		down := &revocation.CallError{Failure: revocation.FailureTemporary, Call: revocation.Call{Status: 500}, Err: errors.New("Okta is down")}
		w.fault = failing(opRevoke, 2, down)
		job := suspended("sig_1", ada)
		w.lane.publish(job)
		w.finish(t, w.start(t, 1))
		_, audit, _ := w.seen()
		var outcomes []revocation.Outcome
		for _, record := range audit {
			outcomes = append(outcomes, record.Outcome)
		}
		require.Equal(t, []revocation.Outcome{revocation.OutcomeFailed, revocation.OutcomeFailed, revocation.OutcomeRevoked}, outcomes)
	})
}

func TestWorkerContainsAPanic(t *testing.T) {
	t.Parallel()
	for _, where := range []string{opRevoke, opResolve} {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				var mended atomic.Bool
				panicking := func(op, user string) {
					if op == where && user == ada && !mended.Load() {
						panic("a bug")
					}
				}
				w.answer = func(_ context.Context, user string) error {
					panicking(opRevoke, user)
					return nil
				}
				w.identify = func(person revocation.Person) (string, error) {
					panicking(opResolve, person.Value)
					return person.Value, nil
				}
				bad, good := suspended("sig_1", ada), suspended("sig_2", grace)
				w.lane.publish(bad, good)
				pass(time.Second)
				p := w.start(t, 1)
				pass(10 * time.Second)
				require.Len(t, w.revocationsOf(good.ID), 1, "others are served")
				require.Equal(t, 1, w.lane.open())
				mended.Store(true)
				w.finish(t, p)
				require.Len(t, w.revocationsOf(bad.ID), 1, "mended, the job is done: its person was not left claimed")
			})
		})
	}
}

// A job that makes the adapter panic every time must not go round for ever, until
// the stream drops it: it grows too old like any other.
func TestWorkerGivesUpAJobThatAlwaysPanics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.answer = func(context.Context, string) error { panic("a secret?\nsecond line") }
		w.lane.publish(suspended("sig_1", ada))
		w.finish(t, w.start(t, 1))
		calls, audit, letters := w.seen()
		require.Len(t, letters, 1)
		require.Equal(t, []string{"ended"}, w.lane.ends())
		require.NotContains(t, letters[0].Reason, "\n")
		require.NotContains(t, letters[0].Reason, "secret?", "nobody knows what a panic says")
		require.Less(t, len(calls), 200, "it backs off")
		require.Len(t, audit, len(calls))
	})
}

func TestWorkerDefersWhatTheBudgetHoldsBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.fault = failing(opRevoke, 3, &revocation.CallError{
			Failure: revocation.FailureRateLimited, NotSent: true, RetryAfter: 30 * time.Second, Err: errors.New("the budget is spent"),
		})
		job := suspended("sig_1", ada)
		w.lane.publish(job)
		started := time.Now()
		p := w.start(t, 1)
		pass(20 * time.Second)
		_, audit, _ := w.seen()
		require.Empty(t, audit, "Okta saw nothing, so that was no attempt")
		w.finish(t, p)
		calls, audit, _ := w.seen()
		require.Len(t, calls, 1)
		require.Len(t, audit, 1)
		require.Equal(t, revocation.OutcomeRevoked, audit[0].Outcome)
		require.GreaterOrEqual(t, calls[0].at.Sub(started), 90*time.Second)
		require.Less(t, calls[0].at.Sub(started), 95*time.Second)
		require.Equal(t, 3, w.steps()[revocation.StepDeferred])
	})
}

// Okta's own 429 is an attempt: Okta saw it.
func TestWorkerAuditsARateLimitThatOktaSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.fault = failing(opRevoke, 1, &revocation.CallError{
			Failure: revocation.FailureRateLimited, RetryAfter: 30 * time.Second, Call: revocation.Call{Status: 429}, Err: errors.New("too many"),
		})
		w.lane.publish(suspended("sig_1", ada))
		w.finish(t, w.start(t, 1))
		_, audit, _ := w.seen()
		require.Len(t, audit, 2)
		require.Equal(t, revocation.OutcomeFailed, audit[0].Outcome)
		require.Equal(t, 429, audit[0].Call.Status)
		require.Equal(t, revocation.OutcomeRevoked, audit[1].Outcome)
	})
}

func TestWorkerPausesWhenItsQueueFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		broken := &brokenJobs{}
		w.config = func(_ *revocation.Config, deps *revocation.Deps) {
			broken.next, deps.Jobs = deps.Jobs, broken
		}
		p := w.start(t, 1)
		pass(10*time.Second + time.Millisecond)
		require.EqualValues(t, 11, broken.asked.Load(), "once a second")
		require.Equal(t, 11, w.steps()[revocation.StepTrouble])
		broken.mended.Store(true)
		w.lane.publish(suspended("sig_1", ada))
		w.finish(t, p)
		require.Equal(t, []string{"done"}, w.lane.ends())
	})
}

// brokenJobs hands out nothing until it is mended.
type brokenJobs struct {
	next   revocation.Jobs
	asked  atomic.Int32
	mended atomic.Bool
}

func (b *brokenJobs) Take(ctx context.Context) (revocation.Task, error) {
	if revocation.IsUrgent(ctx) {
		return b.next.Take(ctx)
	}
	b.asked.Add(1)
	if !b.mended.Load() {
		return revocation.Task{}, errors.New("no server")
	}
	return b.next.Take(ctx)
}
