package dispatch

import (
	"context"
	"fmt"
	"time"

	"sever/policy"
	"sever/revocation"
)

// Holds keeps jobs back: until a date, or an operator's word.
type Holds interface {
	// Change replaces what is known of a key by what change makes of it, unless that
	// does not differ. It is atomic, and may call change more than once.
	Change(ctx context.Context, key string, change func(revocation.HoldEntry) (next revocation.HoldEntry, differs bool)) error
	// Rearm sets the time of holds whose time got lost, and gives how many.
	Rearm(ctx context.Context, now time.Time) (int, error)
	// Find gives the keys of the holds for why, of a person as their jobs name them, also of
	// some that have ended.
	Find(ctx context.Context, why, org string, person revocation.Person) ([]string, error)
}

// Actions takes the evidence of what became of holds.
type Actions interface {
	// AppendAction stores an action durably; the same action may be stored once more.
	AppendAction(ctx context.Context, action revocation.Action) error
}

// farthest is how far ahead a date may be. One beyond is more likely a mistake, or the
// year 9999 that stands for never, than a termination.
const farthest = 400 * 24 * time.Hour

// Reasons why a signal about a hold changes nothing.
const (
	IgnoredSuperseded = "superseded" // something newer is known, or it was called off or rejected
	IgnoredUnchanged  = "unchanged"  // the same date once more
)

// holdForDate keeps the job of a termination until its date. Where its rule asks for an
// operator's word, too, the work stage sees to that when the date has come.
func (d *Dispatcher) holdForDate(ctx context.Context, signal revocation.Signal, decision policy.Decision) (problem string, err error) {
	now := d.config.Now()
	if signal.Effective.Sub(now) > farthest {
		return fmt.Sprintf("%s: its effective date is more than %d days ahead: redrive it later if that is right",
			signal.Type, int(farthest.Hours()/24)), nil
	}
	hold := revocation.HoldUntil(jobOf(signal, decision), signal, now)
	hold.Due = hold.Due.Add(decision.Delay)
	return "", d.keep(ctx, d.config.Approvals.Apply(hold), signal)
}

// holdOf is the hold of a job whose rule keeps it back. An approval makes up for a delay:
// whoever gives it says that it may go.
//
// A termination is held under its person, as one with a date to come is, so that its
// source can call it off; any other job under its own name.
func (d *Dispatcher) holdOf(job revocation.Job, signal revocation.Signal, decision policy.Decision) (hold revocation.Hold, held bool) {
	hold = revocation.Hold{Key: revocation.JobHoldKey(job.ID), Job: job, Held: d.config.Now()}
	if signal.Kind == revocation.KindTermination {
		hold.Key = revocation.HoldKey(signal.Org, signal.Source, signal.Person)
	}
	switch {
	case decision.Mode == revocation.ModeApprove:
		hold.Why = revocation.HeldForApproval
		hold.Reason = fmt.Sprintf("%s: rule %s waits for an operator's word", signal.Type, decision.Rule)
		return d.config.Approvals.Apply(hold), true
	case decision.Delay > 0:
		hold.Why, hold.Due = revocation.HeldForDelay, job.Received.Add(decision.Delay)
		hold.Reason = fmt.Sprintf("%s: rule %s waits %s", signal.Type, decision.Rule, decision.Delay)
		return d.config.Approvals.Apply(hold), true // also where its time is past: an operator may have rejected it
	default:
		return hold, false
	}
}

// keep puts a hold into place, and says what that came to.
func (d *Dispatcher) keep(ctx context.Context, hold revocation.Hold, signal revocation.Signal) error {
	entry, outcome, err := d.change(ctx, hold.Key, func(e revocation.HoldEntry) (revocation.HoldEntry, revocation.HoldOutcome) {
		return e.Put(hold, revocation.NoticeOf(signal), hold.Held)
	})
	if err != nil {
		return err
	}
	return d.tell(ctx, signal, revocation.StepHeld, entry, outcome)
}

// now makes room for a termination that takes effect at once: what was held for the
// person ends. It says whether the job is to be published.
func (d *Dispatcher) now(ctx context.Context, signal revocation.Signal) (act bool, err error) {
	key := revocation.HoldKey(signal.Org, signal.Source, signal.Person)
	entry, outcome, err := d.change(ctx, key, func(e revocation.HoldEntry) (next revocation.HoldEntry, outcome revocation.HoldOutcome) {
		next, outcome, act = e.Now(revocation.NoticeOf(signal), d.config.Now())
		return next, outcome
	})
	if err != nil {
		return false, err
	}
	if !act {
		return false, d.tell(ctx, signal, revocation.StepReleased, entry, revocation.HoldStale)
	}
	if outcome == revocation.HoldChanged || outcome == revocation.HoldRepeated {
		return true, d.evidence(ctx, signal, revocation.StepReleased, entry, outcome)
	}
	return true, nil
}

