package oktasim

import (
	"maps"
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

// maxWindows is how many windows are kept before those that are over are looked for.
const maxWindows = 10_000

// limits holds the windows of all buckets and the calls in the works.
type limits struct {
	rate        RateLimit
	share       float64 // of every bucket for one principal; 0 means all of it
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

func newLimits(rate RateLimit, share float64, concurrency int) *limits {
	if rate.Limit <= 0 {
		rate.Limit = defaultLimit
	}
	if rate.Window <= 0 {
		rate.Window = defaultWindow
	}
	return &limits{rate: rate, share: share, concurrency: concurrency, windows: map[string]*window{}}
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

// take uses one call of a bucket, and of the principal's share of it when shares are limited. A call that the share does
// not allow costs the org nothing. The headers tell of whichever has less left.
func (l *limits) take(bucket, principal string, now time.Time) rateState {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.share <= 0 || l.share >= 1 || principal == "" {
		return l.takeLocked(bucket, l.rate.Limit, now)
	}
	own := l.takeLocked(bucket+" of "+principal, max(1, int(float64(l.rate.Limit)*l.share)), now)
	if own.exceeded {
		return own
	}
	if org := l.takeLocked(bucket, l.rate.Limit, now); org.exceeded || org.remaining < own.remaining {
		return org
	}
	return own
}

// takeLocked uses one call of a window. A window starts with its first call, not with the minute.
func (l *limits) takeLocked(name string, limit int, now time.Time) rateState {
	w := l.windows[name]
	if w == nil || !now.Before(w.end) {
		if len(l.windows) >= maxWindows {
			maps.DeleteFunc(l.windows, func(_ string, w *window) bool { return !now.Before(w.end) })
		}
		w = &window{end: now.Add(l.rate.Window)}
		l.windows[name] = w
	}
	w.used++
	return rateState{limit: limit, remaining: max(0, limit-w.used), reset: ceilSecond(w.end), exceeded: w.used > limit}
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
