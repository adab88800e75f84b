package okta_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/okta"
	"sever/okta/oktasim"
)

func TestEndUserSessions(t *testing.T) {
	t.Parallel()
	client, sim := startSim(t, oktasim.Options{Token: testToken})
	for _, tc := range []struct {
		keepCurrent bool
		left        int
	}{{true, 1}, {false, 0}} {
		value, err := sim.StartSession(alice)
		require.NoError(t, err)
		_, err = sim.StartSession(alice)
		require.NoError(t, err)
		session, err := okta.SID(value)
		require.NoError(t, err)
		receipt, err := client.EndUserSessions(t.Context(), session, tc.keepCurrent)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, receipt.Status)
		require.Equal(t, tc.left, sim.Sessions(alice))
	}
	over, err := okta.SID("102NoSuchSession")
	require.NoError(t, err)
	_, err = client.EndUserSessions(t.Context(), over, true)
	require.Error(t, err)
	require.NotContains(t, err.Error(), "NoSuchSession")
}

func TestEndUserSessionsNeverSendsTheCredential(t *testing.T) {
	t.Parallel()
	var got *http.Request
	var body string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got, body = r, string(b)
	}))
	t.Cleanup(server.Close)
	client := newClient(t, server.URL, func(c *okta.Config) { c.Auth = panicky{} })
	session, err := okta.IDX("eyJ.secret-idx")
	require.NoError(t, err)
	_, err = client.EndUserSessions(t.Context(), session, true)
	require.NoError(t, err)
	require.Equal(t, "POST /api/v1/users/me/lifecycle/delete_sessions", got.Method+" "+got.RequestURI)
	require.Empty(t, got.Header.Values("Authorization"))
	require.Empty(t, got.Header.Values("DPoP"))
	require.Equal(t, "idx=eyJ.secret-idx", got.Header.Get("Cookie"))
	require.Equal(t, "application/json", got.Header.Get("Content-Type"))
	require.JSONEq(t, `{"keepCurrent":true}`, body)
}

// panicky is an Authorizer that must not be asked.
type panicky struct{}

func (panicky) Authorize(context.Context, *http.Request) error { panic("asked for the API credential") }

func TestSessionCookieIsASecret(t *testing.T) {
	t.Parallel()
	const value = "102SecretCookie"
	session, err := okta.SID(value)
	require.NoError(t, err)
	require.NotContains(t, fmt.Sprintf("%v %+v %#v %s %x", session, session, session, session, &session), value)
	echo := canned{
		403,
		map[string]string{"X-Okta-Request-Id": value, "WWW-Authenticate": `Cookie error="` + value + `", error_description="` + value + `"`},
		`{"errorCode":"E0000005","errorSummary":"` + value + `","errorId":"` + value + `","errorCauses":[{"errorSummary":"` + value + `"}]}`,
	}
	client := newClient(t, "https://acme.okta.com", func(c *okta.Config) { c.Transport = echo })
	_, err = client.EndUserSessions(t.Context(), session, false)
	var e *okta.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, okta.ClassCredential, e.Class())
	require.NotContains(t, err.Error(), value)
	require.NotContains(t, fmt.Sprintf("%#v", *e), value)
}

func TestSessionCookieIsChecked(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"", " ", "a b", "a;b", "a,b", `a"b`, `a\b`, "a\nb", "é", strings.Repeat("x", 5000)} {
		_, err := okta.SID(value)
		require.Error(t, err, "%q", value)
		_, err = okta.IDX(value)
		require.Error(t, err, "%q", value)
	}
	sent := &recorder{}
	client := newClient(t, "https://acme.okta.com", func(c *okta.Config) { c.Transport = sent })
	_, err := client.EndUserSessions(t.Context(), okta.SessionCookie{}, true)
	require.Equal(t, okta.ClassCredential, okta.ClassOf(err))
	require.Empty(t, sent.seen)
}
