package revocationtest

import (
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sever/revocation"
)

// TestLedger checks the contract of a revocation.Ledger. open gives an empty one.
//
//nolint:tparallel // the caller says whether it runs beside others
func TestLedger(t *testing.T, open func(t *testing.T) revocation.Ledger) {
	t.Helper()
	for _, part := range []struct {
		name string
		run  func(*testing.T, revocation.Ledger)
	}{
		{"unknown keys", testUnknown},
		{"commit then read", testCommitThenRead},
		{"kept to the last field", testWhole},
		{"only what clears becomes newest", testNewestClears},
		{"newest wins by Began", testNewestWins},
		{"equal Began keeps the first", testEqualBegan},
		{"orgs and users are apart", testApart},
		{"commit repeated", testRepeated},
		{"the record that finished a job stays", testFirstFinishStays},
		{"concurrent commits for one user", testConcurrentUser},
		{"concurrent commits of one job", testConcurrentJob},
	} {
		t.Run(part.name, func(t *testing.T) {
			t.Parallel()
			part.run(t, open(t))
		})
	}
}

// At is a whole second in UTC, so that a record is the same after any encoding.
func At(second int) time.Time {
	return time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC).Add(time.Duration(second) * time.Second)
}

// Finishing is a record of a job of its own that ended at a second of the story.
func Finishing(job string, outcome revocation.Outcome, user string, began int) revocation.Record {
	return revocation.Record{
		ID: "aud_" + job + strconv.Itoa(began),
		Job: revocation.Job{
			ID: job, Org: "acme", Lane: revocation.LaneCritical,
			Person:   revocation.Person{Kind: revocation.PersonOktaID, Value: user},
			Scope:    revocation.Scope{OAuthTokens: true, ForgetDevices: true},
			Received: At(began - 1), Enqueued: At(began - 1),
		},
		Attempt: 1, Outcome: outcome, Reason: "because", User: user,
		Began: At(began), Ended: At(began + 1),
	}
}

const (
	ada   = "00uada00000000000001"
	grace = "00ugrace000000000001"
)

func testUnknown(t *testing.T, ledger revocation.Ledger) {
	t.Helper()
	requireUnfinished(t, ledger, "job_unknown")
	requireNoNewest(t, ledger, "acme", ada)
}

func testCommitThenRead(t *testing.T, ledger revocation.Ledger) {
	t.Helper()
	for i, outcome := range []revocation.Outcome{
		revocation.OutcomeRevoked, revocation.OutcomeGone, revocation.OutcomeCovered, revocation.OutcomeRefused,
	} {
		record := Finishing("job_"+string(outcome), outcome, ada, i)
		commit(t, ledger, record)
		requireFinished(t, ledger, record)
	}
	requireUnfinished(t, ledger, "job_other")
}

func testWhole(t *testing.T, ledger revocation.Ledger) {
	t.Helper()
	record := Finishing("job_whole", revocation.OutcomeRevoked, ada, 5)
	record.Attempt = 7
	record.CoveredBy = "job_before"
	record.Call = &revocation.Call{Status: 204, Code: "E0", RequestID: "req"}
	record.Retry = At(9)
	record.Job.Rule, record.Job.Reason, record.Job.Type = "suspended", "a reason with \"quotes\"", "user.lifecycle.suspend"
	record.Job.Signal, record.Job.Delivery, record.Job.Source = "sig_1", "dlv_1", "okta"
	record.Job.Occurred, record.Job.Redrives = At(1), 3
	commit(t, ledger, record)
	requireFinished(t, ledger, record)
	requireNewest(t, ledger, record)
}

func testNewestClears(t *testing.T, ledger revocation.Ledger) {
	t.Helper()
	for i, outcome := range []revocation.Outcome{revocation.OutcomeCovered, revocation.OutcomeRefused} {
		commit(t, ledger, Finishing("job_first_"+string(outcome), outcome, ada, i))
		requireNoNewest(t, ledger, "acme", ada)
	}
	revoked := Finishing("job_revoked", revocation.OutcomeRevoked, ada, 10)
	commit(t, ledger, revoked)
	requireNewest(t, ledger, revoked)
	for i, outcome := range []revocation.Outcome{revocation.OutcomeCovered, revocation.OutcomeRefused} {
		commit(t, ledger, Finishing("job_later_"+string(outcome), outcome, ada, 20+i))
		requireNewest(t, ledger, revoked)
	}
	gone := Finishing("job_gone", revocation.OutcomeGone, ada, 30)
	commit(t, ledger, gone)
	requireNewest(t, ledger, gone)
	// Gone before anybody knew which user: it finishes its job and says nothing of anyone.
	nobody := Finishing("job_nobody", revocation.OutcomeGone, "", 40)
	commit(t, ledger, nobody)
	requireFinished(t, ledger, nobody)
	requireNewest(t, ledger, gone)
}

func testNewestWins(t *testing.T, ledger revocation.Ledger) {
	t.Helper()
	newer := Finishing("job_newer", revocation.OutcomeRevoked, ada, 20)
	older := Finishing("job_older", revocation.OutcomeGone, ada, 10)
	newest := Finishing("job_newest", revocation.OutcomeRevoked, ada, 30)
	commit(t, ledger, newer)
	commit(t, ledger, older)
	requireNewest(t, ledger, newer)
	requireFinished(t, ledger, older)
	commit(t, ledger, newest)
	requireNewest(t, ledger, newest)
}

