package main

import (
	"context"
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"sever/bench/alert"
	"sever/bench/load"
)

const (
	idlePause   = 20 * time.Millisecond // between two alerts: what the last one left to do is done by then
	idleTimeout = 10 * time.Second      // for one alert
)

// idle sends alerts one after the other, each about another person, and gives the times from before an alert was
// sent to when Okta had the call's header, in microseconds.
func idle(ctx context.Context, r *running, sim *okta, alerts uint64) (*hdrhistogram.Histogram, error) {
	times := hdrhistogram.New(1, idleTimeout.Microseconds(), 3)
	request, err := alert.New(r.address, secret, alert.Deactivated)
	if err != nil {
		return nil, err
	}
	line, err := load.Dial(ctx, r.address)
	if err != nil {
		return nil, err
	}
	defer line.Close()
	pause := time.NewTicker(idlePause)
	defer pause.Stop()
	const warm = 10 // connections, caches
	for i := range alerts + warm {
		took, err := one(ctx, line, sim, request.Set(i, i), alert.Person(i))
		if err != nil {
			return nil, fmt.Errorf("alert %d: %w", i, err)
		}
		if i >= warm {
			if err := times.RecordValue(max(took.Microseconds(), 1)); err != nil {
				return nil, fmt.Errorf("alert %d: %w", i, err)
			}
		}
		select {
		case <-pause.C:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	return times, nil
}

// one sends an alert and waits until Okta was called for it.
func one(ctx context.Context, line *load.Connection, sim *okta, request []byte, person string) (time.Duration, error) {
	called := sim.await(person)
	sent := time.Now()
	status, err := line.Exchange(request)
	if err != nil {
		return 0, err
	}
	if status < 200 || status > 299 {
		return 0, fmt.Errorf("answered %d", status)
	}
	timeout := time.NewTimer(idleTimeout)
	defer timeout.Stop()
	select {
	case began := <-called:
		return began.Sub(sent), nil
	case <-timeout.C:
		return 0, fmt.Errorf("no call to Okta within %s", idleTimeout)
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}
