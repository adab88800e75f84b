package queue

import (
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"sever/revocation"
)

// seqs reads all pages of what a query picks.
func seqs(t *testing.T, q *Queue, query revocation.AuditQuery) []uint64 {
	t.Helper()
	var all []uint64
	for more := true; more; more = query.From != 0 {
		page, err := q.AuditView().List(t.Context(), query)
		require.NoError(t, err)
		require.LessOrEqual(t, len(page.Entries), query.Limit)
		for _, entry := range page.Entries {
			all = append(all, entry.Seq)
		}
		query.From = page.Next
	}
	return all
}

func TestTheAuditIsListed(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	q := open(t)
	require.Empty(t, seqs(t, q, revocation.AuditQuery{Limit: 10}))
	require.Empty(t, seqs(t, q, revocation.AuditQuery{Limit: 10, Oldest: true}))
	gone := finished(job("gone", revocation.LaneHigh), "00ugone", start)
	gone.Outcome = revocation.OutcomeGone
	putOnRecord(t, q, finished(job("one", revocation.LaneHigh), "00uone", start))
	require.NoError(t, q.Audit().AppendAction(ctx, revocation.Action{ID: "act_1", Verb: "drop"}))
	putOnRecord(t, q, gone)
	_, err := q.js.Publish(ctx, subjectAuditAction, []byte("{"))
	require.NoError(t, err)

	for name, tt := range map[string]struct {
		query revocation.AuditQuery
		want  []uint64
	}{
		"all":                {revocation.AuditQuery{}, []uint64{4, 3, 2, 1}},
		"the oldest first":   {revocation.AuditQuery{Oldest: true}, []uint64{1, 2, 3, 4}},
		"an org":             {revocation.AuditQuery{Org: "acme"}, []uint64{3, 1}},
		"another org":        {revocation.AuditQuery{Org: "globex"}, nil},
		"an outcome":         {revocation.AuditQuery{Outcome: revocation.OutcomeGone}, []uint64{3}},
		"a user by id":       {revocation.AuditQuery{User: "00uone"}, []uint64{1}},
		"a user by login":    {revocation.AuditQuery{User: "gone@acme.example", Oldest: true}, []uint64{3}},
		"both":               {revocation.AuditQuery{User: "00uone", Outcome: revocation.OutcomeGone}, nil},
		"since":              {revocation.AuditQuery{Since: time.Now().Add(-time.Hour)}, []uint64{4, 3, 2, 1}},
		"since a later time": {revocation.AuditQuery{Since: time.Now().Add(time.Hour), Oldest: true}, nil},
	} {
		for limit := 1; limit <= 5; limit++ {
			tt.query.Limit = limit
			require.Equal(t, tt.want, seqs(t, q, tt.query), "%s, in pages of %d", name, limit)
		}
	}
	page, err := q.AuditView().List(ctx, revocation.AuditQuery{Limit: 1})
	require.NoError(t, err)
	require.Equal(t, "is no record of an action", page.Entries[0].Broken)
}

// checked adds up all parts of a check.
func checked(t *testing.T, view *AuditView) revocation.AuditCheck {
	t.Helper()
	var sum revocation.AuditCheck
	for from, more := "", true; more; more = from != "" {
		part, err := view.Check(t.Context(), from)
		require.NoError(t, err)
		sum.Entries += part.Entries
		sum.Records += part.Records
		sum.Actions += part.Actions
		sum.Finished += part.Finished
		sum.TooNew += part.TooNew
		sum.Unsure += part.Unsure
		sum.Wrong += part.Wrong
		sum.Problems = append(sum.Problems, part.Problems...)
		from = part.Next
	}
	return sum
}

func TestTheAuditIsChecked(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	q := open(t)
	ledger, err := q.Ledger(ctx)
	require.NoError(t, err)
	require.Equal(t, revocation.AuditCheck{}, checked(t, q.AuditView()), "an empty one is whole")
	const count = 23
	view := q.AuditView()
	view.most, view.jobs = 7, 5 // so that there are many parts
	for i := range count {
		record := finished(job(fmt.Sprint("job", i), revocation.LaneHigh), fmt.Sprintf("00u%d", i), start)
		commit(t, ledger, record)
		putOnRecord(t, q, record)
	}
	require.NoError(t, q.Audit().AppendAction(ctx, revocation.Action{ID: "act_1", Verb: "drop"}))
	whole := revocation.AuditCheck{Entries: count + 1, Records: count, Actions: 1, Finished: count}
	require.Equal(t, whole, checked(t, view))

	lost := finished(job("lost", revocation.LaneHigh), "00ulost", start)
	commit(t, ledger, lost)
	whole.Finished, whole.TooNew = count+1, 1
	require.Equal(t, whole, checked(t, view), "its record may be on its way")
	view.now = func() time.Time { return time.Now().Add(time.Hour) }
	late := checked(t, view)
	require.Equal(t, 1, late.Wrong)
	require.Equal(t, []string{"job " + lost.Job.ID + " is finished, but the audit has no record " + lost.ID}, late.Problems)
}