// withdraw ends what is held of a termination that its source calls off. It never makes
// a job, whatever the policy says.
func (d *Dispatcher) withdraw(ctx context.Context, signal revocation.Signal) (problem string, err error) {
	if signal.Person.IsZero() {
		return signal.Type + ": " + signal.NoPerson, nil
	}
	key := revocation.HoldKey(signal.Org, signal.Source, signal.Person)
	if err := d.withdrawReleased(ctx, key, signal); err != nil {
		return "", err
	}
	entry, outcome, err := d.change(ctx, key, func(e revocation.HoldEntry) (revocation.HoldEntry, revocation.HoldOutcome) {
		return e.Withdraw(key, signal, d.config.Now())
	})
	if err != nil {
		return "", err
	}
	return "", d.tell(ctx, signal, revocation.StepWithdrawn, entry, outcome)
}

// withdrawReleased ends what the work stage holds of a termination whose date has come: for
// the brake, an approval or a protected person, under the job's own name. It comes first,
// since the withdrawal makes the person's entry forget the job.
func (d *Dispatcher) withdrawReleased(ctx context.Context, key string, signal revocation.Signal) error {
	known, _, err := d.change(ctx, key, func(e revocation.HoldEntry) (revocation.HoldEntry, revocation.HoldOutcome) {
		return e, revocation.HoldStale
	})
	if err != nil || !known.ReleasedBefore(signal) {
		return err
	}
	entry, outcome, err := d.change(ctx, revocation.JobHoldKey(known.Hold.Job.ID), func(e revocation.HoldEntry) (revocation.HoldEntry, revocation.HoldOutcome) {
		return e.WithdrawJob(signal, d.config.Now())
	})
	if err != nil || outcome != revocation.HoldChanged && outcome != revocation.HoldRepeated {
		return err
	}
	return d.evidence(ctx, signal, revocation.StepWithdrawn, entry, outcome)
}

func (d *Dispatcher) change(
	ctx context.Context, key string, apply func(revocation.HoldEntry) (revocation.HoldEntry, revocation.HoldOutcome),
) (entry revocation.HoldEntry, outcome revocation.HoldOutcome, err error) {
	err = d.deps.Holds.Change(ctx, key, func(e revocation.HoldEntry) (revocation.HoldEntry, bool) {
		entry, outcome = apply(e)
		return entry, outcome.Writes()
	})
	if err != nil {
		return entry, outcome, fmt.Errorf("change hold %s: %w", key, err)
	}
	return entry, outcome, nil
}

// tell leaves evidence of what a signal came to, and says so.
func (d *Dispatcher) tell(
	ctx context.Context, signal revocation.Signal, step revocation.Step, entry revocation.HoldEntry, outcome revocation.HoldOutcome,
) error {
	ignored := revocation.Event{
		Step: revocation.StepIgnored, Source: signal.Source, Org: signal.Org, Delivery: signal.Delivery, Type: signal.Type,
	}
	switch outcome {
	case revocation.HoldChanged:
		return d.evidence(ctx, signal, step, entry, outcome)
	case revocation.HoldRepeated:
		if err := d.evidence(ctx, signal, step, entry, outcome); err != nil {
			return err
		}
		ignored.Reason = IgnoredDuplicate
	case revocation.HoldNoted:
		ignored.Reason = IgnoredUnchanged
	case revocation.HoldStale, revocation.HoldEarly:
		ignored.Reason = IgnoredSuperseded
	}
	d.observe(ignored)
	return nil
}

// evidence stores what became of a hold, once more if it may have got lost in a crash.
func (d *Dispatcher) evidence(
	ctx context.Context, signal revocation.Signal, step revocation.Step, entry revocation.HoldEntry, outcome revocation.HoldOutcome,
) error {
	if err := d.deps.Actions.AppendAction(ctx, entry.Action); err != nil {
		return fmt.Errorf("put the %s of hold %s on record: %w", entry.Action.Verb, entry.Key, err)
	}
	if outcome == revocation.HoldChanged {
		d.observe(revocation.Event{
			Step: step, Source: signal.Source, Org: signal.Org, Delivery: signal.Delivery, Type: signal.Type,
			Hold: &entry, Reason: entry.Action.Verb,
		})
	}
	return nil
}
