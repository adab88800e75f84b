package queue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"sever/revocation"
)

// A hold is woken by a message schedule of JetStream itself: a message on the schedule's
// subject, at most one of a key, which JetStream takes away when its time comes and puts
// on the subject of wakes. It is due at once when the time passed while JetStream was
// down. The text of both is the time that was set.
func scheduleSubject(org, key string) string { return subjectSchedule + org + "." + key }
func wakeSubject(org, key string) string     { return subjectWake + org + "." + key }

// setWake makes the time of a key fit what became of it, if anything is known of it.
func (h *Holds) setWake(ctx context.Context, now revocation.HoldEntry, revision uint64) error {
	if now.Key == "" {
		return nil
	}
	return h.arm(ctx, now, revision)
}

// arm sets the time at which an entry is looked at, in place of any other, or takes it
// back. When the entry was changed meanwhile, another process may have set its time
// before ours: then once more.
func (h *Holds) arm(ctx context.Context, entry revocation.HoldEntry, revision uint64) error {
	for range casTries {
		var err error
		if entry.State == revocation.HoldWaits {
			err = h.schedule(ctx, entry)
		} else {
			err = h.disarm(ctx, entry.Org, entry.Key)
		}
		if err != nil {
			return err
		}
		current, now, err := h.read(ctx, entry.Key)
		if err != nil || now == revision {
			return err
		}
		if now == 0 {
			return h.disarm(ctx, entry.Org, entry.Key) // forgotten
		}
		entry, revision = current, now
	}
	return fmt.Errorf("set the time of hold %s: it changed %d times meanwhile", entry.Key, casTries)
}

// notForLong is when a hold is looked at that has no time of its own; nothing comes of it.
const notForLong = 10 * 365 * 24 * time.Hour

func (h *Holds) schedule(ctx context.Context, entry revocation.HoldEntry) error {
	due := entry.Hold.Wakes()
	if due.IsZero() {
		due = entry.Hold.Held.Add(notForLong) // only an operator lets it go; this is how Count knows of it
	}
	at := due.Truncate(time.Second)
	if at.Before(due) {
		at = at.Add(time.Second) // schedules know whole seconds; one too early would come twice
	}
	_, err := h.queue.js.PublishMsg(ctx,
		&nats.Msg{Subject: scheduleSubject(entry.Org, entry.Key), Data: []byte(timeText(due))},
		jetstream.WithExpectStream(streamWakes), jetstream.WithScheduleAt(at),
		jetstream.WithScheduleTarget(wakeSubject(entry.Org, entry.Key)),
		// An acknowledged wake is of no more use; one that nobody took for so long is set again by Rearm.
		jetstream.WithScheduleTTL(h.queue.topology.retention.Ledger))
	if err != nil {
		return fmt.Errorf("set the time of hold %s: %w", entry.Key, err)
	}
	return nil
}

// timeText is what a schedule, and the wake that it becomes, say of the hold's time.
func timeText(due time.Time) string { return due.UTC().Format(time.RFC3339Nano) }

func (h *Holds) disarm(ctx context.Context, org, key string) error {
	stream, err := h.queue.js.Stream(ctx, streamWakes)
	if err != nil {
		return fmt.Errorf("open %s: %w", streamWakes, err)
	}
	if err := stream.Purge(ctx, jetstream.WithPurgeSubject(scheduleSubject(org, key))); err != nil {
		return fmt.Errorf("take back the time of hold %s: %w", key, err)
	}
	return nil
}

// Rearm sets the time of every hold that has none or another's, and of those whose time is past without that
// they were woken: JetStream's timer may lag after the machine slept. It gives how many. What waits no more
// loses its time. A crash may have come between a hold's entry and its time.
func (h *Holds) Rearm(ctx context.Context, now time.Time) (set int, err error) {
	armed, err := h.times(ctx)
	if err != nil {
		return 0, err
	}
	err = h.scan(ctx, func(entry revocation.HoldEntry, revision uint64) error {
		if entry.State != revocation.HoldWaits {
			return nil
		}
		subject := scheduleSubject(entry.Org, entry.Key)
		text, there := armed[subject]
		delete(armed, subject)
		due := entry.Hold.Wakes()
		if due.IsZero() || there && text == timeText(due) && !due.Before(now.Add(-pastGrace)) {
			return nil
		}
		set++
		return h.arm(ctx, entry, revision)
	})
	if passOver(err) != nil {
		return set, err // what was not seen may wait
	}
	for subject := range armed {
		org, key, _ := strings.Cut(strings.TrimPrefix(subject, subjectSchedule), ".")
		err = errors.Join(err, h.rearmOne(ctx, org, key))
	}
	return set, err
}

