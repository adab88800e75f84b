package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
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

// Taker hands out one org's jobs, the most urgent lane first. For each lane a
// feeder holds at most one job ready and keeps its lease alive, so that a choice
// between the lanes is a choice between jobs that are there, or are just coming.
type Taker struct {
	lanes   []*lane // most urgent first
	letters *DeadLetters
	every   time.Duration // of heartbeats
	trouble func(error)

	stop    context.CancelCauseFunc
	feeders sync.WaitGroup
}

var _ revocation.Jobs = (*Taker)(nil)

// lane is what a feeder has for the workers.
type lane struct {
	ready chan revocation.Task
	// more says that further jobs lie behind the one handed out last. Without it a
	// less urgent job would be taken while the feeder gets the next urgent one.
	more atomic.Bool
}

var errTakerClosed = errors.New("no more jobs are handed out")

// Taker opens one org's lanes for the work stage. heartbeat is how often a waiting
// job's lease is extended; trouble hears of what JetStream failed to do. Close it
// before the Queue.
func (q *Queue) Taker(ctx context.Context, org string, letters *DeadLetters, heartbeat time.Duration, trouble func(error)) (*Taker, error) { //nolint:contextcheck // the feeders outlive ctx: they end with Close
	feedCtx, stop := context.WithCancelCause(context.Background())
	t := &Taker{letters: letters, every: heartbeat, trouble: trouble, stop: stop}
	for _, name := range revocation.Lanes() {
		consumer, err := q.js.Consumer(ctx, streamJobs, workConsumer(org, name))
		if err != nil {
			t.Close()
			return nil, fmt.Errorf("open consumer %s: %w", workConsumer(org, name), err)
		}
		ahead := &lane{ready: make(chan revocation.Task)}
		t.lanes = append(t.lanes, ahead)
		t.feeders.Go(func() { t.feed(feedCtx, consumer, ahead) })
	}
	return t, nil
}

// Close hands the jobs that wait back and waits for the feeders to end.
func (t *Taker) Close() {
	t.stop(errTakerClosed)
	t.feeders.Wait()
}

// Take gives the most urgent job that is ready, or the first that gets ready.
func (t *Taker) Take(ctx context.Context) (revocation.Task, error) {
	for _, lane := range t.lanes {
		if task, ok := lane.next(); ok {
			return task, nil
		}
	}
	select {
	case task := <-t.lanes[0].ready:
		return task, nil
	case task := <-t.lanes[1].ready:
		return task, nil
	case task := <-t.lanes[2].ready:
		return task, nil
	case task := <-t.lanes[3].ready:
		return task, nil
	case <-ctx.Done():
		return revocation.Task{}, context.Cause(ctx)
	}
}

// next gives the lane's next job where it is ready, or just coming.
func (l *lane) next() (revocation.Task, bool) {
	select {
	case task := <-l.ready:
		return task, true
	default:
	}
	if !l.more.Load() {
		return revocation.Task{}, false
	}
	patience := time.NewTimer(lanePatience)
	defer patience.Stop()
	select {
	case task := <-l.ready:
		return task, true
	case <-patience.C:
		l.more.Store(false) // another process took it, or JetStream is slow
		return revocation.Task{}, false
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
		ahead.more.Store(meta.NumPending > 0)
		t.offer(ctx, task, ahead.ready)
	}
}

// offer holds a job until a worker takes it or the taker closes.
func (t *Taker) offer(ctx context.Context, task revocation.Task, ready chan<- revocation.Task) {
	release := revocation.KeepLease(task.Lease, t.every, t.trouble) //nolint:contextcheck // ended by release
	defer release()
	select {
	case ready <- task:
	case <-ctx.Done():
		if err := task.Lease.Settle(context.WithoutCancel(ctx), revocation.Verdict{Again: true}); err != nil {
			t.trouble(err)
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
