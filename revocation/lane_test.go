package revocation_test

import (
	"context"
	"errors"
	"sync"
	"time"

	"sever/revocation"
)

// lane is a queue in memory that behaves as JetStream does: what is not settled in
// time comes again, and its deliveries are counted; unless the count gets lost.
type lane struct {
	ackWait time.Duration
	ready   chan *message

	mu       sync.Mutex
	messages []*message
	forgets  bool // deliveries are not counted
}

type message struct {
	lane       *lane
	job        revocation.Job
	deliveries int
	end        string // done or ended; empty while it waits or is in hand
	delivery   int    // grows with every hand-out, so that an old hold is known
	runsOut    *time.Timer
}

func newLane(ackWait time.Duration) *lane {
	return &lane{ackWait: ackWait, ready: make(chan *message, 100_000)}
}

func (l *lane) publish(jobs ...revocation.Job) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, job := range jobs {
		m := &message{lane: l, job: job}
		l.messages = append(l.messages, m)
		l.ready <- m
	}
}

func (l *lane) take(ctx context.Context) (revocation.Task, error) {
	for {
		select {
		case <-ctx.Done():
			return revocation.Task{}, ctx.Err()
		case m := <-l.ready:
			if task, waits := m.handOut(); waits {
				return task, nil
			}
		}
	}
}

// open counts the messages that are neither done nor ended.
func (l *lane) open() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	open := 0
	for _, m := range l.messages {
		if m.end == "" {
			open++
		}
	}
	return open
}

// ends gives the end of every message, in the order of publication.
func (l *lane) ends() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var ends []string
	for _, m := range l.messages {
		ends = append(ends, m.end)
	}
	return ends
}

func (m *message) handOut() (revocation.Task, bool) {
	m.lane.mu.Lock()
	defer m.lane.mu.Unlock()
	if m.end != "" {
		return revocation.Task{}, false
	}
	m.deliveries++
	m.delivery++
	attempt := m.deliveries
	if m.lane.forgets {
		attempt = 1
	}
	m.runsOut = time.AfterFunc(m.lane.ackWait, func() { m.lane.ready <- m })
	return revocation.Task{Job: m.job, Attempt: attempt, Lease: &hold{m, m.delivery}}, true
}

// hold is the lease on one hand-out of a message.
type hold struct {
	message  *message
	delivery int
}

var errNotHeld = errors.New("the lease ran out")

func (h *hold) Extend() error {
	h.message.lane.mu.Lock()
	defer h.message.lane.mu.Unlock()
	if h.message.delivery != h.delivery || !h.message.runsOut.Stop() {
		return errNotHeld
	}
	h.message.runsOut.Reset(h.message.lane.ackWait)
	return nil
}

func (h *hold) Settle(_ context.Context, verdict revocation.Verdict) error {
	h.message.lane.mu.Lock()
	defer h.message.lane.mu.Unlock()
	m := h.message
	switch {
	case verdict.Ended:
		m.end = "ended"
	case !verdict.Again:
		m.end = "done"
	case m.delivery != h.delivery || !m.runsOut.Stop():
		return errNotHeld
	default:
		m.runsOut = time.AfterFunc(verdict.Delay, func() { m.lane.ready <- m })
		return nil
	}
	m.runsOut.Stop()
	return nil
}

// heldLease is a lease in the hands of a process that may be dead.
type heldLease struct {
	lease revocation.Lease
	by    *process
}

func (l heldLease) Extend() (err error) {
	failed := l.by.do(opExtend, func() { err = l.lease.Extend() })
	return errors.Join(failed, err)
}

func (l heldLease) Settle(ctx context.Context, verdict revocation.Verdict) (err error) {
	op := opDone
	switch {
	case verdict.Again:
		op = opAgain
	case verdict.Ended:
		op = opEnded
	}
	failed := l.by.do(op, func() { err = l.lease.Settle(ctx, verdict) })
	return errors.Join(failed, err)
}

// failing gives a fault that fails the operation a few times.
func failing(op string, times int, err error) func(string) error {
	var mu sync.Mutex
	return func(got string) error {
		mu.Lock()
		defer mu.Unlock()
		if got != op || times == 0 {
			return nil
		}
		times--
		return err
	}
}
