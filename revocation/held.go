package revocation

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Why the work stage, or a rule, keeps a job back.
const (
	HeldForBrake      = "brake"       // too many people at once
	HeldForProtected  = "protected"   // a protected person, or it cannot be told whether they are
	HeldForApproval   = "approval"    // the rule or the policy asks for an operator
	HeldForSecondLook = "second_look" // was done, and is to be done once more later
)

// Holds keeps jobs that wait.
type Holds interface {
	// Hold stores a hold durably, with evidence of it. One that is known for a job as often
	// put back as this one, waiting or not, is left as it is: it was stored before a crash.
	Hold(ctx context.Context, hold Hold) error
}

// Guard says whom a worker must not act on.
type Guard interface {
	// Judge says whether a call may be made for the user. The zero Ruling lets it be made.
	// A *CallError says why that cannot be told now.
	Judge(ctx context.Context, job Job, user User) (Ruling, error)
}

// Ruling is what a Guard says about a user.
type Ruling struct {
	Outcome Outcome // OutcomeRefused, OutcomeHeld, or "" to go on
	Reason  string
}

// Brake caps how many people are called in a while.
type Brake interface {
	// Claim asks for room for a call that begins within Config.AttemptTimeout after at,
	// and stores it durably for all workers of the org before it says that there is some.
	Claim(ctx context.Context, job Job, user string, at time.Time) (BrakeClaim, error)
}

// guarded asks who may be called, and then acts. What it cannot tell it never takes for a
// yes. An operator's approval lets a job through that is held, never one that is refused.
func (w *Worker) guarded(ctx context.Context, task Task, user User) (Verdict, error) {
	began := w.config.Now()
	ruling, err := w.judge(ctx, task.Job, user)
	if err != nil {
		return w.untold(ctx, task, user, began, err)
	}
	switch {
	case ruling.Outcome == OutcomeRefused:
		return w.finish(ctx, w.record(task, user, w.config.Now(), OutcomeRefused, ruling.Reason))
	case task.Job.Mode == ModeDryRun:
		reason := "dry run (the mode of rule " + task.Job.Rule + "): no call was made"
		if ruling.Outcome == OutcomeHeld {
			reason += "; else it would be held: " + ruling.Reason
		}
		return w.finish(ctx, w.record(task, user, w.config.Now(), OutcomeRefused, reason))
	case task.Job.Approved:
		return w.act(ctx, task, user)
	case ruling.Outcome == OutcomeHeld:
		return w.putAside(ctx, task, user, HeldForProtected, ruling.Reason, time.Time{})
	case task.Job.Mode == ModeApprove:
		return w.putAside(ctx, task, user, HeldForApproval, "rule "+task.Job.Rule+" asks for approval", time.Time{})
	default:
		return w.act(ctx, task, user)
	}
}

func (w *Worker) judge(ctx context.Context, job Job, user User) (ruling Ruling, err error) {
	ctx, cancel := context.WithTimeout(ctx, lookupCalls*w.config.AttemptTimeout)
	defer cancel()
	defer func() { err = w.contain(&job, recover(), err) }()
	ruling, err = w.deps.Guard.Judge(ctx, job, user)
	if err != nil {
		return ruling, fmt.Errorf("tell whether the person is protected: %w", err)
	}
	return ruling, nil
}

// untold meets a guard that cannot tell: the job is tried again for as long as any other,
// but where another would be given up, it is held. A credential that Okta refuses is not the
// job's fault: the org pauses, however long the job has waited.
func (w *Worker) untold(ctx context.Context, task Task, user User, began time.Time, err error) (Verdict, error) {
	if delay, paused := w.gate.weigh(task.Job, err); paused {
		return w.deferTask(task, delay, "the org is paused: Okta does not accept our credential"), nil
	}
	result := settle(err, w.gate.age(task.Job), w.config.GiveUpAfter)
	if result.outcome == OutcomeDead {
		return w.putAside(ctx, task, user, HeldForProtected, result.reason, time.Time{})
	}
	return w.conclude(ctx, task, user, began, Call{}, err)
}

// braked asks for room for a call that begins at or after at, and puts the job aside where
// there is none. It fails where that cannot be told: no call is made without room.
func (w *Worker) braked(ctx, callCtx context.Context, task Task, user User, at time.Time) (Verdict, bool, error) {
	if w.deps.Brake == nil || task.Job.Approved {
		return Verdict{}, false, nil
	}
	claim, err := w.deps.Brake.Claim(callCtx, task.Job, user.ID, at)
	if err != nil {
		return Verdict{}, true, fmt.Errorf("ask the brake: %w", err)
	}
	if claim.Cap == "" {
		return Verdict{}, false, nil
	}
	reason := fmt.Sprintf("the brake holds it: more than %d people at once (%s)", claim.Max, claim.Cap)
	if claim.Tripped {
		w.observe(Event{Step: StepBraked, Job: &task.Job, Reason: reason})
	}
	var due time.Time
	if w.config.BrakeHold > 0 {
		due = w.config.Now().Add(w.config.BrakeHold)
	}
	verdict, err := w.putAside(ctx, task, user, HeldForBrake, reason, due)
	return verdict, true, err
}

// putAside makes a hold of a job, and only then ends its task. The job is not finished:
// let go, it comes back with one more redrive. A zero due leaves that to an operator.
func (w *Worker) putAside(ctx context.Context, task Task, user User, why, reason string, due time.Time) (Verdict, error) {
	now := w.config.Now()
	hold := Hold{Key: JobHoldKey(task.Job.ID), Why: why, Reason: reason, Job: task.Job, Due: due, Held: now}
	if err := w.hold(ctx, hold); err != nil {
		return Verdict{}, err
	}
	return Verdict{}, w.audit(ctx, w.record(task, user, now, OutcomeHeld, reason))
}

// secondLook has a job that asks for it done once more later, as a job of its own. It may
// be repeated.
func (w *Worker) secondLook(ctx context.Context, done Record) error {
	if done.Outcome != OutcomeRevoked || done.Job.Again <= 0 {
		return nil
	}
	job := done.Job
	due := done.Began.Add(job.Again)
	job.ID = DeriveID("job", job.ID, "again")
	job.Again, job.Redrives, job.Received, job.Enqueued = 0, 0, due, due
	return w.hold(ctx, Hold{
		Key: DeriveID("hold", done.Job.ID, "again"), Why: HeldForSecondLook,
		Reason: "second look after job " + done.Job.ID, Job: job, User: done.User, Due: due, Held: w.config.Now(),
	})
}

func (w *Worker) hold(ctx context.Context, hold Hold) error {
	if err := w.deps.Holds.Hold(ctx, hold); err != nil {
		return fmt.Errorf("put aside as a hold: %w", err)
	}
	w.observe(Event{Step: StepHeld, Job: &hold.Job, Reason: "hold", Hold: &HoldEntry{
		Key: hold.Key, Org: hold.Job.Org, Source: hold.Job.Source, State: HoldWaits, Hold: &hold,
		Action: Action{At: hold.Held, Verb: "hold", Target: hold.Key, Reason: hold.Reason},
	}})
	return nil
}

// holdsFullRetry is when a job that found no room among the holds is tried again.
const holdsFullRetry = 15 * time.Second

// storeRetry is when a job is tried again that our own store failed.
func storeRetry(err error) time.Duration {
	if errors.Is(err, ErrHoldsFull) {
		return jitter(holdsFullRetry)
	}
	return jitter(minRetry)
}
