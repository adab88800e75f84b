package app

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"sever/okta"
	"sever/queue"
	"sever/revocation"
)

// operator carries out what people ask for by the admin API, and leaves evidence
// of it: the action is on record before anything is taken away.
type operator struct {
	orgs    []string
	jobs    *queue.Jobs
	log     *queue.DeliveryLog
	letters *queue.DeadLetters
	ledger  *queue.Ledger
	holds   *queue.Holds
	audit   *queue.Audit
	now     func() time.Time
	observe revocation.Observer
}

// byHand is the rule and source named in jobs that an operator ordered.
const byHand = "operator"

// Order puts a revocation on a lane by hand.
func (o *operator) Order(ctx context.Context, order revocation.Order) (revocation.Job, error) {
	job, err := o.jobOf(order)
	if err != nil {
		return revocation.Job{}, err
	}
	if err := o.record(ctx, "revoke", job.ID, order.Reason); err != nil {
		return revocation.Job{}, err
	}
	if _, err := o.jobs.Publish(ctx, job); err != nil {
		return revocation.Job{}, fmt.Errorf("order a revocation: %w", err)
	}
	o.observe.Observe(revocation.Event{
		Step: revocation.StepEnqueued, Stage: byHand, At: o.now(), Source: byHand, Org: job.Org, Type: job.Type,
		Job: &job, Reason: job.Rule,
	})
	return job, nil
}

func (o *operator) jobOf(order revocation.Order) (revocation.Job, error) {
	org, err := o.orgOf(order.Org)
	if err != nil {
		return revocation.Job{}, err
	}
	if order.Reason == "" {
		return revocation.Job{}, fmt.Errorf("reason is missing: say why, it goes into the audit: %w", revocation.ErrInvalid)
	}
	if err := checkPerson(order.Person); err != nil {
		return revocation.Job{}, err
	}
	lane, err := laneOf(order.Lane)
	if err != nil {
		return revocation.Job{}, err
	}
	now := o.now()
	scope := revocation.Scope{OAuthTokens: true, ForgetDevices: true}
	signal := revocation.DeriveID("sig", byHand, org, order.Person.Value, now.Format(time.RFC3339Nano))
	return revocation.Job{
		ID: revocation.JobID(org, signal, scope), Org: org, Lane: lane, Person: order.Person, Scope: scope,
		Rule: byHand, Reason: order.Reason, Type: byHand, Signal: signal, Source: byHand,
		Occurred: now, Received: now, Enqueued: now,
	}, nil
}

func (o *operator) orgOf(name string) (string, error) {
	if name == "" && len(o.orgs) == 1 {
		return o.orgs[0], nil
	}
	if slices.Contains(o.orgs, name) {
		return name, nil
	}
	return "", fmt.Errorf("org %.64q is none of %q: %w", name, o.orgs, revocation.ErrInvalid)
}

func checkPerson(person revocation.Person) error {
	switch person.Kind {
	case revocation.PersonOktaID:
		if _, err := okta.ParseUserID(person.Value); err != nil {
			return fmt.Errorf("%w: %w", err, revocation.ErrInvalid)
		}
		return nil
	case revocation.PersonLogin:
		if person.IsZero() {
			return fmt.Errorf("person is missing: %w", revocation.ErrInvalid)
		}
		return nil
	default:
		return fmt.Errorf("person kind %.32q is none of okta_id, login: %w", person.Kind, revocation.ErrInvalid)
	}
}

func laneOf(lane revocation.Lane) (revocation.Lane, error) {
	if lane == "" {
		return revocation.LaneCritical, nil
	}
	if slices.Contains(revocation.Lanes(), lane) {
		return lane, nil
	}
	return "", fmt.Errorf("lane %.32q is none of %q: %w", lane, revocation.Lanes(), revocation.ErrInvalid)
}

