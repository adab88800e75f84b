package bench

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// soakSample is what a process is at one moment.
type soakSample struct {
	at         time.Duration // since the load began
	rssKB      int           // what the kernel counts
	heap       int64         // live bytes, right after a collection
	goroutines int
	fds        int
	store      int64 // bytes on disk
	jobs       int64 // ended so far
}

// soakSamples are in the order of time, and in a file as they come.
type soakSamples struct {
	all   []soakSample
	file  *os.File
	store string
}

func newSoakSamples(b *testing.B, store string) *soakSamples {
	b.Helper()
	path := filepath.Join(os.TempDir(), "soak.csv")
	if dir := os.Getenv("BENCH_DIR"); dir != "" {
		path = filepath.Join(dir, "soak.csv")
	}
	file, err := os.Create(path)
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, file.Close()) })
	b.Log("samples: " + path)
	fmt.Fprintln(file, "seconds,rss_kb,live_heap_bytes,goroutines,fds,store_bytes,jobs_ended")
	return &soakSamples{file: file, store: store}
}

func (s *soakSamples) take(b *testing.B, at time.Duration, jobs int64) {
	b.Helper()
	runtime.GC()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	now := soakSample{
		at: at, rssKB: rss(b, os.Getpid()), heap: int64(memory.HeapAlloc), goroutines: runtime.NumGoroutine(),
		fds: countFDs(b), store: sizeOf(b, s.store), jobs: jobs,
	}
	s.all = append(s.all, now)
	fmt.Fprintf(s.file, "%.0f,%d,%d,%d,%d,%d,%d\n", now.at.Seconds(), now.rssKB, now.heap, now.goroutines, now.fds, now.store, now.jobs)
}

func countFDs(b *testing.B) int {
	b.Helper()
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		b.Skip("needs Linux's /proc to count open files")
	}
	return len(open)
}

// sizeOf adds up a folder whose files come and go.
func sizeOf(b *testing.B, dir string) (bytes int64) {
	b.Helper()
	require.NoError(b, filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return nil //nolint:nilerr // gone already
		}
		if info, err := entry.Info(); err == nil {
			bytes += info.Size()
		}
		return nil
	}))
	return bytes
}

const (
	// soakHeapPerJob is what the store keeps in memory for each job by design: the ids of the
	// job and of its audit record for an hour, and the keys of the ledger.
	soakHeapPerJob = 1024
	// soakHeapNoise is the block being filled of two streams: nats-server keeps each in memory
	// whole, in a buffer of up to 8 MiB, and starts the next one small.
	soakHeapNoise = 16 << 20
	// Some connections more or less, as the machine is busy: both ends are in this process.
	soakGoroutines = 40
	soakFDs        = 20
)

// soakGrowth is how much more there is in the last quarter of a run than in the third:
// medians, which no single peak moves.
type soakGrowth struct{ jobs, heap, goroutines, fds int64 }

func growth(samples []soakSample) soakGrowth {
	quarter := len(samples) / 4
	third, last := samples[2*quarter:3*quarter], samples[3*quarter:]
	of := func(value func(soakSample) int64) int64 { return middle(last, value) - middle(third, value) }
	return soakGrowth{
		jobs:       of(func(at soakSample) int64 { return at.jobs }),
		heap:       of(func(at soakSample) int64 { return at.heap }),
		goroutines: of(func(at soakSample) int64 { return int64(at.goroutines) }),
		fds:        of(func(at soakSample) int64 { return int64(at.fds) }),
	}
}

// problem says what is not flat: goroutines or open files that grew by more than a few
// connections take, or a live heap that grew by more than the store's buffers and its
// index of the jobs that ended in between. It is empty when all is well.
func (g soakGrowth) problem() string {
	switch {
	case g.heap > soakHeapNoise+soakHeapPerJob*g.jobs:
		return "the live heap grows"
	case g.goroutines > soakGoroutines:
		return "goroutines grow"
	case g.fds > soakFDs:
		return "open files grow"
	}
	return ""
}

func (s *soakSamples) requireFlat(b *testing.B) {
	b.Helper()
	require.GreaterOrEqual(b, len(s.all), 12, "too short to tell: SOAK must be 130s or more")
	grown := growth(s.all)
	b.Logf("third to last quarter: %d jobs, heap %+d bytes, goroutines %+d, open files %+d", grown.jobs, grown.heap, grown.goroutines, grown.fds)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(grown.heap)/float64(max(grown.jobs, 1)), "heap-B/job")
	b.ReportMetric(float64(s.all[len(s.all)-1].rssKB)/1024, "rss-MB")
	require.Empty(b, grown.problem())
}

func middle(samples []soakSample, of func(soakSample) int64) int64 {
	values := make([]int64, 0, len(samples))
	for _, sample := range samples {
		values = append(values, of(sample))
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// An hour of samples in which something leaks, and one in which nothing does.
func TestSoakTellsALeak(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		leak func(number int, at *soakSample)
		want string
	}{
		"nothing": {func(int, *soakSample) {}, ""},
		"one peak": {func(number int, at *soakSample) {
			at.heap += int64(number/359) << 30
			at.goroutines += number / 359 * 1000
		}, ""},
		"every body":       {func(_ int, at *soakSample) { at.heap += at.jobs * 2500 }, "the live heap grows"},
		"now and then one": {func(number int, at *soakSample) { at.goroutines += number / 2 }, "goroutines grow"},
		"each cut":         {func(number int, at *soakSample) { at.fds += number }, "open files grow"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var samples []soakSample
			for number := range 360 {
				at := soakSample{jobs: int64(number) * 300, goroutines: 110 + number%20, fds: 30 + number%10, heap: 40 << 20}
				at.heap += int64(number%12)<<20 + at.jobs*800 // blocks that fill, and the index
				tt.leak(number, &at)
				samples = append(samples, at)
			}
			require.Equal(t, tt.want, growth(samples).problem())
		})
	}
}
