package okta

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const someone = "00u2di94bAMSEPvAY1d6"

func TestSessionsPath(t *testing.T) {
	t.Parallel()
	path, err := sessionsPath(someone)
	require.NoError(t, err)
	require.Equal(t, "/api/v1/users/00u2di94bAMSEPvAY1d6/sessions", path)

	for _, converted := range []UserID{"", someone + "?x=", someone + "#", someone + "/..", "../" + someone, someone + "%2f", "me", "."} {
		_, err := sessionsPath(converted)
		var invalid *InvalidUserIDError
		require.ErrorAs(t, err, &invalid)
	}
}

func TestIsSessionsPath(t *testing.T) {
	t.Parallel()
	require.True(t, isSessionsPath("/api/v1/users/"+someone+"/sessions"))
	for _, path := range []string{
		"", "/", "/api/v1/users/" + someone, "/api/v1/users/" + someone + "/", "/api/v1/users/" + someone + "/sessions/",
		"//api/v1/users/" + someone + "/sessions", "/api/v1/users//sessions", "/api/v1/users/sessions", "/x/api/v1/users/" + someone + "/sessions",
		"/api/v1/users/" + someone + "/../sessions", "/api/v1/users/" + someone + "/Sessions", "/api/v2/users/" + someone + "/sessions",
		"api/v1/users/" + someone + "/sessions", "/api/v1/groups/" + someone + "/sessions", "/api/v1/users/me/sessions",
	} {
		require.False(t, isSessionsPath(path), path)
	}
}

func TestUserPath(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		someone:                "/api/v1/users/" + someone,
		"alice@example.com":    "/api/v1/users/alice@example.com",
		"a b":                  "/api/v1/users/a%20b",
		"100%":                 "/api/v1/users/100%25",
		"x?y#z;a":              "/api/v1/users/x%3Fy%23z%3Ba",
		`back\slash`:           "/api/v1/users/back%5Cslash",
		"%2e%2e":               "/api/v1/users/%252e%252e",
		"jörg":                 "/api/v1/users/j%C3%B6rg",
		strings.Repeat("é", 9): "/api/v1/users/" + strings.Repeat("%C3%A9", 9),
	} {
		path, err := userPath(in)
		require.NoError(t, err, in)
		require.Equal(t, want, path)
	}
	for _, in := range []string{
		"", ".", "..", "me", "ME", "a/b", "/", "a\nb", "a\x00", "a\u202eb", "a\u200bb", "\xff", strings.Repeat("é", 101),
	} {
		_, err := userPath(in)
		var invalid *InvalidLoginError
		require.ErrorAs(t, err, &invalid, "%q", in)
	}
}

func TestTargetCheckRefusesAChangedRequest(t *testing.T) {
	t.Parallel()
	base := &url.URL{Scheme: "https", Host: "acme.okta.com"}
	goal := target{method: http.MethodDelete, path: "/api/v1/users/" + someone + "/sessions", query: "oauthTokens=true"}
	changes := map[string]func(*http.Request){
		"method":        func(r *http.Request) { r.Method = http.MethodGet },
		"scheme":        func(r *http.Request) { r.URL.Scheme = "http" },
		"host":          func(r *http.Request) { r.URL.Host = "evil.example" },
		"host header":   func(r *http.Request) { r.Host = "evil.example" },
		"userinfo":      func(r *http.Request) { r.URL.User = url.User("x") },
		"opaque":        func(r *http.Request) { r.URL.Opaque = "/api/v1/users/" + someone },
		"fragment":      func(r *http.Request) { r.URL.Fragment = "x" },
		"raw fragment":  func(r *http.Request) { r.URL.RawFragment = "x" },
		"shorter path":  func(r *http.Request) { r.URL.Path = "/api/v1/users/" + someone },
		"escaped slash": func(r *http.Request) { r.URL.RawPath = "/api/v1/users/" + someone + "%2Fsessions" },
		"other query":   func(r *http.Request) { r.URL.RawQuery = "oauthTokens=false" },
		"bare ?":        func(r *http.Request) { r.URL.RawQuery, r.URL.ForceQuery = "", true },
		"body":          func(r *http.Request) { r.Body = http.MaxBytesReader(nil, http.NoBody, 1) },
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := requestFor(t, goal)
			require.NoError(t, goal.check(req, base))
			change(req)
			require.ErrorIs(t, goal.check(req, base), ErrUnsafeRequest)
		})
	}
}

