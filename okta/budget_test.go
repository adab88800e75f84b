package okta_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/okta"
	"sever/okta/oktasim"
)

// clock is a hand-driven clock.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2027, 1, 15, 8, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func TestClientStopsAtTheReserve(t *testing.T) {
	t.Parallel()
	simClock, ownClock := newClock(), newClock()
	ownClock.add(-3 * time.Hour)
	client, sim := startSim(t, oktasim.Options{Rate: oktasim.RateLimit{Limit: 10, Window: time.Minute}, Now: simClock.now},
		func(c *okta.Config) { c.Reserve, c.Now = 0.2, ownClock.now })

	for range 8 {
		_, err := client.RevokeUserSessions(t.Context(), alice, okta.RevokeOptions{})
		require.NoError(t, err)
	}
	receipt, err := client.RevokeUserSessions(t.Context(), alice, okta.RevokeOptions{})
	var e *okta.Error
	require.ErrorAs(t, err, &e)
	require.True(t, e.Local)
	require.Equal(t, http.StatusTooManyRequests, e.Status)
	require.Equal(t, okta.ClassRateLimited, e.Class())
	require.Zero(t, receipt.Status)
	require.Equal(t, ownClock.now(), receipt.Ended)
	require.Len(t, sim.Calls(), 8, "nothing was sent")
	require.Equal(t, []okta.BudgetState{{Bucket: "sessions", Limit: 10, Remaining: 2, Reset: ownClock.now().Add(time.Minute)}}, client.Budget())

	_, _, err = client.GetUser(t.Context(), alice)
	require.NoError(t, err, "lookups have a bucket of their own")

	at, ok := okta.RetryAt(e, ownClock.now())
	require.True(t, ok)
	wait := at.Sub(ownClock.now())
	require.Equal(t, 61*time.Second, wait)
	simClock.add(wait)
	ownClock.add(wait)
	_, err = client.RevokeUserSessions(t.Context(), alice, okta.RevokeOptions{})
	require.NoError(t, err)
}

func TestOneRefusalByOktaSavesTheNextCalls(t *testing.T) {
	t.Parallel()
	client, sim := startSim(t, oktasim.Options{Faults: []oktasim.Fault{{RateLimited: true, ResetIn: 20 * time.Second}}})
	for range 5 {
		_, err := client.RevokeUserSessions(t.Context(), alice, okta.RevokeOptions{})
		require.Equal(t, okta.ClassRateLimited, okta.ClassOf(err))
	}
	require.Len(t, sim.Calls(), 1)
}

func TestAConcurrencyRefusalDoesNotStopTheNextCall(t *testing.T) {
	t.Parallel()
	client, sim := startSim(t, oktasim.Options{Faults: []oktasim.Fault{{Concurrency: true}}})
	_, err := client.RevokeUserSessions(t.Context(), alice, okta.RevokeOptions{})
	require.Equal(t, okta.ClassConcurrency, okta.ClassOf(err))
	_, ok := okta.RetryAt(err, time.Now())
	require.False(t, ok)
	_, err = client.RevokeUserSessions(t.Context(), alice, okta.RevokeOptions{})
	require.NoError(t, err)
	require.Len(t, sim.Calls(), 2)
}

func TestManyAtOnceNeverExceedTheLimit(t *testing.T) {
	t.Parallel()
	client, sim := startSim(t, oktasim.Options{Rate: oktasim.RateLimit{Limit: 20, Window: time.Minute}})
	_, err := client.RevokeUserSessions(t.Context(), alice, okta.RevokeOptions{})
	require.NoError(t, err, "the first answer tells the limit")
	var wg sync.WaitGroup
	for range 60 {
		wg.Go(func() { _, _ = client.RevokeUserSessions(t.Context(), alice, okta.RevokeOptions{}) })
	}
	wg.Wait()
	for _, call := range sim.Calls() {
		require.Equal(t, http.StatusNoContent, call.Status)
	}
	require.LessOrEqual(t, len(sim.Calls()), 20)
}
