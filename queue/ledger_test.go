package queue

import (
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/revocation"
	"sever/revocation/revocationtest"
)

func ledger(tb testing.TB, q *Queue) *Ledger {
	tb.Helper()
	l, err := q.Ledger(tb.Context())
	require.NoError(tb, err)
	return l
}

func commit(tb testing.TB, l *Ledger, record revocation.Record) {
	tb.Helper()
	_, err := l.Commit(tb.Context(), record)
	require.NoError(tb, err)
}

// finished is the record of a job that was revoked by a call begun at began.
func finished(job revocation.Job, user string, began time.Time) revocation.Record {
	return revocation.Record{
		ID: revocation.DeriveID("aud", job.ID), Job: job, Attempt: 1,
		Outcome: revocation.OutcomeRevoked, Reason: "Okta ended the sessions", User: user,
		Began: began, Ended: began.Add(time.Second), Call: &revocation.Call{Status: 204, RequestID: "req"},
	}
}

func TestLedger(t *testing.T) {
	t.Parallel()
	revocationtest.TestLedger(t, func(t *testing.T) revocation.Ledger {
		t.Helper()
		return ledger(t, open(t))
	})
}

func TestLedgerSharesTheBucketAcrossHandles(t *testing.T) {
	t.Parallel()
	q := open(t)
	record := finished(job("one", revocation.LaneHigh), "00uone", start)
	commit(t, ledger(t, q), record)

	other := ledger(t, q)

	got, found, err := other.Finished(t.Context(), record.Job.ID)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, record, got)
	got, found, err = other.Newest(t.Context(), "acme", "00uone")
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, record, got)
}

func TestLedgerNewestWinsTheRace(t *testing.T) {
	t.Parallel()
	q := open(t)
	raceForNewest(t, ledger(t, q), ledger(t, q))
}

// raceForNewest lets 16 goroutines on all handles commit for one user at once.
func raceForNewest(t *testing.T, handles ...*Ledger) {
	t.Helper()
	const racers, rounds = 16, 4
	ready := make(chan struct{})
	failed := make([]error, racers)
	var race sync.WaitGroup
	for i := range racers {
		race.Go(func() {
			<-ready
			for round := range rounds {
				n := round*racers + i
				record := finished(job("race"+strconv.Itoa(n), revocation.LaneHigh), "00urace", start.Add(time.Duration(n)*time.Second))
				_, err := handles[i%len(handles)].Commit(t.Context(), record)
				failed[i] = errors.Join(failed[i], err)
			}
		})
	}
	close(ready)
	race.Wait()
	require.NoError(t, errors.Join(failed...))

	// A replica may answer a read some milliseconds late.
	require.Eventually(t, func() bool {
		newest, _, err := handles[0].Newest(t.Context(), "acme", "00urace")
		return err == nil && newest.Job.ID == job("race"+strconv.Itoa(racers*rounds-1), revocation.LaneHigh).ID
	}, soon, tick)
	for n := range racers * rounds {
		require.Eventually(t, func() bool {
			_, found, err := handles[0].Finished(t.Context(), job("race"+strconv.Itoa(n), revocation.LaneHigh).ID)
			return err == nil && found
		}, soon, tick, "job %d", n)
	}
}

func TestLedgerKeepsOrgsApart(t *testing.T) {
	t.Parallel()
	q := open(t)
	l := ledger(t, q)
	// The longest and oddest names that the configuration allows.
	for _, org := range []string{"a", "0-_-0", "abcdefghijklmnopqrstuvwxyz012345"} {
		record := finished(job(org, revocation.LaneHigh), "00uone", start)
		record.Job.Org = org
		commit(t, l, record)
		newest, found, err := l.Newest(t.Context(), org, "00uone")
		require.NoError(t, err)
		require.True(t, found)
		require.Equal(t, record, newest)
	}
	_, found, err := l.Newest(t.Context(), "acme", "00uone")
	require.NoError(t, err)
	require.False(t, found)
}

// A key JetStream does not take is an error, never a record that silently is not there.
func TestLedgerRefusesAKeyItCannotHold(t *testing.T) {
	t.Parallel()
	q := open(t)
	l := ledger(t, q)
	for name, change := range map[string]func(*revocation.Record){
		"login as user": func(r *revocation.Record) { r.User = "ann@acme.example" },
		"org":           func(r *revocation.Record) { r.Job.Org = "acme > *" },
		"job":           func(r *revocation.Record) { r.User = "00uok"; r.Job.ID = "job with spaces" },
	} {
		record := finished(job("strange", revocation.LaneHigh), "00uone", start)
		change(&record)
		_, err := l.Commit(t.Context(), record)
		require.Error(t, err, name)
	}
	_, _, err := l.Newest(t.Context(), "acme", "ann@acme.example")
	require.Error(t, err)
	_, _, err = l.Finished(t.Context(), "job with spaces")
	require.Error(t, err)
}

// Somebody who is gone before anyone knew the id says nothing of any user.
func TestLedgerKeepsNothingOfNobody(t *testing.T) {
	t.Parallel()
	q := open(t)
	l := ledger(t, q)
	record := finished(job("nobody", revocation.LaneHigh), "", start)
	record.Outcome = revocation.OutcomeGone
	commit(t, l, record)

	keys, err := l.bucket.Keys(t.Context())

	require.NoError(t, err)
	require.Equal(t, []string{jobKey(record.Job.ID)}, keys)
}

func TestLedgerSaysWhatItCannotDecode(t *testing.T) {
	t.Parallel()
	q := open(t)
	l := ledger(t, q)
	_, err := l.bucket.PutString(t.Context(), jobKey("job_broken"), "not JSON")
	require.NoError(t, err)

	_, _, err = l.Finished(t.Context(), "job_broken")

	require.ErrorContains(t, err, "decode job.job_broken")
}

func TestLedgerWithoutItsStore(t *testing.T) {
	t.Parallel()
	q := open(t)
	l := ledger(t, q)
	require.NoError(t, q.Close())

	_, _, err := l.Finished(t.Context(), "job_any")
	require.Error(t, err, "not knowing is not the same as not finished")
	_, err = l.Commit(t.Context(), finished(job("any", revocation.LaneHigh), "00uone", start))
	require.Error(t, err)
	_, err = q.Ledger(t.Context())
	require.ErrorContains(t, err, bucketLedger)
}
