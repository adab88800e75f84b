package queue

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"sever/revocation"
)

// Holds keeps jobs back: until a date, or an operator's word. The HELD bucket says what is true of a hold; every
// change of it is compare-and-set. The WAKES stream only says when to look: see arm.
type Holds struct {
	queue  *Queue
	bucket jetstream.KeyValue
	stream jetstream.Stream // the bucket's own
}

// Holds opens the bucket.
func (q *Queue) Holds(ctx context.Context) (*Holds, error) {
	bucket, err := q.js.KeyValue(ctx, bucketHeld)
	if err != nil {
		return nil, fmt.Errorf("open bucket %s: %w", bucketHeld, err)
	}
	stream, err := q.js.Stream(ctx, streamOf(bucketHeld))
	if err != nil {
		return nil, fmt.Errorf("open stream of bucket %s: %w", bucketHeld, err)
	}
	return &Holds{queue: q, bucket: bucket, stream: stream}, nil
}

// Change replaces what is known of a key by what change makes of it, unless change says
// that nothing differs. The zero entry is given for a key of which nothing is known. It
// may call change more than once. Also where nothing differs, it makes sure that a hold
// that waits is woken, and that one that ended is not: a crash may have come in between. What
// an entry tells of is on record before another takes its place.
func (h *Holds) Change(ctx context.Context, key string, change func(revocation.HoldEntry) (next revocation.HoldEntry, differs bool)) error {
	for range casTries {
		current, revision, err := h.read(ctx, key)
		if err != nil {
			return err
		}
		next, differs := change(current)
		if !differs {
			return h.setWake(ctx, current, revision)
		}
		if err := h.record(ctx, current, next); err != nil {
			return err
		}
		revision, err = h.write(ctx, key, next, revision)
		if err == nil {
			return h.setWake(ctx, next, revision)
		}
		if isAPIError(err, storeFailed) {
			err = errors.Join(err, revocation.ErrHoldsFull)
		}
		if !lostRace(err) {
			return fmt.Errorf("write hold %s: %w", key, err)
		}
		if err := pauseAfterRace(ctx); err != nil {
			return fmt.Errorf("write hold %s: %w", key, err)
		}
	}
	return fmt.Errorf("write hold %s: lost the race %d times", key, casTries)
}

// record makes sure that what was done to a hold is on record before something else is. Whoever did it
// says so, and says it once more after a crash; but by then the hold's time may have come, say, and the
// entry tells of that. Within dedupWindow the same action is stored once. After it the action is taken
// to be on record: only a crash in that very moment, and nobody to make up for it for so long, can have kept it from that.
func (h *Holds) record(ctx context.Context, current, next revocation.HoldEntry) error {
	done := current.Action
	if done.ID == "" || done.ID == next.Action.ID || time.Since(done.At) >= dedupWindow {
		return nil
	}
	if err := h.queue.Audit().AppendAction(ctx, done); err != nil {
		return fmt.Errorf("put the %s of hold %s on record: %w", done.Verb, current.Key, err)
	}
	return nil
}

// Show gives the hold of a key that waits.
func (h *Holds) Show(ctx context.Context, key string) (revocation.Hold, error) {
	entry, _, err := h.read(ctx, key)
	if err != nil {
		return revocation.Hold{}, err
	}
	if entry.State != revocation.HoldWaits {
		return revocation.Hold{}, fmt.Errorf("hold %.64q: %w", key, revocation.ErrNotFound)
	}
	return *entry.Hold, nil
}

// List gives the holds that wait, those first that only an operator ends, then the
// soonest. Empty why means any. Those that cannot be read back are left out; Rearm tells of
// them.
func (h *Holds) List(ctx context.Context, why string, limit int) ([]revocation.Hold, error) {
	holds := []revocation.Hold{}
	err := h.scan(ctx, func(entry revocation.HoldEntry, _ uint64) error {
		if entry.State == revocation.HoldWaits && (why == "" || entry.Hold.Why == why) {
			holds = append(holds, *entry.Hold)
		}
		return nil
	})
	if passOver(err) != nil {
		return nil, err
	}
	slices.SortFunc(holds, func(a, b revocation.Hold) int {
		return cmp.Or(a.Wakes().Compare(b.Wakes()), cmp.Compare(a.Key, b.Key))
	})
	return holds[:min(limit, len(holds))], nil
}

// Find gives the keys of the holds for why that are of a person (Hold.IsOf), also of
// some that have ended. It looks at all holds that can be read back.
func (h *Holds) Find(ctx context.Context, why, org string, person revocation.Person) ([]string, error) {
	var keys []string
	err := h.scan(ctx, func(entry revocation.HoldEntry, _ uint64) error {
		if entry.Hold != nil && entry.Hold.Why == why && entry.Org == org && entry.Hold.IsOf(person) {
			keys = append(keys, entry.Key)
		}
		return nil
	})
	return keys, passOver(err) // or one broken hold would keep the dispatch stage from all that comes after
}

