package okta

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// boundary is how long after the guessed end of a window one call alone is let through to find the next one.
const boundary = time.Second

// WaitForBudget blocks until a RevokeUserSessions call may be made, first come, first served. It is for workers: whoever
// waits here before taking on a revocation makes calls as fast as Okta's limits allow, hardly ever refused by Okta or by the
// client. It spends nothing, so a caller that then has no call to make owes nothing.
//
// Where a call is only refused when it would cost a 429 or the reserve, waiting is polite as well: it leaves to clients that
// call at a steady pace what they need of a window. After the concurrency limit was hit it waits a short random time.
//
// It returns the context's error, wrapped, and no other.
func (c *Client) WaitForBudget(ctx context.Context) error {
	if err := c.budget.pass(ctx); err != nil {
		return fmt.Errorf("okta: wait for rate budget: %w", err)
	}
	return nil
}

// NoCall is for a caller of WaitForBudget that turned out to have no call to make: another need not wait until that shows.
func (c *Client) NoCall() { c.budget.giveBack() }

func (b *budget) giveBack() {
	k := b.bucket(bucketSessions)
	b.mu.Lock()
	defer b.mu.Unlock()
	k.usePass()
	k.gate.nudge()
}

func (b *budget) pass(ctx context.Context) error {
	k := b.bucket(bucketSessions)
	return b.wait(ctx, &k.gate, func(now time.Time) (bool, time.Duration) {
		k.forgetPasses(now)
		if wait := k.quietUntil.Sub(now); wait > 0 {
			return false, wait
		}
		room, again := b.room(ctx, k, now)
		if k.inFlight+len(k.turns.places)+len(k.passes) < room {
			k.passes = append(k.passes, now.Add(passLife))
			return true, 0
		}
		if len(k.passes) > 0 {
			again = min(positive(again), k.passes[0].Sub(now))
		}
		return false, again
	})
}

// room is how many callers may be past the gate at once, their calls in flight included, and when to look again if that is
// too few.
func (b *budget) room(ctx context.Context, k *bucket, now time.Time) (calls int, again time.Duration) {
	w := &k.window
	if !w.live(now) {
		if since := now.Sub(w.end); since < boundary && !k.silent {
			return 1, boundary - since
		}
		return b.limit, 0
	}
	left := w.end.Sub(now)
	floor := b.floorFor(ctx, w.limit)
	if w.remaining <= floor {
		return 0, left
	}
	held, sample, again := k.others.held(w, floor, k.inFlight == 0, now)
	spare := w.remaining - max(floor, held)
	switch {
	case spare > 0:
		return b.tapered(k, spare), min(positive(again), left)
	case sample:
		return 1, min(positive(again), left)
	}
	return 0, min(positive(again), left)
}

// usePass takes one caller off those about to call. Passes are alike, so it does not matter whose it was.
func (k *bucket) usePass() {
	if len(k.passes) > 0 {
		k.passes = k.passes[1:]
	}
}

func (k *bucket) forgetPasses(now time.Time) {
	k.passes = slices.DeleteFunc(k.passes, func(until time.Time) bool { return !now.Before(until) })
}

// positive turns the zero that stands for never into the largest duration.
func positive(d time.Duration) time.Duration {
	if d <= 0 {
		return maxWait
	}
	return d
}
