package okta

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// handClock is a clock that stands still until it is moved.
type handClock struct{ at time.Time }

func (c *handClock) now() time.Time { return c.at }

func newHandClock() *handClock { return &handClock{at: time.Unix(1_800_000_000, 0)} }

// rateAt is an answer's headers from a server whose clock is a year off ours.
func rateAt(now time.Time, limit, remaining int, left time.Duration) Rate {
	date := now.Add(365 * 24 * time.Hour)
	return Rate{Limit: limit, Remaining: remaining, Reset: date.Add(left), Date: date, Known: true}
}

// admits reports whether a call would go out at once.
func admits(t *testing.T, b *budget, name string) bool {
	t.Helper()
	err := b.acquire(t.Context(), "test", name)
	if err == nil {
		b.release(name)
	}
	return err == nil
}

func TestBudgetFloor(t *testing.T) {
	t.Parallel()
	clock := newHandClock()
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
		b := newBudget(tc.reserve, 0, clock.now)
		b.update(bucketSessions, Receipt{Rate: rateAt(clock.at, tc.limit, tc.remaining, time.Minute), Began: clock.at})
		require.Equal(t, tc.want, admits(t, b, bucketSessions), "%+v", tc)
		err := b.acquire(WithReserve(t.Context()), "test", bucketSessions)
		require.Equal(t, tc.remaining > 0, err == nil, "with the reserve: %+v", tc)
	}
}

func TestBudgetRefusesUntilTheWindowIsOver(t *testing.T) {
	t.Parallel()
	clock := newHandClock()
	start := clock.at
	b := newBudget(0, 0, clock.now)
	require.True(t, admits(t, b, bucketSessions), "nothing is known yet")
	b.update(bucketSessions, Receipt{Rate: rateAt(clock.at, 600, 0, 30*time.Second), Began: clock.at})

	clock.at = start.Add(10 * time.Second)
	err := b.acquire(t.Context(), "test", bucketSessions)
	var e *Error
	require.ErrorAs(t, err, &e)
	require.True(t, e.Local)
	require.Equal(t, ClassRateLimited, e.Class())
	at, known := RetryAt(err, clock.at)
	require.True(t, known)
	require.Equal(t, start.Add(30*time.Second), at)

	clock.at = at.Add(-time.Millisecond)
	require.False(t, admits(t, b, bucketSessions))
	clock.at = at
	require.True(t, admits(t, b, bucketSessions), "RetryAt and the budget agree")
	require.Empty(t, b.snapshot())
}

func TestBudgetIsPerBucketButTheCapIsNot(t *testing.T) {
	t.Parallel()
	clock := newHandClock()
	b := newBudget(0, 2, clock.now)
	b.update(bucketSessions, Receipt{Rate: rateAt(clock.at, 600, 0, time.Minute), Began: clock.at})
	require.False(t, admits(t, b, bucketSessions))
	require.True(t, admits(t, b, bucketUsers), "buckets are apart")

	require.NoError(t, b.acquire(t.Context(), "test", bucketUsers))
	require.NoError(t, b.acquire(t.Context(), "test", bucketLogs))
	over, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, b.acquire(over, "test", bucketEventHooks), context.Canceled, "two calls are in flight")
}

func TestBudgetLetsOneCallGoFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(0, 8, time.Now)
		require.NoError(t, b.acquire(t.Context(), "test", bucketSessions))
		second := make(chan error, 1)
		go func() { second <- b.acquire(context.Background(), "test", bucketSessions) }()
		synctest.Wait()
		require.Empty(t, second, "nothing is known before the first answer")
		b.update(bucketSessions, Receipt{Rate: rateAt(time.Now(), 600, 599, time.Minute), Began: time.Now()})
		b.release(bucketSessions)
		require.NoError(t, <-second)
	})
}

