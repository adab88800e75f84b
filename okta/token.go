package okta

import (
	"context"
	"fmt"
	"sync"
	"time"
)

const (
	// renewTimeout bounds one renewal with all its requests.
	renewTimeout = 20 * time.Second
	// renewAhead and expirySlack are how long before its end a token is renewed and no longer used; short-lived ones have
	// less of both.
	renewAhead  = 5 * time.Minute
	expirySlack = 30 * time.Second
	// minFailurePause doubles with each failure in a row: a credential that is refused must not hammer the token endpoint.
	minFailurePause = time.Second
	maxFailurePause = 30 * time.Second
	// dropPause is how far apart Okta's refusals may force renewals: one is a revoked token, a row of them is another trouble
	// that no token mends.
	dropPause = 10 * time.Second
)

// errClosed is a cancellation: nothing is wrong with the credential.
var errClosed = fmt.Errorf("okta OAuth is closed: %w", context.Canceled)

// token is an access token with its times by our own clock.
type token struct {
	value   string
	bound   bool // to the DPoP key
	renewAt time.Time
	endAt   time.Time
}

// newToken dates a token from before it was asked for, so that it never seems to last longer than it does.
func newToken(value string, bound bool, asked time.Time, life time.Duration) *token {
	return &token{
		value: value, bound: bound,
		renewAt: asked.Add(life - min(renewAhead, life/5)),
		endAt:   asked.Add(life - min(expirySlack, life/10)),
	}
}

// tokenCache holds the one token everybody uses. It asks for the next one ahead of the end while the old one is still in
// use, and however many callers want one, a single request is under way.
type tokenCache struct {
	now   func() time.Time
	fetch func(ctx context.Context) (*token, error)
	warn  func(error)

	life    context.Context //nolint:containedctx // renewals outlive the callers who wait for them; close ends it
	stop    context.CancelFunc
	running sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	current  *token   // nil when there is none
	flight   *renewal // nil when none is under way
	failures int      // renewals that failed in a row
	lastErr  error    // of the newest renewal
	pausedTo time.Time
	dropped  time.Time // when Okta's refusal last cost us a token
}

// renewal is a request for a token under way. Its results may be read once done is closed.
type renewal struct {
	done  chan struct{}
	token *token
	err   error
}

func newTokenCache(now func() time.Time, warn func(error), fetch func(ctx context.Context) (*token, error)) *tokenCache {
	life, stop := context.WithCancel(context.Background())
	return &tokenCache{now: now, warn: warn, fetch: fetch, life: life, stop: stop}
}

// get returns a token that can be used now. It waits, as long as ctx allows, only when there is none.
func (c *tokenCache) get(ctx context.Context) (*token, error) {
	usable, flight, err := c.look() //nolint:contextcheck // a renewal it starts is for everybody, not for this caller
	if flight == nil {
		return usable, err
	}
	select {
	case <-flight.done:
		return flight.token, flight.err
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for access token: %w", ctx.Err())
	}
}

// look returns a usable token, or the renewal to wait for, or the reason why there is neither.
func (c *tokenCache) look() (*token, *renewal, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, nil, errClosed
	}
	now := c.now()
	usable := c.current != nil && now.Before(c.current.endAt)
	due := !usable || !now.Before(c.current.renewAt)
	if due && c.flight == nil && !now.Before(c.pausedTo) {
		c.start(usable)
	}
	switch {
	case usable:
		return c.current, nil, nil
	case c.flight != nil:
		return nil, c.flight, nil
	}
	return nil, nil, c.lastErr
}

// start begins a renewal that belongs to the cache, not to the caller who happened to be first.
func (c *tokenCache) start(ahead bool) {
	flight := &renewal{done: make(chan struct{})}
	c.flight = flight
	c.running.Go(func() {
		ctx, cancel := context.WithTimeout(c.life, renewTimeout)
		defer cancel()
		flight.token, flight.err = c.fetch(ctx)
		if ahead && flight.err != nil && c.life.Err() == nil {
			c.warn(fmt.Errorf("renew access token ahead of its end: %w", flight.err))
		}
		c.finish(flight)
	})
}

func (c *tokenCache) finish(flight *renewal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flight, c.lastErr = nil, flight.err
	if flight.err == nil {
		c.current, c.failures, c.pausedTo = flight.token, 0, time.Time{}
	} else {
		now := c.now()
		c.pausedTo = now.Add(min(minFailurePause<<min(c.failures, 10), maxFailurePause))
		if at, ok := RetryAt(flight.err, now); ok && at.After(c.pausedTo) {
			c.pausedTo = at
		}
		c.failures++
	}
	close(flight.done)
}

// drop gives up a token that Okta refused. It reports whether there is hope of a better one: not when refusals come so fast
// that the token cannot be the reason.
func (c *tokenCache) drop(value string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current == nil || c.current.value != value {
		return true // someone else was first; a newer one is there or on its way
	}
	now := c.now()
	if !c.dropped.IsZero() && now.Before(c.dropped.Add(dropPause)) {
		return false
	}
	c.current, c.dropped = nil, now
	return true
}

// close ends a renewal under way and waits for it.
func (c *tokenCache) close() {
	c.mu.Lock()
	c.closed = true
	c.current = nil
	c.mu.Unlock()
	c.stop()
	c.running.Wait()
}
