package handlers_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// apiRequests is one request for every route of the API.
func apiRequests(adjust ...func(*http.Request)) []*http.Request {
	return []*http.Request{
		operator("POST", "/api/v1/revocations", "{}", adjust...),
		operator("GET", "/api/v1/jobs", "", adjust...),
		operator("GET", "/api/v1/jobs/"+jobID, "", adjust...),
		operator("DELETE", "/api/v1/jobs/"+jobID, "", adjust...),
		operator("GET", "/api/v1/dead", "", adjust...),
		operator("GET", "/api/v1/dead/"+deadID, "", adjust...),
		operator("POST", "/api/v1/dead/"+deadID+"/redrive", "{}", adjust...),
		operator("DELETE", "/api/v1/dead/"+deadID, "", adjust...),
		operator("GET", "/api/v1/holds", "", adjust...),
		operator("POST", "/api/v1/holds/"+holdKey+"/approve", `{"reason":"r"}`, adjust...),
		operator("POST", "/api/v1/holds/"+holdKey+"/reject", `{"reason":"r"}`, adjust...),
	}
}

func TestEveryAPIRouteIsGuarded(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		token  string // as configured
		adjust func(*http.Request)
		status int // 0: let through
	}{
		"right token, any host":        {adminToken, host("sever.internal:8081"), 0},
		"scheme in other letters":      {adminToken, with("Authorization", "bearer "+adminToken), 0},
		"no token":                     {adminToken, without("Authorization"), 401},
		"wrong token":                  {adminToken, with("Authorization", "Bearer guess"), 401},
		"start of the token":           {adminToken, with("Authorization", "Bearer "+adminToken[:5]), 401},
		"token and more":               {adminToken, with("Authorization", "Bearer "+adminToken+" "), 401},
		"bare token":                   {adminToken, with("Authorization", adminToken), 401},
		"other scheme":                 {adminToken, with("Authorization", "Basic "+adminToken), 401},
		"empty bearer":                 {adminToken, with("Authorization", "Bearer "), 401},
		"loopback does not stand in":   {adminToken, func(r *http.Request) { host("127.0.0.1")(r); r.Header.Del("Authorization") }, 401},
		"own origin":                   {adminToken, func(r *http.Request) { host("sever:8081")(r); with("Origin", "http://SEVER:8081")(r) }, 0},
		"other origin":                 {adminToken, func(r *http.Request) { host("sever:8081")(r); with("Origin", "http://evil.example")(r) }, 403},
		"other port is another origin": {adminToken, func(r *http.Request) { host("sever:8081")(r); with("Origin", "http://sever:9999")(r) }, 403},
		"hidden origin":                {adminToken, with("Origin", "null"), 403},
		"hidden origin, hidden host":   {adminToken, func(r *http.Request) { host("")(r); with("Origin", "null")(r) }, 403},
		"unreadable origin":            {adminToken, with("Origin", "http://[::1"), 403},
		"a second origin": {adminToken, func(r *http.Request) {
			host("sever")(r)
			r.Header["Origin"] = []string{"http://sever", "http://evil.example"}
		}, 403},

		"open: IPv4 loopback":        {"", host("127.0.0.1:8081"), 0},
		"open: all of 127/8":         {"", host("127.9.9.9"), 0},
		"open: IPv6 loopback":        {"", host("[::1]:8081"), 0},
		"open: IPv6 without port":    {"", host("[::1]"), 0},
		"open: localhost":            {"", host("LocalHost:8081"), 0},
		"open: own origin":           {"", func(r *http.Request) { host("127.0.0.1:8081")(r); with("Origin", "http://127.0.0.1:8081")(r) }, 0},
		"open: rebound name":         {"", host("evil.example:8081"), 403},
		"open: name like localhost":  {"", host("localhost.evil.example"), 403},
		"open: name like an address": {"", host("127.0.0.1.evil.example:8081"), 403},
		"open: other address":        {"", host("10.0.0.1:8081"), 403},
		"open: any address":          {"", host("0.0.0.0:8081"), 403},
		"open: no host":              {"", host(""), 403},
		"open: other origin":         {"", func(r *http.Request) { host("127.0.0.1:8081")(r); with("Origin", "http://evil.example")(r) }, 403},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, req := range apiRequests(test.adjust) {
				b := setupAdmin(t, test.token)
				resp := serve(b.handler, req)
				requireUncached(t, resp)
				if test.status == 0 {
					require.Less(t, resp.StatusCode, 300, req.Method+" "+req.URL.Path)
					require.Len(t, b.office.asked, 1)
					continue
				}
				requireProblem(t, resp, test.status)
				require.Empty(t, b.office.asked, "nothing behind the guard is reached")
				require.Equal(t, test.status == http.StatusUnauthorized, resp.Header.Get("WWW-Authenticate") == "Bearer")
			}
		})
	}
}

func TestPostMustBeJSON(t *testing.T) {
	t.Parallel()
	for given, status := range map[string]int{
		"application/json": 0, "application/json; charset=utf-8": 0,
		"": 415, "text/plain": 415, "application/x-www-form-urlencoded": 415, "multipart/form-data; boundary=x": 415,
		"application/jsonp": 415, "text/plain; application/json": 415, "application/json; x": 415,
	} {
		for _, token := range []string{"", adminToken} {
			for _, req := range apiRequests(host("127.0.0.1"), with("Content-Type", given)) {
				if req.Method != http.MethodPost {
					continue
				}
				b := setupAdmin(t, token)
				resp := serve(b.handler, req)
				if status == 0 {
					require.Less(t, resp.StatusCode, 300, given)
					continue
				}
				requireProblem(t, resp, status)
				require.Empty(t, b.office.asked)
			}
		}
	}
}

func TestTokenIsNeverShown(t *testing.T) {
	t.Parallel()
	b := setupAdmin(t, adminToken)
	b.office.err = http.ErrHandlerTimeout
	for _, adjust := range []func(*http.Request){func(*http.Request) {}, with("Authorization", "Bearer x"+adminToken)} {
		for _, req := range apiRequests(adjust) {
			resp := serve(b.handler, req)
			require.GreaterOrEqual(t, resp.StatusCode, 400)
			require.NotContains(t, bodyOf(t, resp), adminToken)
		}
	}
	require.NotContains(t, b.logs.String(), adminToken)
}