func testEqualBegan(t *testing.T, ledger revocation.Ledger) {
	t.Helper()
	first := Finishing("job_first", revocation.OutcomeRevoked, ada, 20)
	commit(t, ledger, first)
	commit(t, ledger, Finishing("job_second", revocation.OutcomeRevoked, ada, 20))
	requireNewest(t, ledger, first)
}

func testApart(t *testing.T, ledger revocation.Ledger) {
	t.Helper()
	forAda := Finishing("job_ada", revocation.OutcomeRevoked, ada, 10)
	forGrace := Finishing("job_grace", revocation.OutcomeRevoked, grace, 20)
	elsewhere := Finishing("job_elsewhere", revocation.OutcomeRevoked, ada, 30)
	elsewhere.Job.Org = "globex"
	for _, record := range []revocation.Record{forAda, forGrace, elsewhere} {
		commit(t, ledger, record)
	}
	for _, record := range []revocation.Record{forAda, forGrace, elsewhere} {
		requireNewest(t, ledger, record)
	}
	requireNoNewest(t, ledger, "globex", grace)
}

func testRepeated(t *testing.T, ledger revocation.Ledger) {
	t.Helper()
	record := Finishing("job_again", revocation.OutcomeRevoked, ada, 10)
	for range 3 {
		commit(t, ledger, record)
		requireFinished(t, ledger, record)
		requireNewest(t, ledger, record)
	}
	later := Finishing("job_later", revocation.OutcomeRevoked, ada, 20)
	commit(t, ledger, later)
	commit(t, ledger, record)
	requireNewest(t, ledger, later)
}

func testFirstFinishStays(t *testing.T, ledger revocation.Ledger) {
	t.Helper()
	first := Finishing("job_once", revocation.OutcomeCovered, ada, 10)
	commit(t, ledger, first)
	kept, err := ledger.Commit(t.Context(), Finishing("job_once", revocation.OutcomeRefused, ada, 20))
	require.NoError(t, err)
	require.Equal(t, first, kept)
	requireFinished(t, ledger, first)
}

func testConcurrentUser(t *testing.T, ledger revocation.Ledger) {
	t.Helper()
	const commits = 8
	var all sync.WaitGroup
	for i := range commits {
		all.Go(func() {
			record := Finishing("job_"+strconv.Itoa(i), revocation.OutcomeRevoked, ada, i)
			_, err := ledger.Commit(t.Context(), record)
			assert.NoError(t, err)
		})
	}
	all.Wait()
	for i := range commits {
		requireFinished(t, ledger, Finishing("job_"+strconv.Itoa(i), revocation.OutcomeRevoked, ada, i))
	}
	requireNewest(t, ledger, Finishing("job_"+strconv.Itoa(commits-1), revocation.OutcomeRevoked, ada, commits-1))
}

func testConcurrentJob(t *testing.T, ledger revocation.Ledger) {
	t.Helper()
	record := Finishing("job_same", revocation.OutcomeRevoked, ada, 10)
	kept := make([]revocation.Record, 8)
	var all sync.WaitGroup
	for i := range kept {
		all.Go(func() {
			one := record
			one.ID += strconv.Itoa(i) // of a worker each
			var err error
			kept[i], err = ledger.Commit(t.Context(), one)
			assert.NoError(t, err)
		})
	}
	all.Wait()
	requireFinished(t, ledger, kept[0])
	for _, record := range kept {
		require.Equal(t, kept[0], record, "all know which came first")
	}
}

func commit(t *testing.T, ledger revocation.Ledger, record revocation.Record) {
	t.Helper()
	kept, err := ledger.Commit(t.Context(), record)
	require.NoError(t, err)
	require.Equal(t, record.Job.ID, kept.Job.ID)
}

func requireFinished(t *testing.T, ledger revocation.Ledger, want revocation.Record) {
	t.Helper()
	got, found, err := ledger.Finished(t.Context(), want.Job.ID)
	require.NoError(t, err)
	require.True(t, found, "job %s is not finished", want.Job.ID)
	require.Equal(t, want, got)
}

func requireUnfinished(t *testing.T, ledger revocation.Ledger, job string) {
	t.Helper()
	_, found, err := ledger.Finished(t.Context(), job)
	require.NoError(t, err)
	require.False(t, found, "job %s is finished", job)
}

func requireNewest(t *testing.T, ledger revocation.Ledger, want revocation.Record) {
	t.Helper()
	got, found, err := ledger.Newest(t.Context(), want.Job.Org, want.User)
	require.NoError(t, err)
	require.True(t, found, "user %s has no newest record", want.User)
	require.Equal(t, want, got)
}

func requireNoNewest(t *testing.T, ledger revocation.Ledger, org, user string) {
	t.Helper()
	_, found, err := ledger.Newest(t.Context(), org, user)
	require.NoError(t, err)
	require.False(t, found, "user %s has a newest record", user)
}
