package oktasim_test

import (
	"crypto/elliptic"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/okta/oktasim"
)

func TestPracticeModeNeedsNoClient(t *testing.T) {
	t.Parallel()
	o := start(t, oktasim.Options{Token: "right"})
	path := "/api/v1/users/" + alice
	require.Equal(t, 200, o.do(http.MethodGet, path, "", http.Header{"Authorization": {"Bearer right"}}).status)
	for _, header := range []string{"Bearer wrong", "Bearer ", "Bearer"} {
		got := o.do(http.MethodGet, path, "", http.Header{"Authorization": {header}})
		requireChallenge(t, got, 401, "Bearer", "invalid_token", "The access token is invalid.")
	}
	requireChallenge(t, o.do(http.MethodGet, path, "", http.Header{"Authorization": {"DPoP right"}}), 401, "DPoP", "invalid_token", "The access token is invalid.")

	strict := startApp(t, oktasim.Options{}, oktasim.Client{})
	requireChallenge(t, strict.call(http.MethodGet, path, "Bearer", "anything"), 401, "Bearer", "invalid_token", "The access token is invalid.")
	require.Equal(t, 200, strict.send(http.MethodGet, path, "").status, "API tokens work as before")
}

func TestCallProofChecks(t *testing.T) {
	t.Parallel()
	a := startApp(t, oktasim.Options{}, oktasim.Client{DPoPRequired: true})
	token, now := a.bound(), a.clock.now()
	const path = "/api/v1/users/" + alice
	proof := func(changes ...change) string {
		return a.proof(http.MethodGet, path, append([]change{ath(token)}, changes...)...)
	}

	ok := a.call(http.MethodGet, path+"?fields=id", "DPoP", token, proof())
	require.Equal(t, 200, ok.status, "the query is no part of htu; a nonce is not wanted here")
	require.Equal(t, "DPoP ***", a.sim.Calls()[len(a.sim.Calls())-1].Auth)

	for name, tc := range map[string]struct {
		change      change
		description string
	}{
		"no ath":        {set("ath", nil), "'ath' claim in the DPoP proof does not match the presented access_token."},
		"ath of other":  {ath("other"), "'ath' claim in the DPoP proof does not match the presented access_token."},
		"with query":    {set("htu", a.url+path+"?fields=id"), "'htu' claim in the DPoP proof JWT is invalid."},
		"other path":    {set("htu", a.url+"/api/v1/users/"+bob), "'htu' claim in the DPoP proof JWT is invalid."},
		"other host":    {set("htu", "https://acme.okta.com"+path), "'htu' claim in the DPoP proof JWT is invalid."},
		"other method":  {set("htm", "DELETE"), "'htm' claim in the DPoP proof JWT is invalid."},
		"too old":       {set("iat", now.Add(-5*time.Minute-time.Second).Unix()), "The DPoP proof JWT is issued more than five minutes in the past."},
		"in the future": {set("iat", now.Add(time.Second).Unix()), "The DPoP proof JWT is issued in the future."},
	} {
		got := a.call(http.MethodGet, path+"?fields=id", "DPoP", token, proof(tc.change))
		require.Contains(t, got.header.Get("WWW-Authenticate"), tc.description, name)
		requireChallenge(t, got, 400, "DPoP", "invalid_dpop_proof", tc.description)
	}
	once := proof()
	require.Equal(t, 200, a.call(http.MethodGet, path, "DPoP", token, once).status)
	requireChallenge(t, a.call(http.MethodGet, path, "DPoP", token, once), 400, "DPoP", "invalid_dpop_proof", "The DPoP proof JWT has already been used.")
	requireChallenge(t, a.call(http.MethodGet, path, "DPoP", token, proof(), proof()), 400, "DPoP", "invalid_dpop_proof",
		"Multiple DPoP proof JWT headers are not allowed.")
	requireChallenge(t, a.call(http.MethodGet, path, "DPoP", token), 400, "DPoP", "invalid_request", "The resource request requires a DPoP proof.")
	requireChallenge(t, a.call(http.MethodGet, path, "Bearer", token), 400, "Bearer", "invalid_request", "The resource request requires a DPoP proof.")
	requireChallenge(t, a.call(http.MethodGet, path, "Bearer", token, proof()), 400, "Bearer", "invalid_request",
		"The resource request must use the DPoP authentication scheme when using a DPoP bound token.")

	thief := *a
	thief.dpop = ecKey(elliptic.P256())
	requireChallenge(t, a.call(http.MethodGet, path, "DPoP", token, thief.proof(http.MethodGet, path, ath(token))), 400, "DPoP", "invalid_dpop_proof",
		"The access_token is not bound to the provided DPoP proof.")
}

