package main

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/okta/oktasim"
)

func TestParseLatency(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct{ least, spread time.Duration }{
		"0s":         {0, 0},
		"0":          {0, 0},
		"50ms":       {50 * time.Millisecond, 0},
		"1.5s":       {1500 * time.Millisecond, 0},
		"50ms-250ms": {50 * time.Millisecond, 200 * time.Millisecond},
		"1s-1s":      {time.Second, 0},
		"0s-1s":      {0, time.Second},
	} {
		least, spread, err := parseLatency(text)
		require.NoError(t, err, text)
		require.Equal(t, want, struct{ least, spread time.Duration }{least, spread}, text)
	}
	for _, text := range []string{"", "fast", "50", "-50ms", "50ms-", "-", "250ms-50ms", "50ms-fast", "50ms-100", "1ms-2ms-3ms", "1s--1s"} {
		_, _, err := parseLatency(text)
		require.ErrorContains(t, err, "--latency", text)
		require.ErrorContains(t, err, `"`+text+`"`, "it names what was given")
	}
}

func TestParseRate(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]oktasim.RateLimit{
		"600/1m": {Limit: 600, Window: time.Minute},
		"100/5s": {Limit: 100, Window: 5 * time.Second},
		"1/1s":   {Limit: 1, Window: time.Second},
	} {
		got, err := parseRate(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "100", "100/", "/5s", "100/5", "0/5s", "-1/5s", "many/5s", "1.5/5s", "100/999ms", "100/0s", "100/-5s", "100/5s/2"} {
		_, err := parseRate(text)
		require.ErrorContains(t, err, "--rate", text)
		require.ErrorContains(t, err, `"`+text+`"`, "it names what was given")
	}
}

func TestSimulateWrongly(t *testing.T) {
	t.Parallel()
	for flag, want := range map[string]string{
		"--latency=soon": "--latency", "--rate=lots": "--rate", "--faults=503:none": "503:none", "--faults=9000": "9000",
		"--seed=x": "--seed", "--strict-users=perhaps": "--strict-users",
	} {
		got := shell{}.run(t, "simulate", "okta", "--listen", "127.0.0.1:0", flag)
		require.Equal(t, exitUsage, got.code, "%s: %s", flag, got.err)
		require.Contains(t, got.err, want)
	}
	all := shell{}.run(t, "simulate", "okta", "--latency=soon", "--rate=lots", "--faults=never")
	for _, each := range []string{"soon", "lots", "never"} {
		require.Contains(t, all.err, each, "all mistakes at once")
	}
}

func TestSimulateOnABusyPort(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, taken.Close()) }()
	got := shell{}.run(t, "simulate", "okta", "--listen", taken.Addr().String())
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.err, "--listen: ")
	require.Contains(t, got.err, taken.Addr().String())
}

// simulating starts a simulated Okta and gives its address.
func simulating(tb testing.TB, flags ...string) (sim started, address string) {
	tb.Helper()
	sim = shell{}.startProcess(tb, append([]string{"simulate", "okta", "--listen", "127.0.0.1:0"}, flags...)...)
	return sim, sim.err.await(tb, `simulated Okta on http://(\S+); calls so far: curl -s http://\S+/_sim/calls\n`)[1]
}

// ask sends a request to the simulated Okta as a client with a token would.
func ask(tb testing.TB, method, url, body string) (status int, answer string) {
	tb.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	require.NoError(tb, err)
	req.Header.Set("Authorization", "SSWS "+oktaToken)
	resp, err := newHTTPClient(soon).Do(req)
	require.NoError(tb, err)
	text, err := io.ReadAll(resp.Body)
	require.NoError(tb, errors.Join(err, resp.Body.Close()))
	return resp.StatusCode, string(text)
}

func TestSimulateOkta(t *testing.T) {
	t.Parallel()
	sim, address := simulating(t, "--faults", "503:2,418", "--rate", "5/1m", "--strict-users", "--token", oktaToken)
	sessions := "http://" + address + "/api/v1/users/00uada00000000000001/sessions"
	for i, want := range []int{503, 503, 418, 404} {
		status, _ := ask(t, http.MethodDelete, sessions, "")
		require.Equal(t, want, status, "call %d: faults first, then --strict-users", i+1)
	}
	status, _ := ask(t, http.MethodPut, "http://"+address+"/_sim/users/00uada00000000000001", "{}")
	require.Equal(t, http.StatusOK, status)
	status, _ = ask(t, http.MethodDelete, sessions, "")
	require.Equal(t, http.StatusNoContent, status)

	_, answer := ask(t, http.MethodGet, "http://"+address+"/_sim/calls", "")
	var calls []oktasim.Call
	require.NoError(t, json.Unmarshal([]byte(answer), &calls))
	require.Len(t, calls, 5)
	require.Equal(t, "00uada00000000000001", calls[4].User)

	require.Equal(t, exitDone, sim.stop(t), sim.err)
	require.Empty(t, sim.out.String())
}

func TestSimulateFlagsReachTheSimulator(t *testing.T) {
	t.Parallel()
	_, limited := simulating(t, "--rate", "2/10m")
	_, guarded := simulating(t, "--token", "another")
	sessions := "/api/v1/users/00uada00000000000001/sessions"
	for i, want := range []int{204, 204, 429} {
		status, _ := ask(t, http.MethodDelete, "http://"+limited+sessions, "")
		require.Equal(t, want, status, "call %d within a limit of 2", i+1)
	}
	status, _ := ask(t, http.MethodDelete, "http://"+guarded+sessions, "")
	require.Equal(t, http.StatusUnauthorized, status)
}

// A simulator with a call in the works stops all the same.
func TestSimulateStopsAtOnce(t *testing.T) {
	t.Parallel()
	sim, address := simulating(t, "--latency", "10m")
	ended := make(chan error, 1)
	req, err := http.NewRequest(http.MethodDelete, "http://"+address+"/api/v1/users/00uada00000000000001/sessions", http.NoBody)
	require.NoError(t, err)
	req.Header.Set("Authorization", "SSWS "+oktaToken)
	go func() {
		resp, err := newHTTPClient(2 * soon).Do(req)
		if err == nil {
			err = resp.Body.Close()
		}
		ended <- err
	}()
	require.Eventually(t, func() bool {
		_, calls := ask(t, http.MethodGet, "http://"+address+"/_sim/calls", "")
		return strings.Contains(calls, "00uada")
	}, soon, tick)
	sim.signal(syscall.SIGINT)
	require.Equal(t, exitDone, sim.wait(t), sim.err)
	require.Error(t, <-ended, "its call was cut")
}

func TestServeSimulatorTellsWhenItsListenerFails(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	require.ErrorContains(t, serveSimulator(t.Context(), listener, oktasim.New(oktasim.Options{})), "serve the simulated Okta")
}