// rearmOne makes a time that no hold seemed to wait for fit what is known by now.
func (h *Holds) rearmOne(ctx context.Context, org, key string) error {
	entry, revision, err := h.read(ctx, key)
	if err != nil {
		return err
	}
	if revision == 0 {
		entry.Org, entry.Key = org, key // forgotten
	}
	return h.arm(ctx, entry, revision)
}

// Count gives how many holds wait in each org.
func (h *Holds) Count(ctx context.Context) (map[string]int, error) {
	armed, err := h.schedules(ctx)
	if err != nil {
		return nil, err
	}
	counts := make(map[string]int, len(h.queue.topology.orgs))
	for _, org := range h.queue.topology.orgs {
		counts[org] = 0
	}
	for subject := range armed {
		org, _, _ := strings.Cut(strings.TrimPrefix(subject, subjectSchedule), ".")
		counts[org]++
	}
	return counts, nil
}

func (h *Holds) schedules(ctx context.Context) (map[string]uint64, error) {
	stream, err := h.queue.js.Stream(ctx, streamWakes)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", streamWakes, err)
	}
	info, err := stream.Info(ctx, jetstream.WithSubjectFilter(subjectSchedule+">"))
	if err != nil {
		return nil, fmt.Errorf("read subjects of %s: %w", streamWakes, err)
	}
	return info.State.Subjects, nil
}

// times gives the text of every schedule.
func (h *Holds) times(ctx context.Context) (map[string]string, error) {
	stream, err := h.queue.js.Stream(ctx, streamWakes)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", streamWakes, err)
	}
	times := make(map[string]string)
	for msg, err := range readThrough(ctx, stream, jetstream.ConsumerConfig{FilterSubject: subjectSchedule + ">"}) {
		if err != nil {
			return nil, err
		}
		times[msg.Subject()] = string(msg.Data())
	}
	return times, nil
}

// WakeReader hands out the holds whose time has come.
type WakeReader struct {
	consumer jetstream.Consumer
	closed   context.Context //nolint:containedctx // ends every Next at once
	close    context.CancelFunc
}

var errWakesClosed = errors.New("the reader of wakes is closed")

// WakeReader opens the wakes for the dispatch stage. Close it before the Queue.
func (q *Queue) WakeReader(ctx context.Context) (*WakeReader, error) {
	consumer, err := q.js.Consumer(ctx, streamWakes, consumerRelease)
	if err != nil {
		return nil, fmt.Errorf("open consumer %s: %w", consumerRelease, err)
	}
	r := &WakeReader{consumer: consumer}
	r.closed, r.close = context.WithCancel(context.Background())
	return r, nil
}

// Next blocks until a hold's time has come or ctx ends.
func (r *WakeReader) Next(ctx context.Context) (revocation.Wake, error) {
	if r.closed.Err() != nil {
		return revocation.Wake{}, errWakesClosed
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(r.closed, func() { cancel(errWakesClosed) })() //nolint:contextcheck // both ends end it
	msg, err := pull(ctx, r.consumer)
	if err != nil {
		return revocation.Wake{}, fmt.Errorf("read %s: %w", streamWakes, err)
	}
	_, key, _ := strings.Cut(strings.TrimPrefix(msg.Subject(), subjectWake), ".")
	// A text that is no time fits no hold; the hold then gets its time once more.
	due, _ := time.Parse(time.RFC3339Nano, string(msg.Data()))
	return revocation.Wake{Key: key, Due: due, Lease: lease{msg}}, nil
}

// Close stops reading.
func (r *WakeReader) Close() { r.close() }