// Cancel finishes a pending job without acting on it. A worker that has the job in
// hand at this moment may still act.
func (o *operator) Cancel(ctx context.Context, id, reason string) (revocation.JobState, error) {
	state, err := o.jobs.Show(ctx, id)
	if err != nil {
		return revocation.JobState{}, fmt.Errorf("cancel: %w", err)
	}
	if state.State != revocation.StatePending {
		return revocation.JobState{}, notPending(state)
	}
	if err := o.record(ctx, "cancel", id, reason); err != nil {
		return revocation.JobState{}, err
	}
	now := o.now()
	record := revocation.Record{
		ID: revocation.DeriveID("aud", id, "cancel"), Job: state.Job, Outcome: revocation.OutcomeRefused,
		Reason: "cancelled by an operator: " + reason, Began: now, Ended: now,
	}
	if _, err := o.ledger.Commit(ctx, record); err != nil {
		return revocation.JobState{}, fmt.Errorf("cancel: %w", err)
	}
	if _, err := o.audit.Append(ctx, record); err != nil {
		return revocation.JobState{}, fmt.Errorf("cancel: %w", err)
	}
	return o.jobs.Show(ctx, id)
}

// notPending says why a job cannot be cancelled. One that is held has no record yet, and
// neither has one that nobody decided about in time.
func notPending(state revocation.JobState) error {
	switch {
	case state.State == revocation.StateHeld:
		return fmt.Errorf("the job is held: reject its hold (`sever holds list`): %w", revocation.ErrInvalid)
	case state.Record == nil:
		return fmt.Errorf("the job is not pending but %s: %w", state.State, revocation.ErrInvalid)
	default:
		return fmt.Errorf("the job is not pending but %s, as %s: %w", state.State, state.Record.Outcome, revocation.ErrInvalid)
	}
}

// Redrive sends a dead letter on its way again, then removes it. A crash between
// the two leaves the letter: redriving it twice does no harm.
func (o *operator) Redrive(ctx context.Context, id string) error {
	letter, err := o.letters.Show(ctx, id)
	if err != nil {
		return fmt.Errorf("redrive: %w", err)
	}
	if err := o.record(ctx, "redrive", id, ""); err != nil {
		return err
	}
	if err := o.sendAgain(ctx, letter); err != nil {
		return fmt.Errorf("redrive: %w", err)
	}
	return o.letters.Remove(ctx, id)
}

func (o *operator) sendAgain(ctx context.Context, letter revocation.DeadLetter) error {
	switch {
	case letter.Job != nil:
		job := *letter.Job
		job.Redrives++
		job.Enqueued = o.now()
		_, err := o.jobs.Publish(ctx, job)
		return err
	case letter.Delivery != nil:
		delivery := *letter.Delivery
		delivery.Redrives++
		return o.log.Append(ctx, delivery)
	default:
		return fmt.Errorf("it holds bytes that could not be read back; show it, then drop it: %w", revocation.ErrInvalid)
	}
}

// Drop removes a dead letter for good.
func (o *operator) Drop(ctx context.Context, id, reason string) error {
	if _, err := o.letters.Show(ctx, id); err != nil {
		return fmt.Errorf("drop: %w", err)
	}
	if err := o.record(ctx, "drop", id, reason); err != nil {
		return err
	}
	return o.letters.Remove(ctx, id)
}

func (o *operator) record(ctx context.Context, verb, target, reason string) error {
	return o.recordBy(ctx, verb, target, reason, "")
}

// recordBy leaves evidence of what was done and of who said so.
func (o *operator) recordBy(ctx context.Context, verb, target, reason, by string) error {
	now := o.now()
	err := o.audit.AppendAction(ctx, revocation.Action{
		ID: revocation.DeriveID("act", verb, target, strconv.FormatInt(now.UnixNano(), 10)),
		At: now, Verb: verb, Target: target, Reason: reason, By: by,
	})
	if err != nil {
		return fmt.Errorf("put the %s on record: %w", verb, err)
	}
	return nil
}
