package okta

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// rateAt is an answer's headers from a server whose clock is a year off ours.
func rateAt(now time.Time, limit, remaining int, left time.Duration) Rate {
	date := now.Add(365 * 24 * time.Hour)
	return Rate{Limit: limit, Remaining: remaining, Reset: date.Add(left), Date: date, Known: true}
}

func admits(b *budget, now time.Time) bool {
	_, ok := b.acquire(bucketSessions, now)
	if ok {
		b.release(bucketSessions)
	}
	return ok
}

func TestBudgetFloor(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	for _, tc := range []struct {
		reserve          float64
		limit, remaining int
		want             bool
	}{
		{0, 600, 1, true},
		{0, 600, 0, false},
		{0.1, 600, 61, true},
		{0.1, 600, 60, false},
		{0.1, 30, 4, true},
		{0.1, 30, 3, false},
		{0.1, 25, 4, true}, // the floor of 2.5 is 3
		{0.1, 25, 3, false},
		{0.9, 10, 10, true},
		{0.9, 10, 9, false},
	} {
		b := newBudget(tc.reserve)
		b.update(bucketSessions, rateAt(now, tc.limit, tc.remaining, time.Minute), now)
		require.Equal(t, tc.want, admits(b, now), "%+v", tc)
	}
}

func TestBudgetRefusesUntilTheWindowIsOver(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	b := newBudget(0)
	require.True(t, admits(b, now), "nothing is known yet")
	b.update(bucketSessions, rateAt(now, 600, 0, 30*time.Second), now)

	rate, ok := b.acquire(bucketSessions, now.Add(10*time.Second))
	require.False(t, ok)
	at, known := RetryAt(&Error{Status: 429, Local: true, Rate: rate}, now.Add(10*time.Second))
	require.True(t, known)
	require.Equal(t, now.Add(31*time.Second), at)

	require.False(t, admits(b, at.Add(-time.Millisecond)))
	require.True(t, admits(b, at), "RetryAt and the budget agree")
	require.Empty(t, b.snapshot(at))
}

func TestBudgetCountsCallsInFlight(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	b := newBudget(0)
	b.update(bucketSessions, rateAt(now, 600, 2, time.Minute), now)
	_, first := b.acquire(bucketSessions, now)
	_, second := b.acquire(bucketSessions, now)
	_, third := b.acquire(bucketSessions, now)
	require.Equal(t, []bool{true, true, false}, []bool{first, second, third})
	b.release(bucketSessions)
	require.True(t, admits(b, now))
	_, users := b.acquire(bucketUsers, now)
	require.True(t, users, "buckets are apart")
}

func TestBudgetKeepsInFlightOverTheWindow(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	b := newBudget(0)
	_, ok := b.acquire(bucketSessions, now)
	require.True(t, ok)
	b.update(bucketSessions, rateAt(now, 600, 5, time.Second), now)
	later := now.Add(time.Minute)
	b.update(bucketSessions, rateAt(later, 600, 1, time.Minute), later)
	require.False(t, admits(b, later), "the one left is for the call still in flight")
}

func TestBudgetTakesAnswersInAnyOrder(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	b := newBudget(0)
	newer, older := rateAt(now, 600, 3, 30*time.Second), rateAt(now, 600, 4, 30*time.Second)
	b.update(bucketSessions, newer, now)
	b.update(bucketSessions, older, now)
	require.Equal(t, []BudgetState{{Bucket: bucketSessions, Limit: 600, Remaining: 3, Reset: now.Add(30 * time.Second)}}, b.snapshot(now))

	next := rateAt(now, 500, 499, 90*time.Second)
	b.update(bucketSessions, next, now)
	b.update(bucketSessions, newer, now)
	require.Equal(t, 499, b.snapshot(now)[0].Remaining, "an answer from the old window says nothing about the new one")
}

func TestBudgetIgnoresWhatIsNoWindow(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	noDate := rateAt(now, 600, 0, time.Minute)
	noDate.Date = time.Time{}
	unknown := rateAt(now, 600, 0, time.Minute)
	unknown.Known = false
	for name, rate := range map[string]Rate{
		"concurrency": rateAt(now, 0, 0, 114*time.Second), "no date": noDate, "no headers": unknown, "over": rateAt(now, 600, 0, 0),
		"long over": rateAt(now, 600, 0, -time.Hour),
	} {
		b := newBudget(0)
		b.update(bucketSessions, rate, now)
		require.True(t, admits(b, now), name)
		require.Empty(t, b.snapshot(now), name)
	}
}

func TestBudgetBoundsAnAbsurdReset(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	b := newBudget(0)
	b.update(bucketSessions, rateAt(now, 600, 0, 24*time.Hour), now)
	require.False(t, admits(b, now.Add(time.Minute)))
	require.True(t, admits(b, now.Add(maxWait+resetSlack)))
}
