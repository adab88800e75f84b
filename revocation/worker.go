package revocation

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// Jobs hands out the jobs of one org, the most urgent first.
type Jobs interface {
	// Take blocks until there is a job or ctx ends; a critical one, where ctx is Urgent.
	Take(ctx context.Context) (Task, error)
}

// Task is a job in hand. Its lease runs out unless it is extended; Settle ends it.
type Task struct {
	Job     Job
	Attempt int // 1 the first time the job is taken
	Lease   Lease

	ended *Record // of a try that ended the sessions and failed after that; see noteEnded
}

// Ledger remembers what was done. Implementations pass revocationtest.TestLedger.
type Ledger interface {
	// Finished gives the record that finished the job, if any did.
	Finished(ctx context.Context, jobID string) (Record, bool, error)
	// Newest gives the newest record that shows a user without sessions, if there is one.
	Newest(ctx context.Context, org, user string) (Record, bool, error)
	// Commit stores a finishing record: first as its user's newest, where it Clears and
	// no newer one is there, and then as its job's, where none is there. It may be repeated,
	// and gives the record that its job has now: where two workers end one job side by side,
	// the first's.
	Commit(ctx context.Context, record Record) (Record, error)
}

// Audit keeps one record per attempt for good.
type Audit interface {
	// Append stores a record durably, if it is not there; one of long ago may be stored once more. fresh
	// means that it was not there, and is false where that cannot be told any more.
	Append(ctx context.Context, record Record) (fresh bool, err error)
}

// DeadLetters keeps what waits for an operator.
type DeadLetters interface {
	// Put stores a dead letter durably; the same id is stored once.
	Put(ctx context.Context, letter DeadLetter) error
}

// Okta acts on one org.
type Okta interface {
	// Ready blocks until Revoke may be called within Okta's limits, or ctx ends. It
	// spends nothing: a job may be taken after it that needs no call.
	Ready(ctx context.Context) error
	// Resolve finds the one user that a job's person names. A *CallError says why not. A
	// job with a date asks for the person's status now: one who was deactivated since is
	// FailureGone, with the user. The User may be set beside an error.
	Resolve(ctx context.Context, job Job) (User, error)
	// Revoke ends the user's sessions: one attempt. A *CallError says why not.
	Revoke(ctx context.Context, user string, scope Scope) (Call, error)
}

// User is a person found in Okta. Login and Status are empty where they were not looked up.
type User struct {
	ID     string
	Login  string
	Status string // Okta's word, such as ACTIVE; only for jobs with a date
}

// Everywhere makes the call that reaches further than Okta's own sessions.
type Everywhere interface {
	// RevokeEverywhere asks for Okta's global token revocation: one attempt. A *CallError
	// says why not.
	RevokeEverywhere(ctx context.Context, user string) (Call, error)
}

// Config sets a worker's bounds. Spacing, Margin, BrakeHold, Now and Observer may be zero.
type Config struct {
	Concurrency    int           // jobs in hand at once, beside one that is kept free for a critical job
	Heartbeat      time.Duration // how often a lease is extended; well below its length
	AttemptTimeout time.Duration // bound on one call to Okta; on finding out about a person, lookupCalls times that
	GiveUpAfter    time.Duration // a failing job becomes a dead letter at this age
	Spacing        time.Duration // least time between the starts of two calls for one user
	Margin         time.Duration // see Covered
	BrakeHold      time.Duration // how long the brake holds a job; 0 until an operator lets it go

	Now      func() time.Time
	Observer Observer
}

// Deps are what a worker works with. Brake may be nil, and Everywhere where no job asks for it.
type Deps struct {
	Jobs        Jobs
	Okta        Okta
	Guard       Guard
	Ledger      Ledger
	Audit       Audit
	DeadLetters DeadLetters
	Holds       Holds
	Brake       Brake
	Everywhere  Everywhere
}

// Worker works off the jobs of one org.
type Worker struct {
	deps   Deps
	config Config

	claims     claims
	unanswered unanswered
	gate       *gate
}

// settleTimeout bounds what must still be written after a call was made, when
// the worker is already being stopped.
const settleTimeout = 5 * time.Second

// lookupCalls is how many calls finding a person, or what protects them, may take the time
// of, waits for a turn included: each has its own bound of AttemptTimeout in the client. The
// lease is kept all the while.
const lookupCalls = 5

// troublePause is how long a worker waits after its queue failed to hand out a job.
const troublePause = time.Second

