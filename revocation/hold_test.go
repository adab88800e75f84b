package revocation_test

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/revocation"
)

var monday = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

// leaves is a termination, said at a time and effective some days after monday.
func leaves(id string, received time.Duration, days int) revocation.Signal {
	return revocation.Signal{
		ID: id, Delivery: "dlv_" + id, Source: "hr", Org: "acme", Type: "employee.terminated", Kind: revocation.KindTermination,
		Received: monday.Add(received), Effective: monday.Add(time.Duration(days) * day),
		Person: revocation.Person{Kind: revocation.PersonEmail, Value: "Ada@acme.example"},
	}
}

func put(e revocation.HoldEntry, signal revocation.Signal) (revocation.HoldEntry, revocation.HoldOutcome) {
	job := revocation.NewJob(signal, "termination", revocation.LaneHigh, revocation.Scope{OAuthTokens: true})
	return e.Put(revocation.HoldUntil(job, signal, signal.Received), revocation.NoticeOf(signal), signal.Received)
}

func TestHoldKey(t *testing.T) {
	t.Parallel()
	key := func(org, source string, kind revocation.PersonKind, attribute, value string) string {
		return revocation.HoldKey(org, source, revocation.Person{Kind: kind, Attribute: attribute, Value: value})
	}
	ada := key("acme", "hr", revocation.PersonEmail, "", "ada@acme.example")
	require.Regexp(t, `^hold_[a-z2-7]{26}$`, ada)
	require.Equal(t, ada, key("acme", "hr", revocation.PersonEmail, "", "Ada@ACME.example"))
	number := key("acme", "hr", revocation.PersonAttribute, "employeeNumber", "a7")
	for name, other := range map[string]string{
		"org":       key("globex", "hr", revocation.PersonEmail, "", "ada@acme.example"),
		"source":    key("acme", "hr2", revocation.PersonEmail, "", "ada@acme.example"),
		"kind":      key("acme", "hr", revocation.PersonLogin, "", "ada@acme.example"),
		"person":    key("acme", "hr", revocation.PersonEmail, "", "bob@acme.example"),
		"attribute": key("acme", "hr", revocation.PersonAttribute, "costCenter", "a7"),
		"case":      key("acme", "hr", revocation.PersonAttribute, "employeeNumber", "A7"),
	} {
		require.NotEqual(t, ada, other, name)
		require.NotEqual(t, number, other, name)
	}
}

func TestNoticeAfter(t *testing.T) {
	t.Parallel()
	at := func(occurred, received time.Duration) revocation.Notice {
		notice := revocation.Notice{Received: monday.Add(received)}
		if occurred != 0 {
			notice.Occurred = monday.Add(occurred)
		}
		return notice
	}
	for name, tt := range map[string]struct {
		newer, older revocation.Notice
	}{
		"the sender's clock decides":    {at(2, 1), at(1, 2)},
		"the same time of the sender":   {at(1, 2), at(1, 1)},
		"no time of the sender":         {at(0, 2), at(0, 1)},
		"one has no time of the sender": {at(0, 2), at(9, 1)},
		"the other has none":            {at(1, 2), at(0, 1)},
	} {
		require.True(t, tt.newer.After(tt.older), name)
		require.False(t, tt.older.After(tt.newer), name)
		require.False(t, tt.older.After(tt.older), name)
	}
}

func TestHoldEntryIsReadBackAsItWas(t *testing.T) {
	t.Parallel()
	entry, outcome := put(revocation.HoldEntry{}, leaves("sig_a", time.Nanosecond, 7))
	require.Equal(t, revocation.HoldChanged, outcome)
	data, err := json.Marshal(entry)
	require.NoError(t, err)
	var read revocation.HoldEntry
	require.NoError(t, json.Unmarshal(data, &read))
	require.Equal(t, entry, read)
}

