package bench

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"sever/okta/oktasim"
	"sever/revocation"
	"sever/source"
)

const (
	soakRate     = 50 // requests a second
	soakTick     = time.Second / soakRate
	soakSampling = 10 * time.Second
	soakPerson   = "00uSoakTest" // and nine digits: everybody is suspended once
)

// BenchmarkSoak sends a steady mix to everything that `sever serve` runs, for as long as
// SOAK says, while Okta fails now and then: new alerts, old ones again, wrong secrets, what
// is no alert, and senders that hang up halfway. It fails when an accepted alert was lost,
// when anybody was revoked twice, and when memory, goroutines or open files grow: see
// soakSamples.requireFlat. What it measured is in soak.csv, in BENCH_DIR.
func BenchmarkSoak(b *testing.B) {
	length, err := time.ParseDuration(os.Getenv("SOAK"))
	if err != nil {
		b.Skip("set SOAK to how long, such as 1h")
	}
	for b.Loop() {
		s := newSoak(b, int(length/soakTick))
		samples := s.run(b, length)
		s.awaitEnd(b)
		s.stop()
		b.Log(s.summary())
		s.requireEachOnce(b)
		samples.requireFlat(b)
	}
}

// soak is one run. Every alert is about a person of its own, so that what came of it can
// be counted by that person's number.
type soak struct {
	okta   *oktasim.Server
	url    string
	store  string
	client *http.Client
	stop   func()
	began  time.Time

	accepted []atomic.Bool   // by number: answered with 204
	revoked  []atomic.Uint32 // by number: how often Okta ended the person's sessions
	ended    []atomic.Uint32 // by number: how many finishing records are in the audit

	alerts, finished, refused atomic.Int64 // accepted alerts; jobs that ended; alerts not accepted
	wrong                     atomic.Int64 // other requests that were not answered as they should be
}

func newSoak(b *testing.B, requests int) *soak {
	b.Helper()
	s := &soak{
		okta: oktasim.New(oktasim.Options{Seed: 1, Token: secret, Rate: oktasim.RateLimit{Limit: 100_000, Window: time.Minute}}),
		client: &http.Client{
			Transport: &http.Transport{MaxIdleConnsPerHost: 16, IdleConnTimeout: 5 * time.Second}, Timeout: 10 * time.Second,
		},
		accepted: make([]atomic.Bool, requests), revoked: make([]atomic.Uint32, requests), ended: make([]atomic.Uint32, requests),
	}
	okta := httptest.NewServer(http.HandlerFunc(s.serveOkta))
	s.store = filepath.Join(storeDir(b), "store")
	url, stopSever := serveEverything(b, okta.URL, s.store, patient, s.observe)
	s.url = url
	s.stop = func() {
		stopSever()
		s.client.CloseIdleConnections()
		okta.Close()
		s.okta.Close()
	}
	return s
}

// run sends, and looks at the process now and then, until the time is over.
func (s *soak) run(b *testing.B, length time.Duration) *soakSamples {
	b.Helper()
	samples := newSoakSamples(b, s.store)
	var senders errgroup.Group
	senders.SetLimit(64)
	send, look := time.NewTicker(soakTick), time.NewTicker(soakSampling)
	defer send.Stop()
	defer look.Stop()
	s.began = time.Now()
	sent := 0
	for sent < len(s.accepted) && time.Since(s.began) < length {
		select {
		case <-send.C:
			number := sent
			senders.Go(func() error { s.send(b, number); return nil })
			sent++
		case <-look.C:
			samples.take(b, time.Since(s.began), s.finished.Load())
			s.okta.Reset() // its memory of calls is no matter of ours
			s.trouble(len(samples.all))
		}
	}
	require.NoError(b, senders.Wait())
	return samples
}

// trouble makes Okta fail every half minute, each time in another way. No call that has
// an effect goes unanswered: the next one for that person would rightly be a second one.
func (s *soak) trouble(turn int) {
	const every = 3 // samples
	faults := []oktasim.Fault{
		{Count: 5, Status: http.StatusServiceUnavailable},
		{Count: 3, Cut: true},
		{Count: 8, Latency: 2 * time.Second},
		{RateLimited: true, ResetIn: 3 * time.Second},
		{Concurrency: true},
	}
	if turn%every == 0 {
		s.okta.AddFaults(faults[turn/every%len(faults)])
	}
}

// send makes the request of that number. Of twenty, twelve are alerts.
func (s *soak) send(b *testing.B, number int) {
	b.Helper()
	switch number % 20 {
	case 3, 9, 15:
		s.expect(b, s.body("user.lifecycle.suspend", s.earlier(number)), secret, http.StatusNoContent)
	case 5, 11:
		s.expect(b, s.body("user.lifecycle.suspend", number), secret+"x", http.StatusUnauthorized)
	case 7, 17:
		s.expect(b, s.body("user.session.start", number), secret, http.StatusNoContent)
	case 19:
		s.hangUp(b, number)
	default:
		if s.post(b, s.body("user.lifecycle.suspend", number), secret) != http.StatusNoContent {
			s.refused.Add(1)
			return
		}
		s.alerts.Add(1)
		s.accepted[number].Store(true)
	}
}

