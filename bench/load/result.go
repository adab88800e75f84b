package load

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Result is what a load came to.
type Result struct {
	Tally

	Took time.Duration
}

// PerSecond is how many alerts were accepted in a second.
func (r Result) PerSecond() float64 { return float64(r.Accepted) / r.Took.Seconds() }

// Tally counts answers.
type Tally struct {
	Accepted int64            // answered 2xx
	Refused  map[string]int64 // everything else, by status or error

	latencies *hdrhistogram.Histogram // of the accepted, in microseconds
}

// longest is the longest latency that is told apart, in microseconds: a minute. Longer ones count as this.
const longest = 60_000_000

func newTally() Tally {
	return Tally{Refused: map[string]int64{}, latencies: hdrhistogram.New(1, longest, 3)}
}

func microseconds(took time.Duration) int64 { return min(max(took.Microseconds(), 1), longest) }

func (t *Tally) accept(took time.Duration) {
	t.Accepted++
	_ = t.latencies.RecordValue(microseconds(took)) // which is within the range
}

func (t *Tally) merge(other Tally) {
	t.Accepted += other.Accepted
	for cause, count := range other.Refused {
		t.Refused[cause] += count
	}
	t.latencies.Merge(other.latencies)
}

// Percentile is the latency that p of a hundred accepted alerts did not exceed.
func (t *Tally) Percentile(p float64) time.Duration {
	return time.Duration(t.latencies.ValueAtPercentile(p)) * time.Microsecond
}

// Latencies are those of the accepted, in microseconds.
func (t *Tally) Latencies() *hdrhistogram.Histogram { return t.latencies }
