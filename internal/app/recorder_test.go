package app_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/dispatch"
	"sever/revocation"
)

// soon bounds every wait for something that is about to happen.
const soon = 2 * time.Minute

// tick is how often something is asked for that tells nobody when it changes.
const tick = 50 * time.Millisecond

// recorder is an observer that remembers every step and lets a test wait for one.
type recorder struct {
	mu     sync.Mutex
	events []revocation.Event
	moved  chan struct{} // closed and replaced at every event
}

func newRecorder() *recorder { return &recorder{moved: make(chan struct{})} }

func (r *recorder) observe(event revocation.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, event)
	close(r.moved)
	r.moved = make(chan struct{})
}

// sought is a kind of event.
type sought func(revocation.Event) bool

func (r *recorder) find(match sought) []revocation.Event {
	found, _ := r.look(match)
	return found
}

func (r *recorder) look(match sought) (found []revocation.Event, moved <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, event := range r.events {
		if match(event) {
			found = append(found, event)
		}
	}
	return found, r.moved
}

// await waits until there were at least n such events since the recorder began.
func (r *recorder) await(t *testing.T, match sought, n int) []revocation.Event {
	t.Helper()
	timeout := time.After(soon)
	for {
		found, moved := r.look(match)
		if len(found) >= n {
			return found
		}
		select {
		case <-moved:
		case <-timeout:
			require.FailNow(t, "an event did not come", "%d of %d came; all steps: %v", len(found), n, r.steps())
		}
	}
}

func (r *recorder) steps() map[revocation.Step]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	count := make(map[revocation.Step]int)
	for _, event := range r.events {
		count[event.Step]++
	}
	return count
}

func step(want revocation.Step) sought {
	return func(event revocation.Event) bool { return event.Step == want }
}

func audited(want revocation.Outcome) sought {
	return func(event revocation.Event) bool {
		return event.Step == revocation.StepAudited && event.Record.Outcome == want
	}
}

func duplicate(event revocation.Event) bool {
	return event.Step == revocation.StepIgnored && event.Reason == dispatch.IgnoredDuplicate
}

// finished are the audited ends of jobs.
func finished(event revocation.Event) bool {
	return event.Step == revocation.StepAudited && event.Record.Outcome.Finishes()
}

// clock is the real one, moved ahead by jumps.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time       { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) jump(d time.Duration) { c.ahead.Add(int64(d)) }
