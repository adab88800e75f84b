// Package dispatch is the stage between the delivery log and the lanes: it reads
// the log in order, has each delivery decoded into signals, asks the policy what
// each deserves, and publishes the jobs.
//
// The invariant: a log entry is acknowledged only after everything in it is a job
// on its lane, held, a dead letter, or ignored on purpose. All of it may run twice: jobs
// and dead letters have derived ids, and what is known of a hold is changed atomically.
package dispatch

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"sever/policy"
	"sever/revocation"
	"sever/source"
)

// Log hands out the entries of the delivery log.
type Log interface {
	// Next blocks until there is an entry or ctx ends.
	Next(ctx context.Context) (revocation.LogEntry, error)
}

// Lanes takes jobs.
type Lanes interface {
	// Publish stores a job durably, unless it knows that it has it already.
	Publish(ctx context.Context, job revocation.Job) (stored bool, err error)
	// PublishAll does so with several, in their order. On an error some may be stored.
	PublishAll(ctx context.Context, jobs []revocation.Job) (stored []bool, err error)
}

// DeadLetters takes what cannot become a job.
type DeadLetters interface {
	// Put stores a dead letter durably; the same letter is stored once.
	Put(ctx context.Context, letter revocation.DeadLetter) error
}

// IgnoredDuplicate is the reason why a signal whose job is on its lane already, or
// was lately, makes no second one. Older duplicates are met by the ledger.
const IgnoredDuplicate = "duplicate"

// Config is what a dispatcher decides by.
type Config struct {
	Sources   map[string]source.Source
	Policy    func() policy.Policy // the one in force; asked anew for every signal
	Heartbeat time.Duration        // how often a log entry's lease is extended
	// Approvals is what operators are asked for where a rule's mode is approve.
	Approvals revocation.Approvals

	Now      func() time.Time
	Observer revocation.Observer
}

// Deps are what a dispatcher works with.
type Deps struct {
	Log         Log
	Lanes       Lanes
	DeadLetters DeadLetters
	Holds       Holds
	Actions     Actions
}

// Dispatcher turns deliveries into jobs.
type Dispatcher struct {
	deps   Deps
	config Config
	out    outbox // of the entry in hand
}

// New makes a dispatcher.
func New(deps Deps, config Config) *Dispatcher {
	if config.Now == nil {
		config.Now = time.Now
	}
	return &Dispatcher{deps: deps, config: config}
}

// How long the dispatcher waits after its store failed it, growing.
const (
	minPause = 100 * time.Millisecond
	maxPause = 5 * time.Second
)

// errNoRoom marks a dead letter that could not be stored, and noRoomRetry is when its
// entry is tried again, as is that of a hold.
var errNoRoom = errors.New("put aside as a dead letter")

const noRoomRetry = 15 * time.Second

// settleTimeout bounds the acknowledgement of an entry.
const settleTimeout = 5 * time.Second

// Run dispatches until ctx ends. An entry in hand is then finished if the store
// lets it, or handed out again later.
func (d *Dispatcher) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		entry, err := d.deps.Log.Next(ctx)
		if err != nil {
			if ctx.Err() == nil {
				d.trouble(err)
				pause(ctx, maxPause/5)
			}
			continue
		}
		began := d.config.Now()
		d.handle(ctx, entry)
		d.rest(ctx, entry, d.config.Now().Sub(began))
	}
	return nil
}

// restMost bounds one rest, and restBehind how far behind the receiver there is any.
const (
	restMost   = 20 * time.Millisecond
	restBehind = 100 * time.Millisecond
)

// rest waits for as long as a crowded entry took, while dispatch keeps up with the receiver. What comes meanwhile
// is dispatched together, in larger and so fewer batches: their writes are what the receiver's own must wait for.
// A lone delivery does not wait, nor does a backlog.
func (d *Dispatcher) rest(ctx context.Context, entry revocation.LogEntry, took time.Duration) {
	if len(entry.Deliveries) > 1 && d.config.Now().Sub(entry.Deliveries[0].Received) < restBehind {
		pause(ctx, min(took, restMost))
	}
}

