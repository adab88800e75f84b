package okta_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"sever/okta"
)

func TestTokenRequestIsWhatOktaWants(t *testing.T) {
	t.Parallel()
	for want, scopes := range map[string][]string{
		"okta.users.manage okta.users.read": nil,
		"okta.logs.read":                    {"okta.logs.read"},
		"a b":                               {"a", "b"},
	} {
		client, server := startStrict(t, func(c *okta.OAuthConfig) { c.Scopes = scopes })
		mustRevoke(t, client, 1)
		require.Len(t, server.forms, 1)
		require.Len(t, server.forms[0], 4)
		require.Equal(t, []string{want}, server.forms[0]["scope"])
		claims := server.assertions[0].Claims.(jwt.MapClaims)
		require.Len(t, claims, 6, "iss, sub, aud, jti, iat and exp; the server has looked at each")
		require.LessOrEqual(t, claims["exp"].(float64)-claims["iat"].(float64), float64(600))
		require.Len(t, claims["jti"], 26)
	}
}

func TestTokenRequestHeaders(t *testing.T) {
	t.Parallel()
	server := newStrictOkta("https://acme.okta.com")
	seen := &lastHeader{next: server}
	mustRevoke(t, server.client(t, seen), 1)
	require.Equal(t, "application/x-www-form-urlencoded", seen.token.Get("Content-Type"))
	require.Equal(t, "application/json", seen.token.Get("Accept"))
	require.Equal(t, "sever-okta", seen.token.Get("User-Agent"))
	require.Empty(t, seen.token.Get("Authorization"))
	require.True(t, strings.HasPrefix(seen.api.Get("Authorization"), "DPoP "))
}

func TestPrivateKeyJWTChecksItsConfig(t *testing.T) {
	t.Parallel()
	key := newStrictOkta("").newKey(t, "k1")
	good := okta.OAuthConfig{OrgURL: "https://acme.okta.com/", ClientID: clientID, Keys: []okta.Key{key}}
	auth, err := okta.PrivateKeyJWT(good)
	require.NoError(t, err)
	auth.Close()
	for want, change := range map[string]func(*okta.OAuthConfig){
		"OrgURL: has no host":             func(c *okta.OAuthConfig) { c.OrgURL = "" },
		"OrgURL: http is for loopback":    func(c *okta.OAuthConfig) { c.OrgURL = "http://acme.okta.com" },
		"OrgURL: has a path":              func(c *okta.OAuthConfig) { c.OrgURL += "oauth2/default" },
		"ClientID: missing":               func(c *okta.OAuthConfig) { c.ClientID = "" },
		"ClientID: missing or not":        func(c *okta.OAuthConfig) { c.ClientID = "a b" },
		"Keys: there are 0":               func(c *okta.OAuthConfig) { c.Keys = nil },
		"Keys: there are 3":               func(c *okta.OAuthConfig) { c.Keys = []okta.Key{key, key, key} },
		`Scopes[1]: "" is not a scope`:    func(c *okta.OAuthConfig) { c.Scopes = []string{"a", ""} },
		`Scopes[0]: "a b" is not a scope`: func(c *okta.OAuthConfig) { c.Scopes = []string{"a b"} },
	} {
		cfg := good
		change(&cfg)
		_, err := okta.PrivateKeyJWT(cfg)
		require.ErrorContains(t, err, "okta OAuth "+want)
	}
}

func TestAnotherHostGetsNoToken(t *testing.T) {
	t.Parallel()
	client, server := startStrict(t)
	mustRevoke(t, client, 1)
	for _, base := range []string{"https://evil.example", "https://acme.okta.com.evil.example", "https://acme.okta.com:444", "http://localhost"} {
		other := newClient(t, base, func(c *okta.Config) { c.Auth, c.Transport = server.auth, server })
		receipt, err := revoke(t, other)
		require.ErrorIs(t, err, okta.ErrAuthorize)
		require.ErrorContains(t, err, "make BaseURL and OrgURL the same")
		require.Equal(t, okta.ClassCredential, okta.ClassOf(err))
		require.Zero(t, receipt.Attempts)
	}
	_, api := server.counts()
	require.Equal(t, 1, api)
}

func TestAttemptsAreCounted(t *testing.T) {
	t.Parallel()
	client, server := startStrict(t)
	mustRevoke(t, client, 1)
	server.set(func(s *strictOkta) { clear(s.tokens) })
	receipt, err := revoke(t, client)
	require.NoError(t, err)
	require.Equal(t, 2, receipt.Attempts)
	require.Equal(t, http.StatusNoContent, receipt.Status, "of the second")

	receipt, err = client.RevokeUserSessions(t.Context(), "me", okta.RevokeOptions{})
	require.Error(t, err)
	require.Zero(t, receipt.Attempts)
}