// Two workers finished one job at once: the ledger keeps the record of the first, which died before
// it told the audit. A duplicate's record is no stand-in.
func TestTheCheckTakesTheOtherWorkersRecord(t *testing.T) {
	t.Parallel()
	q := open(t)
	ledger := ledger(t, q)
	view := q.AuditView()
	view.now = func() time.Time { return time.Now().Add(time.Hour) }
	dead := finished(job("one", revocation.LaneHigh), "00u1", start)
	alive := dead
	alive.ID = dead.ID + "b"
	duplicate := dead
	duplicate.ID, duplicate.Outcome = dead.ID+"c", revocation.OutcomeCovered
	commit(t, ledger, dead)
	putOnRecord(t, q, duplicate)
	require.Equal(t, 1, checked(t, view).Wrong)
	putOnRecord(t, q, alive)
	require.Zero(t, checked(t, view).Wrong)
}

// What could not be read in time is not said to be missing.
func TestTheCheckSaysWhatItCouldNotRead(t *testing.T) {
	t.Parallel()
	q := open(t)
	view := q.AuditView()
	view.most = 1 // as many entries at once; ten times that for the records of one part
	view.now = func() time.Time { return time.Now().Add(time.Hour) }
	record := finished(job("one", revocation.LaneHigh), "00u1", start)
	commit(t, ledger(t, q), record)
	for i := range checkReads + 1 {
		putOnRecord(t, q, finished(job(fmt.Sprint("other", i), revocation.LaneHigh), "00u2", start))
	}
	check := checked(t, view)
	require.Equal(t, []int{0, 1}, []int{check.Wrong, check.Unsure})
}

// An audit that was tampered with by someone who could replace the stream.
func TestTheCheckSeesWhatIsMissing(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	q := open(t)
	require.NoError(t, q.js.DeleteStream(ctx, streamAudit))
	stream, err := q.js.CreateStream(ctx, jetstream.StreamConfig{
		Name: streamAudit, Subjects: []string{subjectsAudit}, MaxAge: time.Hour, Discard: jetstream.DiscardNew,
	})
	require.NoError(t, err)
	for i := range 6 {
		require.NoError(t, q.Audit().AppendAction(ctx, revocation.Action{ID: fmt.Sprint("act_", i), Verb: "drop"}))
	}
	for subject, text := range map[string]string{
		subjectAuditAction: `{"id":"act_7"}`, subjectAuditRecord + "acme": `{"id":"aud_1","job":{"id":"job_1","org":"globex"},"outcome":"revoked"}`,
		"sever.audit.other": `{}`,
	} {
		_, err := q.js.Publish(ctx, subject, []byte(text))
		require.NoError(t, err)
	}
	for _, seq := range []uint64{1, 3, 4} {
		require.NoError(t, stream.DeleteMsg(ctx, seq))
	}
	found := checked(t, q.AuditView())
	require.Equal(t, 7, found.Wrong, found.Problems)
	require.Equal(t, []string{
		"the stream does not refuse deletion", "the stream forgets entries by age or number",
		"entries 1 to 1 are missing", "entries 3 to 4 are missing",
	}, found.Problems[:4])
	for _, word := range []string{"is no record of an action", "another org than its subject says", "a subject that is none of the audit's"} {
		require.Contains(t, fmt.Sprint(found.Problems[4:]), word)
	}
	require.NoError(t, stream.DeleteMsg(ctx, 9))
	require.Contains(t, checked(t, q.AuditView()).Problems, "entries 9 to 9 are missing", "the last one, too")

	for _, from := range []string{"audit", "ledger-x", "other-1", "-"} {
		_, err := q.AuditView().Check(ctx, from)
		require.ErrorIs(t, err, revocation.ErrInvalid, from)
	}
}
