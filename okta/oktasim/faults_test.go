package oktasim_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/okta/oktasim"
)

func TestParseFaults(t *testing.T) {
	t.Parallel()
	faults, err := oktasim.ParseFaults("503:3, 429:2,cut:1,cut_after,concurrency:4")
	require.NoError(t, err)
	require.Equal(t, []oktasim.Fault{
		{Count: 3, Status: 503}, {Count: 2, RateLimited: true}, {Count: 1, Cut: true}, {Count: 1, CutAfter: true}, {Count: 4, Concurrency: true},
	}, faults)
	faults, err = oktasim.ParseFaults(" ")
	require.NoError(t, err)
	require.Empty(t, faults)
	for _, bad := range []string{"x", "503:", "503:0", "503:-1", "503:x", ",", "503:1,,", "0:1", "99", "600", ":3", "503:1000001", "503:1:1"} {
		_, err := oktasim.ParseFaults(bad)
		require.Error(t, err, bad)
	}
}

func TestFaultsAreUsedUpInOrder(t *testing.T) {
	t.Parallel()
	o := start(t, oktasim.Options{Faults: []oktasim.Fault{{Status: 503, Count: 2}}})
	o.sim.AddFaults(oktasim.Fault{Status: 500})
	var statuses []int
	for range 4 {
		statuses = append(statuses, o.send(http.MethodDelete, "/api/v1/users/"+alice+"/sessions", "").status)
	}
	require.Equal(t, []int{503, 503, 500, 204}, statuses)
}

func TestFaultBodies(t *testing.T) {
	t.Parallel()
	o := start(t, oktasim.Options{})
	for body, want := range map[string]struct {
		status int
		code   string
	}{
		`{"status":400}`:                   {400, "E0000001"},
		`{"status":401}`:                   {401, "E0000011"},
		`{"status":403}`:                   {403, "E0000006"},
		`{"status":403,"code":"E0000038"}`: {403, "E0000038"},
		`{"status":404}`:                   {404, "E0000007"},
		`{"status":405}`:                   {405, "E0000022"},
		`{"status":423}`:                   {423, "E0000155"},
		`{"status":429}`:                   {429, "E0000047"},
		`{"status":500}`:                   {500, "E0000009"},
		`{"status":503}`:                   {503, "E0000010"},
		`[{"status":502,"latency":"1ms"}]`: {502, "E0000009"},
		`{"rate_limited":true}`:            {429, "E0000047"},
		`{"concurrency":true}`:             {429, "E0000047"},
	} {
		require.Equal(t, 204, o.send(http.MethodPost, "/_sim/faults", body).status, body)
		requireError(t, o.send(http.MethodDelete, "/api/v1/users/"+alice+"/sessions", ""), want.status, want.code)
	}
	var events []any
	o.send(http.MethodGet, "/api/v1/logs", "").json(t, &events)
	require.Empty(t, events, "none of them had an effect")
}

func TestFaultHeaders(t *testing.T) {
	t.Parallel()
	at := time.Date(2027, 1, 15, 8, 0, 0, 0, time.UTC)
	o := start(t, oktasim.Options{Now: func() time.Time { return at }})
	path := "/api/v1/users/" + alice + "/sessions"

	o.sim.AddFaults(oktasim.Fault{RateLimited: true, ResetIn: 2 * time.Second})
	a := o.send(http.MethodDelete, path, "")
	require.Equal(t, "600", a.header.Get("X-Rate-Limit-Limit"))
	require.Equal(t, "0", a.header.Get("X-Rate-Limit-Remaining"))
	require.Equal(t, strconv.FormatInt(at.Unix()+2, 10), a.header.Get("X-Rate-Limit-Reset"))

	o.sim.AddFaults(oktasim.Fault{Concurrency: true})
	a = o.send(http.MethodDelete, path, "")
	require.Equal(t, "0", a.header.Get("X-Rate-Limit-Limit"))
	require.Equal(t, strconv.FormatInt(at.Unix()+114, 10), a.header.Get("X-Rate-Limit-Reset"))

	o.sim.AddFaults(oktasim.Fault{Status: 403, WWWAuthenticate: `Bearer error="insufficient_scope"`})
	a = o.send(http.MethodDelete, path, "")
	require.Equal(t, 403, a.status)
	require.Empty(t, a.body)
	require.Equal(t, `Bearer error="insufficient_scope"`, a.header.Get("WWW-Authenticate"))

	o.sim.AddFaults(oktasim.Fault{Status: 302}, oktasim.Fault{Status: 200})
	require.Equal(t, "/api/v1/astray", o.send(http.MethodDelete, path, "").header.Get("Location"))
	a = o.send(http.MethodDelete, path, "")
	require.Equal(t, 200, a.status)
	require.Empty(t, a.body)
}

func TestCutConnections(t *testing.T) {
	t.Parallel()
	o := start(t, oktasim.Options{})
	for name, effects := range map[string]int{"cut": 0, "cut_after": 1} {
		o.sim.Reset()
		faults, err := oktasim.ParseFaults(name)
		require.NoError(t, err)
		o.sim.AddFaults(faults...)
		_, err = o.try(http.MethodDelete, "/api/v1/users/"+alice+"/sessions", "", "SSWS x")
		require.Error(t, err)
		require.Len(t, o.sim.Calls(), 1)
		require.Zero(t, o.sim.Calls()[0].Status)
		var events []any
		o.send(http.MethodGet, "/api/v1/logs", "").json(t, &events)
		require.Len(t, events, effects, name)
	}
}
