package app_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/okta/oktasim"
	"sever/revocation"
)

// farOkta runs Sever on an Okta that is reached through a faulty network.
func farOkta(t *testing.T, work string) (*rig, *faultProxy) {
	t.Helper()
	sim := newOkta(t)
	p := newFaultProxy(t, strings.TrimPrefix(sim.url, "http://"))
	sim.url = "http://" + p.address()
	r := prepareRig(t, sim, settings{work: work})
	r.start()
	return r, p
}

// brisk ends an attempt soon.
const brisk = "{concurrency: 2, ack_wait: 3s, attempt_timeout: 1s, spacing: 0s}"

// An Okta that takes connections and never says a word: each attempt ends by its own
// deadline, and the first after the trouble revokes.
func TestAnOktaThatNeverAnswersHoldsUpNothing(t *testing.T) {
	t.Parallel()
	r, p := farOkta(t, brisk)
	p.swallow.Store(true)
	r.deliver(suspension(person(1), "half-open"))
	failed := r.seen.await(t, audited(revocation.OutcomeFailed), 2)
	for _, failure := range failed {
		require.Less(t, failure.Record.Ended.Sub(failure.Record.Began), 20*time.Second, "an attempt may take one second")
	}
	require.True(t, r.ready(), "deliveries are taken all the same")
	require.Empty(t, r.calls())

	p.swallow.Store(false)
	r.seen.await(t, audited(revocation.OutcomeRevoked), 1)
	require.Equal(t, map[string]int{person(1): 1}, callsFor(r.calls()))
}

// A kept connection that died without a word costs one attempt, and the next one is made
// on a new connection.
func TestADeadConnectionToOktaCostsOneAttempt(t *testing.T) {
	t.Parallel()
	r, p := farOkta(t, brisk)
	r.deliver(suspension(person(1), "before"))
	r.seen.await(t, audited(revocation.OutcomeRevoked), 1)
	require.Equal(t, 1, p.connections())

	require.Equal(t, 1, p.blackHole())
	r.deliver(suspension(person(2), "after"))
	r.seen.await(t, audited(revocation.OutcomeRevoked), 2)
	require.Len(t, r.seen.find(audited(revocation.OutcomeFailed)), 1)
	require.Equal(t, 2, p.connections())
	require.Equal(t, map[string]int{person(1): 1, person(2): 1}, callsFor(r.calls()))
}

// rawOkta answers every call with text of the test's own, or as Okta does once mended.
type rawOkta struct {
	listener net.Listener
	conns    sync.WaitGroup
	say      string
	repeat   string // without end, behind say
	calls    atomic.Int64
	mended   atomic.Bool
}

func newRawOkta(t *testing.T, say, repeat string) *rawOkta {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	o := &rawOkta{listener: listener, say: say, repeat: repeat}
	o.conns.Go(func() {
		for conn, err := listener.Accept(); err == nil; conn, err = listener.Accept() {
			o.conns.Go(func() { o.serve(conn) })
		}
	})
	t.Cleanup(func() { _ = listener.Close(); o.conns.Wait() })
	return o
}

// serve answers one call on each connection.
func (o *rawOkta) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	req, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil || req.Method != http.MethodDelete {
		return
	}
	o.calls.Add(1)
	if o.mended.Load() {
		_, _ = conn.Write([]byte("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"))
		return
	}
	_, err = conn.Write([]byte(o.say))
	for err == nil && o.repeat != "" {
		_, err = conn.Write([]byte(o.repeat))
	}
}

// rateHeaders are Okta's, with values of the test's own.
func rateHeaders(limit, remaining, reset string) string {
	return "X-Rate-Limit-Limit: " + limit + "\r\nX-Rate-Limit-Remaining: " + remaining + "\r\nX-Rate-Limit-Reset: " + reset + "\r\n"
}