// handle carries one entry through, however often the store fails: while the lanes
// take nothing, nothing behind this entry could be published either. Only where the
// dead letters or the holds are full does it hand the entry back, lest one that finds no
// room hold up the revocations behind it.
func (d *Dispatcher) handle(ctx context.Context, entry revocation.LogEntry) {
	release := revocation.KeepLease(entry.Lease, d.config.Heartbeat, d.trouble) //nolint:contextcheck // kept until release, however ctx ends
	defer release()
	for wait := minPause; ; wait = min(2*wait, maxPause) {
		err := d.dispatchEntry(context.WithoutCancel(ctx), entry)
		if err == nil {
			d.settle(ctx, entry.Lease, revocation.Verdict{})
			return
		}
		d.trouble(err)
		if noRoom(err) {
			d.settle(ctx, entry.Lease, revocation.Verdict{Again: true, Delay: noRoomRetry})
			return
		}
		if !pause(ctx, wait) {
			d.settle(ctx, entry.Lease, revocation.Verdict{Again: true})
			return
		}
	}
}

func (d *Dispatcher) settle(ctx context.Context, lease revocation.Lease, verdict revocation.Verdict) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	if err := lease.Settle(ctx, verdict); err != nil {
		d.trouble(fmt.Errorf("settle a log entry: %w", err)) // it comes again, which does no harm
	}
}

func (d *Dispatcher) dispatchEntry(ctx context.Context, entry revocation.LogEntry) error {
	if entry.Missing != nil {
		if err := d.bury(ctx, revocation.DeadRaw(nil, entry.Missing.Error(), d.config.Now())); err != nil {
			return err
		}
	}
	if entry.Damage != nil {
		return d.bury(ctx, revocation.DeadRaw(entry.Raw, "a log entry could not be read back: "+entry.Damage.Error(), d.config.Now()))
	}
	out := &d.out
	defer out.empty()
	var failed error
	for _, delivery := range entry.Deliveries {
		err := d.dispatch(ctx, out, delivery)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("dispatch delivery %s: %w", delivery.ID, err))
		}
		if err != nil && !noRoom(err) {
			break
		}
	}
	return errors.Join(failed, d.flush(ctx, out)) // what came before a failure is not kept waiting by it
}

// noRoom reports whether dead letters or holds are full: the lanes may well take what is behind.
func noRoom(err error) bool {
	return errors.Is(err, errNoRoom) || errors.Is(err, revocation.ErrHoldsFull)
}

// dispatch carries one delivery through, but for the jobs that it leaves in the outbox.
func (d *Dispatcher) dispatch(ctx context.Context, out *outbox, delivery revocation.Delivery) error {
	src, known := d.config.Sources[delivery.Source]
	if !known {
		return d.bury(ctx, revocation.DeadDelivery(delivery, "",
			"its source is not configured any more: configure it again and redrive", d.config.Now()))
	}
	decoded, err := d.decode(src.Decoder, delivery)
	if err != nil {
		return d.bury(ctx, revocation.DeadDelivery(delivery, src.Org, err.Error(), d.config.Now()))
	}
	for _, skipped := range decoded.Skipped {
		d.observe(revocation.Event{
			Step: revocation.StepIgnored, Source: src.Name, Org: src.Org,
			Delivery: delivery.ID, Type: skipped.Type, Reason: skipped.Reason,
		})
	}
	nobody, err := d.decideAll(ctx, out, decoded.Signals)
	if len(nobody) > 0 && (err == nil || noRoom(err)) {
		// The letter says that all that could be done was done: now it is.
		if err := d.flush(ctx, out); err != nil {
			return err
		}
		err = errors.Join(err, d.bury(ctx, revocation.DeadDelivery(delivery, src.Org, sumUp(nobody), d.config.Now())))
	}
	if err != nil || len(nobody) > 0 {
		return err
	}
	out.dispatched = append(out.dispatched, revocation.Event{
		Step: revocation.StepDispatched, Source: src.Name, Org: src.Org, Delivery: delivery.ID,
	})
	return nil
}

// decideAll decides about each signal of a delivery. One that finds no room does not keep
// the others waiting.
func (d *Dispatcher) decideAll(ctx context.Context, out *outbox, signals []revocation.Signal) (nobody []string, full error) {
	for _, signal := range signals {
		problem, err := d.decide(ctx, out, signal)
		if err != nil && !noRoom(err) {
			return nil, err
		}
		full = errors.Join(full, err)
		if problem != "" {
			nobody = append(nobody, problem)
		}
	}
	return nobody, full
}

