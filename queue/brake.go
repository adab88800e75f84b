package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sever/revocation"
)

// Brake counts in a key-value bucket who was called lately: one key for each org, changed by
// compare-and-set, so that all replicas share one count and a restart forgets nothing. A
// read that is some milliseconds old only makes the write fail, and be tried again.
type Brake struct {
	bucket jetstream.KeyValue
	limits revocation.BrakeLimits
	turn   chan struct{} // the hands of one process take turns: they would only lose races to each other
}

var _ revocation.Brake = (*Brake)(nil)

// Brake opens the bucket.
func (q *Queue) Brake(ctx context.Context, limits revocation.BrakeLimits) (*Brake, error) {
	bucket, err := q.js.KeyValue(ctx, bucketBrake)
	if err != nil {
		return nil, fmt.Errorf("open bucket %s: %w", bucketBrake, err)
	}
	return &Brake{bucket: bucket, limits: limits, turn: make(chan struct{}, 1)}, nil
}

func brakeKey(org string) string { return "org." + org }

// Claim asks for room for one call, and stores that before it says that there is some.
func (b *Brake) Claim(ctx context.Context, job revocation.Job, user string, at time.Time) (revocation.BrakeClaim, error) {
	select {
	case b.turn <- struct{}{}:
		defer func() { <-b.turn }()
	case <-ctx.Done():
		return revocation.BrakeClaim{}, fmt.Errorf("wait for a turn: %w", context.Cause(ctx))
	}
	key := brakeKey(job.Org)
	for range casTries {
		state, revision, err := b.read(ctx, key)
		if err != nil {
			return revocation.BrakeClaim{}, err
		}
		next, claim, differs := state.Claim(b.limits, job, user, at)
		if !differs {
			return claim, nil
		}
		err = b.write(ctx, key, next, revision)
		if err == nil {
			return claim, nil
		}
		if !lostRace(err) {
			return revocation.BrakeClaim{}, fmt.Errorf("write %s: %w", key, err)
		}
		if err := pauseAfterRace(ctx); err != nil {
			return revocation.BrakeClaim{}, fmt.Errorf("write %s: %w", key, err)
		}
	}
	return revocation.BrakeClaim{}, fmt.Errorf("write %s: lost the race %d times", key, casTries)
}

func (b *Brake) read(ctx context.Context, key string) (state revocation.BrakeState, revision uint64, err error) {
	entry, err := b.bucket.Get(ctx, key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return state, 0, nil
	}
	if err != nil {
		return state, 0, fmt.Errorf("read %s: %w", key, err)
	}
	if err := json.Unmarshal(entry.Value(), &state); err != nil {
		return state, 0, fmt.Errorf("decode %s: %w", key, err)
	}
	return state, entry.Revision(), nil
}

func (b *Brake) write(ctx context.Context, key string, state revocation.BrakeState, revision uint64) error {
	data, err := json.Marshal(state)
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	if revision == 0 {
		_, err = b.bucket.Create(ctx, key, data)
	} else {
		_, err = b.bucket.Update(ctx, key, data, revision)
	}
	return err //nolint:wrapcheck // Claim does
}