func TestUnboundTokenIsNotForDPoP(t *testing.T) {
	t.Parallel()
	a := startApp(t, oktasim.Options{}, oktasim.Client{})
	token := a.bearer()
	got := a.call(http.MethodGet, "/api/v1/users/"+alice, "DPoP", token, a.proof(http.MethodGet, "/api/v1/users/"+alice, ath(token)))
	requireChallenge(t, got, 401, "DPoP", "invalid_token", "The access token is invalid.")
}

// operations are all that an access token is for, with what each needs. Whether they then find anything does not matter.
var operations = []struct{ method, path, scope, permission string }{
	{"DELETE", "/api/v1/users/" + alice + "/sessions", "okta.users.manage", "okta.users.lifecycle.clearSessions"},
	{"GET", "/api/v1/users/" + alice, "okta.users.read", "okta.users.read"},
	{"GET", "/api/v1/users", "okta.users.read", "okta.users.read"},
	{"GET", "/api/v1/users/" + alice + "/groups", "okta.groups.read", "okta.groups.read"},
	{"GET", "/api/v1/users/" + alice + "/roles", "okta.roles.read", "okta.iam.read"},
	{"DELETE", "/api/v1/users/" + bob, "okta.users.manage", "okta.users.lifecycle.delete"},
	{"GET", "/api/v1/logs", "okta.logs.read", "okta.logs.read"},
	{"POST", "/oauth2/v1/global-token-revocation", "okta.universalLogout.manage", "okta.users.lifecycle.clearSessions"},
	{"POST", "/api/v1/eventHooks", "okta.eventHooks.manage", "okta.eventhooks.manage"},
	{"GET", "/api/v1/eventHooks", "okta.eventHooks.read", "okta.eventhooks.read"},
	{"GET", "/api/v1/eventHooks/x", "okta.eventHooks.read", "okta.eventhooks.read"},
	{"PUT", "/api/v1/eventHooks/x", "okta.eventHooks.manage", "okta.eventhooks.manage"},
	{"DELETE", "/api/v1/eventHooks/x", "okta.eventHooks.manage", "okta.eventhooks.manage"},
	{"POST", "/api/v1/eventHooks/x/lifecycle/verify", "okta.eventHooks.manage", "okta.eventhooks.manage"},
	{"POST", "/api/v1/eventHooks/x/lifecycle/activate", "okta.eventHooks.manage", "okta.eventhooks.manage"},
	{"POST", "/api/v1/eventHooks/x/lifecycle/deactivate", "okta.eventHooks.manage", "okta.eventhooks.manage"},
}

var allScopes = []string{
	"okta.users.manage", "okta.users.read", "okta.groups.read", "okta.roles.read", "okta.logs.read", "okta.universalLogout.manage",
	"okta.eventHooks.manage", "okta.eventHooks.read",
}

func (a *app) bearerFor(scope string) string {
	form := a.form()
	form.Set("scope", scope)
	return grantOf(a.t, a.ask(form)).Token
}

func TestScopePerOperation(t *testing.T) {
	t.Parallel()
	a := startApp(t, oktasim.Options{}, oktasim.Client{Scopes: allScopes})
	tokens := map[string]string{}
	for _, scope := range allScopes {
		tokens[scope] = a.bearerFor(scope)
	}
	for _, op := range operations {
		for scope, token := range tokens {
			got := a.call(op.method, op.path, "Bearer", token)
			if scope == op.scope {
				require.NotContains(t, []int{401, 403}, got.status, op.method+op.path)
				continue
			}
			requireChallenge(t, got, 403, "Bearer", "insufficient_scope", "The access token provided does not contain the required scopes.")
			require.Contains(t, got.header.Get("WWW-Authenticate"), `scope="`+op.scope+`"`)
			require.Contains(t, got.header.Get("WWW-Authenticate"), `resource="`+op.path+`"`)
		}
	}
}

