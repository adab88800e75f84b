package revocation_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sever/revocation"
)

// slowOkta answers after a time, or when the attempt is out of time.
func slowOkta(takes time.Duration) func(context.Context, string) error {
	return func(ctx context.Context, _ string) error {
		select {
		case <-time.After(takes):
			return nil
		case <-ctx.Done():
			return &revocation.CallError{Failure: revocation.FailureTemporary, Err: fmt.Errorf("no answer: %w", ctx.Err())}
		}
	}
}

func TestWorkerMeetsABurstWithOneOrTwoCalls(t *testing.T) {
	t.Parallel()
	for _, latency := range []time.Duration{0, 300 * time.Millisecond, 3 * time.Second} {
		t.Run(latency.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.answer = slowOkta(latency)
				p := w.start(t, 8)
				for i := range 100 {
					w.lane.publish(suspended(fmt.Sprintf("sig_%d", i), ada))
					pass(10 * time.Millisecond)
				}
				last := time.Now()
				w.finish(t, p)
				calls, _, letters := w.seen()
				require.GreaterOrEqual(t, len(calls), 1)
				require.LessOrEqual(t, len(calls), 2)
				require.Empty(t, letters)
				require.Less(t, time.Since(last), 15*time.Second)
				for i, end := range w.lane.ends() {
					require.Equal(t, "done", end, "job %d", i)
					requireAnswered(t, w, w.lane.messages[i].job)
				}
			})
		})
	}
}

// requireAnswered checks that a revocation begun after the job's receipt is what finished it.
func requireAnswered(t *testing.T, w *world, job revocation.Job) {
	t.Helper()
	record, found, err := w.ledger.Finished(t.Context(), job.ID)
	require.NoError(t, err)
	require.True(t, found)
	if record.Outcome == revocation.OutcomeCovered {
		require.NotEmpty(t, record.CoveredBy)
		record, found, err = w.ledger.Finished(t.Context(), record.CoveredBy)
		require.NoError(t, err)
		require.True(t, found)
	}
	require.True(t, record.Clears(), "%s", record.Outcome)
	require.False(t, record.Began.Before(job.Received))
}

func TestWorkerActsAgainOnANewAlertAfterSpacing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		p := w.start(t, 1)
		w.lane.publish(suspended("sig_1", ada))
		pass(time.Second)
		w.lane.publish(suspended("sig_2", ada), suspended("sig_3", grace))
		pass(time.Second)
		calls, _, _ := w.seen()
		require.Len(t, calls, 2, "hers waits, and holds nobody else up")
		require.Equal(t, grace, calls[1].user)
		require.Equal(t, 1, w.steps()[revocation.StepDeferred])
		w.finish(t, p)
		calls, audit, _ := w.seen()
		require.Len(t, calls, 3)
		require.Equal(t, 5*time.Second, calls[2].at.Sub(calls[0].at), "spacing")
		require.Len(t, audit, 3, "a deferral is no attempt")
		require.Len(t, w.revocationsOf(w.lane.messages[1].job.ID), 1)
	})
}

func TestWorkerWithoutSpacingActsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.config = func(config *revocation.Config, _ *revocation.Deps) { config.Spacing = 0 }
		p := w.start(t, 1)
		w.lane.publish(suspended("sig_1", ada))
		pass(time.Millisecond)
		w.lane.publish(suspended("sig_2", ada))
		pass(time.Millisecond)
		calls, _, _ := w.seen()
		require.Len(t, calls, 2)
		w.finish(t, p)
	})
}

func TestWorkerDoesNotTrustARevocationWithinTheMargin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.config = func(config *revocation.Config, _ *revocation.Deps) { config.Margin = 2 * time.Second }
		w.lane.publish(suspended("sig_1", ada), suspended("sig_2", ada))
		pass(time.Second)
		w.finish(t, w.start(t, 1))
		calls, _, _ := w.seen()
		require.Len(t, calls, 2, "clocks may be 2 s apart: the second alert may be younger than the first call")
	})
}

