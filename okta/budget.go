package okta

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"
)

const (
	// defaultInFlight calls at once are enough for any limit Okta has, and a small part of the 75 a whole org shares.
	// https://developer.okta.com/docs/reference/rl2-concurrency/
	defaultInFlight = 8
	maxInFlight     = 75
	// taper is the part of what is left that may be in flight at once. Other clients spend the same window and we learn of it
	// with our next answer only, so the last calls go one by one.
	taper = 4
	// passLife is how long a caller let through by WaitForBudget counts as about to call.
	passLife = 100 * time.Millisecond

	minBackoff = 500 * time.Millisecond
	maxBackoff = 5 * time.Second
)

// BudgetState is what the newest answers said about one rate limit bucket.
type BudgetState struct {
	Bucket    string // such as sessions or users
	Limit     int
	Remaining int
	Reset     time.Time // end of the window by our clock, right to about a second
}

// budget keeps calls within Okta's limits: it remembers each bucket's window, refuses calls that Okta would refuse or that
// would use the reserved share, and makes calls wait for those in flight whose answers will tell more.
type budget struct {
	reserve float64
	limit   int // calls in flight
	now     func() time.Time

	mu       sync.Mutex
	inFlight int
	buckets  map[string]*bucket
}

// bucket is one family of endpoints that shares a limit.
type bucket struct {
	window   window
	others   others
	silent   bool // the last answer had no rate headers: there is nothing to go by
	inFlight int
	turns    line // calls that wait for one in flight
	gate     line // callers of WaitForBudget
	passes   []time.Time

	collisions int // answers in a row that told of too many calls at once
	quietUntil time.Time
}

func newBudget(reserve float64, inFlight int, now func() time.Time) *budget {
	if inFlight == 0 {
		inFlight = defaultInFlight
	}
	return &budget{reserve: reserve, limit: inFlight, now: now, buckets: map[string]*bucket{}}
}

// acquire counts a call as in flight, when it is its turn; the caller releases it. It refuses with an [*Error] that is Local
// while the window is used up, and with the context's error.
func (b *budget) acquire(ctx context.Context, op, name string) error {
	k := b.bucket(name)
	var refused *Error
	err := b.wait(ctx, &k.turns, func(now time.Time) (bool, time.Duration) {
		if k.window.live(now) && k.window.remaining <= b.floorFor(ctx, k.window.limit) {
			refused = k.refusal(op, now)
			return true, 0
		}
		if b.inFlight >= b.limit || k.inFlight >= b.abreast(ctx, k, now) {
			return false, 0 // an answer is on its way
		}
		k.usePass()
		k.inFlight++
		b.inFlight++
		return true, 0
	})
	if err != nil {
		return fmt.Errorf("okta: %s: wait for the calls in flight: %w", op, err)
	}
	if refused != nil {
		return refused
	}
	return nil
}

// abreast is how many calls of a bucket may be in flight. Without a live window there is one, whose answer opens the next.
func (b *budget) abreast(ctx context.Context, k *bucket, now time.Time) int {
	switch {
	case k.window.live(now):
		return b.tapered(k, k.window.remaining-b.floorFor(ctx, k.window.limit))
	case k.silent:
		return b.limit
	}
	return 1
}

// tapered is how many of the spare calls may be in flight. Alone, we know what is left: what we have in flight is all that
// was not told yet.
func (b *budget) tapered(k *bucket, spare int) int {
	if k.window.shared > 0 {
		spare /= taper
	}
	return min(max(spare, 1), b.limit)
}

// release comes after update, so that whoever waits finds what the answer said.
func (b *budget) release(name string) {
	k := b.bucket(name)
	b.mu.Lock()
	defer b.mu.Unlock()
	k.inFlight--
	b.inFlight--
	if k.inFlight == 0 {
		k.others.listen(&k.window, b.now())
	}
	k.gate.nudge()
	for _, other := range b.buckets {
		other.turns.nudge()
	}
}

// update takes in what any answer said. A limit of zero speaks of the calls at once and says nothing about the window.
func (b *budget) update(name string, answer Receipt) {
	k := b.bucket(name)
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	rate := answer.Rate
	left, known := rate.window()
	if rate.Known && rate.Limit == 0 || !known && answer.Status == http.StatusTooManyRequests {
		k.collided(now)
		return
	}
	k.collisions = 0
	k.silent = !known
	if !known {
		return
	}
	// A reset rounded down may lie behind the very answer that tells it. A call that was counted or refused in a window is
	// proof that it is not over.
	if left <= 0 && rate.Remaining > 0 && !rate.Reset.Equal(k.window.reset) {
		return
	}
	left = max(left, minWindow)
	opened := k.window.note(rate, left, answer.Began, now)
	k.window.compare(k.inFlight)
	if opened {
		k.others.nextWindow()
		return
	}
	if rate.Reset.Equal(k.window.reset) {
		k.others.answered()
	}
}

func (b *budget) snapshot() []BudgetState {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	states := []BudgetState{}
	for name, k := range b.buckets {
		if k.window.live(now) {
			states = append(states, BudgetState{
				Bucket: name, Limit: k.window.limit, Remaining: k.window.remaining, Reset: k.window.opened.Add(k.window.left),
			})
		}
	}
	slices.SortFunc(states, func(x, y BudgetState) int { return cmp.Compare(x.Bucket, y.Bucket) })
	return states
}

// floor is how many calls are left to others, always. The tiny deduction keeps rounding errors from adding one.
func (b *budget) floor(limit int) int {
	return int(math.Ceil(float64(limit)*b.reserve - 1e-9))
}

func (b *budget) bucket(name string) *bucket {
	b.mu.Lock()
	defer b.mu.Unlock()
	k, ok := b.buckets[name]
	if !ok {
		k = &bucket{others: newOthers()}
		b.buckets[name] = k
	}
	return k
}

// refusal tells the end as the headers do: our own guess may be too soon, which is for one caller to find out and not for all
// that were refused.
func (k *bucket) refusal(op string, now time.Time) *Error {
	w := &k.window
	end := w.opened.Add(w.left)
	if end.Before(w.end) {
		end = w.end
	}
	return &Error{
		Op: op, Status: http.StatusTooManyRequests, Local: true,
		Rate: Rate{Limit: w.limit, Remaining: w.remaining, Reset: end, Date: now, Known: true},
	}
}

// collided, which is also a refusal that does not say for how long, makes WaitForBudget wait a short, random and growing time. Okta's reset means nothing here: it has been seen to
// ask for minutes while room came up within milliseconds.
func (k *bucket) collided(now time.Time) {
	wait := min(minBackoff<<min(k.collisions, 8), maxBackoff)
	k.collisions++
	wait = wait/2 + rand.N(wait/2) //nolint:gosec // nobody gains from guessing it
	k.quietUntil = now.Add(wait)
}
