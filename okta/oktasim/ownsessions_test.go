package oktasim_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/okta/oktasim"
)

const endOwn = "/api/v1/users/me/lifecycle/delete_sessions"

// signIn starts a session and returns the header that carries its cookie.
func (o org) signIn(user string) http.Header {
	o.t.Helper()
	a := o.send(http.MethodPost, "/_sim/sessions", `{"user":"`+user+`"}`)
	require.Equal(o.t, 200, a.status, string(a.body))
	cookie, _, _ := strings.Cut(a.header.Get("Set-Cookie"), ";")
	return http.Header{"Cookie": {cookie}}
}

func (o org) signedIn(browser http.Header) bool {
	o.t.Helper()
	a := o.do(http.MethodGet, "/api/v1/sessions/me", "", browser)
	if a.status != 200 {
		requireError(o.t, a, 404, "E0000007")
	}
	return a.status == 200
}

func TestSessionCookie(t *testing.T) {
	t.Parallel()
	o := start(t, oktasim.Options{})
	a := o.send(http.MethodPost, "/_sim/sessions", `{"user":"`+alice+`"}`)
	require.Regexp(t, `^sid=102[\w-]{27}; Path=/; HttpOnly; SameSite=Lax$`, a.header.Get("Set-Cookie"))
	require.NotContains(t, string(a.body), strings.TrimPrefix(strings.Split(a.header.Get("Set-Cookie"), ";")[0], "sid="), "the id is not the cookie")

	sim := oktasim.New(oktasim.Options{})
	server := httptest.NewTLSServer(sim)
	t.Cleanup(func() {
		server.Close()
		sim.Close()
	})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/_sim/sessions", strings.NewReader(`{"user":"`+alice+`"}`))
	require.NoError(t, err)
	resp, err := server.Client().Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Regexp(t, `^sid=102[\w-]{27}; Path=/; HttpOnly; Secure; SameSite=None$`, resp.Header.Get("Set-Cookie"))
}

func TestCurrentSession(t *testing.T) {
	t.Parallel()
	clock := newClock()
	o := start(t, oktasim.Options{Now: clock.now})
	require.NoError(t, o.sim.PutUser(oktasim.User{ID: alice, Login: "alice@acme.com"}))
	browser := o.signIn("alice@acme.com")
	var session map[string]any
	o.do(http.MethodGet, "/api/v1/sessions/me", "", browser).json(t, &session)
	require.Equal(t, []any{alice, "alice@acme.com", "ACTIVE", "2027-01-15T08:00:00.000Z"},
		[]any{session["userId"], session["login"], session["status"], session["createdAt"]})
	require.False(t, o.signedIn(nil))
	require.False(t, o.signedIn(http.Header{"Cookie": {"sid=made-up"}}))
	clock.pass(2 * time.Hour)
	require.False(t, o.signedIn(browser), "it ends by itself")
}

func TestEndOwnSessions(t *testing.T) {
	t.Parallel()
	o := start(t, oktasim.Options{})
	laptop, phone, tablet, other := o.signIn(alice), o.signIn(alice), o.signIn(alice), o.signIn(bob)
	require.Equal(t, 3, o.sim.Sessions(alice))

	a := o.do(http.MethodPost, endOwn, `{"keepCurrent":true}`, laptop)
	require.Equal(t, 200, a.status, string(a.body))
	require.Empty(t, a.header.Get("Set-Cookie"))
	require.Equal(t, []bool{true, false, false, true}, []bool{o.signedIn(laptop), o.signedIn(phone), o.signedIn(tablet), o.signedIn(other)})
	ends := o.eventsOf("user.session.end")
	require.Len(t, ends, 2)
	for _, end := range ends {
		require.Equal(t, alice, end.Actor.ID)
		require.Empty(t, end.Target, "a person who signs out is the actor")
		require.Equal(t, a.header.Get("X-Okta-Request-Id"), end.DebugContext.DebugData["requestId"])
	}

	phone = o.signIn(alice)
	require.Equal(t, 200, o.do(http.MethodPost, endOwn, "", phone).status, "keepCurrent is the default")
	require.Equal(t, []bool{false, true}, []bool{o.signedIn(laptop), o.signedIn(phone)})
	a = o.do(http.MethodPost, endOwn, `{"keepCurrent":false}`, phone)
	require.Equal(t, 200, a.status)
	require.Contains(t, a.header.Get("Set-Cookie"), "Max-Age=0")
	require.Zero(t, o.sim.Sessions(alice))
	require.Equal(t, 1, o.sim.Sessions(bob))
}