func TestRolePerOperation(t *testing.T) {
	t.Parallel()
	a := startApp(t, oktasim.Options{}, oktasim.Client{Scopes: allScopes})
	for name, tc := range map[string]struct {
		roles []string
		may   func(permission string) bool
	}{
		"not said": {nil, func(string) bool { return true }},
		"none":     {[]string{}, func(string) bool { return false }},
		"super":    {[]string{"SUPER_ADMIN"}, func(string) bool { return true }},
		"org":      {[]string{"ORG_ADMIN"}, func(string) bool { return true }},
		"reader": {[]string{"READ_ONLY_ADMIN"}, func(permission string) bool {
			return strings.HasSuffix(permission, ".read")
		}},
		"user admin": {[]string{"USER_ADMIN"}, func(permission string) bool {
			return permission != "okta.logs.read" && permission != "okta.iam.read" && permission != "okta.eventhooks.read" && permission != "okta.eventhooks.manage"
		}},
		"least": {[]string{"okta.users.lifecycle.clearSessions", "okta.users.read"}, func(permission string) bool {
			return permission == "okta.users.lifecycle.clearSessions" || permission == "okta.users.read"
		}},
		"hooks": {[]string{"okta.eventhooks.manage"}, func(permission string) bool {
			return permission == "okta.eventhooks.manage" || permission == "okta.eventhooks.read"
		}},
	} {
		client := oktasim.Client{ID: appID, JWKS: must(oktasim.JWKS("k1", a.key.Public())), Scopes: allScopes, Roles: tc.roles}
		require.NoError(t, a.sim.PutClient(client))
		for _, op := range operations {
			got := a.call(op.method, op.path, "Bearer", a.bearerFor(op.scope))
			if tc.may(op.permission) {
				require.NotEqual(t, 403, got.status, name+op.path)
				continue
			}
			requireError(t, got, 403, "E0000006")
		}
	}
}

func TestUnknownPathIsForThoseWithACredential(t *testing.T) {
	t.Parallel()
	a := startApp(t, oktasim.Options{}, oktasim.Client{})
	requireError(t, a.call(http.MethodGet, "/api/v1/nothing", "Bearer", a.bearer()), 404, "E0000008")
	requireChallenge(t, a.call(http.MethodGet, "/api/v1/nothing", "Bearer", "x"), 401, "Bearer", "invalid_token", "The access token is invalid.")
	requireError(t, a.do(http.MethodGet, "/oauth2/v1/token", "", nil), 403, "E0000005")
}

func TestActorIsTheClient(t *testing.T) {
	t.Parallel()
	a := startApp(t, oktasim.Options{}, oktasim.Client{})
	require.Equal(t, 204, a.call(http.MethodDelete, "/api/v1/users/"+alice+"/sessions", "Bearer", a.bearer()).status)
	events := a.eventsOf("user.session.clear")
	require.Len(t, events, 1)
	require.Equal(t, appID, events[0].Actor.ID)
}

func TestPrincipalShare(t *testing.T) {
	t.Parallel()
	a := startApp(t, oktasim.Options{Rate: oktasim.RateLimit{Limit: 10, Window: time.Minute}, PrincipalShare: 0.5}, oktasim.Client{})
	const path = "/api/v1/users/" + alice
	as := func(credential string) answer {
		return a.do(http.MethodGet, path, "", http.Header{"Authorization": {credential}})
	}
	first, second := "Bearer "+a.bearer(), "Bearer "+a.bearer()
	for i, credential := range []string{first, second, first, second, first} {
		got := as(credential)
		require.Equal(t, 200, got.status, "two tokens of one app share")
		require.Equal(t, []string{"5", string(rune('4' - i))}, []string{got.header.Get("X-Rate-Limit-Limit"), got.header.Get("X-Rate-Limit-Remaining")})
	}
	for range 7 {
		requireError(t, as(second), 429, "E0000047")
	}
	for range 5 {
		require.Equal(t, 200, as("SSWS other").status, "what one may not have is left to others")
	}
	requireError(t, as("SSWS third"), 429, "E0000047")
	a.clock.pass(2 * time.Minute)
	require.Equal(t, 200, as("SSWS third").status)
}

func TestFaultsForOnePath(t *testing.T) {
	t.Parallel()
	a := startApp(t, oktasim.Options{}, oktasim.Client{})
	require.Equal(t, 204, a.send(http.MethodPost, "/_sim/faults", `[{"status":401,"code":"invalid_client","path":"/oauth2/"},{"status":503,"path":"/api/v1/users/"}]`).status)
	require.Equal(t, 400, a.send(http.MethodPost, "/_sim/faults", `{"status":503,"path":"oauth2"}`).status)
	require.Equal(t, 200, a.send(http.MethodGet, "/api/v1/logs", "").status, "for neither")
	requireError(t, a.send(http.MethodGet, "/api/v1/users/"+alice, ""), 503, "E0000010")
	requireOAuth(t, a.ask(a.form()), 401, "invalid_client", "This failure was asked for.")
	grantOf(t, a.ask(a.form()))
}