// A record from a clock that is far ahead, or from before ours was set back, must
// neither cover an alert nor hold it back.
func TestWorkerDistrustsARevocationInTheFuture(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		ahead     time.Duration
		deferrals int
	}{
		"an hour ahead: acts at once":               {time.Hour, 0},
		"a second ahead: waits no more than needed": {time.Second, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				// Of another scope, so that it cannot cover.
				ahead := suspended("sig_0", ada)
				ahead.Scope = revocation.Scope{}
				w.commit(t, revocation.Record{
					ID: "aud_0", Job: ahead, Outcome: revocation.OutcomeRevoked, User: ada, Began: time.Now().Add(tt.ahead),
				})
				job := suspended("sig_1", ada)
				w.lane.publish(job)
				p := w.start(t, 1)
				pass(7 * time.Second)
				calls, _, _ := w.seen()
				require.Len(t, calls, 1)
				require.Equal(t, tt.deferrals, w.steps()[revocation.StepDeferred])
				w.finish(t, p)
			})
		})
	}
}

func TestWorkerActsThoughTheClockWasSetBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.commit(t, revocation.Record{
			ID: "aud_0", Job: suspended("sig_0", ada), Outcome: revocation.OutcomeRevoked, User: ada, Began: time.Now().Add(time.Hour),
		})
		w.lane.publish(suspended("sig_1", ada))
		w.finish(t, w.start(t, 1))
		calls, _, _ := w.seen()
		require.Len(t, calls, 1, "a revocation in the future covers nothing")
	})
}

// While the ledger takes nothing, a job that was done is held, not done again and again.
func TestWorkerHoldsWhatTheLedgerDoesNotTake(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.fault = failing(opCommit, 20, errors.New("bucket is full"))
		job := suspended("sig_1", ada)
		w.lane.publish(job)
		pass(time.Second)
		w.finish(t, w.start(t, 1))
		requireRevokedOnce(t, w, job)
		calls, _, _ := w.seen()
		require.Len(t, calls, 1, "one call, however long the ledger fails")
		require.NotZero(t, w.steps()[revocation.StepTrouble])
	})
}

// A store that never answers must not keep the process from stopping.
func TestWorkerStopsThoughTheLedgerFailsForGood(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.fault = failing(opCommit, 1_000_000, errors.New("bucket is full"))
		w.lane.publish(suspended("sig_1", ada))
		p := w.start(t, 1)
		pass(time.Minute)
		began := time.Now()
		p.end()
		require.LessOrEqual(t, time.Since(began), 30*time.Second)
	})
}

func TestWorkerClaimsAPersonForOneJobAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.answer = slowOkta(4 * time.Second)
		p := w.start(t, 2)
		w.lane.publish(suspended("sig_1", ada))
		pass(time.Second)
		w.lane.publish(suspended("sig_2", ada))
		pass(2 * time.Second)
		calls, _, _ := w.seen()
		require.Len(t, calls, 1, "never two calls side by side")
		require.GreaterOrEqual(t, w.steps()[revocation.StepDeferred], 1)
		w.lane.publish(suspended("sig_3", grace))
		pass(time.Second / 2)
		calls, _, _ = w.seen()
		require.Len(t, calls, 2)
		require.Equal(t, grace, calls[1].user)
		w.finish(t, p)
		calls, _, _ = w.seen()
		require.Len(t, calls, 3, "released, the person can be acted on again")
	})
}

// Two copies of a job in hand at once: the one that read the ledger first must not
// act on what it read after the other finished the job.
func TestWorkerClaimsAJobBeforeItReadsTheLedger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.config = func(config *revocation.Config, _ *revocation.Deps) { config.Spacing = time.Millisecond }
		job := suspended("sig_1", ada)
		pass(time.Second)
		other := suspended("sig_0", ada)
		w.commit(t, revocation.Record{
			ID: "aud_0", Job: other, Outcome: revocation.OutcomeRevoked, User: ada, Began: time.Now(),
		})
		pass(time.Second)
		late := suspended("sig_1", ada)
		w.latency = func(op string) time.Duration { return map[string]time.Duration{opResolve: time.Second}[op] }
		p := w.start(t, 2)
		w.lane.publish(late) // received after that revocation
		pass(time.Millisecond)
		w.latency = func(string) time.Duration { return 0 }
		w.lane.publish(job) // covered by it
		w.finish(t, p)
		calls, _, _ := w.seen()
		require.Len(t, calls, 1, "the late copy acts")
	})
}