func TestTargetCheckKnowsTwoDeletes(t *testing.T) {
	t.Parallel()
	base := &url.URL{Scheme: "https", Host: "acme.okta.com"}
	const hook = "who8vt36qfNpCGz9H1e6"
	for path, allowed := range map[string]bool{
		"/api/v1/users/" + someone + "/sessions": true,
		"/api/v1/eventHooks/" + hook:             true,
		"/api/v1/users/" + someone:               false,
		"/api/v1/users/" + hook:                  false,
		"/api/v1/eventHooks/" + someone:          false,
		"/api/v1/eventHooks/":                    false,
		"/api/v1/eventHooks":                     false,
		"/api/v1/eventHooks/" + hook + "/":       false,
		"/api/v1/eventHooks/" + hook + "/x":      false,
		"/api/v1/groups/" + hook:                 false,
		"/api/v1/users/" + someone + "/groups":   false,
	} {
		goal := target{method: http.MethodDelete, path: path}
		err := goal.check(requestFor(t, goal), base)
		if allowed {
			require.NoError(t, err, path)
		} else {
			require.ErrorIs(t, err, ErrUnsafeRequest, path)
		}
	}
}

func TestTargetCheckHoldsTheBody(t *testing.T) {
	t.Parallel()
	base := &url.URL{Scheme: "https", Host: "acme.okta.com"}
	goal := target{method: http.MethodPost, path: endUserPath, body: []byte(`{"keepCurrent":true}`), asEndUser: true}
	req := requestFor(t, goal)
	require.NoError(t, goal.check(req, base))
	left, err := io.ReadAll(req.Body)
	require.NoError(t, err)
	require.Equal(t, goal.body, left, "the body is still there to be sent")

	for name, change := range map[string]func(*http.Request){
		"gone":    func(r *http.Request) { r.Body = nil },
		"other":   func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(`{"keepCurrent":null}`)) },
		"longer":  func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(string(goal.body) + " ")) },
		"shorter": func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("{}")) },
		"length":  func(r *http.Request) { r.ContentLength++ },
		"broken":  func(r *http.Request) { r.Body = http.MaxBytesReader(nil, r.Body, 1) },
		"SSWS":    func(r *http.Request) { r.Header.Set("Authorization", "SSWS x") },
		"DPoP":    func(r *http.Request) { r.Header.Set("DPoP", "x") },
	} {
		req := requestFor(t, goal)
		change(req)
		require.ErrorIs(t, goal.check(req, base), ErrUnsafeRequest, name)
	}
}

func requestFor(t *testing.T, goal target) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), goal.method, "https://acme.okta.com"+goal.requestURI(), goal.reader())
	require.NoError(t, err)
	return req
}

// meddler is an Authorizer that does more than it may.
type meddler func(*http.Request) error

func (m meddler) Authorize(_ context.Context, req *http.Request) error { return m(req) }

func TestNothingIsSentAfterAnAuthorizerMeddles(t *testing.T) {
	t.Parallel()
	client, err := New(Config{
		BaseURL: "https://acme.okta.com",
		Auth: meddler(func(r *http.Request) error {
			r.URL.Path = strings.TrimSuffix(r.URL.Path, "/sessions")
			return nil
		}),
		Transport: neverSend{t},
	})
	require.NoError(t, err)
	_, err = client.RevokeUserSessions(t.Context(), someone, RevokeOptions{})
	require.ErrorIs(t, err, ErrUnsafeRequest)
	require.Equal(t, ClassInvalid, ClassOf(err))
}

func TestNothingIsSentWithoutACredential(t *testing.T) {
	t.Parallel()
	noKey := errors.New("key file is gone")
	client, err := New(Config{
		BaseURL: "https://acme.okta.com", Auth: meddler(func(*http.Request) error { return noKey }), Transport: neverSend{t},
	})
	require.NoError(t, err)
	receipt, err := client.RevokeUserSessions(t.Context(), someone, RevokeOptions{})
	require.ErrorIs(t, err, noKey)
	require.ErrorIs(t, err, ErrAuthorize)
	require.Equal(t, ClassCredential, ClassOf(err))
	require.Zero(t, receipt.Status)
	require.False(t, receipt.Ended.IsZero())
}

type neverSend struct{ t *testing.T }

func (n neverSend) RoundTrip(r *http.Request) (*http.Response, error) {
	n.t.Errorf("sent %s %s", r.Method, r.URL.Path)
	return nil, errors.New("must not be sent")
}
