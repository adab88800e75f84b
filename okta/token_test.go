package okta_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sever/okta"
)

// crowd makes n calls at once and returns their errors. Each has a client of its own, so that no rate budget comes between.
func crowd(t *testing.T, server *strictOkta, n int) []error {
	t.Helper()
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		client := newClient(t, server.origin, func(c *okta.Config) { c.Auth, c.Transport = server.auth, server.transport })
		wg.Go(func() { _, errs[i] = revoke(t, client) })
	}
	wg.Wait()
	return errs
}

func requireTokenCalls(t *testing.T, server *strictOkta, want int, why string) {
	t.Helper()
	got, _ := server.counts()
	require.Equal(t, want, got, why)
}

func TestAHundredCallersOverHTTPGetOneToken(t *testing.T) {
	t.Parallel()
	server := newStrictOkta("")
	at := newClock()
	server.now = at.now
	web := httptest.NewServer(server)
	t.Cleanup(web.Close)
	server.origin = web.URL
	server.client(t, web.Client().Transport, func(c *okta.OAuthConfig) { c.Now = at.now })

	for range 3 {
		before, _ := server.counts()
		for _, err := range crowd(t, server, 100) {
			require.NoError(t, err)
		}
		requireTokenCalls(t, server, before+1, "one renewal for a hundred callers")
		at.add(time.Hour) // the token is over, not just due
	}
	_, calls := server.counts()
	require.Equal(t, 300, calls)
}

func TestTheTokenIsRenewedAheadWhileTheOldOneIsUsed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, server := startStrict(t)
		mustRevoke(t, client, 1)
		time.Sleep(54 * time.Minute) //nolint:forbidigo // fake time
		mustRevoke(t, client, 1)
		requireTokenCalls(t, server, 1, "not due yet")

		hold := make(chan struct{})
		server.set(func(s *strictOkta) { s.hold = hold })
		time.Sleep(2 * time.Minute) //nolint:forbidigo // fake time
		began := time.Now()
		for _, err := range crowd(t, server, 100) {
			require.NoError(t, err)
		}
		require.Equal(t, began, time.Now(), "nobody waited for the renewal")
		synctest.Wait()
		requireTokenCalls(t, server, 2, "one renewal is under way")
		close(hold)
		synctest.Wait()
		server.set(func(s *strictOkta) { s.hold = nil })
		time.Sleep(10 * time.Minute) //nolint:forbidigo // past the end of the first token
		mustRevoke(t, client, 1)
		requireTokenCalls(t, server, 2, "the second token is in use")
	})
}

func TestARenewalAheadThatFailsCostsNobodyACall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		warned := &warnings{}
		client, server := startStrict(t, func(c *okta.OAuthConfig) { c.Warn = warned.add })
		mustRevoke(t, client, 1)
		server.set(func(s *strictOkta) { s.refuse = func(int) *canned { return &canned{status: 503} } })
		time.Sleep(56 * time.Minute) //nolint:forbidigo // fake time
		for range 3 {
			mustRevoke(t, client, 1)
			synctest.Wait()
		}
		requireTokenCalls(t, server, 2, "then a pause")
		require.Len(t, warned.all(), 1)
		require.ErrorContains(t, warned.all()[0], "ahead")
		require.Equal(t, okta.ClassTemporary, okta.ClassOf(warned.all()[0]))

		time.Sleep(time.Second) //nolint:forbidigo // the pause
		server.set(func(s *strictOkta) { s.refuse = nil })
		mustRevoke(t, client, 1)
		synctest.Wait()
		requireTokenCalls(t, server, 3, "and another try")
		require.Len(t, warned.all(), 1)
	})
}

func TestARefusedCredentialDoesNotHammerTheTokenEndpoint(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, server := startStrict(t)
		server.set(func(s *strictOkta) {
			s.refuse = func(int) *canned { return &canned{status: 401, body: `{"error":"invalid_client"}`} }
		})
		for i, seconds := range []int{1, 2, 4, 8, 16, 30, 30, 30} {
			pause := time.Duration(seconds) * time.Second
			for _, err := range crowd(t, server, 20) {
				require.ErrorIs(t, err, okta.ErrAuthorize)
				require.Equal(t, okta.ClassCredential, okta.ClassOf(err))
			}
			requireTokenCalls(t, server, i+1, "one call, then its error for everybody")
			time.Sleep(pause - time.Millisecond) //nolint:forbidigo // fake time
			receipt, err := revoke(t, client)
			require.Error(t, err)
			require.Zero(t, receipt.Attempts)
			requireTokenCalls(t, server, i+1, "still paused")
			time.Sleep(time.Millisecond) //nolint:forbidigo // fake time
		}
		_, api := server.counts()
		require.Zero(t, api)
		server.set(func(s *strictOkta) { s.refuse = nil })
		mustRevoke(t, client, 1)
		server.set(func(s *strictOkta) { clear(s.tokens) })
		mustRevoke(t, client, 2)
	})
}

func TestTheTokenEndpointsRateLimitIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, server := startStrict(t)
		at := time.Now().UTC()
		server.set(func(s *strictOkta) {
			s.refuse = func(call int) *canned {
				if call > 1 {
					return nil
				}
				return &canned{429, map[string]string{
					"X-Rate-Limit-Limit": "300", "X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Reset": unix(at.Add(40 * time.Second)), "Date": at.Format(http.TimeFormat),
				}, code("E0000047")}
			}
		})
		_, err := revoke(t, client)
		require.Equal(t, okta.ClassRateLimited, okta.ClassOf(err))
		retryAt, ok := okta.RetryAt(err, time.Now().Add(time.Hour))
		require.True(t, ok)
		wait := time.Until(retryAt)
		require.InDelta(t, 40.5, wait.Seconds(), 1, "told when the answer came, not when it is looked at")

		time.Sleep(wait - time.Millisecond) //nolint:forbidigo // fake time
		_, err = revoke(t, client)
		require.Equal(t, okta.ClassRateLimited, okta.ClassOf(err))
		requireTokenCalls(t, server, 1, "not before the reset")
		time.Sleep(time.Millisecond) //nolint:forbidigo // fake time
		mustRevoke(t, client, 1)
	})
}

func TestAWaiterWhoLeavesTakesNothingFromTheOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, server := startStrict(t)
		hold := make(chan struct{})
		server.set(func(s *strictOkta) { s.hold = hold })
		first, leave := context.WithCancel(t.Context())
		gone := make(chan error, 1)
		go func() {
			_, err := client.RevokeUserSessions(first, alice, okta.RevokeOptions{})
			gone <- err
		}()
		synctest.Wait()
		stayed := make(chan error, 1)
		go func() {
			_, err := revoke(t, client)
			stayed <- err
		}()
		synctest.Wait()
		leave()
		err := <-gone
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, okta.ClassTemporary, okta.ClassOf(err))
		close(hold)
		require.NoError(t, <-stayed)
		requireTokenCalls(t, server, 1, "the request of the one who left served the other")
	})
}

func TestARenewalEndsByItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, server := startStrict(t)
		server.set(func(s *strictOkta) { s.hold = make(chan struct{}) })
		began := time.Now()
		_, err := revoke(t, client)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, okta.ClassTemporary, okta.ClassOf(err))
		require.Equal(t, 20*time.Second, time.Since(began))
	})
}

func TestShortLivedTokensWork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, server := startStrict(t)
		server.set(func(s *strictOkta) { s.lifetime = 10 * time.Second })
		for range 60 {
			mustRevoke(t, client, 1)
			time.Sleep(time.Second) //nolint:forbidigo // fake time
		}
		tokens, _ := server.counts()
		require.InDelta(t, 7, tokens, 1)
	})
}

func TestCloseEndsARenewal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newStrictOkta("https://acme.okta.com")
		server.hold = make(chan struct{})
		auth, err := okta.PrivateKeyJWT(okta.OAuthConfig{
			OrgURL: server.origin, ClientID: clientID, Keys: []okta.Key{server.newKey(t, "k1")}, Transport: server,
		})
		require.NoError(t, err)
		client := newClient(t, server.origin, func(c *okta.Config) { c.Auth, c.Transport = auth, server })
		waiting := make(chan error, 1)
		go func() {
			_, err := revoke(t, client)
			waiting <- err
		}()
		synctest.Wait()
		began := time.Now()
		auth.Close()
		auth.Close()
		require.Equal(t, began, time.Now())
		require.ErrorIs(t, <-waiting, context.Canceled)
		_, err = revoke(t, client)
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorContains(t, err, "closed")
		require.Equal(t, okta.ClassTemporary, okta.ClassOf(err))
		requireTokenCalls(t, server, 1, "none after the end")
	})
}

// slowToLeave notices the end of a request late.
type slowToLeave struct{}

func (slowToLeave) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	time.Sleep(3 * time.Second) //nolint:forbidigo // fake time
	return nil, errors.New("left")
}

func TestCloseWaitsForARenewal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newStrictOkta("https://acme.okta.com")
		client := server.client(t, slowToLeave{})
		waiting := make(chan error, 1)
		go func() {
			_, err := revoke(t, client)
			waiting <- err
		}()
		synctest.Wait()
		began := time.Now()
		server.auth.Close()
		require.Equal(t, 3*time.Second, time.Since(began))
		require.ErrorIs(t, <-waiting, context.Canceled)
	})
}

// cutOff fails the first request that is for the token endpoint.
type cutOff struct {
	next  http.RoundTripper
	calls atomic.Int64
}

func (c *cutOff) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path == "/oauth2/v1/token" && c.calls.Add(1) == 1 {
		return nil, errors.New("connection reset by peer; you sent " + r.Header.Get("DPoP"))
	}
	return c.next.RoundTrip(r)
}

func TestNoAnswerFromTheTokenEndpoint(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newStrictOkta("https://acme.okta.com")
		client := server.client(t, &cutOff{next: server})
		_, err := revoke(t, client)
		var transport *okta.TransportError
		require.ErrorAs(t, err, &transport)
		require.ErrorIs(t, err, okta.ErrAuthorize)
		require.Equal(t, okta.ClassTemporary, okta.ClassOf(err))
		require.NotContains(t, err.Error(), "eyJ")
		time.Sleep(time.Second) //nolint:forbidigo // fake time
		mustRevoke(t, client, 1)
	})
}

// warnings are what a Warn hook was told.
type warnings struct {
	mu   sync.Mutex
	told []error
}

func (w *warnings) add(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told = append(w.told, err)
}

func (w *warnings) all() []error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]error(nil), w.told...)
}

func unix(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }
