package okta_test

import (
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
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
	require.Equal(t, time.Minute, wait)
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

// busyOkta counts how many calls are in flight at once.
type busyOkta struct {
	mu        sync.Mutex
	now, most int
}

func (c *busyOkta) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	c.now++
	c.most = max(c.most, c.now)
	c.mu.Unlock()
	<-time.After(time.Second) // fake time
	c.mu.Lock()
	c.now--
	c.mu.Unlock()
	return &http.Response{StatusCode: http.StatusNoContent, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
}

func TestCallsInFlightAreCapped(t *testing.T) {
	t.Parallel()
	for inFlight, want := range map[int]int{0: 8, 1: 1, 3: 3, 75: 75} {
		synctest.Test(t, func(t *testing.T) {
			busy := &busyOkta{}
			client := newClient(t, "https://acme.okta.com", func(c *okta.Config) { c.Transport, c.MaxInFlight = busy, inFlight })
			var wg sync.WaitGroup
			for range 100 {
				wg.Go(func() {
					if _, err := client.RevokeUserSessions(t.Context(), alice, okta.RevokeOptions{}); err != nil && want > 3 {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			require.Equal(t, want, busy.most)
		})
	}
}

func TestMaxInFlightIsChecked(t *testing.T) {
	t.Parallel()
	auth, err := okta.SSWS(testToken)
	require.NoError(t, err)
	for _, bad := range []int{-1, 76} {
		_, err := okta.New(okta.Config{BaseURL: "https://acme.okta.com", Auth: auth, MaxInFlight: bad})
		require.ErrorContains(t, err, "MaxInFlight")
	}
}
