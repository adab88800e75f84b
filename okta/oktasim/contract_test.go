package oktasim_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/okta/internal/contracttest"
	"sever/okta/oktasim"
)

// requireContract holds an answer against what Okta documents for an operation: the status and the form of the body.
func requireContract(t *testing.T, contract *contracttest.Contract, method, path string, a answer) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "https://acme.okta.com"+path, http.NoBody)
	require.NoError(t, err)
	require.NoError(t, contract.CheckAnswer(t.Context(), req, a.status, a.header, a.body), "%s %s: %s", method, path, a.body)
}

func TestAnswersKeepTheManagementContract(t *testing.T) {
	t.Parallel()
	contract := contracttest.Load(t)
	o, e := start(t, oktasim.Options{}), newEndpoint(t)
	profile := map[string]any{"employeeNumber": "7", "firstName": "Alice", "lastName": "A", "custom": true}
	require.NoError(t, o.sim.PutUser(oktasim.User{ID: alice, Status: "LOCKED_OUT", Profile: profile}))
	_, err := o.sim.StartSession(bob)
	require.NoError(t, err)
	check := func(method, path, body string, status int) answer {
		t.Helper()
		a := o.send(method, path, body)
		require.Equal(t, status, a.status, string(a.body))
		requireContract(t, contract, method, path, a)
		return a
	}
	const user, sessions, hooks = "/api/v1/users/" + alice, "/api/v1/users/" + bob + "/sessions", "/api/v1/eventHooks"
	check("GET", user, "", 200)
	check("GET", user+"/groups", "", 200)
	check("GET", "/api/v1/users/nobody", "", 404)
	check("GET", "/api/v1/users", "", 200)
	check("DELETE", sessions, "", 204)
	check("DELETE", "/api/v1/users/nobody/sessions", "", 404)
	require.NoError(t, o.sim.PutUser(oktasim.User{ID: bob}))

	id := hookOf(t, check("POST", hooks, hookBody(e.url, "user.session.clear"), 200))["id"].(string)
	hook := hooks + "/" + id
	check("POST", hooks, "{", 400)
	check("GET", hooks, "", 200)
	check("GET", hook, "", 200)
	check("GET", hooks+"/nothing", "", 404)
	check("PUT", hook, hookBody(e.url, "user.session.clear"), 200)
	check("POST", hook+"/lifecycle/verify", "", 200)
	check("POST", hook+"/lifecycle/deactivate", "", 200)
	check("POST", hook+"/lifecycle/activate", "", 200)
	check("DELETE", hook, "", 403)
	o.send("POST", hook+"/lifecycle/deactivate", "")
	check("DELETE", hook, "", 204)

	o.publish(`{"eventType":"user.lifecycle.suspend","target":[{"id":"` + alice + `","type":"User"}]}`)
	check("GET", "/api/v1/logs", "", 200)
	check("GET", "/api/v1/logs?limit=x", "", 400)
	o.sim.AddFaults(oktasim.Fault{RateLimited: true, Count: 2}, oktasim.Fault{Status: 403})
	check("DELETE", sessions, "", 429)
	check("GET", user, "", 429)
	check("DELETE", sessions, "", 403)
}

func TestAnswersKeepTheOAuthContract(t *testing.T) {
	t.Parallel()
	contract := contracttest.Load(t)
	a := startApp(t, oktasim.Options{}, oktasim.Client{DPoPRequired: true, Scopes: allScopes})
	const token, revocation = "/oauth2/v1/token", "/oauth2/v1/global-token-revocation"
	requireContract(t, contract, http.MethodPost, token, a.ask(a.form(), a.proof(http.MethodPost, token)))
	bound := a.ask(a.form(), a.proof(http.MethodPost, token, set("nonce", a.nonce())))
	require.Equal(t, "DPoP", grantOf(t, bound).Type)
	requireContract(t, contract, http.MethodPost, token, bound)
	requireContract(t, contract, http.MethodPost, token, a.ask(a.form(set("aud", "x"))))
	requireContract(t, contract, http.MethodPost, revocation, a.send(http.MethodPost, revocation, `{"sub_id":{"format":"opaque","id":"`+alice+`"}}`))
	requireContract(t, contract, http.MethodPost, revocation, a.send(http.MethodPost, revocation, `{}`))
}