func TestAnOperatorsDecisionStays(t *testing.T) {
	t.Parallel()
	waits, _ := put(revocation.HoldEntry{}, leaves("sig_a", 0, 7))
	rejected, err := waits.Reject()
	require.NoError(t, err)
	approved, err := waits.Approve("", monday.Add(time.Hour))
	require.NoError(t, err)
	require.Equal(t, monday.Add(7*day), waits.Hold.Due, "the hold before is another")

	for name, tt := range map[string]struct {
		entry  revocation.HoldEntry
		signal revocation.Signal
		want   revocation.HoldOutcome
		state  revocation.HoldState
	}{
		"rejected, sent again":    {rejected, leaves("sig_a", 2*time.Hour, 7), revocation.HoldRepeated, revocation.HoldRejected},
		"rejected, the same date": {rejected, leaves("sig_b", 2*time.Hour, 7), revocation.HoldNoted, revocation.HoldRejected},
		"rejected, a new date":    {rejected, leaves("sig_b", 2*time.Hour, 8), revocation.HoldChanged, revocation.HoldWaits},
		"rejected, an older date": {rejected, leaves("sig_b", -time.Hour, 8), revocation.HoldStale, revocation.HoldRejected},
		"approved, the same date": {approved, leaves("sig_b", 2*time.Hour, 7), revocation.HoldNoted, revocation.HoldWaits},
		"approved, a new date":    {approved, leaves("sig_b", 2*time.Hour, 8), revocation.HoldNoted, revocation.HoldWaits},
	} {
		next, outcome := put(tt.entry, tt.signal)
		require.Equal(t, tt.want, outcome, name)
		require.Equal(t, tt.state, next.State, name)
		if tt.entry.Hold != nil {
			require.Equal(t, monday.Add(time.Hour), next.Hold.Due, name)
		}
	}

	released, outcome := approved.Wake(monday.Add(time.Hour), monday.Add(time.Hour))
	require.Equal(t, revocation.HoldChanged, outcome)
	job := released.Hold.Release(monday.Add(2 * time.Hour))
	require.Equal(t, monday.Add(time.Hour), job.Received)
	require.Equal(t, monday.Add(7*day), job.Effective, "the date that was announced")
	require.Equal(t, monday.Add(2*time.Hour), job.Enqueued)
	_, outcome = approved.Wake(monday.Add(7*day), monday.Add(8*day))
	require.Equal(t, revocation.HoldStale, outcome, "its former time")

	for _, entry := range []revocation.HoldEntry{rejected, released} {
		_, err = entry.Approve("", monday)
		require.ErrorIs(t, err, revocation.ErrInvalid)
		_, err = entry.Reject()
		require.ErrorIs(t, err, revocation.ErrInvalid)
		require.ErrorContains(t, err, string(entry.State))
	}
	_, err = revocation.HoldEntry{}.Reject()
	require.ErrorIs(t, err, revocation.ErrNotFound)
}

// What is said at once of somebody: acts, unless something newer says otherwise.
func TestTerminationsAtOnce(t *testing.T) {
	t.Parallel()
	waits, _ := put(revocation.HoldEntry{}, leaves("sig_a", 0, 7))
	stays := leaves("sig_w", time.Hour, 0)
	withdrawn, _ := waits.Withdraw(waits.Key, stays, monday)
	released, _ := waits.Wake(waits.Hold.Due, waits.Hold.Due)
	rejected, err := waits.Reject()
	require.NoError(t, err)
	for name, tt := range map[string]struct {
		entry  revocation.HoldEntry
		signal revocation.Signal
		act    bool
		want   revocation.HoldOutcome
	}{
		"nothing known":             {revocation.HoldEntry{}, leaves("sig_b", 0, 0), true, revocation.HoldStale},
		"held":                      {waits, leaves("sig_b", time.Minute, 0), true, revocation.HoldChanged},
		"held by a newer one":       {waits, leaves("sig_b", -time.Minute, 0), false, revocation.HoldStale},
		"its own date has come":     {waits, leaves("sig_a", 0, 0), true, revocation.HoldChanged},
		"withdrawn since":           {withdrawn, leaves("sig_b", time.Minute, 0), false, revocation.HoldStale},
		"withdrawn, sent again":     {withdrawn, leaves("sig_a", 2*time.Hour, 0), false, revocation.HoldStale},
		"withdrawn, said anew":      {withdrawn, leaves("sig_b", 2*time.Hour, 0), true, revocation.HoldNoted},
		"rejected, sent again":      {rejected, leaves("sig_a", 2*time.Hour, 0), false, revocation.HoldStale},
		"rejected, said anew":       {rejected, leaves("sig_b", 2*time.Hour, 0), true, revocation.HoldNoted},
		"released, sent again":      {released, leaves("sig_a", 2*time.Hour, 0), true, revocation.HoldRepeated},
		"released, something older": {released, leaves("sig_b", -time.Hour, 0), true, revocation.HoldStale},
		"released, something newer": {released, leaves("sig_b", time.Hour, 0), true, revocation.HoldNoted},
	} {
		next, outcome, act := tt.entry.Now(revocation.NoticeOf(tt.signal), monday)
		require.Equal(t, tt.act, act, name)
		require.Equal(t, tt.want, outcome, name)
		if outcome.Writes() {
			require.Equal(t, revocation.HoldReleased, next.State, name)
			require.Nil(t, next.Hold, name)
			again, repeated, act := next.Now(revocation.NoticeOf(tt.signal), monday.Add(time.Hour))
			require.True(t, act, "%s, repeated", name)
			require.Equal(t, revocation.HoldRepeated, repeated, name)
			require.Equal(t, next, again, name)
		} else {
			require.Equal(t, tt.entry, next, name)
		}
	}
}

