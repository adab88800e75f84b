package okta_test

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sever/okta"
)

// exhausted is an org whose window is used up by the first call and lasts ten seconds by whatever clock there is.
type exhausted struct{}

func (exhausted) RoundTrip(r *http.Request) (*http.Response, error) {
	header := http.Header{
		"X-Rate-Limit-Limit": {"600"}, "X-Rate-Limit-Remaining": {"0"}, "Date": {time.Now().UTC().Format(http.TimeFormat)},
		"X-Rate-Limit-Reset": {strconv.FormatInt(time.Now().Add(10*time.Second).Unix(), 10)},
	}
	return &http.Response{StatusCode: http.StatusNoContent, Header: header, Body: http.NoBody, Request: r}, nil
}

func TestWaitForBudgetEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, "https://acme.okta.com", func(c *okta.Config) { c.Transport = exhausted{} })
		require.NoError(t, client.WaitForBudget(t.Context()))
		_, err := client.RevokeUserSessions(t.Context(), alice, okta.RevokeOptions{})
		require.NoError(t, err)

		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		began := time.Now()
		err = client.WaitForBudget(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, okta.ClassTemporary, okta.ClassOf(err))
		require.Equal(t, 3*time.Second, time.Since(began))

		cancelled, stop := context.WithCancel(t.Context())
		stop()
		require.ErrorIs(t, client.WaitForBudget(cancelled), context.Canceled)
	})
}

func TestWaitForBudgetIsFirstComeFirstServed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, "https://acme.okta.com", func(c *okta.Config) { c.Transport = exhausted{} })
		_, err := client.RevokeUserSessions(t.Context(), alice, okta.RevokeOptions{})
		require.NoError(t, err)
		var mu sync.Mutex
		var order []int
		var wg sync.WaitGroup
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		for i, place := range []context.Context{t.Context(), ctx, t.Context(), t.Context()} { // the second gives up its place
			wg.Go(func() {
				if client.WaitForBudget(place) != nil {
					return
				}
				mu.Lock()
				order = append(order, i)
				mu.Unlock()
				_, _ = client.RevokeUserSessions(place, alice, okta.RevokeOptions{})
			})
			synctest.Wait()
		}
		cancel()
		began := time.Now()
		wg.Wait()
		require.Equal(t, []int{0, 2, 3}, order)
		require.InDelta(t, 30, time.Since(began).Seconds(), 4, "one call per window")
	})
}

func TestACallerThatMakesNoCallOwesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, "https://acme.okta.com", func(c *okta.Config) { c.Transport = &recorder{} })
		began := time.Now()
		for range 100 {
			require.NoError(t, client.WaitForBudget(t.Context()))
		}
		require.Less(t, time.Since(began), 2*time.Second)
	})
}

// slow answers after a while, with limits wide open.
type slow time.Duration

func (s slow) RoundTrip(r *http.Request) (*http.Response, error) {
	select {
	case <-r.Context().Done():
		return nil, r.Context().Err()
	case <-time.After(time.Duration(s)):
	}
	header := http.Header{
		"X-Rate-Limit-Limit": {"600"}, "X-Rate-Limit-Remaining": {"599"}, "Date": {time.Now().UTC().Format(http.TimeFormat)},
		"X-Rate-Limit-Reset": {strconv.FormatInt(time.Now().Add(time.Minute).Unix(), 10)},
	}
	return &http.Response{StatusCode: http.StatusNoContent, Header: header, Body: http.NoBody, Request: r}, nil
}

// Before Okta's limits are known calls go one by one. Who waits for a turn must not lose the time of its own call by that.
func TestAnAttemptIsBoundedFromItsTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, "https://acme.okta.com", func(c *okta.Config) {
			c.Transport, c.AttemptTimeout = slow(3*time.Second), 4*time.Second
		})
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				_, err := client.RevokeUserSessions(t.Context(), alice, okta.RevokeOptions{})
				assert.NoError(t, err)
			})
		}
		wg.Wait()
	})
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, "https://acme.okta.com", func(c *okta.Config) {
			c.Transport, c.AttemptTimeout = slow(5*time.Second), 4*time.Second
		})
		began := time.Now()
		_, err := client.RevokeUserSessions(t.Context(), alice, okta.RevokeOptions{})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 4*time.Second, time.Since(began))
	})
}
