package revocation_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sever/revocation"
)

// everywhere is a job that asks for both calls.
func everywhere() revocation.Job {
	job := suspended("sig_1", ada)
	job.Everywhere = true
	return job
}

// reachFails has the second call fail a number of times.
func (w *world) reachFails(times int, err error) {
	w.reach = func(string) error {
		if times > 0 {
			times--
			return err
		}
		return nil
	}
}

// However often the second call fails, the sessions are ended once: the person may have signed in
// honestly since.
func TestWorkerRevokesEverywhere(t *testing.T) {
	t.Parallel()
	unlicensed := &revocation.CallError{Failure: revocation.FailureGone, Call: revocation.Call{Status: 404}, Err: errors.New("not found")}
	busy := &revocation.CallError{Failure: revocation.FailureTemporary, Call: revocation.Call{Status: 503}, Err: errors.New("down")}
	locked := &revocation.CallError{Failure: revocation.FailureCredential, Call: revocation.Call{Status: 403}, Err: errors.New("no scope")}
	for name, tt := range map[string]struct {
		err   error
		times int
		last  revocation.Outcome
		audit int
	}{
		"at once":              {nil, 0, revocation.OutcomeRevoked, 1},
		"at the third try":     {busy, 2, revocation.OutcomeRevoked, 4},
		"after a pause":        {locked, 5, revocation.OutcomeRevoked, 2},
		"a feature not there":  {unlicensed, 1, revocation.OutcomeDead, 2},
		"an error of no class": {errors.New("odd"), 1, revocation.OutcomeRevoked, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.reachFails(tt.times, tt.err)
				w.lane.publish(everywhere())
				w.finish(t, w.start(t, 1))
				calls, audit, letters := w.seen()
				require.Len(t, calls, 1)
				require.Len(t, audit, tt.audit, "the half that is done has a record of its own")
				last := audit[len(audit)-1]
				require.Equal(t, tt.last, last.Outcome)
				require.Equal(t, 204, last.Call.Status, "the first call was made all the same")
				if tt.last == revocation.OutcomeRevoked {
					require.Equal(t, &revocation.Call{Status: 204, RequestID: "everywhere"}, last.Call.Everywhere)
				} else {
					require.Len(t, letters, 1)
					require.Contains(t, last.Reason, "the sessions are ended, but not everywhere: not found")
					require.Equal(t, 404, last.Call.Everywhere.Status)
				}
			})
		})
	}
}

// The half that is done covers an alert that came before it, but not one that asks for both; and a
// process that dies between the two calls' records repeats no more than the call that it had in hand.
func TestWorkerKnowsTheHalfThatIsDone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.reachFails(1, errors.New("odd"))
		w.lane.publish(everywhere(), suspended("sig_2", ada))
		pass(time.Second)
		w.finish(t, w.start(t, 1))
		calls, audit, _ := w.seen()
		require.Len(t, calls, 1)
		outcomes := map[revocation.Outcome]int{}
		for _, record := range audit {
			outcomes[record.Outcome]++
		}
		require.Equal(t, map[revocation.Outcome]int{
			revocation.OutcomeRevoked: 2, revocation.OutcomeFailed: 1, revocation.OutcomeCovered: 1,
		}, outcomes)
	})
	for after := range 16 {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.reachFails(1, errors.New("odd"))
			w.lane.publish(everywhere())
			p := w.startDying(t, 1, after)
			pass(time.Minute)
			p.kill()
			w.finish(t, w.start(t, 1))
			calls, audit, _ := w.seen()
			require.LessOrEqual(t, len(calls), 2, "after %d operations", after)
			require.True(t, slices.ContainsFunc(audit, func(record revocation.Record) bool {
				return record.Outcome == revocation.OutcomeRevoked && record.Call.Everywhere != nil
			}), "after %d operations", after)
		})
	}
}

// The second call, made later, covers nobody who came back between the two: a new alert about them acts.
func TestTheSecondCallCoversNoNewAlert(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.reachFails(3, errors.New("odd"))
		w.lane.publish(everywhere())
		p := w.start(t, 1)
		pass(100 * time.Millisecond)
		w.lane.publish(suspended("sig_2", ada))
		pass(4 * time.Second)
		w.finish(t, p)
		calls, audit, _ := w.seen()
		require.Len(t, calls, 2)
		for _, record := range audit {
			require.NotEqual(t, revocation.OutcomeCovered, record.Outcome)
		}
	})
}

// The half that is done is in the audit too once the job has ended, although the audit was away while
// it was put on record.
func TestTheHalfThatIsDoneIsInTheAudit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.reachFails(1, errors.New("odd"))
		w.fault = failing(opAppend, 4, errors.New("no server")) // for longer than the worker insists
		w.lane.publish(everywhere())
		w.finish(t, w.start(t, 1))
		half, found, err := w.ledger.Newest(t.Context(), "acme", ada)
		require.NoError(t, err)
		require.True(t, found)
		require.False(t, half.Job.Everywhere)
		_, audit, _ := w.seen()
		require.Contains(t, audit, half)
	})
}

// A try that failed is on record too, although the audit or the dead letters were away for a moment.
func TestNoTryIsLostToAnAbsentStore(t *testing.T) {
	t.Parallel()
	busy := &revocation.CallError{Failure: revocation.FailureTemporary, Call: revocation.Call{Status: 503}, Err: errors.New("down")}
	forbidden := &revocation.CallError{Failure: revocation.FailureForbidden, Call: revocation.Call{Status: 403}, Err: errors.New("no")}
	for name, tt := range map[string]struct {
		op    string
		err   error
		fails int
		tries int
	}{"the audit": {opAppend, busy, 1, 2}, "the dead letters": {opBury, forbidden, 4, 4}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.fault = failing(tt.op, 3, errors.New("no server"))
				tries := 0
				w.answer = func(context.Context, string) error {
					tries++
					if tries <= tt.fails {
						return tt.err
					}
					return nil
				}
				w.lane.publish(suspended("sig_1", ada))
				w.finish(t, w.start(t, 1))
				calls, audit, _ := w.seen()
				require.Len(t, calls, tt.tries)
				require.Len(t, audit, tt.tries)
				require.Equal(t, revocation.OutcomeFailed, audit[0].Outcome)
			})
		})
	}
}
