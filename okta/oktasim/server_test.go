package oktasim_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/okta/oktasim"
)

const (
	alice = "00u2di94bAMSEPvAY1d6"
	bob   = "00u3m90rxKjGQ0G6L1d6"
)

// org is a simulated Okta being served, and how a test talks to it.
type org struct {
	t   *testing.T
	sim *oktasim.Server
	url string
}

func start(t *testing.T, opts oktasim.Options) org {
	t.Helper()
	sim := oktasim.New(opts)
	server := httptest.NewServer(sim)
	t.Cleanup(func() {
		server.Close()
		sim.Close()
	})
	return org{t: t, sim: sim, url: server.URL}
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

// send makes one request with a credential; path goes over the wire as it is.
func (o org) send(method, path, body string) answer {
	o.t.Helper()
	a, err := o.try(method, path, body, "SSWS x")
	require.NoError(o.t, err)
	return a
}

func (o org) try(method, path, body, auth string) (answer, error) {
	o.t.Helper()
	req, err := http.NewRequestWithContext(o.t.Context(), method, o.url+path, strings.NewReader(body))
	require.NoError(o.t, err)
	if auth != "" {
		req.Header.Set("Authorization", auth)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	require.NoError(o.t, err)
	return answer{status: resp.StatusCode, header: resp.Header, body: b}, nil
}

func (a answer) json(t *testing.T, v any) {
	t.Helper()
	require.NoError(t, json.Unmarshal(a.body, v), string(a.body))
}

// requireError holds an answer against the form of Okta's errors.
func requireError(t *testing.T, a answer, status int, code string) {
	t.Helper()
	require.Equal(t, status, a.status, string(a.body))
	var body map[string]any
	a.json(t, &body)
	require.Equal(t, code, body["errorCode"])
	require.Equal(t, code, body["errorLink"])
	require.NotEmpty(t, body["errorSummary"])
	require.NotEmpty(t, body["errorId"])
	require.IsType(t, []any{}, body["errorCauses"])
	require.Equal(t, "application/json", a.header.Get("Content-Type"))
}

func TestEveryAnswerHasOktasHeaders(t *testing.T) {
	t.Parallel()
	at := time.Date(2027, 1, 15, 8, 0, 0, 500_000_000, time.UTC)
	o := start(t, oktasim.Options{Now: func() time.Time { return at }})
	seen := map[string]bool{}
	for i, path := range []string{"/api/v1/users/" + alice, "/api/v1/users/" + bob, "/api/v1/users/nobody"} {
		a := o.send(http.MethodGet, path, "")
		require.Equal(t, "600", a.header.Get("X-Rate-Limit-Limit"))
		require.Equal(t, strconv.Itoa(599-i), a.header.Get("X-Rate-Limit-Remaining"))
		require.Equal(t, strconv.FormatInt(at.Unix()+61, 10), a.header.Get("X-Rate-Limit-Reset"), "rounded up")
		require.Equal(t, "Fri, 15 Jan 2027 08:00:00 GMT", a.header.Get("Date"))
		id := a.header.Get("X-Okta-Request-Id")
		require.Len(t, id, 27)
		require.False(t, seen[id])
		seen[id] = true
	}
}

func TestSameSeedSameIDs(t *testing.T) {
	t.Parallel()
	first := func(seed uint64) string {
		return start(t, oktasim.Options{Seed: seed}).send(http.MethodGet, "/api/v1/users/"+alice, "").header.Get("X-Okta-Request-Id")
	}
	once, again := first(7), first(7)
	require.Equal(t, once, again)
	require.NotEqual(t, first(7), first(8))
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	open, closed := start(t, oktasim.Options{}), start(t, oktasim.Options{Token: "right"})
	for _, tc := range []struct {
		o      org
		auth   string
		status int
		code   string
		shown  string
	}{
		{open, "SSWS anything", 200, "", "SSWS ***"},
		{open, "Bearer anything", 200, "", "Bearer ***"},
		{open, "", 403, "E0000005", ""},
		{open, "SSWS", 401, "E0000011", "***"},
		{open, "bare-secret", 401, "E0000011", "***"},
		{open, "my secret", 401, "E0000011", "***"},
		{open, "Basic eDp5", 401, "E0000011", "Basic ***"},
		{closed, "SSWS right", 200, "", "SSWS ***"},
		{closed, "Bearer right", 200, "", "Bearer ***"},
		{closed, "SSWS wrong", 401, "E0000011", "SSWS ***"},
		{closed, "SSWS righ", 401, "E0000011", "SSWS ***"},
		{closed, "", 403, "E0000005", ""},
	} {
		a, err := tc.o.try(http.MethodGet, "/api/v1/users/"+alice, "", tc.auth)
		require.NoError(t, err)
		require.Equal(t, tc.status, a.status, tc.auth)
		if tc.code != "" {
			requireError(t, a, tc.status, tc.code)
		}
		calls := tc.o.sim.Calls()
		require.Equal(t, tc.shown, calls[len(calls)-1].Auth, tc.auth)
	}
}

func TestUnknownPathsAndMethods(t *testing.T) {
	t.Parallel()
	o := start(t, oktasim.Options{})
	for _, tc := range []struct {
		method, path string
		status       int
		code         string
	}{
		{"GET", "/", 404, "E0000008"},
		{"GET", "/api/v1/nothing", 404, "E0000008"},
		{"DELETE", "/api/v1/users//sessions", 404, "E0000008"},
		{"DELETE", "/api/v1/users/" + alice + "/sessions/", 404, "E0000008"},
		{"DELETE", "/api/v1/users/" + alice + "/../sessions", 404, "E0000008"},
		{"DELETE", "//api/v1/users/" + alice + "/sessions", 404, "E0000008"},
		{"GET", "/api/v1/users/", 404, "E0000008"},
		{"GET", "/api/v1/users/" + alice + "/sessions", 405, "E0000022"},
		{"POST", "/api/v1/users/" + alice, 405, "E0000022"},
		{"PATCH", "/api/v1/eventHooks", 405, "E0000022"},
		{"DELETE", "/api/v1/logs", 405, "E0000022"},
	} {
		requireError(t, o.send(tc.method, tc.path, ""), tc.status, tc.code)
		calls := o.sim.Calls()
		last := calls[len(calls)-1]
		require.Equal(t, []any{tc.method, tc.path, tc.status}, []any{last.Method, last.Path, last.Status}, "recorded as received")
	}
}

func TestPathsAreRecordedRaw(t *testing.T) {
	t.Parallel()
	o := start(t, oktasim.Options{})
	for _, path := range []string{"/api/v1/users/a%2Fb", "/api/v1//users/./x", "/api/v1/users/%2e%2e", "/api/v1/users/j%C3%B6rg", "/x/../api/v1/logs"} {
		a := o.send(http.MethodGet, path+"?q=%20a&x", "")
		require.NotContains(t, []int{301, 302, 307, 308}, a.status)
		calls := o.sim.Calls()
		require.Equal(t, path, calls[len(calls)-1].Path)
		require.Equal(t, "q=%20a&x", calls[len(calls)-1].Query)
	}
}

func TestRateWindows(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	at := time.Date(2027, 1, 15, 8, 0, 17, 0, time.UTC)
	now := func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return at
	}
	o := start(t, oktasim.Options{Rate: oktasim.RateLimit{Limit: 2, Window: 5 * time.Second}, Now: now})
	path := "/api/v1/users/" + alice
	for _, want := range []string{"1", "0"} {
		a := o.send(http.MethodGet, path, "")
		require.Equal(t, 200, a.status)
		require.Equal(t, want, a.header.Get("X-Rate-Limit-Remaining"))
	}
	for range 2 {
		a := o.send(http.MethodGet, path, "")
		requireError(t, a, 429, "E0000047")
		require.Equal(t, "2", a.header.Get("X-Rate-Limit-Limit"))
		require.Equal(t, "0", a.header.Get("X-Rate-Limit-Remaining"))
		require.Equal(t, strconv.FormatInt(at.Unix()+5, 10), a.header.Get("X-Rate-Limit-Reset"))
	}
	require.Equal(t, 204, o.send(http.MethodDelete, path+"/sessions", "").status, "another bucket")
	mu.Lock()
	at = at.Add(5 * time.Second)
	mu.Unlock()
	require.Equal(t, 200, o.send(http.MethodGet, path, "").status, "a new window")
}

func TestTooManyAtOnce(t *testing.T) {
	t.Parallel()
	o := start(t, oktasim.Options{Concurrency: 1, Faults: []oktasim.Fault{{Latency: 10 * time.Minute}}})
	first := make(chan error, 1)
	go func() {
		_, err := o.try(http.MethodGet, "/api/v1/users/"+alice, "", "SSWS x")
		first <- err
	}()
	require.Eventually(t, func() bool { return len(o.sim.Calls()) == 1 }, 5*time.Second, time.Millisecond)
	a := o.send(http.MethodGet, "/api/v1/users/"+alice, "")
	requireError(t, a, 429, "E0000047")
	require.Equal(t, "0", a.header.Get("X-Rate-Limit-Limit"))
	require.Equal(t, "0", a.header.Get("X-Rate-Limit-Remaining"))
	o.sim.Close() // ends the wait
	require.NoError(t, <-first)
}

func TestLatency(t *testing.T) {
	t.Parallel()
	o := start(t, oktasim.Options{Latency: 20 * time.Millisecond, Jitter: time.Millisecond})
	began := time.Now()
	o.send(http.MethodGet, "/api/v1/users/"+alice, "")
	require.GreaterOrEqual(t, time.Since(began), 20*time.Millisecond)
}

func TestControlCallsUsersAndReset(t *testing.T) {
	t.Parallel()
	o := start(t, oktasim.Options{})
	require.JSONEq(t, "[]", string(o.send(http.MethodGet, "/_sim/calls", "").body))
	require.JSONEq(t, "[]", string(o.send(http.MethodGet, "/_sim/users", "").body))

	a := o.send(http.MethodPut, "/_sim/users/"+alice, `{"status":"LOCKED_OUT","login":"alice@acme.com"}`)
	require.Equal(t, 200, a.status)
	user := `{"id":"` + alice + `","status":"LOCKED_OUT","login":"alice@acme.com","email":"alice@acme.com"}`
	require.JSONEq(t, user, string(a.body))
	require.JSONEq(t, "["+user+"]", string(o.send(http.MethodGet, "/_sim/users", "").body))

	o.send(http.MethodDelete, "/api/v1/users/"+alice+"/sessions?oauthTokens=true", "")
	var calls []map[string]any
	o.send(http.MethodGet, "/_sim/calls", "").json(t, &calls)
	require.Len(t, calls, 1, "control routes are not calls")
	_, err := time.Parse(time.RFC3339Nano, calls[0]["time"].(string))
	require.NoError(t, err)
	delete(calls[0], "time")
	require.Equal(t, map[string]any{
		"method": "DELETE", "path": "/api/v1/users/" + alice + "/sessions", "query": "oauthTokens=true", "auth": "SSWS ***", "status": 204.0, "user": alice,
	}, calls[0])

	require.Equal(t, 204, o.send(http.MethodPost, "/_sim/faults", `{"status":503}`).status)
	require.Equal(t, 204, o.send(http.MethodPost, "/_sim/reset", "").status)
	require.Empty(t, o.sim.Calls())
	a = o.send(http.MethodGet, "/api/v1/users/"+alice, "")
	require.Equal(t, 200, a.status, "faults are gone")
	require.Equal(t, "599", a.header.Get("X-Rate-Limit-Remaining"), "windows are gone")
	require.NotContains(t, string(a.body), "acme.com", "users are gone")
}

func TestControlRefusals(t *testing.T) {
	t.Parallel()
	o := start(t, oktasim.Options{})
	for _, tc := range []struct {
		method, path, body string
		status             int
	}{
		{"PUT", "/_sim/users/me", `{}`, 400},
		{"PUT", "/_sim/users/" + alice, `{"status":"HAPPY"}`, 400},
		{"PUT", "/_sim/users/" + alice, `{"id":"` + bob + `"}`, 400},
		{"PUT", "/_sim/users/" + alice, `{"nickname":"x"}`, 400},
		{"PUT", "/_sim/users/" + alice, `{`, 400},
		{"POST", "/_sim/faults", `{}`, 400},
		{"POST", "/_sim/faults", `[]`, 400},
		{"POST", "/_sim/faults", `{"status":99}`, 400},
		{"POST", "/_sim/faults", `{"status":503,"count":-1}`, 400},
		{"POST", "/_sim/faults", `{"latency":"long"}`, 400},
		{"POST", "/_sim/faults", `{"latency":"-1s"}`, 400},
		{"POST", "/_sim/faults", `{"rate_limited":true,"reset_in":"1h"}`, 400},
		{"POST", "/_sim/faults", `{"statsu":503}`, 400},
		{"POST", "/_sim/events", `{}`, 400},
		{"POST", "/_sim/events", `null`, 400},
		{"POST", "/_sim/events", `{"eventType":7}`, 400},
		{"POST", "/_sim/events", "[" + strings.Repeat(`{"eventType":"x"},`, 100) + `{"eventType":"x"}]`, 400},
		{"GET", "/_sim/nothing", "", 404},
		{"GET", "/_sim/reset", "", 404},
		{"POST", "/_sim/calls", "", 404},
	} {
		a := o.send(tc.method, tc.path, tc.body)
		require.Equal(t, tc.status, a.status, tc.path+tc.body)
		var body map[string]string
		a.json(t, &body)
		require.NotEmpty(t, body["error"])
	}
	require.True(t, bytes.HasPrefix(o.send(http.MethodPut, "/_sim/users/"+alice, strings.Repeat(" ", 2<<20)).body, []byte(`{"error"`)), "bodies are bounded")
}
