package app_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// crashSum is the summary of all rounds.
type crashSum struct {
	began time.Time
	seed  int

	mu                sync.Mutex
	rounds            int
	failed            int
	all               crashResult
	quickly, normally []time.Duration // recoveries with short leases, and with usual ones
}

func newCrashSum(seed int) *crashSum {
	return &crashSum{began: time.Now(), seed: seed, all: crashResult{kills: make(map[string]int)}}
}

func (s *crashSum) add(r crashResult) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rounds++
	if len(r.problems) > 0 {
		s.failed++
	}
	for at, times := range r.kills {
		s.all.kills[at] += times
	}
	s.all.accepted += r.accepted
	s.all.revoked += r.revoked
	s.all.covered += r.covered
	s.all.calls += r.calls
	s.all.failed += r.failed
	s.all.lost += r.lost
	s.all.inFlight += r.inFlight
	s.all.unrecorded += r.unrecorded
	s.all.doubled += r.doubled
	if r.usual {
		s.normally = append(s.normally, r.recoveries...)
	} else {
		s.quickly = append(s.quickly, r.recoveries...)
	}
}

// tell logs the summary, and adds it to the file that was asked for.
func (s *crashSum) tell(t *testing.T) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	text := s.String()
	t.Log("\n" + text)
	name := os.Getenv(crashReport)
	if name == "" {
		return
	}
	file, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	require.NoError(t, err, crashReport)
	_, err = file.WriteString(text)
	require.NoError(t, err)
	require.NoError(t, file.Close())
}

func (s *crashSum) String() string {
	var b strings.Builder
	line := func(name string, value any) { fmt.Fprintf(&b, "%-34s %v\n", name, value) }
	took := time.Since(s.began)
	line("crash lab, seed", s.seed)
	line("rounds", fmt.Sprintf("%d in %s, %.1f s each", s.rounds, took.Round(time.Second), took.Seconds()/float64(max(1, s.rounds))))
	line("rounds that failed", s.failed)
	line("accepted alerts", s.all.accepted)
	line("revoked / covered", fmt.Sprintf("%d / %d", s.all.revoked, s.all.covered))
	line("lost", s.all.lost)
	line("calls to Okta", s.all.calls)
	line("  on record as failed", s.all.failed)
	line("  in flight at a kill, at most", s.all.inFlight)
	line("  of them made and not on record", s.all.unrecorded)
	line("doubled beyond those in flight", s.all.doubled)
	line("recovery, leases of 2 s", percentiles(s.quickly))
	line("recovery, leases of 5 s (usual)", percentiles(s.normally))
	total := 0
	for _, times := range s.all.kills {
		total += times
	}
	line("kills", total)
	for _, at := range slices.Sorted(maps.Keys(s.all.kills)) {
		line("  at "+at, s.all.kills[at])
	}
	return b.String()
}

func percentiles(times []time.Duration) string {
	if len(times) == 0 {
		return "none measured"
	}
	slices.Sort(times)
	at := func(p float64) time.Duration { return times[int(p*float64(len(times)-1))].Round(time.Millisecond) }
	return fmt.Sprintf("p50 %s, p99 %s, max %s (n=%d)", at(0.5), at(0.99), at(1), len(times))
}
