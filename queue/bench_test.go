package queue

import (
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

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