// greedy is a Learner that always wants another attempt, and meddles with it.
type greedy struct {
	calls   int
	answers []error
}

func (g *greedy) Authorize(_ context.Context, req *http.Request) error {
	g.calls++
	if g.calls == 2 {
		req.URL.Path = strings.TrimSuffix(req.URL.Path, "/sessions")
	}
	return nil
}

func (g *greedy) Learn(_ *http.Request, _ http.Header, err error) bool {
	g.answers = append(g.answers, err)
	return true
}

func TestTheSecondAttemptIsCheckedLikeTheFirst(t *testing.T) {
	t.Parallel()
	sent, auth := &recorder{}, &greedy{}
	client := newClient(t, "https://acme.okta.com", func(c *okta.Config) { c.Auth, c.Transport = auth, sent })
	receipt, err := revoke(t, client)
	require.ErrorIs(t, err, okta.ErrUnsafeRequest)
	require.Len(t, sent.seen, 1)
	require.Equal(t, 1, receipt.Attempts)
	require.Equal(t, []error{nil}, auth.answers)
}

func TestThereIsNoThirdAttempt(t *testing.T) {
	t.Parallel()
	auth := &greedy{calls: 2}
	client := newClient(t, "https://acme.okta.com", func(c *okta.Config) { c.Auth, c.Transport = auth, canned{status: 401} })
	receipt, err := revoke(t, client)
	require.Equal(t, okta.ClassCredential, okta.ClassOf(err))
	require.Equal(t, 2, receipt.Attempts)
	require.Len(t, auth.answers, 2)
	for _, answer := range auth.answers {
		var e *okta.Error
		require.ErrorAs(t, answer, &e)
	}
}

func TestRedirectsOfTheTokenEndpointAreNotFollowed(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		var paths []string
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			paths = append(paths, r.URL.Path)
			http.Redirect(w, r, "/elsewhere", status)
		}))
		server := newStrictOkta(web.URL)
		_, err := revoke(t, server.client(t, nil))
		require.Equal(t, okta.ClassWrongURL, okta.ClassOf(err))
		web.Close()
		require.Equal(t, []string{"/oauth2/v1/token"}, paths)
	}
}

// transportFunc hides what is behind it from being printed.
type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestOAuthIsNeverPrinted(t *testing.T) {
	t.Parallel()
	server := newStrictOkta("https://acme.okta.com")
	client := server.client(t, transportFunc(server.RoundTrip))
	mustRevoke(t, client, 1)
	var secrets []string
	for value := range server.tokens {
		secrets = append(secrets, value, fmt.Sprintf("%x", value))
	}
	require.Len(t, secrets, 2)
	auth := server.auth
	cfg := okta.Config{BaseURL: server.origin, Auth: auth}
	for _, value := range []any{auth, cfg, &cfg, client, *client, []any{auth}, map[string]any{"auth": auth}} {
		var logged bytes.Buffer
		slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "value", value)
		slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "value", value)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&logged, verb, value)
		}
		for _, secret := range append(secrets, "PRIVATE KEY", clientID) {
			require.NotContains(t, logged.String(), secret)
		}
	}
	require.Equal(t, "[redacted]", auth.String())
	require.Equal(t, "[redacted]", auth.GoString())
	require.Equal(t, "[redacted]", fmt.Sprintf("%#v", auth))
	encoded, err := json.Marshal(map[string]any{"auth": auth})
	require.NoError(t, err)
	require.JSONEq(t, `{"auth":{}}`, string(encoded))
}

// echo answers with everything it was sent.
type echo struct{}

func (echo) RoundTrip(r *http.Request) (*http.Response, error) {
	var form bytes.Buffer
	_, _ = form.ReadFrom(r.Body)
	values, _ := url.ParseQuery(form.String())
	text := "you sent " + values.Get("client_assertion") + " and " + r.Header.Get("DPoP")
	body, _ := json.Marshal(map[string]string{"error": "invalid_client", "error_description": text})
	return canned{401, map[string]string{"X-Okta-Request-Id": r.Header.Get("DPoP")[:120]}, string(body)}.RoundTrip(r)
}

func TestNoErrorHoldsWhatWasSent(t *testing.T) {
	t.Parallel()
	server := newStrictOkta("https://acme.okta.com")
	_, err := revoke(t, server.client(t, echo{}))
	var refused *okta.OAuthError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "you sent [redacted] and [redacted]", refused.Description)
	require.NotContains(t, refused.Description, "eyJ")
}
