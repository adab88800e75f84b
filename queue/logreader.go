package queue

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"sever/revocation"
)

// LogReader reads the delivery log in order, one entry at a time.
type LogReader struct {
	consumer jetstream.Consumer
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
	deliveries, err := unpack(msg.Data())
	return revocation.LogEntry{Deliveries: deliveries, Lease: lease{msg}, Damage: err, Raw: msg.Data()}, nil
}

// Close stops reading.
func (r *LogReader) Close() { r.close() }