func TestEndOwnSessionsRefusals(t *testing.T) {
	t.Parallel()
	o := start(t, oktasim.Options{})
	browser := o.signIn(alice)
	with := func(name, value string) http.Header {
		header := browser.Clone()
		header.Set(name, value)
		return header
	}
	requireError(t, o.do(http.MethodPost, endOwn, `{}`, nil), 403, "E0000005")
	requireError(t, o.do(http.MethodPost, endOwn, `{}`, http.Header{"Cookie": {"sid=made-up"}}), 403, "E0000005")
	requireError(t, o.do(http.MethodPost, endOwn, `{}`, with("Authorization", "SSWS x")), 403, "E0000006")
	requireError(t, o.do(http.MethodPost, endOwn, `{}`, with("Authorization", "Bearer x")), 403, "E0000006")
	requireError(t, o.do(http.MethodPost, endOwn, `{}`, with("Origin", "https://evil.example")), 403, "E0000006")
	requireError(t, o.do(http.MethodPost, endOwn, `{`, browser), 400, "E0000003")
	requireError(t, o.do(http.MethodGet, endOwn, "", browser), 403, "E0000005")
	require.True(t, o.signedIn(browser))
	require.Equal(t, 200, o.do(http.MethodPost, endOwn, `{}`, with("Origin", o.url)).status, "the org's own pages")
}

func TestRevocationEndsEachSession(t *testing.T) {
	t.Parallel()
	o := start(t, oktasim.Options{})
	first, second, other := o.signIn(alice), o.signIn(alice), o.signIn(bob)
	a := o.send(http.MethodDelete, "/api/v1/users/"+alice+"/sessions", "")
	require.Equal(t, 204, a.status)
	require.Equal(t, []bool{false, false, true}, []bool{o.signedIn(first), o.signedIn(second), o.signedIn(other)})
	require.Len(t, o.eventsOf("user.session.clear"), 1)
	ends := o.eventsOf("user.session.end")
	require.Len(t, ends, 2)
	for _, end := range ends {
		require.Equal(t, alice, end.Target[0].ID)
		require.Equal(t, "PublicClientAppEntity", end.Actor.Type)
		require.Equal(t, a.header.Get("X-Okta-Request-Id"), end.DebugContext.DebugData["requestId"])
	}
	require.NotEqual(t, ends[0].DebugContext.DebugData["endedSessionId"], ends[1].DebugContext.DebugData["endedSessionId"])
}

func TestStatusEndsSessions(t *testing.T) {
	t.Parallel()
	o := start(t, oktasim.Options{})
	for _, status := range []string{"SUSPENDED", "DEPROVISIONED"} {
		require.NoError(t, o.sim.PutUser(oktasim.User{ID: alice}))
		_, err := o.sim.StartSession(alice)
		require.NoError(t, err)
		require.NoError(t, o.sim.PutUser(oktasim.User{ID: alice, Status: status}))
		require.Zero(t, o.sim.Sessions(alice), status)
		_, err = o.sim.StartSession(alice)
		require.ErrorContains(t, err, status)
	}
	require.Equal(t, 400, o.send(http.MethodPost, "/_sim/sessions", `{"user":"nobody"}`).status)
	require.Equal(t, 400, o.send(http.MethodPost, "/_sim/sessions", `{"users":"x"}`).status)
	o.signIn(bob)
	require.Contains(t, string(o.send(http.MethodGet, "/_sim/sessions", "").body), bob)
	o.send(http.MethodDelete, "/api/v1/users/"+bob, "")
	require.Zero(t, o.sim.Sessions(bob), "deactivated")
	require.JSONEq(t, "[]", string(o.send(http.MethodGet, "/_sim/sessions", "").body))
}

func TestSignInForBrowsers(t *testing.T) {
	t.Parallel()
	o := start(t, oktasim.Options{TrustedOrigins: []string{"https://sever.acme.com"}})
	go1 := func(then string) answer {
		return o.do(http.MethodGet, "/_sim/login?"+url.Values{"user": {alice}, "then": {then}}.Encode(), "", nil)
	}
	a := go1("https://sever.acme.com/signout?x=y")
	require.Equal(t, 303, a.status)
	require.Equal(t, "https://sever.acme.com/signout?x=y", a.header.Get("Location"))
	require.NotEmpty(t, a.header.Get("Set-Cookie"))
	require.Equal(t, 303, go1(o.url+"/x").status)
	require.Equal(t, 200, go1("").status)
	for _, astray := range []string{"https://evil.example/", "https://sever.acme.com.evil.example/", "//evil.example", "https://sever.acme.com@evil.example"} {
		require.Equal(t, 400, go1(astray).status, astray)
	}
	require.Equal(t, 400, o.do(http.MethodGet, "/_sim/login?user=nobody&then="+o.url+"/x", "", nil).status)
}

