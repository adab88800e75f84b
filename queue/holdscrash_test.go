package queue

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/revocation"
)

// endCutShort ends a hold as a process that is killed in the midst of it does: the end is
// stored, and the hold's time is not taken back.
func endCutShort(t *testing.T, h *Holds, entry revocation.HoldEntry) {
	t.Helper()
	_, revision, err := h.read(t.Context(), entry.Key)
	require.NoError(t, err)
	_, err = h.write(t.Context(), entry.Key, ended(entry), revision)
	require.NoError(t, err)
	requireHeld(t, h, 1, "it is counted as waiting, until the date that was called off")
}

func requireHeld(t *testing.T, h *Holds, count int, why ...any) {
	t.Helper()
	counts, err := h.Count(t.Context())
	require.NoError(t, err)
	require.Equal(t, count, counts["acme"], why...)
}

// What was killed while it ended a hold says so once more, and nothing differs then.
func TestAHoldWhoseEndWasCutShortDoesNotWait(t *testing.T) {
	t.Parallel()
	h := holds(t, open(t))
	entry := leaver("ada", in(time.Hour))
	set(t, h, entry)
	endCutShort(t, h, entry)
	require.Equal(t, ended(entry), known(t, h, entry.Key))
	requireHeld(t, h, 0)
}

// Nobody says it once more, where an operator rejected it say: then the next start does.
func TestRearmTakesBackTheTimesOfHoldsThatEnded(t *testing.T) {
	t.Parallel()
	h := holds(t, open(t))
	entry := leaver("ada", in(time.Hour))
	set(t, h, entry)
	endCutShort(t, h, entry)
	armed, err := h.Rearm(t.Context(), time.Now())
	require.NoError(t, err)
	require.Zero(t, armed, "none had lost its time")
	requireHeld(t, h, 0)

	set(t, h, entry)
	require.NoError(t, h.bucket.Purge(t.Context(), entry.Key)) // forgotten
	byHand := leaver("by hand", time.Time{})
	set(t, h, byHand)
	_, err = h.Rearm(t.Context(), time.Now())
	require.NoError(t, err)
	requireHeld(t, h, 1, "what waits for an operator keeps the time by which it is counted")
}

// An approval was cut short: the hold's time is now, and it would be woken in an hour.
func TestRearmMendsATimeThatIsNotTheHolds(t *testing.T) {
	t.Parallel()
	q := open(t)
	h, r := holds(t, q), wakeReader(t, q)
	later := aside("ada", revocation.HeldForApproval, in(time.Hour))
	set(t, h, later)
	set(t, h, aside("bob", revocation.HeldForApproval, in(time.Hour)))
	_, revision, err := h.read(t.Context(), later.Key)
	require.NoError(t, err)
	_, err = h.write(t.Context(), later.Key, aside("ada", revocation.HeldForApproval, in(0)), revision)
	require.NoError(t, err)
	armed, err := h.Rearm(t.Context(), time.Now())
	require.NoError(t, err)
	require.Equal(t, 1, armed)
	require.Equal(t, later.Key, nextWake(t, r).Key)
	armed, err = h.Rearm(t.Context(), time.Now())
	require.NoError(t, err)
	require.LessOrEqual(t, armed, 1, "a wake that nobody settled may be set again")
}

// The announcement was cut short before its evidence was stored, and comes again. By then the hold's time
// has come, and the entry tells of that.
func TestWhatWasDoneToAHoldIsOnRecordBeforeTheNext(t *testing.T) {
	t.Parallel()
	q := open(t)
	h := holds(t, q)
	said := func(verb string, at time.Time) revocation.HoldEntry {
		entry := leaver("ada", in(time.Hour))
		entry.Action.ID, entry.Action.Verb, entry.Action.At = "act_"+verb, verb, at
		return entry
	}
	recorded := func() (verbs []string) {
		page, err := q.AuditView().List(t.Context(), revocation.AuditQuery{Oldest: true, Limit: 100})
		require.NoError(t, err)
		for _, entry := range page.Entries {
			verbs = append(verbs, entry.Action.Verb)
		}
		return verbs
	}
	set(t, h, said("hold", time.Now()))
	require.Empty(t, recorded(), "whoever does it says so")
	set(t, h, said("replace", time.Now()))
	require.Equal(t, []string{"hold"}, recorded())
	set(t, h, said("replace", time.Now()))
	require.Equal(t, []string{"hold"}, recorded(), "the same once more: it is still the entry that tells")
	require.NoError(t, q.Audit().AppendAction(t.Context(), said("replace", time.Now()).Action))
	set(t, h, said("release", time.Now().Add(-dedupWindow)))
	require.Equal(t, []string{"hold", "replace"}, recorded(), "once")
	set(t, h, ended(said("withdraw", time.Now())))
	require.Equal(t, []string{"hold", "replace"}, recorded(), "the release is old, and would be stored a second time")
}
