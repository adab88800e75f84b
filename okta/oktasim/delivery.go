package oktasim

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

const (
	maxAttempts = 2 // Okta tries a delivery once more, and no more
	maxWorkers  = 8
	maxWaiting  = 10_000
	maxAnswer   = 64 << 10
)

// Delivery is how bringing an event to one hook went.
type Delivery struct {
	Hook     string `json:"hook"`
	Status   int    `json:"status"` // of the last attempt; 0 without an answer
	Attempts int    `json:"attempts"`
	Error    string `json:"error,omitempty"`
}

// sender talks to hook endpoints. Work in the background waits in one bounded queue with a few workers that end when it is
// empty; close waits for them.
type sender struct {
	timeout   time.Duration
	transport *http.Transport

	mu      sync.Mutex
	closed  bool
	waiting []func()
	workers int
	wg      sync.WaitGroup
}

func newSender(timeout time.Duration) *sender {
	return &sender{timeout: timeout, transport: &http.Transport{MaxIdleConnsPerHost: maxWorkers, IdleConnTimeout: 30 * time.Second}}
}

// later runs work in the background, or drops it when too much is waiting: Okta's own deliveries are best effort too.
func (d *sender) later(work func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed || len(d.waiting) >= maxWaiting {
		return
	}
	d.waiting = append(d.waiting, work)
	if d.workers < maxWorkers {
		d.workers++
		d.wg.Go(d.work)
	}
}

func (d *sender) work() {
	for {
		d.mu.Lock()
		if len(d.waiting) == 0 || d.closed {
			d.workers--
			d.mu.Unlock()
			return
		}
		next := d.waiting[0]
		d.waiting = d.waiting[1:]
		d.mu.Unlock()
		next()
	}
}

func (d *sender) close() {
	d.mu.Lock()
	d.closed, d.waiting = true, nil
	d.mu.Unlock()
	d.wg.Wait()
	d.transport.CloseIdleConnections()
}

// verify sends the one GET a hook ever gets and wants its challenge back.
// https://developer.okta.com/docs/concepts/event-hooks/#one-time-verification-request
func (d *sender) verify(ctx context.Context, h hook, challenge string) error {
	var answer []byte
	result := d.attempts(ctx, h, func(ctx context.Context) (int, error) {
		status, body, err := d.send(ctx, h, http.MethodGet, nil, challenge)
		answer = body
		return status, err
	})
	if result.Error != "" {
		return errors.New(result.Error)
	}
	var echo struct {
		Verification string `json:"verification"`
	}
	if json.Unmarshal(answer, &echo) != nil || echo.Verification != challenge {
		return errors.New("the answer does not hold the challenge as {\"verification\": ...}")
	}
	return nil
}

// deliver posts an envelope.
func (d *sender) deliver(ctx context.Context, h hook, envelope []byte) Delivery {
	return d.attempts(ctx, h, func(ctx context.Context) (int, error) {
		status, _, err := d.send(ctx, h, http.MethodPost, envelope, "")
		return status, err
	})
}

// attempts tries once more after a 5xx or no answer in time, and never after a 4xx or a redirect.
func (d *sender) attempts(ctx context.Context, h hook, try func(context.Context) (int, error)) Delivery {
	result := Delivery{Hook: h.ID}
	for result.Attempts < maxAttempts && ctx.Err() == nil {
		result.Attempts++
		status, err := d.once(ctx, try)
		result.Status, result.Error = status, ""
		switch {
		case err != nil:
			result.Error = err.Error()
			continue
		case status >= 200 && status < 300:
			return result
		}
		result.Error = fmt.Sprintf("the endpoint answered %d", status)
		if status < 500 {
			return result
		}
	}
	if result.Attempts == 0 {
		result.Error = "the simulated Okta is closing"
	}
	return result
}

func (d *sender) once(ctx context.Context, try func(context.Context) (int, error)) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	return try(ctx)
}

// send uses the transport directly, so redirects are answers and not followed.
func (d *sender) send(ctx context.Context, h hook, method string, body []byte, challenge string) (status int, answer []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, method, h.Channel.Config.URI, bytes.NewReader(body))
	if err != nil {
		return 0, nil, fmt.Errorf("hook request: %w", err)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "Okta-sim")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, header := range h.Channel.Config.Headers {
		req.Header.Set(header.Key, header.Value)
	}
	if auth := h.Channel.Config.Auth; auth != nil {
		req.Header.Set(auth.Key, auth.Value)
	}
	if challenge != "" {
		req.Header.Set("X-Okta-Verification-Challenge", challenge)
	}
	resp, err := d.transport.RoundTrip(req)
	if err != nil {
		return 0, nil, fmt.Errorf("no answer from the endpoint: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return 0, nil, fmt.Errorf("no whole answer from the endpoint: %w", err)
	}
	return resp.StatusCode, answer, nil
}
