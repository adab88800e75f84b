package revocation_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sever/revocation"
)

// held is a job that waited until now.
func held(user string) revocation.Job {
	job := suspended("sig_held", user)
	job.Effective = time.Now()
	return job
}

// A revocation made before the date does not cover the job that waited for it; one made
// after it does.
func TestWorkerRevokesAtTheDateWhoWasRevokedBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.status = "ACTIVE"
		announced := suspended("sig_held", ada)
		before := suspended("sig_before", ada)
		w.lane.publish(before)
		p := w.start(t, 1)
		pass(time.Hour)
		require.Len(t, w.revocationsOf(before.ID), 1)
		due := time.Now()
		job := revocation.Hold{Job: announced, Due: due}.Release(due.Add(time.Second))
		job.Effective = due
		pass(time.Second)
		w.lane.publish(job)
		w.finish(t, p)
		records := w.revocationsOf(job.ID)
		require.Len(t, records, 1)
		require.Equal(t, "Okta ended the sessions; held until "+due.UTC().Format(time.RFC3339)+", when their status was ACTIVE", records[0].Reason)
	})
}

func TestWorkerCallsNobodyWhoIsGoneAtTheDate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.identify = func(person revocation.Person) (string, error) {
			return person.Value, &revocation.CallError{Failure: revocation.FailureGone, NotSent: true, Err: errors.New("their status is DEPROVISIONED")}
		}
		job := held(ada)
		w.lane.publish(job)
		w.finish(t, w.start(t, 1))
		calls, audit, letters := w.seen()
		require.Empty(t, calls)
		require.Empty(t, letters)
		require.Len(t, audit, 1)
		require.Equal(t, revocation.OutcomeGone, audit[0].Outcome)
		require.Equal(t, ada, audit[0].User, "whom it is about is on record")
		require.Nil(t, audit[0].Call)
		require.Contains(t, audit[0].Reason, "DEPROVISIONED")
		newest, found, err := w.ledger.Newest(t.Context(), "acme", ada)
		require.NoError(t, err)
		require.True(t, found)
		require.Equal(t, job.ID, newest.Job.ID)
	})
}

func TestWorkerSaysNothingOfAStatusThatWasNotAskedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.status = "ACTIVE"
		job := suspended("sig_1", ada)
		w.lane.publish(job)
		w.finish(t, w.start(t, 1))
		require.Equal(t, "Okta ended the sessions", w.revocationsOf(job.ID)[0].Reason)
	})
}