func TestWithdrawalsSayHowFarItWas(t *testing.T) {
	t.Parallel()
	waits, _ := put(revocation.HoldEntry{}, leaves("sig_a", 0, 7))
	released, _ := waits.Wake(waits.Hold.Due, waits.Hold.Due)
	atOnce, _, _ := waits.Now(revocation.NoticeOf(leaves("sig_b", time.Minute, 0)), monday)
	stays := leaves("sig_w", 30*day, 0)
	for reason, entry := range map[string]revocation.HoldEntry{
		"source hr: nothing was held":                                                             {},
		"source hr: called off; it was to take effect at 2026-11-30T09:00:00Z":                    waits,
		"source hr: too late: job " + waits.Hold.Job.ID + " was released at 2026-11-30T09:00:00Z": released,
		"source hr: too late: it had taken effect":                                                atOnce,
	} {
		next, outcome := entry.Withdraw(waits.Key, stays, monday)
		require.Equal(t, revocation.HoldChanged, outcome, reason)
		require.Equal(t, reason, next.Action.Reason)
		require.Equal(t, []string{"withdraw", waits.Key}, []string{next.Action.Verb, next.Action.Target})
		require.Nil(t, next.Hold)
		again, outcome := next.Withdraw(waits.Key, stays, monday.Add(time.Hour))
		require.Equal(t, revocation.HoldRepeated, outcome)
		require.Equal(t, next, again)
	}
}

// In whatever order the sender's deliveries come, and however often: the newest that was
// said is what counts.
func TestOrderDoesNotMatterWhereTheSenderHasAClock(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2000) {
		random := rand.New(rand.NewPCG(seed, 1))
		said := make([]revocation.Signal, 2+random.IntN(4))
		for i := range said {
			said[i] = leaves("sig_"+string(rune('a'+i)), 0, 1+random.IntN(4))
			said[i].Occurred = monday.Add(time.Duration(i+1) * time.Minute)
			if random.IntN(3) == 0 {
				said[i].Kind = revocation.KindWithdrawal
			}
		}
		var entry revocation.HoldEntry
		key := revocation.HoldKey("acme", "hr", said[0].Person)
		order := append(random.Perm(len(said)), random.Perm(len(said))...)
		for n, i := range order {
			signal := said[i]
			signal.Received = monday.Add(time.Duration(n) * time.Hour)
			if signal.Kind == revocation.KindWithdrawal {
				entry, _ = entry.Withdraw(key, signal, signal.Received)
			} else {
				entry, _ = put(entry, signal)
			}
		}
		newest := said[len(said)-1]
		if newest.Kind == revocation.KindWithdrawal {
			require.Equal(t, revocation.HoldWithdrawn, entry.State, "seed %d", seed)
			continue
		}
		require.Equal(t, revocation.HoldWaits, entry.State, "seed %d", seed)
		require.Equal(t, newest.Effective, entry.Hold.Due, "seed %d", seed)
	}
}