func (h *Holds) read(ctx context.Context, key string) (entry revocation.HoldEntry, revision uint64, err error) {
	stored, err := h.bucket.Get(ctx, key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return entry, 0, nil
	}
	if errors.Is(err, jetstream.ErrInvalidKey) {
		return entry, 0, fmt.Errorf("no hold can be called %.64q: %w", key, revocation.ErrNotFound)
	}
	if err != nil {
		return entry, 0, fmt.Errorf("read hold %s: %w", key, err)
	}
	if err := json.Unmarshal(stored.Value(), &entry); err != nil {
		return entry, 0, fmt.Errorf("decode hold %s: %w", key, err)
	}
	return entry, stored.Revision(), nil
}

// write sets a key. How a hold ended is known for as long as the ledger knows jobs; a
// hold that waits has no age.
func (h *Holds) write(ctx context.Context, key string, entry revocation.HoldEntry, revision uint64) (uint64, error) {
	data, err := json.Marshal(entry)
	if err != nil {
		return 0, fmt.Errorf("encode: %w", err)
	}
	ended := entry.State != revocation.HoldWaits
	switch {
	case revision == 0:
		return h.create(ctx, key, data, ended)
	case !ended:
		return h.bucket.Update(ctx, key, data, revision) //nolint:wrapcheck // Change does
	}
	// The bucket's own Update knows no age.
	ack, err := h.queue.js.PublishMsg(ctx, &nats.Msg{Subject: "$KV." + bucketHeld + "." + key, Data: data},
		jetstream.WithExpectStream(streamOf(bucketHeld)), jetstream.WithExpectLastSequencePerSubject(revision),
		jetstream.WithMsgTTL(h.queue.topology.retention.Ledger))
	if isAPIError(err, jetstream.JSErrCodeStreamWrongLastSequence) {
		return 0, jetstream.ErrKeyRevisionMismatch
	}
	if err != nil {
		return 0, err //nolint:wrapcheck // Change does
	}
	return ack.Sequence, nil
}

// heldShare is how much of the bucket new keys may fill, in percent: the rest is for what
// becomes of the holds there are. A full bucket would neither release nor withdraw any.
const heldShare = 90

func (h *Holds) create(ctx context.Context, key string, data []byte, ended bool) (uint64, error) {
	info, err := h.stream.Info(ctx)
	if err != nil {
		return 0, fmt.Errorf("look for room: %w", err)
	}
	if room := info.Config.MaxBytes / 100 * heldShare; info.State.Bytes+uint64(len(data)) > uint64(max(room, 0)) {
		return 0, revocation.ErrHoldsFull
	}
	if ended {
		return h.bucket.Create(ctx, key, data, jetstream.KeyTTL(h.queue.topology.retention.Ledger)) //nolint:wrapcheck // Change does
	}
	return h.bucket.Create(ctx, key, data) //nolint:wrapcheck // Change does
}

// storeFailed is JetStream's answer where a stream may not grow any more.
const storeFailed jetstream.ErrorCode = 10077

func isAPIError(err error, code jetstream.ErrorCode) bool {
	apiErr, ok := errors.AsType[*jetstream.APIError](err)
	return ok && apiErr.ErrorCode == code
}

// errBrokenHold marks an entry that cannot be read back. The others are shown all the same.
var errBrokenHold = errors.New("a hold cannot be read back")

func passOver(err error) error {
	if errors.Is(err, errBrokenHold) {
		return nil
	}
	return err
}

// scan shows every entry to visit, oldest change first.
func (h *Holds) scan(ctx context.Context, visit func(entry revocation.HoldEntry, revision uint64) error) error {
	watcher, err := h.bucket.WatchAll(ctx, jetstream.IgnoreDeletes())
	if err != nil {
		return fmt.Errorf("list holds: %w", err)
	}
	defer func() { _ = watcher.Stop() }() // it ends with the connection at the latest
	var broken error                      // the first
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("list holds: %w", context.Cause(ctx))
		case stored, open := <-watcher.Updates():
			if !open {
				return fmt.Errorf("list holds: %w", errCutShort)
			}
			if stored == nil { // all that there were
				return broken
			}
			var entry revocation.HoldEntry
			if err := json.Unmarshal(stored.Value(), &entry); err != nil {
				broken = cmp.Or(broken, fmt.Errorf("%w: %s: %w", errBrokenHold, stored.Key(), err))
				continue
			}
			if err := visit(entry, stored.Revision()); err != nil {
				return err
			}
		}
	}
}

var errCutShort = errors.New("the connection was lost before all were read")

// pastGrace is how long a hold may be overdue before its wake counts as lost.
const pastGrace = time.Minute
