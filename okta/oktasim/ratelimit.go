package oktasim

import (
	"sync"
	"time"
)

const (
	defaultLimit  = 600
	defaultWindow = time.Minute
	// absurdReset is what a concurrency rejection may claim, though slots free up within milliseconds.
	absurdReset = 114 * time.Second
)

// RateLimit is how many calls a bucket allows in a window.
type RateLimit struct {
	Limit  int
	Window time.Duration
}

// limits holds the windows of all buckets and the calls in the works.
type limits struct {
	rate        RateLimit
	concurrency int

	mu       sync.Mutex
	windows  map[string]*window
	inFlight int
}

type window struct {
	end  time.Time
	used int
}

// rateState is what the rate headers of one answer say.
type rateState struct {
	limit     int
	remaining int
	reset     time.Time
	exceeded  bool
}

func newLimits(rate RateLimit, concurrency int) *limits {
	if rate.Limit <= 0 {
		rate.Limit = defaultLimit
	}
	if rate.Window <= 0 {
		rate.Window = defaultWindow
	}
	return &limits{rate: rate, concurrency: concurrency, windows: map[string]*window{}}
}

// enter counts a call in. It reports whether the call is within the concurrency limit; leave is due in either case.
func (l *limits) enter() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inFlight++
	return l.inFlight <= l.concurrency
}

func (l *limits) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inFlight--
}

// take uses one call of a bucket. A window starts with its first call, not with the minute.
func (l *limits) take(bucket string, now time.Time) rateState {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.windows[bucket]
	if w == nil || !now.Before(w.end) {
		w = &window{end: ceilSecond(now.Add(l.rate.Window))}
		l.windows[bucket] = w
	}
	w.used++
	return rateState{
		limit: l.rate.Limit, remaining: max(0, l.rate.Limit-w.used), reset: w.end, exceeded: w.used > l.rate.Limit,
	}
}

func (l *limits) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.windows = map[string]*window{}
}

// concurrencyState is what the headers say when there are too many calls at once.
func concurrencyState(now time.Time) rateState {
	return rateState{reset: now.Add(absurdReset), exceeded: true}
}

// ceilSecond rounds up, because the reset header has whole seconds and must not come before the real end.
func ceilSecond(t time.Time) time.Time {
	if whole := t.Truncate(time.Second); !whole.Equal(t) {
		return whole.Add(time.Second)
	}
	return t
}
