package revocation_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing/synctest"
	"time"

	"sever/revocation"
)

// node is one worker process. Killed, nothing that it does has any effect any more, and
// all that it knew is gone.
type node struct {
	model   *model
	slot    int
	name    string
	skew    time.Duration // of its clock
	stop    context.CancelFunc
	done    chan struct{}
	died    chan struct{}
	dead    bool
	stopped time.Time // when it was asked to stop, if it was

	calling revocation.Job               // what the observer was told last, before a call
	inHand  map[string]int               // tasks, by job
	marks   map[string]int               // step at which a job, or a user, was last looked up
	saw     map[string]revocation.Record // what was found for a user
	rulings map[string]ruled             // what the guard said last, by job
}

// ruled is what the guard knew of a job's person at a step.
type ruled struct {
	shield revocation.Outcome
	step   int
}

// request is an operation of a worker that waits for the plan.
type request struct {
	node   *node
	op     string
	about  string
	effect func()
	task   revocation.Task // for opTake
	answer chan error
}

const (
	opTake       = "take a job"
	opTakeUrgent = "take a critical job"
	opAnswer     = "okta: answer"
)

// launch starts a worker in a slot.
func (m *model) launch(slot int) {
	n := &node{
		model: m, slot: slot, name: fmt.Sprint("W", len(m.started)+1), skew: m.setting.skew(len(m.started)),
		done: make(chan struct{}), died: make(chan struct{}),
		inHand: make(map[string]int), marks: make(map[string]int), saw: make(map[string]revocation.Record),
		rulings: make(map[string]ruled),
	}
	worker, err := revocation.NewWorker(revocation.Deps{
		Jobs: n, Okta: n, Guard: n, Ledger: n, Audit: n, DeadLetters: n, Holds: n, Brake: n,
	}, revocation.Config{
		Concurrency: 2, Heartbeat: time.Second, AttemptTimeout: attemptTimeout, GiveUpAfter: 3 * time.Minute,
		Spacing: m.setting.spacing, Margin: m.setting.margin, BrakeHold: m.setting.brakeHold,
		Now: func() time.Time { return time.Now().Add(n.skew) }, Observer: n.observe,
	})
	if err != nil {
		panic(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	n.stop, m.slots[slot], m.started = stop, n, append(m.started, n)
	m.notef("worker %s starts, its clock %v off", n.name, n.skew)
	go func() {
		defer close(n.done)
		_ = worker.Run(ctx)
	}()
	synctest.Wait()
}

const (
	attemptTimeout = 5 * time.Second
	stopGrace      = attemptTimeout + 5*time.Second // what a worker is given to end what it has in hand
)

// kill is a crash: what waits is dropped, and what was in hand comes again.
func (m *model) kill(n *node) {
	m.mu.Lock()
	n.dead = true
	m.pending = slices.DeleteFunc(m.pending, func(r *request) bool { return r.node == n })
	m.mu.Unlock()
	close(n.died)
	n.stop()
	m.slots[n.slot] = nil
	synctest.Wait()
}

// over reports whether a worker may have had no time to write down what it did.
func (n *node) over() bool {
	return n.dead || !n.stopped.IsZero() && time.Since(n.stopped) >= attemptTimeout
}

// ask puts an operation before the plan and waits for its answer.
func (n *node) ask(ctx context.Context, r *request) error {
	r.node, r.answer = n, make(chan error, 1)
	n.model.mu.Lock()
	if n.dead {
		n.model.mu.Unlock()
		return errDead
	}
	n.model.pending = append(n.model.pending, r)
	n.model.mu.Unlock()
	select {
	case err := <-r.answer:
		return err
	case <-n.died:
		return errDead
	case <-ctx.Done():
		n.model.mu.Lock()
		defer n.model.mu.Unlock()
		n.model.pending = slices.DeleteFunc(n.model.pending, func(other *request) bool { return other == r })
		return context.Cause(ctx)
	}
}

func (n *node) do(ctx context.Context, op string, job revocation.Job, effect func()) error {
	return n.ask(ctx, &request{op: op, about: n.model.named(job), effect: effect})
}

func (m *model) named(job revocation.Job) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.label(job)
}

func (m *model) notef(format string, args ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sayf(format, args...)
}

// waiting gives what the workers wait for, in an order that does not hang on theirs: those
// that wait for a job last.
func (m *model) waiting() (work, idle []*request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	slices.SortStableFunc(m.pending, func(a, b *request) int {
		return cmp.Or(a.node.slot-b.node.slot, strings.Compare(a.op, b.op), strings.Compare(a.about, b.about))
	})
	for _, r := range m.pending {
		if r.op == opTake || r.op == opTakeUrgent {
			idle = append(idle, r)
		} else {
			work = append(work, r)
		}
	}
	return work, idle
}

// fate is what becomes of an operation.
type fate int

const (
	passes fate = iota
	fails
	losesAnswer // it took effect, and its worker is told that it failed
	diesBefore
	diesAfter
	fates
)

func (f fate) String() string {
	return []string{"", ": FAILS", ": done, but the answer is LOST", ": the worker CRASHES before it", ": done, and the worker CRASHES"}[f]
}

var errStore = errors.New("no server")

// settleRequest lets one operation have its fate, and all workers come to rest after it.
func (m *model) settleRequest(r *request, f fate, failure error) {
	m.mu.Lock()
	m.step++
	m.pending = slices.DeleteFunc(m.pending, func(other *request) bool { return other == r })
	m.sayf("%s  %s, %s%s", r.node.name, r.op, r.about, f)
	m.tally["operations"+f.String()]++
	if f == passes || f == losesAnswer || f == diesAfter {
		r.effect()
	}
	m.mu.Unlock()
	switch f {
	case passes:
		r.answer <- nil
	case diesBefore, diesAfter:
		m.kill(r.node)
	default:
		r.answer <- failure
	}
	synctest.Wait()
	m.sleep(time.Millisecond) // no two things happen at once
}

// observe hears which job a call is for.
func (n *node) observe(event revocation.Event) {
	if event.Step == revocation.StepCalling {
		n.model.mu.Lock()
		defer n.model.mu.Unlock()
		n.calling = *event.Job
	}
}
