package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sever/revocation"
)

// feederPause is how long a lane's feeder waits after JetStream failed it.
const feederPause = time.Second

// lanePatience is how long a worker waits for the next job of a lane that is known
// to hold one, before it looks at the less urgent lanes. Getting it takes one round
// trip to JetStream.
const lanePatience = 100 * time.Millisecond

// Taker hands out one org's jobs: the most urgent lane first, but for a small share of
// the others, and within a lane the sources by turns. For each lane a feeder reads some
// jobs ahead, whose leases are kept alive, so that a choice is one between jobs that are
// there, or are just coming.
type Taker struct {
	lanes   *lanes
	letters *DeadLetters
	trouble func(error)

	stop    context.CancelCauseFunc
	feeders sync.WaitGroup
}

var _ revocation.Jobs = (*Taker)(nil)

var errTakerClosed = errors.New("no more jobs are handed out")

// Taker opens one org's lanes for the work stage. heartbeat is how often a waiting
// job's lease is extended; trouble hears of what JetStream failed to do. Close it
// before the Queue.
func (q *Queue) Taker(ctx context.Context, org string, letters *DeadLetters, heartbeat time.Duration, trouble func(error)) (*Taker, error) { //nolint:contextcheck // the feeders outlive ctx: they end with Close
	feedCtx, stop := context.WithCancelCause(context.Background())
	names := revocation.Lanes()
	t := &Taker{lanes: newLanes(len(names)), letters: letters, trouble: trouble, stop: stop}
	for i, name := range names {
		consumer, err := q.js.Consumer(ctx, streamJobs, workConsumer(org, name))
		if err != nil {
			t.Close() //nolint:contextcheck // it hands back, whatever became of ctx
			return nil, fmt.Errorf("open consumer %s: %w", workConsumer(org, name), err)
		}
		t.feeders.Go(func() { t.feed(feedCtx, consumer, t.lanes.all[i]) })
	}
	t.feeders.Go(func() { t.keepLeases(feedCtx, heartbeat) })
	return t, nil
}

// handBackTimeout bounds what a stop waits for JetStream; what is not handed back by then
// comes again when its lease runs out.
const handBackTimeout = 3 * time.Second

// handBackDelay is how long JetStream keeps what is handed back. nats.go takes a request back only after the call
// that made it has returned: handed out at once, the job could go to a feeder that is gone, until its lease is over.
const handBackDelay = 100 * time.Millisecond

// Close hands the jobs that wait back and waits for the feeders to end.
func (t *Taker) Close() {
	t.stop(errTakerClosed)
	t.feeders.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), handBackTimeout)
	defer cancel()
	for {
		task, found, _, _ := t.lanes.take(false, false)
		if !found {
			return
		}
		if err := task.Lease.Settle(ctx, revocation.Verdict{Again: true, Delay: handBackDelay}); err != nil {
			t.trouble(err)
		}
	}
}

// Take gives the most urgent job that is ready, or the first that gets ready. Where ctx is
// urgent it gives none but those of the most urgent lane.
func (t *Taker) Take(ctx context.Context) (revocation.Task, error) {
	patience := time.NewTimer(lanePatience)
	defer patience.Stop()
	patient := true
	for {
		task, found, coming, changed := t.lanes.take(patient, revocation.IsUrgent(ctx))
		if found {
			return task, nil
		}
		var tired <-chan time.Time
		if coming {
			tired = patience.C
		}
		select {
		case <-changed:
		case <-tired:
			patient = false
		case <-ctx.Done():
			return revocation.Task{}, context.Cause(ctx)
		}
	}
}

func (t *Taker) feed(ctx context.Context, consumer jetstream.Consumer, ahead *lane) {
	for ctx.Err() == nil {
		err := t.feedUntilError(ctx, consumer, ahead)
		if ctx.Err() != nil {
			return
		}
		t.trouble(fmt.Errorf("read jobs: %w", err))
		select {
		case <-ctx.Done():
		case <-time.After(feederPause):
		}
	}
}

func (t *Taker) feedUntilError(ctx context.Context, consumer jetstream.Consumer, ahead *lane) error {
	for {
		if err := t.awaitRoom(ctx, ahead); err != nil {
			return err
		}
		msg, err := pull(ctx, consumer)
		if err != nil {
			return err
		}
		meta, err := msg.Metadata()
		if err != nil {
			return fmt.Errorf("read job metadata: %w", err)
		}
		task, err := t.task(ctx, msg, meta.NumDelivered)
		if err != nil {
			t.trouble(err)
			continue
		}
		t.lanes.put(ahead, task, meta.NumPending > 0)
	}
}

func (t *Taker) awaitRoom(ctx context.Context, ahead *lane) error {
	for t.lanes.full(ahead) {
		select {
		case <-ahead.room:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// keepLeases extends the leases of what was read ahead. A job cannot be taken in the
// midst of it, or it might be extended when it is settled already.
func (t *Taker) keepLeases(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			var failed error // one is as good as all: what fails is the connection
			t.lanes.each(func(task revocation.Task) {
				if err := task.Lease.Extend(); err != nil {
					failed = err
				}
			})
			if failed != nil {
				t.trouble(failed)
			}
		}
	}
}

// task reads a stored job. One that cannot be read becomes a dead letter.
func (t *Taker) task(ctx context.Context, msg jetstream.Msg, deliveries uint64) (revocation.Task, error) {
	task := revocation.Task{Attempt: int(deliveries), Lease: lease{msg}} //nolint:gosec // far below the limit
	if err := json.Unmarshal(msg.Data(), &task.Job); err != nil {
		return revocation.Task{}, t.bury(ctx, task.Lease, msg.Data(), err)
	}
	return task, nil
}

func (t *Taker) bury(ctx context.Context, l revocation.Lease, raw []byte, cause error) error {
	reason := "a stored job could not be read back"
	if err := t.letters.Put(ctx, revocation.DeadRaw(raw, reason, time.Now())); err != nil {
		return fmt.Errorf("%s, nor put aside: %w", reason, errors.Join(cause, err))
	}
	if err := l.Settle(ctx, revocation.Verdict{Ended: true, Reason: reason}); err != nil {
		return fmt.Errorf("%s: %w", reason, errors.Join(cause, err))
	}
	return fmt.Errorf("%s and is a dead letter now: %w", reason, cause)
}