func TestBudgetWithoutHeadersOnlyCapsTheCallsInFlight(t *testing.T) {
	t.Parallel()
	clock := newHandClock()
	b := newBudget(0, 3, clock.now)
	b.update(bucketSessions, Receipt{Rate: Rate{}, Began: clock.at})
	for range 3 {
		require.NoError(t, b.acquire(t.Context(), "test", bucketSessions))
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	require.ErrorIs(t, b.acquire(ctx, "test", bucketSessions), context.DeadlineExceeded)
}

func TestBudgetTapers(t *testing.T) {
	t.Parallel()
	b := newBudget(0, 8, time.Now)
	alone := &bucket{}
	for spare, want := range map[int]int{600: 8, 8: 8, 7: 7, 1: 1} {
		require.Equal(t, want, b.tapered(alone, spare), "alone with %d", spare)
	}
	shared := &bucket{window: window{shared: 1}}
	for spare, want := range map[int]int{600: 8, 32: 8, 31: 7, 8: 2, 7: 1, 1: 1} {
		require.Equal(t, want, b.tapered(shared, spare), "shared with %d", spare)
	}
}

// Whoever else spends a window is seen by what is gone beside our own calls, and remembered for a while.
func TestWindowSeesOthers(t *testing.T) {
	t.Parallel()
	clock := newHandClock()
	var w window
	answer := func(reset time.Duration, remaining, inFlight int) {
		w.note(rateAt(clock.at, 100, remaining, reset), reset, clock.at, clock.at)
		w.compare(inFlight)
	}
	answer(5*time.Second, 99, 1)
	answer(5*time.Second, 96, 2)
	require.Zero(t, w.shared, "four are gone: two answered, two in flight")
	answer(5*time.Second, 90, 2)
	require.Equal(t, sharedWindows, w.shared, "ten are gone, and only five can be ours")
	for left := sharedWindows - 1; left >= 0; left-- {
		clock.at = clock.at.Add(6 * time.Second)
		answer(5*time.Second, 99, 1)
		require.Equal(t, left, w.shared)
	}
}

func TestBudgetTakesAnswersInAnyOrder(t *testing.T) {
	t.Parallel()
	clock := newHandClock()
	b := newBudget(0, 0, clock.now)
	newer, older := rateAt(clock.at, 600, 3, 30*time.Second), rateAt(clock.at, 600, 4, 30*time.Second)
	b.update(bucketSessions, Receipt{Rate: newer, Began: clock.at})
	b.update(bucketSessions, Receipt{Rate: older, Began: clock.at})
	require.Equal(t, []BudgetState{{Bucket: bucketSessions, Limit: 600, Remaining: 3, Reset: clock.at.Add(30 * time.Second)}}, b.snapshot())

	next := rateAt(clock.at, 500, 499, 80*time.Second)
	b.update(bucketSessions, Receipt{Rate: next, Began: clock.at})
	b.update(bucketSessions, Receipt{Rate: newer, Began: clock.at})
	require.Equal(t, 499, b.snapshot()[0].Remaining, "an answer from the old window says nothing about the new one")
}

func TestBudgetIgnoresWhatIsNoWindow(t *testing.T) {
	t.Parallel()
	clock := newHandClock()
	noDate := rateAt(clock.at, 600, 0, time.Minute)
	noDate.Date = time.Time{}
	unknown := rateAt(clock.at, 600, 0, time.Minute)
	unknown.Known = false
	for name, rate := range map[string]Rate{
		"concurrency": rateAt(clock.at, 0, 0, 114*time.Second), "no date": noDate, "no headers": unknown, "over": rateAt(clock.at, 600, 5, 0),
		"long over": rateAt(clock.at, 600, 5, -time.Hour),
	} {
		b := newBudget(0, 0, clock.now)
		b.update(bucketSessions, Receipt{Rate: rate, Began: clock.at})
		require.True(t, admits(t, b, bucketSessions), name)
		require.Empty(t, b.snapshot(), name)
	}
}

func TestBudgetBoundsAnAbsurdReset(t *testing.T) {
	t.Parallel()
	clock := newHandClock()
	b := newBudget(0, 0, clock.now)
	b.update(bucketSessions, Receipt{Rate: rateAt(clock.at, 600, 0, 24*time.Hour), Began: clock.at})
	clock.at = clock.at.Add(time.Minute)
	require.False(t, admits(t, b, bucketSessions))
	clock.at = clock.at.Add(maxWait)
	require.True(t, admits(t, b, bucketSessions))

	b.update(bucketSessions, Receipt{Rate: rateAt(clock.at, 600, 0, 30*time.Second), Began: clock.at})
	require.False(t, admits(t, b, bucketSessions), "an earlier reset counts once the absurd one is over")
}

func TestCollisionsMakeTheGateWaitABit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(0, 0, time.Now)
		longest := []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second, 5 * time.Second, 5 * time.Second}
		for i, limit := range longest {
			b.update(bucketSessions, Receipt{Rate: rateAt(time.Now(), 0, 0, 114*time.Second), Began: time.Now()})
			began := time.Now()
			require.NoError(t, b.pass(t.Context()))
			waited := time.Since(began)
			require.GreaterOrEqual(t, waited, limit/2, i)
			require.Less(t, waited, limit, i)
			require.True(t, admits(t, b, bucketSessions), "a call itself is not refused")
		}
		b.update(bucketSessions, Receipt{Rate: rateAt(time.Now(), 600, 500, time.Minute), Began: time.Now()})
		b.update(bucketSessions, Receipt{Rate: rateAt(time.Now(), 0, 0, 114*time.Second), Began: time.Now()})
		began := time.Now()
		require.NoError(t, b.pass(t.Context()))
		require.Less(t, time.Since(began), 500*time.Millisecond, "a good answer starts over")
	})
}

func TestARefusalThatIsOverAtOnceStillCountsForASecond(t *testing.T) {
	t.Parallel()
	clock := newHandClock()
	for _, left := range []time.Duration{0, -time.Second, -time.Hour} {
		b := newBudget(0, 0, clock.now)
		b.update(bucketSessions, Receipt{Status: 429, Rate: rateAt(clock.at, 600, 0, left), Began: clock.at})
		require.False(t, admits(t, b, bucketSessions), left)
	}
}

func TestARefusalWithoutHeadersMakesTheGateWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(0, 0, time.Now)
		b.update(bucketSessions, Receipt{Status: 429, Began: time.Now()})
		began := time.Now()
		require.NoError(t, b.pass(t.Context()))
		require.GreaterOrEqual(t, time.Since(began), 250*time.Millisecond)
	})
}
