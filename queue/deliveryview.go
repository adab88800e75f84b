package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sever/revocation"
)

// What an operator looks at is read message by message, so that one is in memory at a time,
// and without a consumer, so that no stage notices. One look ends after lookMost messages or
// lookTime, and says where to go on.
const (
	lookMost = 5000
	lookTime = 3 * time.Second
)

// storedLate is how much later than its delivery was received a message may seem to be
// stored, by clocks that differ.
const storedLate = time.Minute

// DeliveryView reads the delivery log beside the dispatch stage.
type DeliveryView struct {
	queue *Queue
	most  int // messages in one look
}

// DeliveryView opens the log for looking at it.
func (q *Queue) DeliveryView() *DeliveryView { return &DeliveryView{queue: q, most: lookMost} }

// LogPlace is a delivery's place in the log: the one at index At of the message Seq. The
// zero LogPlace is the end of the log, or that there is nothing more.
type LogPlace struct {
	Seq uint64
	At  int
}

// Back shows deliveries to visit, the newest first, from those before a place on, back to
// those received since a time, until visit has enough. It gives the place to go on from. A
// message that cannot be read is passed over.
func (v *DeliveryView) Back(ctx context.Context, since time.Time, before LogPlace, visit func(revocation.Delivery) (more bool)) (LogPlace, error) {
	first, _, err := v.Range(ctx, since)
	if err != nil {
		return LogPlace{}, err
	}
	stop := LogPlace{}
	next, err := v.queue.lookBack(ctx, span{streamDeliveries, subjectDeliveries, first, before.Seq, v.most}, func(msg *jetstream.RawStreamMsg) bool {
		pack, err := unpack(msg.Data)
		if err != nil {
			return true // dispatch makes a dead letter of it
		}
		end := len(pack)
		if msg.Sequence == before.Seq && before.At < end {
			end = before.At
		}
		for at := end - 1; at >= 0; at-- {
			if !pack[at].Received.Before(since) && !visit(pack[at]) {
				stop = LogPlace{Seq: msg.Sequence, At: at}
				return false
			}
		}
		return true
	})
	if err != nil || stop.Seq != 0 {
		return stop, err
	}
	if next == 0 {
		return LogPlace{}, nil
	}
	return LogPlace{Seq: next, At: packDeliveries}, nil
}

// Find looks for deliveries among the newest scanMost messages, and gives of each the copy
// that came last.
func (v *DeliveryView) Find(ctx context.Context, ids ...string) ([]revocation.Delivery, error) {
	found := make(map[string]revocation.Delivery, len(ids))
	err := v.queue.scanBack(ctx, streamDeliveries, scanMost, func(msg *jetstream.RawStreamMsg) (bool, error) {
		pack, err := unpack(msg.Data)
		if err != nil {
			return true, nil //nolint:nilerr // dispatch makes a dead letter of it
		}
		for _, delivery := range slices.Backward(pack) {
			if _, newer := found[delivery.ID]; !newer && slices.Contains(ids, delivery.ID) {
				found[delivery.ID] = delivery
			}
		}
		return len(found) < len(ids), nil
	})
	if err != nil {
		return nil, err
	}
	var deliveries []revocation.Delivery
	for _, id := range ids {
		delivery, known := found[id]
		if !known {
			return nil, fmt.Errorf("delivery %.64q is not among the newest %d messages of the log: %w", id, scanMost, revocation.ErrNotFound)
		}
		deliveries = append(deliveries, delivery)
	}
	return deliveries, nil
}

// Range gives the messages that hold the deliveries received since a time: from the first to
// the last there is now. First is behind last where there are none.
func (v *DeliveryView) Range(ctx context.Context, since time.Time) (first, last uint64, err error) {
	return v.queue.since(ctx, streamDeliveries, since.Add(-storedLate))
}

// Forward shows the messages from first to last to visit, whole, the oldest first. It gives
// the number of the message to go on from, 0 after the last.
func (v *DeliveryView) Forward(ctx context.Context, first, last uint64, visit func([]revocation.Delivery) error) (next uint64, err error) {
	return v.queue.look(ctx, span{streamDeliveries, subjectDeliveries, first, last, v.most}, func(msg *jetstream.RawStreamMsg) (bool, error) {
		pack, err := unpack(msg.Data)
		if err != nil {
			return true, nil //nolint:nilerr // dispatch makes a dead letter of it
		}
		return true, visit(pack)
	})
}

// span is a part of a stream that is looked at: the messages of a subject from first to last,
// and no more than most of them at once.
type span struct {
	stream, subject string
	first, last     uint64
	most            int
}

// look shows the messages of a span to visit, the oldest first, and gives the sequence to go
// on from, 0 when there are no more.
func (q *Queue) look(ctx context.Context, part span, visit func(*jetstream.RawStreamMsg) (more bool, err error)) (next uint64, err error) {
	stream, err := q.js.Stream(ctx, part.stream)
	if err != nil {
		return 0, fmt.Errorf("open %s: %w", part.stream, err)
	}
	began := time.Now()
	next = max(part.first, 1)
	for range part.most {
		if next > part.last {
			return 0, nil
		}
		msg, err := stream.GetMsg(ctx, next, jetstream.WithGetMsgSubject(part.subject))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return 0, nil
		}
		if err != nil {
			return 0, fmt.Errorf("read %s: %w", part.stream, err)
		}
		if msg.Sequence > part.last {
			return 0, nil
		}
		next = msg.Sequence + 1
		more, err := visit(msg)
		if err != nil {
			return 0, err
		}
		if !more || time.Since(began) > lookTime {
			break
		}
	}
	if next > part.last {
		return 0, nil
	}
	return next, nil
}

// lookBack shows the messages of a span to visit, the newest first; last may be 0 for the end
// of the stream. It gives the sequence to go on from, 0 when there are no more.
func (q *Queue) lookBack(ctx context.Context, part span, visit func(*jetstream.RawStreamMsg) (more bool)) (next uint64, err error) {
	stream, err := q.js.Stream(ctx, part.stream)
	if err != nil {
		return 0, fmt.Errorf("open %s: %w", part.stream, err)
	}
	began, state := time.Now(), stream.CachedInfo().State
	first, next := max(part.first, state.FirstSeq, 1), state.LastSeq
	if part.last != 0 {
		next = min(part.last, next)
	}
	for looked := 0; next >= first && looked < part.most && time.Since(began) <= lookTime; looked++ {
		msg, err := stream.GetMsg(ctx, next)
		next--
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("read %s: %w", part.stream, err)
		}
		if !visit(msg) {
			break
		}
	}
	if next < first {
		return 0, nil
	}
	return next, nil
}

// since gives the first message stored since a time, and the last there is. It searches by
// halves: messages are stored in the order of their times.
func (q *Queue) since(ctx context.Context, name string, since time.Time) (first, last uint64, err error) {
	stream, err := q.js.Stream(ctx, name)
	if err != nil {
		return 0, 0, fmt.Errorf("open %s: %w", name, err)
	}
	state := stream.CachedInfo().State
	first, end := max(state.FirstSeq, 1), state.LastSeq+1
	for first < end {
		middle := first + (end-first)/2
		msg, err := stream.GetMsg(ctx, middle, jetstream.WithGetMsgSubject(">"))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			end = middle
			continue
		}
		if err != nil {
			return 0, 0, fmt.Errorf("read %s: %w", name, err)
		}
		if msg.Time.Before(since) {
			first = max(middle, msg.Sequence) + 1
		} else {
			end = middle
		}
	}
	return first, state.LastSeq, nil
}
