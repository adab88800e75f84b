package queue

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/revocation"
)

// putOnRecord appends a record, and gives whether the audit is sure that it was not there.
func putOnRecord(t *testing.T, q *Queue, record revocation.Record) (fresh bool) {
	t.Helper()
	fresh, err := q.Audit().Append(t.Context(), record)
	require.NoError(t, err)
	return fresh
}

// Whoever brings a record once more learns that it is no news.
func TestAuditSaysWhatIsFresh(t *testing.T) {
	t.Parallel()
	q := open(t)
	record := finished(job("one", revocation.LaneHigh), "00uone", time.Now())
	require.True(t, putOnRecord(t, q, record))
	require.False(t, putOnRecord(t, q, record))
	old := finished(job("two", revocation.LaneHigh), "00uone", time.Now().Add(-2*dedupWindow))
	require.False(t, putOnRecord(t, q, old), "of so long ago nobody can tell: JetStream has forgotten the id")
	require.Len(t, messages(t, q, streamAudit), 2)
}

func TestAuditAppends(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	q := open(t)
	audit := q.Audit()
	record := finished(job("one", revocation.LaneHigh), "00uone", start)
	action := revocation.Action{ID: "act_1", At: start, Verb: "drop", Target: "dead_1", Reason: "seen to"}
	for range 2 { // the same again is stored once
		putOnRecord(t, q, record)
		require.NoError(t, audit.AppendAction(ctx, action))
	}

	all := messages(t, q, streamAudit)

	require.Len(t, all, 2)
	require.Equal(t, "sever.audit.record.acme", all[0].Subject)
	var gotRecord revocation.Record
	require.NoError(t, json.Unmarshal(all[0].Data, &gotRecord))
	require.Equal(t, record, gotRecord)
	require.Equal(t, "sever.audit.action", all[1].Subject)
	var gotAction revocation.Action
	require.NoError(t, json.Unmarshal(all[1].Data, &gotAction))
	require.Equal(t, action, gotAction)
}

func TestAuditCannotBeErased(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	q := open(t)
	putOnRecord(t, q, finished(job("one", revocation.LaneHigh), "00uone", start))
	stream, err := q.js.Stream(ctx, streamAudit)
	require.NoError(t, err)

	require.Error(t, stream.DeleteMsg(ctx, 1))
	require.Error(t, stream.SecureDeleteMsg(ctx, 1))
	require.Error(t, stream.Purge(ctx))

	lax := stream.CachedInfo().Config
	lax.DenyDelete, lax.DenyPurge = false, false
	_, err = q.js.UpdateStream(ctx, lax)
	require.Error(t, err, "nor can that be undone")
	require.Len(t, messages(t, q, streamAudit), 1)
}

// Evidence that is not stored is an error: the job stays, and its audit is tried again.
func TestAuditWhenFull(t *testing.T) {
	t.Parallel()
	q := open(t, func(c *Config) { c.MaxSize = 40 << 10 })
	var full error
	stored := 0
	for ; full == nil && stored < 1000; stored++ {
		_, full = q.Audit().Append(t.Context(), finished(job(string(rune('a'+stored)), revocation.LaneHigh), "00uone", start))
	}
	require.ErrorContains(t, full, "publish to AUDIT")
	require.Len(t, messages(t, q, streamAudit), stored-1)
}

func TestAuditWithoutItsStore(t *testing.T) {
	t.Parallel()
	q := open(t)
	require.NoError(t, q.Close())
	_, err := q.Audit().Append(within(t, soon), finished(job("one", revocation.LaneHigh), "00uone", start))
	require.Error(t, err)
	require.Error(t, q.Audit().AppendAction(within(t, soon), revocation.Action{ID: "act_1"}))
}
