package contracttest_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/okta/internal/contracttest"
)

const (
	org      = "https://acme.okta.com"
	sessions = "/api/v1/users/00u2di94bAMSEPvAY1d6/sessions"
	token    = "SSWS 00Secret"
	form     = "application/x-www-form-urlencoded"
	keyed    = "grant_type=client_credentials&scope=okta.users.read&client_assertion=h.c.s" +
		"&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	hook = `{"name":"x","events":{"type":"EVENT_TYPE","items":["a"]},"channel":{"type":"HTTP","version":"1.0.0","config":{"uri":"https://x"}}}`
)

func request(t *testing.T, line, auth, kind, body string) *http.Request {
	t.Helper()
	method, path, _ := strings.Cut(line, " ")
	req, err := http.NewRequestWithContext(t.Context(), method, org+path, strings.NewReader(body))
	require.NoError(t, err)
	if auth != "" {
		req.Header.Set("Authorization", auth)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	return req
}

// TestRequestsThatAreRefused has next to each kind of good request what is wrong with another.
func TestRequestsThatAreRefused(t *testing.T) {
	t.Parallel()
	contract := contracttest.Load(t)
	for _, tc := range []struct{ line, auth, kind, body, problem string }{
		{"DELETE " + sessions + "?oauthTokens=true", token, "", "", ""},
		{"DELETE " + sessions + "?oauthTokens=yes", token, "", "", "oauthTokens"},
		{"DELETE " + sessions + "?oauthTokens=true&oauthTokens=true", token, "", "", "stands 2 times"},
		{"DELETE " + sessions + "?oauth_tokens=true", token, "", "", "not documented"},
		{"DELETE " + sessions + "?a;b", token, "", "", "query"},
		{"DELETE " + sessions + "/", token, "", "", "not documented"},
		{"DELETE /api/v1/users//sessions", token, "", "", "not documented"},
		{"PATCH " + sessions, token, "", "", "not documented"},
		{"DELETE " + sessions, token, "application/json", "{}", "body not allowed"},
		{"DELETE " + sessions, "", "", "", "security requirements"},
		{"DELETE " + sessions, "Basic x", "", "", "security requirements"},
		{"DELETE " + sessions, "Bearer x", "", "", ""},
		{"DELETE " + sessions, "DPoP x", "", "", "security requirements"}, // no proof
		{"GET /api/v1/users/me", token, "", "", ""},
		{"GET /api/v1/users/a%2Fb", token, "", "", ""},
		{"GET /api/v1/users/a/b", token, "", "", "not documented"},
		{"GET /api/v1/logs?limit=1000&since=2027-01-15T08:00:00.000Z", token, "", "", ""},
		{"GET /api/v1/logs?limit=1001", token, "", "", "limit"},
		{"GET /api/v1/logs?since=yesterday", token, "", "", "since"},
		{"GET /api/v1/logs?sortOrder=asc", token, "", "", "sortOrder"},
		{"POST /api/v1/eventHooks", token, "application/json", hook, ""},
		{"POST /api/v1/eventHooks", token, "text/plain", hook, "Content-Type"},
		{"POST /api/v1/eventHooks", token, "application/json", "", "required"},
		{"POST /api/v1/eventHooks", token, "application/json", `{"name":"x"}`, "events"},
		{"POST /api/v1/eventHooks", token, "application/json", strings.Replace(hook, "HTTP", "FTP", 1), "type"},
		{"POST /api/v1/eventHooks", token, "application/json", strings.Replace(hook, `"uri"`, `"url":"y","uri"`, 1), "url"},
		{"POST /api/v1/eventHooks", token, "application/json", strings.Replace(hook, `"name"`, `"id":"who1","name"`, 1), "readOnly"},
		{"POST /oauth2/v1/token", "", form, keyed, ""},
		{"POST /oauth2/v1/token", "Basic x", form, keyed, "security requirements"},
		{"POST /oauth2/v1/token", "", form, keyed + "&client_secret=x", "security requirements"},
		{"POST /oauth2/v1/token", "", form, strings.Replace(keyed, "h.c.s", "hcs", 1), "security requirements"},
		{"POST /oauth2/v1/token", "", form, strings.Replace(keyed, "jwt-bearer", "saml2-bearer", 1), "security requirements"},
		{"POST /oauth2/v1/token", "", form, strings.Replace(keyed, "scope", "scopes", 1), "scope"},
		{"POST /oauth2/v1/token", "", form, strings.Replace(keyed, "client_credentials", "magic", 1), "grant_type"},
		{"POST /oauth2/v1/global-token-revocation", token, "application/json", `{"sub_id":{"format":"opaque","id":"x"}}`, ""},
		{"POST /oauth2/v1/global-token-revocation", token, "application/json", `{"sub_id":{"format":"email","id":"x"}}`, "sub_id"},
		{"POST /api/v1/users/me/lifecycle/delete_sessions", token, "application/json", `{"keepCurrent":true}`, "security requirements"},
	} {
		err := contract.CheckRequest(t.Context(), request(t, tc.line, tc.auth, tc.kind, tc.body), []byte(tc.body))
		if tc.problem == "" {
			require.NoError(t, err, "%+v", tc)
			continue
		}
		require.ErrorContains(t, err, tc.problem, "%+v", tc)
		require.NotContains(t, err.Error(), "Secret")
	}
}

func TestCredentialsThatAreRefused(t *testing.T) {
	t.Parallel()
	contract := contracttest.Load(t)
	const own = "/api/v1/users/me/lifecycle/delete_sessions"
	for _, tc := range []struct {
		line   string
		header http.Header
		good   bool
	}{
		{"POST " + own, http.Header{"Cookie": {"sid=1"}}, true},
		{"POST " + own, http.Header{"Cookie": {"idx=1"}}, true},
		{"POST " + own, http.Header{"Cookie": {"JSESSIONID=1"}}, false},
		{"POST " + own, http.Header{"Cookie": {"sid=1; idx=2"}}, false},
		{"POST " + own, http.Header{"Cookie": {"sid=1"}, "Authorization": {token}}, false},
		{"POST " + own, http.Header{"Cookie": {"sid=1"}, "Dpop": {"h.c.s"}}, false},
		{"DELETE " + sessions, http.Header{"Authorization": {"DPoP x"}, "Dpop": {"h.c.s"}}, true},
		{"DELETE " + sessions, http.Header{"Authorization": {"DPoP x"}, "Dpop": {"h.c.s", "h.c.s"}}, false},
		{"DELETE " + sessions, http.Header{"Authorization": {"DPoP x"}, "Dpop": {"hcs"}}, false},
		{"DELETE " + sessions, http.Header{"Authorization": {"Bearer x"}, "Dpop": {"h.c.s"}}, false},
		{"DELETE " + sessions, http.Header{"Authorization": {token, token}}, false},
		{"DELETE " + sessions, http.Header{"Authorization": {token}, "Cookie": {"sid=1"}}, false},
	} {
		req := request(t, tc.line, "", "", "")
		req.Header = tc.header
		err := contract.CheckRequest(t.Context(), req, nil)
		require.Equal(t, tc.good, err == nil, "%+v: %v", tc, err)
	}
}

func TestAnswersThatAreRefused(t *testing.T) {
	t.Parallel()
	contract := contracttest.Load(t)
	const problem = `{"errorCode":"E0000007","errorSummary":"x","errorLink":"x","errorId":"x","errorCauses":[]}`
	challenge := func(value string) http.Header { return http.Header{"Www-Authenticate": {value}} }
	isJSON := http.Header{"Content-Type": {"application/json"}}
	for _, tc := range []struct {
		line   string
		status int
		header http.Header
		body   string
		good   bool
	}{
		{"DELETE " + sessions, 204, nil, "", true},
		{"DELETE " + sessions, 202, nil, "", false},
		{"DELETE " + sessions, 404, isJSON, problem, true},
		{"DELETE " + sessions, 401, isJSON, problem, true},
		{"DELETE " + sessions, 404, isJSON, strings.Replace(problem, "errorCode", "error_code", 1), false},
		{"DELETE " + sessions, 404, isJSON, strings.Replace(problem, "[]", `"x"`, 1), false},
		{"DELETE " + sessions, 404, isJSON, "{", false},
		{"DELETE " + sessions, 404, http.Header{"Content-Type": {"text/html"}}, "<html>", false},
		{"DELETE " + sessions, 403, challenge(`Bearer error="insufficient_scope"`), "", true},
		{"DELETE " + sessions, 403, challenge(`Bearer realm="x"`), "", false},
		{"DELETE " + sessions, 404, challenge(`Bearer error="insufficient_scope"`), "", false},
		{"GET /api/v1/users", 200, isJSON, "[]", true},
		{"GET /api/v1/users", 200, isJSON, "{}", false},
		{"GET /api/v1/users/x", 200, isJSON, `{"id":"x","status":"HAPPY"}`, false},
		{"GET /api/v1/users/x/groups", 200, isJSON, `[{"id":"x","type":"OKTA_GROUP","profile":{}}]`, false},
		{"GET /api/v1/logs", 200, isJSON, `[{"uuid":"x","eventType":null}]`, true},
		{"GET /api/v1/logs", 200, isJSON, `[{"uuid":7}]`, false},
		{"POST /oauth2/v1/token", 200, isJSON, `{"access_token":"x","token_type":"DPoP","expires_in":3600}`, true},
		{"POST /oauth2/v1/token", 200, isJSON, `{"access_token":"x","token_type":"MAC","expires_in":3600}`, false},
		{"POST /oauth2/v1/token", 400, isJSON, `{"error":"use_dpop_nonce"}`, true},
		{"POST /oauth2/v1/token", 400, isJSON, problem, false},
	} {
		err := contract.CheckAnswer(t.Context(), request(t, tc.line, token, "", ""), tc.status, tc.header, []byte(tc.body))
		require.Equal(t, tc.good, err == nil, "%+v: %v", tc, err)
	}
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestWirePassesOnWhatItSees(t *testing.T) {
	t.Parallel()
	wire := contracttest.NewWire(contracttest.Load(t), transport(func(r *http.Request) (*http.Response, error) {
		sent, err := io.ReadAll(r.Body)
		if r.Method == http.MethodGet {
			return nil, errors.New("no route to host")
		}
		return &http.Response{StatusCode: http.StatusTeapot, Header: r.Header, Body: io.NopCloser(strings.NewReader("got " + string(sent)))}, err
	}))
	resp, err := wire.RoundTrip(request(t, "POST /api/v1/eventHooks?x=1", token, "application/json", hook))
	require.NoError(t, err)
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, "got "+hook, string(body))
	resp, err = wire.RoundTrip(request(t, "POST /api/v1/eventHooks", token, "application/json", hook))
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	_, err = wire.RoundTrip(request(t, "GET /nowhere", token, "", ""))
	require.EqualError(t, err, "no route to host")

	seen := wire.Take()
	require.Len(t, seen, 3)
	require.Equal(t, "POST /api/v1/eventHooks 418", seen[0].String())
	require.ErrorContains(t, seen[0].Err, `"x" is not documented`)
	require.ErrorContains(t, seen[1].Err, "answer 418")
	require.Equal(t, "undocumented GET /nowhere 0", seen[2].String())
	require.Error(t, seen[2].Err)
	require.Empty(t, wire.Take())
}
