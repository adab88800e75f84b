package okta_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sever/okta"
	"sever/okta/oktasim"
)

// startSim serves a simulated Okta and returns a client of it.
func startSim(t *testing.T, opts oktasim.Options, change ...func(*okta.Config)) (*okta.Client, *oktasim.Server) {
	t.Helper()
	sim := oktasim.New(opts)
	server := httptest.NewServer(sim)
	t.Cleanup(func() {
		server.Close()
		sim.Close()
	})
	return newClient(t, server.URL, change...), sim
}

func TestRevokeUserSessions(t *testing.T) {
	t.Parallel()
	for _, opts := range []okta.RevokeOptions{{}, {OAuthTokens: true}, {ForgetDevices: true}, {OAuthTokens: true, ForgetDevices: true}} {
		client, sim := startSim(t, oktasim.Options{Token: testToken})
		receipt, err := client.RevokeUserSessions(t.Context(), alice, opts)
		require.NoError(t, err)
		require.Equal(t, http.StatusNoContent, receipt.Status)
		require.NotEmpty(t, receipt.RequestID)
		require.False(t, receipt.Began.IsZero())
		require.False(t, receipt.Ended.Before(receipt.Began))
		require.True(t, receipt.Rate.Known)
		require.Equal(t, 600, receipt.Rate.Limit)
		require.Equal(t, 599, receipt.Rate.Remaining)

		calls := sim.Calls()
		require.Len(t, calls, 1)
		calls[0].Time = time.Time{}
		require.Equal(t, oktasim.Call{
			Method: http.MethodDelete, Path: "/api/v1/users/" + alice + "/sessions", Auth: "SSWS ***", Status: http.StatusNoContent, User: alice,
			Query: "forgetDevices=" + yesNo(opts.ForgetDevices) + "&oauthTokens=" + yesNo(opts.OAuthTokens),
		}, calls[0])
	}
}

func TestRevokeAgainIsHarmless(t *testing.T) {
	t.Parallel()
	client, sim := startSim(t, oktasim.Options{})
	for range 3 {
		_, err := client.RevokeUserSessions(t.Context(), alice, okta.RevokeOptions{})
		require.NoError(t, err)
	}
	user, _, err := client.GetUser(t.Context(), alice)
	require.NoError(t, err)
	require.Equal(t, "ACTIVE", user.Status, "the neighbouring DELETE was never called")
	require.Len(t, sim.Calls(), 4)
}

func TestRevokeOfSomeoneGone(t *testing.T) {
	t.Parallel()
	client, sim := startSim(t, oktasim.Options{StrictUsers: true})
	require.NoError(t, sim.PutUser(oktasim.User{ID: alice, Status: "DEPROVISIONED"}))
	for _, id := range []okta.UserID{alice, bob} {
		receipt, err := client.RevokeUserSessions(t.Context(), id, okta.RevokeOptions{})
		require.Equal(t, okta.ClassGone, okta.ClassOf(err))
		require.Equal(t, http.StatusNotFound, receipt.Status)
		require.NotEmpty(t, receipt.RequestID)
		var e *okta.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, "E0000007", e.Code)
		require.Equal(t, receipt.RequestID, e.RequestID)
	}
}

func TestOneAttemptWhateverHappens(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]okta.Class{
		"503:9": okta.ClassTemporary, "500:9": okta.ClassTemporary, "429:9": okta.ClassRateLimited, "concurrency:9": okta.ClassConcurrency,
		"cut:9": okta.ClassTemporary, "cut_after:9": okta.ClassTemporary, "302:9": okta.ClassWrongURL, "307:9": okta.ClassWrongURL,
		"308:9": okta.ClassWrongURL, "200:9": okta.ClassWrongURL, "401:9": okta.ClassCredential, "403:9": okta.ClassForbidden,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			faults, err := oktasim.ParseFaults(name)
			require.NoError(t, err)
			client, sim := startSim(t, oktasim.Options{Faults: faults})
			receipt, err := client.RevokeUserSessions(t.Context(), alice, okta.RevokeOptions{})
			require.Error(t, err)
			require.Equal(t, want, okta.ClassOf(err))
			require.Len(t, sim.Calls(), 1, "no retry, and no redirect followed")
			require.Equal(t, sim.Calls()[0].Status, receipt.Status)
			require.False(t, receipt.Ended.IsZero())
			requirePrintable(t, err.Error())
		})
	}
}

func TestWrongTokenIsACredentialError(t *testing.T) {
	t.Parallel()
	client, _ := startSim(t, oktasim.Options{Token: "another"})
	_, err := client.RevokeUserSessions(t.Context(), alice, okta.RevokeOptions{})
	require.Equal(t, okta.ClassCredential, okta.ClassOf(err))
	require.ErrorContains(t, err, "E0000011")
}

func TestDeadlineOfTheCaller(t *testing.T) {
	t.Parallel()
	client, _ := startSim(t, oktasim.Options{Latency: time.Minute})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	receipt, err := client.RevokeUserSessions(ctx, alice, okta.RevokeOptions{})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	var transport *okta.TransportError
	require.ErrorAs(t, err, &transport)
	require.Equal(t, okta.ClassTemporary, okta.ClassOf(err))
	require.Zero(t, receipt.Status)
	require.False(t, receipt.Ended.IsZero())
}

// hang never answers; it ends when the request's context does.
type hang struct{}

func (hang) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, errors.New("gave up")
}

func TestACallWithoutADeadlineEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, "https://acme.okta.com", func(c *okta.Config) { c.Transport = hang{} })
		receipt, err := client.RevokeUserSessions(context.Background(), alice, okta.RevokeOptions{})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 30*time.Second, receipt.Ended.Sub(receipt.Began))
	})
}

func TestRequestCarriesWhatOktaWants(t *testing.T) {
	t.Parallel()
	var header http.Header
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header = r.Header.Clone()
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(server.Close)
	client := newClient(t, server.URL, func(c *okta.Config) { c.UserAgent = "sever/1.2" })
	_, err := client.RevokeUserSessions(t.Context(), alice, okta.RevokeOptions{})
	require.NoError(t, err)
	require.Equal(t, "SSWS "+testToken, header.Get("Authorization"))
	require.Equal(t, "sever/1.2", header.Get("User-Agent"))
	require.Equal(t, "application/json", header.Get("Accept"))
}

func TestEndlessErrorBodyIsCutOff(t *testing.T) {
	t.Parallel()
	var sent atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		chunk := []byte(strings.Repeat("x", 4096))
		for sent.Load() < 64<<20 {
			n, err := w.Write(chunk)
			if err != nil {
				return
			}
			sent.Add(int64(n))
		}
	}))
	t.Cleanup(server.Close)
	client := newClient(t, server.URL)
	_, err := client.RevokeUserSessions(t.Context(), alice, okta.RevokeOptions{})
	require.Equal(t, okta.ClassTemporary, okta.ClassOf(err))
	require.Less(t, len(err.Error()), 1000)
	require.Less(t, sent.Load(), int64(64<<20))
}
