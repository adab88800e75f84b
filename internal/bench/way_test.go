package bench

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/okta/oktasim"
	"sever/revocation"
	"sever/source"
)

// waySteps are the milestones between a request and its call, in order.
var waySteps = []revocation.Step{
	revocation.StepAccepted, revocation.StepEnqueued, revocation.StepTaken, revocation.StepCalling, revocation.StepCalled, revocation.StepAudited,
}

// BenchmarkWay sends one alert after the other, each about another person, to everything that `sever serve` runs, at rest
// but for it. NAME-p50-ms is the time from before an alert is sent to that step.
func BenchmarkWay(b *testing.B) {
	w := &way{steps: make(chan revocation.Event, 64)}
	url := w.start(b)
	client := &http.Client{Transport: &http.Transport{}, Timeout: time.Minute}
	defer client.CloseIdleConnections()
	times := make(map[revocation.Step][]time.Duration)
	var answers []time.Duration
	for i := range b.N + 10 {
		body := source.OktaSample{
			Type: "user.lifecycle.deactivate", User: fmt.Sprintf("00uWayTest%010d", i), UUID: fmt.Sprintf("way-%d", i), Published: time.Now(),
		}.Body()
		sent := time.Now()
		deliver(b, client, url, body)
		answered := time.Since(sent)
		at := w.settled(b)
		if i < 10 { // connections, caches
			continue
		}
		answers = append(answers, answered)
		for step, when := range at {
			times[step] = append(times[step], when.Sub(sent))
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(p50(answers), "answer-p50-ms")
	for _, step := range waySteps {
		b.ReportMetric(p50(times[step]), string(step)+"-p50-ms")
	}
	calling := times[revocation.StepCalling]
	b.ReportMetric(float64(calling[len(calling)*99/100].Microseconds())/1000, "calling-p99-ms") // which p50 sorted
}

func p50(times []time.Duration) float64 {
	slices.Sort(times)
	return float64(times[len(times)/2].Microseconds()) / 1000
}

type way struct {
	steps chan revocation.Event
}

// settled waits until the alert under way is done, and says when it came to each step.
func (w *way) settled(b *testing.B) map[revocation.Step]time.Time {
	b.Helper()
	at := make(map[revocation.Step]time.Time)
	for {
		select {
		case event := <-w.steps:
			if event.Step == revocation.StepSettled {
				return at
			}
			at[event.Step] = event.At
		case <-time.After(time.Minute):
			require.FailNow(b, "the alert is not done")
		}
	}
}

func (w *way) start(b *testing.B) (url string) {
	b.Helper()
	sim := oktasim.New(oktasim.Options{Seed: 1, Token: secret, Rate: oktasim.RateLimit{Limit: 1_000_000, Window: time.Minute}})
	okta := httptest.NewServer(sim)
	url, stop := serveEverything(b, okta.URL, filepath.Join(storeDir(b), "store"), "", func(event revocation.Event) {
		event.At = time.Now() // of every stage by one clock
		w.steps <- event
	})
	b.Cleanup(func() {
		stop()
		okta.Close()
		sim.Close()
	})
	return url
}

func deliver(b *testing.B, client *http.Client, url string, body []byte) {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, url+"/v1/hooks/okta", bytes.NewReader(body))
	require.NoError(b, err)
	req.Header = http.Header{"Authorization": {secret}, "Content-Type": {"application/json"}}
	resp, err := client.Do(req)
	require.NoError(b, err)
	require.NoError(b, resp.Body.Close())
	require.Equal(b, http.StatusNoContent, resp.StatusCode)
}
