package okta_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/okta"
	"sever/okta/oktasim"
)

// BenchmarkPacing revokes 500 people over real HTTP where Okta allows 100 calls in
// 5 s and nothing is reserved. The least possible is 20 s: five windows, the first of
// which begins with the first call.
func BenchmarkPacing(b *testing.B) {
	for _, replicas := range []int{1, 2} {
		b.Run(fmt.Sprintf("replicas=%d", replicas), func(b *testing.B) {
			for b.Loop() {
				took, refused := revokeFiveHundred(b, replicas)
				b.ReportMetric(took.Seconds(), "s/500")
				b.ReportMetric(float64(refused), "429s/500")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

func revokeFiveHundred(b *testing.B, replicas int) (took time.Duration, refused int) {
	b.Helper()
	sim := oktasim.New(oktasim.Options{
		Seed: 1, Rate: oktasim.RateLimit{Limit: 100, Window: 5 * time.Second}, Latency: 20 * time.Millisecond, Jitter: 40 * time.Millisecond,
	})
	server := httptest.NewServer(sim)
	defer server.Close()
	defer sim.Close()

	var left atomic.Int64
	left.Store(500)
	var workers sync.WaitGroup
	began := time.Now()
	for range replicas {
		auth, err := okta.SSWS("token")
		require.NoError(b, err)
		client, err := okta.New(okta.Config{BaseURL: server.URL, Auth: auth})
		require.NoError(b, err)
		b.Cleanup(client.CloseIdleConnections)
		for range 16 / replicas {
			workers.Go(func() { revokeSome(b, client, &left) })
		}
	}
	workers.Wait()
	took = time.Since(began)
	for _, call := range sim.Calls() {
		if call.Status == http.StatusTooManyRequests {
			refused++
		}
	}
	return took, refused
}

// revokeSome works as Sever's worker does: wait for the budget, then one call.
func revokeSome(b *testing.B, client *okta.Client, left *atomic.Int64) {
	b.Helper()
	for {
		number := left.Add(-1)
		if number < 0 {
			return
		}
		id := okta.UserID(fmt.Sprintf("00uPerson%011d", number))
		for {
			if err := client.WaitForBudget(b.Context()); err != nil {
				b.Error(err)
				return
			}
			_, err := client.RevokeUserSessions(b.Context(), id, okta.RevokeOptions{})
			if err == nil {
				break
			}
			if okta.ClassOf(err) != okta.ClassRateLimited {
				b.Error(err)
				return
			}
		}
	}
}
