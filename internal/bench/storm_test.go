package bench

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"sever/okta/oktasim"
	"sever/revocation"
	"sever/source"
)

// BenchmarkStorm sends a hundred thousand alerts about a thousand people to everything
// that `sever serve` runs, and waits for the end of the last job. A tenth is critical, a
// fifth deserves nothing. It fails if a person is called for more often than the spacing
// allows, or if a job has no finishing record in the audit.
func BenchmarkStorm(b *testing.B) {
	alerts, people := 100_000, 1_000
	if testing.Short() {
		alerts, people = 5_000, 200
	}
	for b.Loop() {
		s := newStorm()
		url, stop := s.start(b)
		began := time.Now()
		s.send(b, url, alerts, people)
		sent := time.Since(began)
		s.awaitEnd(b, alerts-alerts/5)
		took := time.Since(began)
		stop()

		s.requireSpaced(b)
		require.Len(b, s.audited, alerts-alerts/5)
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(float64(alerts)/sent.Seconds(), "accepted/s")
		b.ReportMetric(float64(len(s.audited))/took.Seconds(), "jobs/s")
		b.ReportMetric(float64(s.calls())/float64(people), "calls/person")
		for lane, times := range s.times {
			slices.Sort(times)
			b.ReportMetric(times[len(times)/2].Seconds(), string(lane)+"-p50-s")
			b.ReportMetric(times[len(times)*99/100].Seconds(), string(lane)+"-p99-s")
		}
		slices.Sort(s.passedBy)
		b.ReportMetric(float64(s.passedBy[len(s.passedBy)*99/100]), "passed-by-p99")
		b.ReportMetric(float64(s.passedBy[len(s.passedBy)-1]), "passed-by-max")
	}
}

const stormSpacing = 2 * time.Second

// storm hears every step.
type storm struct {
	mu      sync.Mutex
	moved   chan struct{}
	audited map[string]struct{}                 // jobs whose end is in the audit
	began   map[string][]time.Time              // calls, by person
	times   map[revocation.Lane][]time.Duration // from the receipt to the end
	lower   int                                 // less urgent jobs taken so far
	waiting map[string]int                      // critical jobs: lower when they were enqueued; -1 once taken
	// passedBy is how many less urgent jobs were taken while a critical one was on its lane.
	passedBy []int
}

func newStorm() *storm {
	return &storm{
		moved: make(chan struct{}, 1), audited: make(map[string]struct{}), began: make(map[string][]time.Time),
		times: make(map[revocation.Lane][]time.Duration), waiting: make(map[string]int),
	}
}

func (s *storm) observe(event revocation.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch event.Step { //nolint:exhaustive // the others do not matter here
	case revocation.StepEnqueued:
		if _, taken := s.waiting[event.Job.ID]; event.Job.Lane == revocation.LaneCritical && !taken {
			s.waiting[event.Job.ID] = s.lower
		}
	case revocation.StepTaken:
		s.taken(*event.Job)
	case revocation.StepCalling:
		s.began[event.Job.Person.Value] = append(s.began[event.Job.Person.Value], event.At)
	case revocation.StepAudited:
		if !event.Record.Outcome.Finishes() {
			return
		}
		s.audited[event.Job.ID] = struct{}{}
		s.times[event.Job.Lane] = append(s.times[event.Job.Lane], event.Record.Ended.Sub(event.Job.Received))
		select {
		case s.moved <- struct{}{}:
		default:
		}
	}
}

func (s *storm) taken(job revocation.Job) {
	if job.Lane != revocation.LaneCritical {
		s.lower++
		return
	}
	since, enqueued := s.waiting[job.ID]
	switch {
	case !enqueued: // faster than the news of it
		s.passedBy = append(s.passedBy, 0)
	case since >= 0:
		s.passedBy = append(s.passedBy, s.lower-since)
	}
	s.waiting[job.ID] = -1
}

func (s *storm) calls() (all int) {
	for _, calls := range s.began {
		all += len(calls)
	}
	return all
}

// start runs everything against a simulated Okta that answers in 20 to 60 ms and whose
// limit is far off: how it is kept is BenchmarkPacing's affair.
func (s *storm) start(b *testing.B) (url string, stop func()) {
	b.Helper()
	sim := oktasim.New(oktasim.Options{
		Seed: 1, Token: secret, Rate: oktasim.RateLimit{Limit: 100_000, Window: time.Minute},
		Latency: 20 * time.Millisecond, Jitter: 40 * time.Millisecond,
	})
	okta := httptest.NewServer(sim)
	settings := fmt.Sprintf("work: {concurrency: 8, spacing: %s}\n%s", stormSpacing, patient)
	url, stopSever := serveEverything(b, okta.URL, filepath.Join(storeDir(b), "store"), settings, s.observe)
	return url, func() {
		stopSever()
		okta.Close()
		sim.Close()
	}
}

// send delivers the alerts over 32 connections: for each person in turn, kinds mixed.
func (s *storm) send(b *testing.B, url string, alerts, people int) {
	b.Helper()
	kinds := []string{
		"user.lifecycle.suspend", "user.lifecycle.deactivate", "user.session.start", "user.lifecycle.deactivate", "user.lifecycle.delete.initiated",
		"user.lifecycle.deactivate", "user.session.start", "user.lifecycle.deactivate", "user.lifecycle.deactivate", "user.lifecycle.deactivate",
	}
	client := http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 32}, Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	var senders errgroup.Group
	senders.SetLimit(32)
	for i := range alerts {
		senders.Go(func() error {
			body := source.OktaSample{
				Type: kinds[i%len(kinds)], User: fmt.Sprintf("00uStormTest%08d", (i/len(kinds))%people),
				UUID: fmt.Sprintf("storm-%d", i), Published: time.Now(),
			}.Body()
			req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, url+"/v1/hooks/okta", bytes.NewReader(body))
			if err != nil {
				return fmt.Errorf("make a request: %w", err)
			}
			req.Header = http.Header{"Authorization": {secret}, "Content-Type": {"application/json"}}
			resp, err := client.Do(req)
			if err != nil {
				return fmt.Errorf("deliver: %w", err)
			}
			if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusNoContent {
				return fmt.Errorf("answer %d: %w", resp.StatusCode, err)
			}
			return nil
		})
	}
	require.NoError(b, senders.Wait())
}

func (s *storm) awaitEnd(b *testing.B, jobs int) {
	b.Helper()
	for {
		s.mu.Lock()
		done := len(s.audited)
		s.mu.Unlock()
		if done >= jobs {
			return
		}
		select {
		case <-s.moved:
		case <-time.After(time.Minute):
			require.FailNow(b, "no job ended for a minute", "%d of %d did", done, jobs)
		}
	}
}

// requireSpaced checks that no person was called for twice within the spacing.
func (s *storm) requireSpaced(b *testing.B) {
	b.Helper()
	for person, calls := range s.began {
		slices.SortFunc(calls, time.Time.Compare)
		for i := range calls[1:] {
			require.GreaterOrEqual(b, calls[i+1].Sub(calls[i]), stormSpacing-10*time.Millisecond, person)
		}
	}
}
