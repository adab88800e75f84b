package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sever/revocation"
)

// LogReader reads the delivery log in order: one entry at a time, of all the packs that wait, within bounds.
type LogReader struct {
	consumer jetstream.Consumer
	place    place
	closed   context.Context //nolint:containedctx // ends every Next at once
	close    context.CancelFunc
}

var errReaderClosed = errors.New("the log reader is closed")

// LogReader opens the log for the dispatch stage. Close it before the Queue.
func (q *Queue) LogReader(ctx context.Context) (*LogReader, error) {
	consumer, err := q.js.Consumer(ctx, streamDeliveries, consumerDispatch)
	if err != nil {
		return nil, fmt.Errorf("open consumer %s: %w", consumerDispatch, err)
	}
	r := &LogReader{consumer: consumer}
	if q.embedded != nil { // of a cluster, other processes read a part
		r.place.next = consumer.CachedInfo().Delivered.Stream + 1
	}
	r.closed, r.close = context.WithCancel(context.Background())
	return r, nil
}

// Next blocks until there is an entry or ctx ends.
func (r *LogReader) Next(ctx context.Context) (revocation.LogEntry, error) {
	if r.closed.Err() != nil {
		return revocation.LogEntry{}, errReaderClosed
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(r.closed, func() { cancel(errReaderClosed) })() //nolint:contextcheck // both ends end it
	msg, err := pull(ctx, r.consumer)
	if err != nil {
		return revocation.LogEntry{}, fmt.Errorf("read %s: %w", streamDeliveries, err)
	}
	meta, err := msg.Metadata()
	if err != nil {
		return revocation.LogEntry{}, fmt.Errorf("read %s: %w", streamDeliveries, err)
	}
	first := lease{msg}
	entry := revocation.LogEntry{Missing: r.place.reach(meta.Sequence.Stream, meta.Timestamp), Lease: first, Raw: msg.Data()}
	entry.Deliveries, entry.Damage = unpack(msg.Data())
	if entry.Damage == nil && meta.NumDelivered == 1 && meta.NumPending > 0 {
		r.gather(&entry, first, meta.NumPending)
	}
	return entry, nil
}

// place is how far a reader that reads alone has come. nats-server passes over a message whose bytes
// no longer fit their checksum without a word, so that only a jump tells of it.
type place struct {
	next uint64    // the sequence that is due; 0 where nobody can know
	at   time.Time // when the entry before was stored
}

// reach notes the next entry, and says what was passed over. An entry that comes once more is no
// news.
func (p *place) reach(seq uint64, at time.Time) (missing error) {
	if p.next == 0 || seq < p.next {
		return nil
	}
	if seq > p.next {
		between := "before " + at.UTC().Format(time.RFC3339)
		if !p.at.IsZero() {
			between = "between " + p.at.UTC().Format(time.RFC3339) + " and " + at.UTC().Format(time.RFC3339)
		}
		missing = fmt.Errorf("%d entries of the log (sequence %d to %d), stored %s, cannot be read: the store is damaged. "+
			"Ask the senders to send again what they sent then; each entry held up to %d deliveries", seq-p.next, p.next, seq-1, between, packDeliveries)
	}
	p.next, p.at = seq+1, at
	return missing
}

// Close stops reading.
func (r *LogReader) Close() { r.close() }
