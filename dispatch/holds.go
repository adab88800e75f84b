package dispatch

import (
	"context"
	"fmt"
	"time"

	"sever/policy"
	"sever/revocation"
)

// Holds keeps jobs back until a date.
type Holds interface {
	// Change replaces what is known of a key by what change makes of it, unless that
	// does not differ. It is atomic, and may call change more than once.
	Change(ctx context.Context, key string, change func(revocation.HoldEntry) (next revocation.HoldEntry, differs bool)) error
	// Rearm sets the time of holds whose time got lost, and gives how many.
	Rearm(ctx context.Context, now time.Time) (int, error)
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

// hold keeps the job of a termination until its date.
func (d *Dispatcher) hold(ctx context.Context, signal revocation.Signal, decision policy.Decision) (problem string, err error) {
	now := d.config.Now()
	if signal.Effective.Sub(now) > farthest {
		return fmt.Sprintf("%s: its effective date is more than %d days ahead: redrive it later if that is right",
			signal.Type, int(farthest.Hours()/24)), nil
	}
	job := revocation.NewJob(signal, decision.Rule, decision.Lane, decision.Scope)
	hold := revocation.HoldUntil(job, signal, now)
	entry, outcome, err := d.change(ctx, hold.Key, func(e revocation.HoldEntry) (revocation.HoldEntry, revocation.HoldOutcome) {
		return e.Put(hold, revocation.NoticeOf(signal), now)
	})
	if err != nil {
		return "", err
	}
	return "", d.tell(ctx, signal, revocation.StepHeld, entry, outcome)
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
	entry, outcome, err := d.change(ctx, key, func(e revocation.HoldEntry) (revocation.HoldEntry, revocation.HoldOutcome) {
		return e.Withdraw(key, signal, d.config.Now())
	})
	if err != nil {
		return "", err
	}
	return "", d.tell(ctx, signal, revocation.StepWithdrawn, entry, outcome)
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