// earlier is the number of an alert: as long ago again as it is old, so that of the
// duplicates some are fresh and some beyond all that JetStream itself remembers.
func (*soak) earlier(number int) int {
	return number / 2 / 20 * 20
}

func (s *soak) body(kind string, number int) []byte {
	return source.OktaSample{
		Type: kind, User: fmt.Sprintf("%s%09d", soakPerson, number), UUID: fmt.Sprintf("soak-%d", number),
		Published: s.began.Add(time.Duration(number) * soakTick), // the same again for a duplicate
	}.Body()
}

func (s *soak) expect(b *testing.B, body []byte, authorization string, status int) {
	b.Helper()
	if s.post(b, body, authorization) != status {
		s.wrong.Add(1)
	}
}

// post gives the answer's status, 0 for none.
func (s *soak) post(b *testing.B, body []byte, authorization string) int {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, s.url+"/v1/hooks/okta", bytes.NewReader(body))
	if err != nil {
		b.Error(err)
		return 0
	}
	req.Header = http.Header{"Authorization": {authorization}, "Content-Type": {"application/json"}}
	resp, err := s.client.Do(req)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// hangUp leaves in the middle of a body.
func (s *soak) hangUp(b *testing.B, number int) {
	b.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		b.Error(err)
		return
	}
	body := s.body("user.lifecycle.suspend", number)
	fmt.Fprintf(conn, "POST /v1/hooks/okta HTTP/1.1\r\nHost: sever\r\nAuthorization: %s\r\nContent-Type: application/json\r\n"+
		"Content-Length: %d\r\n\r\n%s", secret, len(body), body[:len(body)/2])
	if err := conn.Close(); err != nil {
		b.Error(err)
	}
}

// numberOf is the number of a person's alert.
func (s *soak) numberOf(user string) (number int, known bool) {
	digits, known := strings.CutPrefix(user, soakPerson)
	number, err := strconv.Atoi(digits)
	return number, known && err == nil && number < len(s.accepted)
}

func (s *soak) observe(event revocation.Event) {
	if event.Step != revocation.StepAudited || !event.Record.Outcome.Finishes() {
		return
	}
	if number, known := s.numberOf(event.Job.Person.Value); known {
		s.ended[number].Add(1)
		s.finished.Add(1)
	}
}

// serveOkta counts the revocations that took effect, at Okta's side.
func (s *soak) serveOkta(w http.ResponseWriter, r *http.Request) {
	answer := &statusOf{ResponseWriter: w}
	s.okta.ServeHTTP(answer, r)
	user := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/api/v1/users/"), "/sessions")
	if number, known := s.numberOf(user); known && r.Method == http.MethodDelete && answer.status == http.StatusNoContent {
		s.revoked[number].Add(1)
	}
}

// statusOf remembers the status of an answer.
type statusOf struct {
	http.ResponseWriter

	status int
}

func (w *statusOf) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets the simulated Okta cut the connection.
func (w *statusOf) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// awaitEnd waits for the last job, as long as there is any progress.
func (s *soak) awaitEnd(b *testing.B) {
	b.Helper()
	for {
		before := s.finished.Load()
		if before >= s.alerts.Load() {
			return
		}
		moved := func() bool { return s.finished.Load() > before }
		if !assert.Eventually(b, moved, time.Minute, 100*time.Millisecond, s.summary()) {
			require.FailNow(b, "jobs do not end", "requests, by number: %v", s.unended())
		}
	}
}

// unended are the numbers of accepted alerts without an end, some of them.
func (s *soak) unended() (numbers []int) {
	const some = 20
	for number := range s.accepted {
		if s.accepted[number].Load() && s.ended[number].Load() == 0 && len(numbers) < some {
			numbers = append(numbers, number)
		}
	}
	return numbers
}

func (s *soak) summary() string {
	return fmt.Sprintf("alerts accepted %d, not accepted %d; other requests answered wrongly %d; jobs ended %d",
		s.alerts.Load(), s.refused.Load(), s.wrong.Load(), s.finished.Load())
}

// requireEachOnce checks every alert. One that was not accepted may have been stored all
// the same, if the answer came too late.
func (s *soak) requireEachOnce(b *testing.B) {
	b.Helper()
	lost, doubled := 0, 0
	for number := range s.accepted {
		calls, ends := s.revoked[number].Load(), s.ended[number].Load()
		if s.accepted[number].Load() && (calls == 0 || ends == 0) {
			lost++
		}
		if calls > 1 || ends > 1 {
			doubled++
		}
	}
	require.Zero(b, lost, "accepted and not revoked")
	require.Zero(b, doubled, "revoked or recorded more than once")
	require.Positive(b, s.alerts.Load())
	require.Zero(b, s.wrong.Load(), s.summary())
}