func TestTrustedOrigins(t *testing.T) {
	t.Parallel()
	const page = "https://sever.acme.com"
	o := start(t, oktasim.Options{})
	require.Equal(t, 200, o.send(http.MethodPut, "/_sim/trusted-origins", `["`+page+`"]`).status)
	require.JSONEq(t, `["`+page+`"]`, string(o.send(http.MethodGet, "/_sim/trusted-origins", "").body))
	preflight := func(origin string) answer {
		return o.do(http.MethodOptions, endOwn, "", http.Header{
			"Origin": {origin}, "Access-Control-Request-Method": {"POST"}, "Access-Control-Request-Headers": {"content-type"},
		})
	}
	a := preflight(page)
	require.Equal(t, 204, a.status)
	require.Equal(t, page, a.header.Get("Access-Control-Allow-Origin"))
	require.Equal(t, "true", a.header.Get("Access-Control-Allow-Credentials"))
	require.Contains(t, a.header.Get("Access-Control-Allow-Methods"), "POST")
	require.Contains(t, a.header.Get("Access-Control-Allow-Headers"), "Content-Type")
	require.Equal(t, "Origin", a.header.Get("Vary"))
	for _, origin := range []string{"https://evil.example", "http://sever.acme.com", page + ":444", "null"} {
		a := preflight(origin)
		require.Equal(t, 204, a.status)
		require.Empty(t, a.header.Get("Access-Control-Allow-Origin"), origin)
		require.Empty(t, a.header.Get("Access-Control-Allow-Methods"))
	}
	requireError(t, o.send(http.MethodOptions, endOwn, ""), 405, "E0000022") // no preflight, just a wrong method

	browser := o.signIn(alice)
	browser.Set("Origin", page)
	a = o.do(http.MethodPost, endOwn, `{"keepCurrent":true}`, browser)
	require.Equal(t, 200, a.status)
	require.Equal(t, page, a.header.Get("Access-Control-Allow-Origin"))
	require.Contains(t, a.header.Get("Access-Control-Expose-Headers"), "X-Okta-Request-Id")
	require.True(t, o.signedIn(browser))

	o.sim.Reset()
	require.Empty(t, preflight(page).header.Get("Access-Control-Allow-Origin"))
	for _, bad := range []string{`["sever.acme.com"]`, `["https://sever.acme.com/"]`, `["ftp://x"]`, `["https://"]`, `["*"]`, `{}`} {
		require.Equal(t, 400, o.send(http.MethodPut, "/_sim/trusted-origins", bad).status, bad)
	}
	require.Error(t, o.sim.SetTrustedOrigins(make([]string, 101)...))
}

func TestGlobalTokenRevocation(t *testing.T) {
	t.Parallel()
	o := start(t, oktasim.Options{})
	const path = "/oauth2/v1/global-token-revocation"
	browser := o.signIn(alice)
	a := o.send(http.MethodPost, path, `{"sub_id":{"format":"opaque","id":"`+alice+`"}}`)
	require.Equal(t, 204, a.status)
	require.Empty(t, a.body)
	require.False(t, o.signedIn(browser))
	for _, eventType := range []string{"user.authentication.universal_logout", "user.session.clear", "user.session.end"} {
		events := o.eventsOf(eventType)
		require.Len(t, events, 1, eventType)
		require.Equal(t, alice, events[0].Target[0].ID)
		require.Equal(t, a.header.Get("X-Okta-Request-Id"), events[0].DebugContext.DebugData["requestId"])
	}
	for body, code := range map[string]string{
		`{`:  "E0000003",
		`{}`: "E0000001",
		`{"sub_id":{"format":"iss_sub","iss":"https://x","sub":"y"}}`:     "E0000001",
		`{"sub_id":{"format":"opaque","id":"me"}}`:                        "E0000001",
		`{"sub_id":{"format":"opaque","id":"` + alice + `@example.com"}}`: "E0000001",
	} {
		requireError(t, o.send(http.MethodPost, path, body), 400, code)
	}
}
