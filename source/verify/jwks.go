package verify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"sever/source"
)

const (
	// keysEvery is how often an issuer's keys are fetched: a key that it withdraws is
	// accepted for an hour at most while the issuer can be reached.
	keysEvery = time.Hour
	// keysAgain is the least time between two fetches for tokens with an unknown key id,
	// which anyone can make up.
	keysAgain = 30 * time.Second
	// keysFor is how long keys are used while no newer ones can be had. It is as long as the
	// delivery log remembers: longer, and whoever cuts us off from the issuer could go on
	// using a withdrawn key; shorter, and a long week-end of the issuer would stop alerts.
	keysFor = 7 * 24 * time.Hour
	// keysWait is how long a request waits for a fetch. Senders give up after 3 s.
	keysWait = time.Second

	keysFirstRetry = time.Second
	keysLastRetry  = time.Minute
)

// remoteKeys are an issuer's keys, as its JWKS (RFC 7517) tells. One goroutine, that of
// Run, fetches; whoever needs a key it does not know asks it to.
type remoteKeys struct {
	url    string
	client *http.Client
	logger *slog.Logger
	wake   chan struct{} // asks Run for a fetch; holds one

	mu      sync.Mutex
	keys    []tokenKey
	fetched time.Time // when keys last came
	tried   time.Time // when the last attempt ended
	failure error     // of the last attempt
	asked   bool      // an attempt is under way or asked for
	ended   chan struct{}
}

func newRemoteKeys(url string, deps Deps) *remoteKeys {
	logger := deps.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return &remoteKeys{
		url:    url,
		logger: logger,
		client: withoutRedirects(deps.HTTP),
		wake:   make(chan struct{}, 1),
		ended:  make(chan struct{}),
	}
}

// Run fetches the keys, and goes on fetching until ctx ends.
func (r *remoteKeys) Run(ctx context.Context) error {
	retry := keysFirstRetry
	for {
		pause := keysEvery
		if err := r.refresh(ctx); err != nil {
			r.complain(ctx, err, retry == keysFirstRetry)
			pause, retry = retry, min(2*retry, keysLastRetry)
		} else {
			retry = keysFirstRetry
		}
		// A tenth more or less, so that many receivers do not come at once.
		pause += time.Duration((rand.Float64() - 0.5) * 0.2 * float64(pause)) //nolint:gosec // no secret
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		case <-r.wake:
			timer.Stop()
		}
	}
}

// complain tells of an outage once, when it begins.
func (r *remoteKeys) complain(ctx context.Context, err error, first bool) {
	if first && ctx.Err() == nil {
		r.logger.WarnContext(ctx, "a sender's keys cannot be fetched; the last ones are used for up to 7 days", "url", r.url, "error", err)
	}
}

// refresh fetches once and tells who waits. What came replaces all there was, so that a key
// that the issuer withdrew is gone; a failure leaves all as it is.
func (r *remoteKeys) refresh(ctx context.Context) error {
	r.mu.Lock()
	r.asked = true
	r.mu.Unlock()

	keys, err := fetchKeys(ctx, r.client, r.url)

	r.mu.Lock()
	defer r.mu.Unlock()
	r.tried, r.failure, r.asked = time.Now(), err, false
	if err == nil {
		r.keys, r.fetched = keys, r.tried
	}
	select {
	case <-r.wake: // asked for before this attempt began, and answered by it
	default:
	}
	close(r.ended)
	r.ended = make(chan struct{})
	return err
}

func (r *remoteKeys) atHand(t token) []tokenKey {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.fetched) > keysFor {
		return nil
	}
	return fitting(r.keys, t)
}

func (r *remoteKeys) find(ctx context.Context, t token) ([]tokenKey, error) {
	if keys := r.atHand(t); len(keys) > 0 {
		return keys, nil
	}
	if err := r.renew(ctx); err != nil {
		return nil, fmt.Errorf("keys of the issuer: %w: %w", source.ErrUnavailable, err)
	}
	if keys := r.atHand(t); len(keys) > 0 {
		return keys, nil
	}
	return nil, errTokenKey
}

// renew waits for newer keys, unless there was an attempt just now. nil means that the keys
// are the issuer's latest.
func (r *remoteKeys) renew(ctx context.Context) error {
	ended, failure := r.ask()
	if ended == nil {
		return failure
	}
	ctx, cancel := context.WithTimeout(ctx, keysWait)
	defer cancel()
	select {
	case <-ended:
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.failure
	case <-ctx.Done():
		return errors.New("they did not come in time")
	}
}

// ask asks Run for an attempt, and gives the channel that is closed when it ends; or nil
// and how the last attempt ended, if that was just now.
func (r *remoteKeys) ask() (<-chan struct{}, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.asked {
		return r.ended, nil
	}
	if !r.tried.IsZero() && time.Since(r.tried) < keysAgain {
		return nil, r.failure
	}
	r.asked = true
	r.wake <- struct{}{} // never blocks: asked says that it is empty
	return r.ended, nil
}