// What no Okta says, and what cannot be an answer at all. The job is done once Okta is
// itself again; nobody is taken for revoked before, and no wait is an absurd one.
func TestGarbageFromOktaIsNoAnswer(t *testing.T) {
	t.Parallel()
	const tooMany = "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\nConnection: close\r\n"
	for name, said := range map[string]struct{ say, repeat string }{
		"nothing":                  {"", ""},
		"no HTTP":                  {"SSH-2.0-OpenSSH_9.9\r\n", ""},
		"noise":                    {"\x00\xff\x16\x03\x01", "\x00"},
		"a status of its own":      {"HTTP/1.1 99999 No\r\n\r\n", ""},
		"a header without end":     {"HTTP/1.1 204 No Content\r\nX-A: ", strings.Repeat("a", 4096)},
		"headers without end":      {"HTTP/1.1 204 No Content\r\n", "X-A: b\r\n"},
		"only provisional answers": {"HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n"},
		"a body without end":       {"HTTP/1.1 500 Oops\r\n\r\n", strings.Repeat("<html>", 1000)},
		"a body cut off":           {"HTTP/1.1 503 Oops\r\nContent-Length: 1000000\r\n\r\n{\"errorCode\":", ""},
		"two lengths":              {"HTTP/1.1 204 No Content\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", ""},
		"deep JSON":                {"HTTP/1.1 500 Oops\r\nContent-Length: 60000\r\nConnection: close\r\n\r\n" + strings.Repeat("[", 60000), ""},
		"a limit of billions":      {tooMany + rateHeaders("99999999999999999999", "-1", "0") + "\r\n", ""},
		"a reset in a century":     {tooMany + rateHeaders("600", "0", "4950000000") + "Date: Mon, 23 Nov 2026 09:00:00 GMT\r\n\r\n", ""},
		"a reset long ago":         {tooMany + rateHeaders("600", "0", "1") + "Date: Mon, 23 Nov 2026 09:00:00 GMT\r\n\r\n", ""},
		"no date at all":           {tooMany + rateHeaders("600", "0", "x") + "Retry-After: 999999999\r\n\r\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw := newRawOkta(t, said.say, said.repeat)
			r := prepareRig(t, okta{newOkta(t).Server, "http://" + raw.listener.Addr().String()}, settings{work: brisk})
			r.start()
			r.deliver(suspension(person(1), "garbage"))
			failed := r.seen.await(t, audited(revocation.OutcomeFailed), 1)[0].Record
			require.LessOrEqual(t, failed.Retry.Sub(failed.Ended), 91*time.Second, "the longest window of Okta's and a half")
			require.Less(t, len(failed.Reason), 1000)
			require.NotContains(t, failed.Reason, "\n")
			require.Empty(t, r.seen.find(audited(revocation.OutcomeRevoked)))
			raw.mended.Store(true)
			if failed.Retry.Sub(failed.Ended) > 30*time.Second {
				require.Len(t, r.jobs(revocation.StatePending), 1) // nobody waits for it here
				return
			}
			r.seen.await(t, audited(revocation.OutcomeRevoked), 1)
			require.Empty(t, r.letters())
		})
	}
}

// 429 for as many windows as there is patience to wait for here: it uses nobody's tries up,
// Okta is asked about once a window, and then everybody is done.
func TestRateLimitsThatLastLoseNobodyAndHammerNobody(t *testing.T) {
	t.Parallel()
	const people, windows = 10, 5
	r := newRig(t, settings{})
	r.okta.AddFaults(oktasim.Fault{Count: windows, RateLimited: true, ResetIn: 2 * time.Second})
	for n := range people {
		r.deliver(suspension(person(n), fmt.Sprint("limited", n)))
	}
	r.seen.await(t, audited(revocation.OutcomeRevoked), people)
	var refused []time.Time
	for _, call := range r.calls() {
		if call.Status == http.StatusTooManyRequests {
			refused = append(refused, call.Time)
		}
	}
	require.Len(t, refused, windows)
	for n := range windows - 1 {
		require.Greater(t, refused[n+1].Sub(refused[n]), time.Second, "one call for each window")
	}
	require.Len(t, r.calls(), people+windows)
	require.Empty(t, r.letters())
}
