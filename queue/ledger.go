package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sever/revocation"
)

// Ledger remembers in a key-value bucket what was done. Writes are
// compare-and-set, checked by the bucket's leader; a read from a replica of a
// cluster may be some milliseconds old, which can cost a harmless second call but
// never loses one.
type Ledger struct{ bucket jetstream.KeyValue }

var _ revocation.Ledger = (*Ledger)(nil)

// casTries bounds how often a write tries again after losing a race for its key,
// and casPause how long it waits before.
const (
	casTries = 16
	casPause = 20 * time.Millisecond
)

// Ledger opens the bucket.
func (q *Queue) Ledger(ctx context.Context) (*Ledger, error) {
	bucket, err := q.js.KeyValue(ctx, bucketLedger)
	if err != nil {
		return nil, fmt.Errorf("open bucket %s: %w", bucketLedger, err)
	}
	return &Ledger{bucket: bucket}, nil
}

func jobKey(id string) string { return "job." + id }

// userKey never holds a login: bucket keys allow no "@", and logins are personal.
func userKey(org, user string) string { return "user." + org + "." + user }

// Finished gives the record that finished the job, if any did.
func (l *Ledger) Finished(ctx context.Context, jobID string) (revocation.Record, bool, error) {
	record, _, found, err := l.read(ctx, jobKey(jobID))
	return record, found, err
}

// Newest gives the newest record that shows a user without sessions, if there is one.
func (l *Ledger) Newest(ctx context.Context, org, user string) (revocation.Record, bool, error) {
	record, _, found, err := l.read(ctx, userKey(org, user))
	return record, found, err
}

// Commit stores a finishing record, the user's newest first: after a crash between
// the two, the job comes again and recognises its own record there. It gives the record
// that its job has now: the one that came first.
func (l *Ledger) Commit(ctx context.Context, record revocation.Record) (revocation.Record, error) {
	if record.Clears() && record.User != "" { // a login may be gone before it had an id
		_, err := l.write(ctx, userKey(record.Job.Org, record.User), record, func(current revocation.Record) bool {
			return !record.Began.After(current.Began)
		})
		if err != nil {
			return revocation.Record{}, err
		}
	}
	return l.write(ctx, jobKey(record.Job.ID), record, func(revocation.Record) bool { return true })
}

// write sets a key, unless the record that it has stays. It gives the one that it has then.
func (l *Ledger) write(ctx context.Context, key string, record revocation.Record, stays func(revocation.Record) bool) (none revocation.Record, err error) {
	data, err := json.Marshal(record)
	if err != nil {
		return none, fmt.Errorf("encode record %s: %w", record.ID, err)
	}
	for range casTries {
		current, revision, found, err := l.read(ctx, key)
		if err != nil {
			return none, err
		}
		if found && stays(current) {
			return current, nil
		}
		if found {
			_, err = l.bucket.Update(ctx, key, data, revision)
		} else {
			_, err = l.bucket.Create(ctx, key, data)
		}
		if err == nil {
			return record, nil
		}
		if !lostRace(err) {
			return none, fmt.Errorf("write %s: %w", key, err)
		}
		if err := pauseAfterRace(ctx); err != nil {
			return none, fmt.Errorf("write %s: %w", key, err)
		}
	}
	return none, fmt.Errorf("write %s: lost the race %d times", key, casTries)
}

// lostRace reports whether another writer came first, or is just about to: a
// cluster refuses a second write to a key while the first is on its way to the
// replicas. The first may still fail, so that only a read shows what became of it.
func lostRace(err error) bool {
	return errors.Is(err, jetstream.ErrKeyExists) || errors.Is(err, jetstream.ErrKeyRevisionMismatch)
}

// pauseAfterRace gives the write that came first time to reach the replicas.
func pauseAfterRace(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(rand.N(casPause)): //nolint:gosec // nothing to guess
		return nil
	}
}

func (l *Ledger) read(ctx context.Context, key string) (record revocation.Record, revision uint64, found bool, err error) {
	entry, err := l.bucket.Get(ctx, key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return record, 0, false, nil
	}
	if err != nil {
		return record, 0, false, fmt.Errorf("read %s: %w", key, err)
	}
	if err := json.Unmarshal(entry.Value(), &record); err != nil {
		return record, 0, false, fmt.Errorf("decode %s: %w", key, err)
	}
	return record, entry.Revision(), true, nil
}
