package queue

import (
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/revocation"
)

// BenchmarkAppend measures the group commit: every delivery of 2.5 KB is fsynced
// before its Append returns.
func BenchmarkAppend(b *testing.B) {
	for _, senders := range []int{1, 16, 64, 256} {
		b.Run(strconv.Itoa(senders), func(b *testing.B) {
			q := open(b, func(c *Config) { c.MaxSize = 64 << 30 })
			log := writer(b, q)
			delivery := revocation.NewDelivery("okta", "application/json", make([]byte, 2500), start)
			var begun atomic.Int64
			var crowd sync.WaitGroup
			b.ReportAllocs()
			b.ResetTimer()
			for range senders {
				crowd.Go(func() {
					for begun.Add(1) <= int64(b.N) {
						if err := log.Append(b.Context(), delivery); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			crowd.Wait()
			b.StopTimer()
			packs := streamInfo(b, q, streamDeliveries).State.Msgs
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
			b.ReportMetric(float64(b.N)/float64(packs), "deliveries/pack")
		})
	}
}

// BenchmarkPublish measures what a job costs, stored one by one and in batches.
func BenchmarkPublish(b *testing.B) {
	for _, size := range []int{1, 2, 4, 8, 32, 128, 512} {
		for _, way := range []string{"single", "batch"} {
			b.Run(way+"/"+strconv.Itoa(size), func(b *testing.B) {
				q := open(b, func(c *Config) { c.MaxSize = 64 << 30 })
				jobs := q.Jobs(nil)
				batch := make([]revocation.Job, size)
				var made int
				for b.Loop() {
					for i := range batch {
						made++
						batch[i] = job("job"+strconv.Itoa(made), revocation.LaneHigh)
					}
					if way == "batch" {
						require.False(b, asBatch(b, jobs, batch))
						continue
					}
					for _, one := range batch {
						_, err := jobs.Publish(b.Context(), one)
						require.NoError(b, err)
					}
				}
				b.ReportMetric(float64(made)/b.Elapsed().Seconds(), "jobs/s")
			})
		}
	}
}
