package queue

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"sever/revocation"
)

// Bounds of one pack. The largest delivery still fits behind a pack that is just
// below them, and should the pack be damaged, it fits into a dead letter as base64.
const (
	packBytes      = 1 << 20
	packSlack      = 8 << 10 // for the headers of the last delivery and of the message
	packDeliveries = 1024
	waitingMost    = 16 << 10 // deliveries that may wait for the writer
)

// ErrBusy says that too much is waiting to be stored already.
var ErrBusy = errors.New("too many deliveries wait to be stored")

var errLogClosed = errors.New("the delivery log is closed")

// DeliveryLog appends deliveries durably. One writer takes whatever waits, packs
// it into one message and publishes it: while one pack is being fsynced the next
// one gathers, so a lone delivery waits for nobody and a crowd shares one fsync.
// One pack in flight was measured to be faster than two (docs/decisions/0003).
type DeliveryLog struct {
	queue   *Queue
	timeout time.Duration // bound on storing one pack
	maximum int64         // bytes that may wait
	full    int           // bytes at which a pack takes no further delivery; not above zero: one each

	waiting chan *waiter
	stopped chan struct{} // closed by Close: no more appends
	done    sync.WaitGroup

	mu    sync.Mutex
	bytes int64 // waiting now
}

// waiter is a delivery whose sender waits for its answer.
type waiter struct {
	ctx      context.Context //nolint:containedctx // the request's own: its end tells the writer not to bother
	delivery revocation.Delivery
	stored   chan error // buffered: the writer never waits for a sender
}

// DeliveryLog starts the writer. timeout bounds the storing of one pack and
// maxWaiting the bytes that may wait for it. Close it before the Queue.
func (q *Queue) DeliveryLog(timeout time.Duration, maxWaiting int64) *DeliveryLog {
	l := &DeliveryLog{
		queue: q, timeout: timeout, maximum: maxWaiting,
		full:    min(packBytes, int(q.conn.MaxPayload()-letterWords)*3/4-int(q.config.MaxBody)-packSlack),
		waiting: make(chan *waiter, waitingMost),
		stopped: make(chan struct{}),
	}
	l.done.Go(l.write)
	return l
}

// Append returns nil only when the delivery is durable. After an error the log may
// still hold on to the delivery's body, and may even store it: the same delivery
// sent again has the same id.
func (l *DeliveryLog) Append(ctx context.Context, delivery revocation.Delivery) error {
	return l.append(ctx, &waiter{ctx: ctx, delivery: delivery, stored: make(chan error, 1)})
}

// Probe stores a pack of nothing, which shows that the stream takes writes.
func (l *DeliveryLog) Probe(ctx context.Context) error {
	_, err := l.queue.publish(ctx, streamDeliveries, subjectDeliveries, "", appendPackStart(nil))
	return err
}

func (l *DeliveryLog) append(ctx context.Context, w *waiter) error {
	if !l.reserve(len(w.delivery.Body)) {
		return ErrBusy
	}
	select {
	case <-l.stopped:
		l.free(len(w.delivery.Body))
		return errLogClosed
	default:
	}
	select {
	case l.waiting <- w:
	default:
		l.free(len(w.delivery.Body))
		return ErrBusy
	}
	select {
	case err := <-w.stored:
		return err
	case <-ctx.Done():
		return fmt.Errorf("wait for the delivery log: %w", context.Cause(ctx))
	}
}

// Close lets the writer store what waits and ends it. Append must not be called
// any more.
func (l *DeliveryLog) Close() {
	close(l.stopped)
	l.done.Wait()
}

func (l *DeliveryLog) write() {
	var pack []byte
	for {
		select {
		case first := <-l.waiting:
			pack = l.writePack(pack[:0], first)
		case <-l.stopped:
			select {
			case first := <-l.waiting:
				pack = l.writePack(pack[:0], first)
			default:
				return
			}
		}
		if cap(pack) > 2*packBytes {
			pack = nil // a giant came by: do not keep its memory
		}
	}
}

// writePack stores first together with whatever waits behind it, and answers all.
// It gives the buffer back for the next pack.
func (l *DeliveryLog) writePack(pack []byte, first *waiter) []byte {
	pack = appendPackStart(pack)
	members := make([]*waiter, 0, 64)
	for next := first; next != nil; next = l.nextWaiting(len(pack), len(members)) {
		if next.ctx.Err() != nil {
			l.answer(next, context.Cause(next.ctx)) // its sender was told 503 already
			continue
		}
		longer, err := appendDelivery(pack, next.delivery)
		if err != nil {
			l.answer(next, err)
			continue
		}
		pack = longer
		members = append(members, next)
	}
	if len(members) == 0 {
		return pack
	}
	ctx, cancel := context.WithTimeout(context.Background(), l.timeout)
	defer cancel()
	_, err := l.queue.publish(ctx, streamDeliveries, subjectDeliveries, "", pack)
	for _, member := range members {
		l.answer(member, err)
	}
	return pack
}

// nextWaiting gives the next delivery that waits, or nil when none does or the
// pack is full.
func (l *DeliveryLog) nextWaiting(bytes, deliveries int) *waiter {
	if bytes >= l.full || deliveries >= packDeliveries {
		return nil
	}
	select {
	case next := <-l.waiting:
		return next
	default:
		return nil
	}
}

func (l *DeliveryLog) answer(w *waiter, err error) {
	l.free(len(w.delivery.Body))
	w.stored <- err
}

func (l *DeliveryLog) reserve(size int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.bytes+int64(size) > l.maximum {
		return false
	}
	l.bytes += int64(size)
	return true
}

func (l *DeliveryLog) free(size int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bytes -= int64(size)
}