func TestWorkerKeepsItsLeaseDuringALongCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.config = func(config *revocation.Config, _ *revocation.Deps) { config.AttemptTimeout = 2 * time.Minute }
		w.answer = slowOkta(100 * time.Second) // the lease is 30 s
		w.lane.publish(suspended("sig_1", ada))
		w.finish(t, w.start(t, 2))
		calls, _, _ := w.seen()
		require.Len(t, calls, 1)
		require.Equal(t, 1, w.lane.messages[0].deliveries, "it was never handed out again")
		beats := 0
		for _, op := range w.trace {
			if op == opExtend {
				beats++
			}
		}
		require.InDelta(t, 10, beats, 1)
		require.Equal(t, opDone, w.trace[len(w.trace)-1], "no heartbeat after the verdict")
	})
}

func TestWorkerReportsALostLease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.answer = slowOkta(15 * time.Second)
		w.fault = failing(opExtend, 1, errors.New("no server"))
		w.lane.publish(suspended("sig_1", ada))
		w.finish(t, w.start(t, 1))
		require.Equal(t, 1, w.steps()[revocation.StepTrouble])
		require.Equal(t, []string{"done"}, w.lane.ends())
	})
}

func TestWorkerBoundsAnAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.answer = slowOkta(time.Hour)
		w.lane.publish(suspended("sig_1", ada))
		p := w.start(t, 1)
		pass(20*time.Second + time.Millisecond)
		_, audit, _ := w.seen()
		require.Len(t, audit, 1)
		require.Equal(t, revocation.OutcomeFailed, audit[0].Outcome)
		w.answer = slowOkta(0)
		w.finish(t, p)
	})
}

// slowFinder finds everybody after a while.
type slowFinder struct {
	revocation.Okta

	took time.Duration
}

func (f slowFinder) Resolve(ctx context.Context, job revocation.Job) (revocation.User, error) {
	select {
	case <-ctx.Done():
		return revocation.User{}, ctx.Err()
	case <-time.After(f.took):
		return f.Okta.Resolve(ctx, job)
	}
}

// To find out that nobody has a login takes three calls one after the other, and each has a
// bound of its own.
func TestWorkerAllowsForSeveralLookups(t *testing.T) {
	t.Parallel()
	for took, outcomes := range map[time.Duration][]revocation.Outcome{
		3 * 19 * time.Second: {revocation.OutcomeRevoked},
		time.Hour:            {revocation.OutcomeFailed}, // bounded all the same
	} {
		t.Run(took.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.config = func(_ *revocation.Config, deps *revocation.Deps) { deps.Okta = slowFinder{deps.Okta, took} }
				w.lane.publish(suspended("sig_1", ada))
				p := w.start(t, 1)
				pass(101 * time.Second)
				p.end()
				_, audit, _ := w.seen()
				var got []revocation.Outcome
				for _, record := range audit {
					got = append(got, record.Outcome)
				}
				require.Equal(t, outcomes, got)
			})
		})
	}
}

func TestWorkerStoppedInACallLetsItFinishAndRecordsIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.answer = slowOkta(10 * time.Second)
		first := suspended("sig_1", ada)
		w.lane.publish(first, suspended("sig_2", grace))
		pass(time.Second)
		p := w.start(t, 1)
		pass(time.Second)
		stopped := time.Now()
		p.end()
		require.Equal(t, 9*time.Second, time.Since(stopped), "Run waits for the call, and takes nothing more")
		requireRevokedOnce(t, w, first)
		require.Equal(t, []string{"done", ""}, w.lane.ends())
		calls, _, _ := w.seen()
		require.Len(t, calls, 1)
	})
}

func TestWorkerStopsAtOnceWhenIdle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newWorld().start(t, 4)
		pass(time.Second)
		stopped := time.Now()
		p.end()
		require.Zero(t, time.Since(stopped))
	})
}

func TestObserversJoin(t *testing.T) {
	t.Parallel()
	var none revocation.Observer
	none.Observe(revocation.Event{Step: revocation.StepTaken}) // hears nothing
	var heard []string
	say := func(name string) revocation.Observer {
		return func(event revocation.Event) { heard = append(heard, name+string(event.Step)) }
	}
	revocation.Observers(say("a "), nil, say("b "))(revocation.Event{Step: revocation.StepTaken})
	require.Equal(t, []string{"a taken", "b taken"}, heard)
}