// NewWorker checks the bounds and makes a worker.
func NewWorker(deps Deps, config Config) (*Worker, error) {
	if config.Concurrency < 1 {
		return nil, fmt.Errorf("worker: concurrency is %d; it must be at least 1", config.Concurrency)
	}
	if config.Heartbeat <= 0 || config.AttemptTimeout <= 0 || config.GiveUpAfter <= 0 {
		return nil, errors.New("worker: heartbeat, attempt timeout and give-up age must be above zero")
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	w := &Worker{deps: deps, config: config}
	w.gate = newGate(deps, config, w.observe)
	w.deps.Jobs = w.gate
	w.config.Observer = Observers(w.gate.hear, config.Observer)
	return w, nil
}

// Run works until ctx ends, then waits for the jobs in hand: their calls are
// allowed to finish, within AttemptTimeout, and are recorded, within settleTimeout.
func (w *Worker) Run(ctx context.Context) error {
	handCtx, cancel := outlive(ctx, w.config.AttemptTimeout+settleTimeout)
	defer cancel()
	var hands sync.WaitGroup
	for range w.config.Concurrency {
		hands.Go(func() { w.work(ctx, handCtx) })
	}
	hands.Go(func() { w.work(Urgent(ctx), handCtx) })
	hands.Wait()
	return nil
}

// work takes jobs while ctx lasts, and carries each through under handCtx.
func (w *Worker) work(ctx, handCtx context.Context) {
	for ctx.Err() == nil {
		// Jobs wait on their lanes and not in our hands while the budget is spent, so that
		// the most urgent one is taken when it is there again.
		if err := w.deps.Okta.Ready(ctx); err != nil {
			w.pauseAfter(ctx, fmt.Errorf("wait for Okta's limits: %w", err))
			continue
		}
		task, err := w.deps.Jobs.Take(ctx)
		if err != nil {
			w.pauseAfter(ctx, fmt.Errorf("take a job: %w", err))
			continue
		}
		w.handle(handCtx, task)
	}
}

// outlive gives a context that ends a while after ctx does.
func outlive(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	var timer sync.WaitGroup
	timer.Go(func() {
		select {
		case <-ctx.Done():
		case <-longer.Done():
			return
		}
		select {
		case <-time.After(grace):
			cancel(errStopped)
		case <-longer.Done():
		}
	})
	return longer, func() {
		cancel(nil)
		timer.Wait()
	}
}

var errStopped = errors.New("the worker was stopped and its time is over")

func (w *Worker) pauseAfter(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	w.trouble(nil, err)
	select {
	case <-ctx.Done():
	case <-time.After(troublePause):
	}
}

// handle carries one task to its verdict while keeping its lease alive.
func (w *Worker) handle(ctx context.Context, task Task) {
	if task.Job.Lane == LaneCritical {
		ctx = Urgent(ctx)
	}
	w.observe(Event{Step: StepTaken, Job: &task.Job})
	stop := KeepLease(task.Lease, w.config.Heartbeat, func(err error) { //nolint:contextcheck // kept until stop, however ctx ends
		w.trouble(&task.Job, fmt.Errorf("extend the lease: %w", err))
	})
	verdict, err := w.tryRecovering(ctx, task)
	stop()
	if err != nil {
		// Our own store failed: the job stays where it is and is tried again.
		w.trouble(&task.Job, err)
		verdict = Verdict{Again: true, Delay: storeRetry(err)}
	}
	settleCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	if err := task.Lease.Settle(settleCtx, verdict); err != nil {
		w.trouble(&task.Job, fmt.Errorf("settle: %w", err)) // the lease runs out and the job comes again
		return
	}
	w.observe(Event{Step: StepSettled, Job: &task.Job})
}

// tryRecovering keeps one job's panic from stopping the work on all others.
func (w *Worker) tryRecovering(ctx context.Context, task Task) (verdict Verdict, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic while working on the job: %v\n%s", cause, debug.Stack())
		}
	}()
	return w.try(ctx, task)
}

func (w *Worker) trouble(job *Job, err error) {
	w.observe(Event{Step: StepTrouble, Job: job, Err: err})
}

func (w *Worker) observe(event Event) {
	event.Stage = "work"
	event.At = w.config.Now()
	if event.Job != nil {
		event.Org, event.Source, event.Delivery = event.Job.Org, event.Job.Source, event.Job.Delivery
		event.Type = event.Job.Type
	}
	w.config.Observer.Observe(event)
}