// sumUp makes one reason of the problems of a delivery: it is put aside once, after
// all that could be done with it was done.
func sumUp(problems []string) string {
	if len(problems) == 1 {
		return problems[0]
	}
	return fmt.Sprintf("%s; and %d more signals that name nobody", problems[0], len(problems)-1)
}

// decide does with one signal what the policy says. A signal that deserves a
// revocation but names nobody is a problem for an operator, never a guess.
func (d *Dispatcher) decide(ctx context.Context, out *outbox, signal revocation.Signal) (problem string, err error) {
	if callsOffSecondLook(signal) {
		if err := d.callOffSecondLooks(ctx, signal); err != nil {
			return "", err
		}
	}
	if signal.Kind == revocation.KindWithdrawal {
		return d.withdraw(ctx, signal)
	}
	decision := d.ask(signal)
	event := revocation.Event{
		Source: signal.Source, Org: signal.Org, Delivery: signal.Delivery, Type: signal.Type, Reason: decision.Rule,
	}
	if !decision.Revoke {
		event.Step = revocation.StepIgnored
		d.observe(event)
		return "", nil
	}
	if signal.Person.IsZero() {
		return signal.Type + ": " + signal.NoPerson, nil
	}
	if signal.Kind == revocation.KindTermination && signal.Effective.After(d.config.Now()) {
		return d.holdForDate(ctx, signal, decision)
	}
	job := jobOf(signal, decision)
	if hold, held := d.holdOf(job, signal, decision); held {
		return "", d.keep(ctx, hold, signal)
	}
	if signal.Kind == revocation.KindTermination {
		if act, err := d.now(ctx, signal); !act || err != nil {
			return "", err
		}
	}
	return "", d.enqueue(ctx, out, job, event)
}

// ask asks the policy, and tells of rules that could not be evaluated.
func (d *Dispatcher) ask(signal revocation.Signal) policy.Decision {
	decision := d.config.Policy().Decide(signal)
	for _, failed := range decision.Failed {
		d.trouble(failed)
	}
	return decision
}

// jobOf is the job that a decision asks for on account of a signal.
func jobOf(signal revocation.Signal, decision policy.Decision) revocation.Job {
	job := revocation.NewJob(signal, decision.Rule, decision.Lane, decision.Scope)
	job.Mode, job.Policy, job.Everywhere, job.Again = decision.Mode, decision.Version, decision.Everywhere, decision.Again
	return job
}

func (d *Dispatcher) bury(ctx context.Context, letter revocation.DeadLetter) error {
	if err := d.deps.DeadLetters.Put(ctx, letter); err != nil {
		return fmt.Errorf("%w: %w", errNoRoom, err)
	}
	event := revocation.Event{
		Step: revocation.StepDeadLetter, Source: letter.Source, Org: letter.Org, Reason: letter.Reason,
	}
	if letter.Delivery != nil {
		event.Delivery = letter.Delivery.ID
	}
	d.observe(event)
	return nil
}

// decode keeps a decoder's panic from stopping the log: the delivery becomes a
// dead letter and can be redriven once the decoder is mended. The letter's id is
// made from its reason, so the stack, which is never the same twice, is not in it.
func (d *Dispatcher) decode(decoder source.Decoder, delivery revocation.Delivery) (decoded source.Decoded, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			d.trouble(fmt.Errorf("panic while decoding delivery %s: %v\n%s", delivery.ID, cause, debug.Stack()))
			err = errors.New("the decoder panicked: this is a bug in Sever, please report it with the stack from the log")
		}
	}()
	return decoder.Decode(delivery)
}

func pause(ctx context.Context, d time.Duration) (goOn bool) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

func (d *Dispatcher) trouble(err error) {
	d.observe(revocation.Event{Step: revocation.StepTrouble, Err: err})
}

func (d *Dispatcher) observe(event revocation.Event) {
	event.Stage = "dispatch"
	event.At = d.config.Now()
	d.config.Observer.Observe(event)
}
