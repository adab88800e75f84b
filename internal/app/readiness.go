package app

import (
	"context"
	"errors"
	"sync"
	"time"
)

// readiness answers whether the stream takes writes, by trying one. Its answer is
// kept for a moment, so that probes do not become load.
type readiness struct {
	probe func(context.Context) error
	keep  time.Duration

	mu      sync.Mutex
	stopped bool
	at      time.Time
	last    error
}

var errStopping = errors.New("stopping")

func (r *readiness) check(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped {
		return errStopping
	}
	if time.Since(r.at) < r.keep {
		return r.last
	}
	r.last = r.probe(ctx)
	r.at = time.Now()
	return r.last
}

// stop turns readiness red for good, ahead of the listeners' end.
func (r *readiness) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopped = true
}

// takesWrites tries a write to the delivery log, once no other stream has stopped for good:
// deliveries that are taken while no job can be stored help nobody.
func (a *App) takesWrites(ctx context.Context) error {
	if err := a.queue.Frozen(); err != nil {
		return err
	}
	return a.log.Probe(ctx)
}
