package okta

import (
	"cmp"
	"math"
	"slices"
	"sync"
	"time"
)

// BudgetState is what the newest answers said about one rate limit bucket.
type BudgetState struct {
	Bucket    string // sessions or users
	Limit     int
	Remaining int
	Reset     time.Time // end of the window by our clock
}

// budget remembers each bucket's window and refuses calls that Okta would refuse, or that would use the reserved share.
type budget struct {
	reserve float64

	mu      sync.Mutex
	buckets map[string]*bucket
}

// bucket is one window. Without a live window it knows nothing and lets calls through: the first answer opens the next one.
type bucket struct {
	limit     int
	remaining int
	reset     time.Time // by Okta's clock: tells windows apart, whatever order answers come in
	end       time.Time // the same moment by our clock
	inFlight  int
}

func newBudget(reserve float64) *budget {
	return &budget{reserve: reserve, buckets: map[string]*bucket{}}
}

// acquire counts a call as in flight, or refuses it and returns the window in the way. A call let through is released.
func (b *budget) acquire(name string, now time.Time) (Rate, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	k := b.bucket(name)
	k.forget(now)
	if !k.end.IsZero() && k.remaining-k.inFlight <= b.floor(k.limit) {
		return Rate{Limit: k.limit, Remaining: k.remaining, Reset: k.end, Date: now, Known: true}, false
	}
	k.inFlight++
	return Rate{}, true
}

func (b *budget) release(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bucket(name).inFlight--
}

// update takes in the headers of any answer. A limit of zero speaks of concurrency and says nothing about the window.
func (b *budget) update(name string, rate Rate, now time.Time) {
	window, known := rate.window()
	if !known || rate.Limit == 0 || window <= 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	k := b.bucket(name)
	k.forget(now)
	switch {
	case k.end.IsZero() || rate.Reset.After(k.reset):
		k.remaining = rate.Remaining
	case rate.Reset.Equal(k.reset):
		// Within a window the count only falls, so the smallest is the newest.
		k.remaining = min(k.remaining, rate.Remaining)
	default:
		return
	}
	k.limit, k.reset, k.end = rate.Limit, rate.Reset, now.Add(min(window, maxWait))
}

func (b *budget) snapshot(now time.Time) []BudgetState {
	b.mu.Lock()
	defer b.mu.Unlock()
	states := []BudgetState{}
	for name, k := range b.buckets {
		k.forget(now)
		if !k.end.IsZero() {
			states = append(states, BudgetState{Bucket: name, Limit: k.limit, Remaining: k.remaining, Reset: k.end})
		}
	}
	slices.SortFunc(states, func(x, y BudgetState) int { return cmp.Compare(x.Bucket, y.Bucket) })
	return states
}

// floor is how many calls are left to others. The tiny deduction keeps rounding errors from adding one.
func (b *budget) floor(limit int) int {
	return int(math.Ceil(float64(limit)*b.reserve - 1e-9))
}

func (b *budget) bucket(name string) *bucket {
	k, ok := b.buckets[name]
	if !ok {
		k = &bucket{}
		b.buckets[name] = k
	}
	return k
}

// forget drops a window that is over.
func (k *bucket) forget(now time.Time) {
	if !k.end.IsZero() && !now.Before(k.end.Add(resetSlack)) {
		*k = bucket{inFlight: k.inFlight}
	}
}
