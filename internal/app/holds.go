package app

import (
	"context"
	"fmt"
	"time"

	"sever/handlers"
	"sever/internal/approval"
	"sever/internal/config"
	"sever/revocation"
)

// adminHolds is the operator's view of the jobs that wait.
type adminHolds struct{ *operator }

func (h adminHolds) List(ctx context.Context, why string, limit int) ([]revocation.Hold, error) {
	return h.holds.List(ctx, why, limit)
}

func (h adminHolds) Show(ctx context.Context, key string) (revocation.Hold, error) {
	return h.holds.Show(ctx, key)
}

// Decide ends the wait of a hold, or counts one of the approvals that it needs. Approved,
// its time is set to now, so that it is released as all are, once, however this ends.
func (h adminHolds) Decide(ctx context.Context, decision revocation.HoldDecision) (missing int, err error) {
	if decision.Reason == "" {
		return 0, fmt.Errorf("reason is missing: say why, it goes into the audit: %w", revocation.ErrInvalid)
	}
	hold, err := h.decidable(ctx, decision)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", decision.Verb, err)
	}
	if err := h.recordBy(ctx, decision.Verb, decision.Key, decision.Reason, decision.By); err != nil {
		return 0, err
	}
	if decision.Verb == revocation.VerbReject {
		if err := h.refuse(ctx, hold, decision); err != nil {
			return 0, fmt.Errorf("%s: %w", decision.Verb, err)
		}
	}
	var next revocation.HoldEntry
	var refused error
	err = h.holds.Change(ctx, decision.Key, func(e revocation.HoldEntry) (_ revocation.HoldEntry, differs bool) {
		next, refused = h.apply(e, decision)
		return next, refused == nil
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return 0, fmt.Errorf("%s: %w", decision.Verb, err)
	}
	if next.Hold == nil {
		return 0, nil
	}
	return max(next.Hold.Missing(), 0), nil
}

// decidable gives the hold that a decision is about, if it can be made: what cannot does
// not go on record as if it had been.
func (h adminHolds) decidable(ctx context.Context, decision revocation.HoldDecision) (revocation.Hold, error) {
	hold, err := h.holds.Show(ctx, decision.Key)
	if err != nil {
		return hold, err
	}
	entry := revocation.HoldEntry{Key: hold.Key, State: revocation.HoldWaits, Hold: &hold}
	if _, err := h.apply(entry, decision); err != nil {
		return hold, err
	}
	if decision.Verb == revocation.VerbReject {
		return hold, nil
	}
	finished, found, err := h.ledger.Finished(ctx, hold.Job.ID)
	if err != nil {
		return hold, fmt.Errorf("look for the job in the ledger: %w", err)
	}
	if found && hold.Why != revocation.HeldForDate {
		return hold, fmt.Errorf("its job is finished already, as %s: reject the hold: %w", finished.Outcome, revocation.ErrInvalid)
	}
	return hold, nil
}

func (h adminHolds) apply(entry revocation.HoldEntry, decision revocation.HoldDecision) (revocation.HoldEntry, error) {
	if decision.Case != "" && entry.Hold != nil && decision.Case != entry.Hold.Case() {
		return entry, fmt.Errorf("what was meant is not held any more, but something else is in its place: %w", revocation.ErrInvalid)
	}
	if decision.Verb == revocation.VerbReject {
		return entry.Reject()
	}
	return entry.Approve(decision.By, h.now())
}

// refuse finishes a rejected job in the ledger, before its hold ends: a copy of it that
// comes later, by another way than the hold, must not act. What was held for a date has
// its own memory of what was rejected.
func (h adminHolds) refuse(ctx context.Context, hold revocation.Hold, decision revocation.HoldDecision) error {
	if hold.Why == revocation.HeldForDate {
		return nil
	}
	finished, found, err := h.ledger.Finished(ctx, hold.Job.ID)
	if err != nil {
		return err
	}
	if found {
		_, err := h.audit.Append(ctx, finished) // by a try before, perhaps, that a crash cut short
		return err
	}
	now := h.now()
	record := revocation.Record{
		ID: revocation.DeriveID("aud", hold.Job.ID, hold.Key, "reject"), Job: hold.Job, Outcome: revocation.OutcomeRefused,
		Reason: "rejected by an operator: " + decision.Reason, Began: now, Ended: now,
	}
	if _, err := h.ledger.Commit(ctx, record); err != nil {
		return err
	}
	_, err = h.audit.Append(ctx, record)
	return err
}

// approvals is what operators are asked for before a held job goes.
func (a *App) approvals() revocation.Approvals { return approvalsOf(a.config.Policy.Approvals) }

func approvalsOf(settings config.Approvals) revocation.Approvals {
	return revocation.Approvals{
		People: settings.People, Expire: settings.Expire, Release: settings.OnExpiry == "release",
	}
}

// approvalLinks makes the signed links of notices; nil where there are none.
func (a *App) approvalLinks() (*approval.Links, error) {
	admin := a.config.Admin
	if admin.URL == "" || !admin.Token.IsSet() {
		return nil, nil //nolint:nilnil // off
	}
	return approval.New(admin.URL, admin.Token.Reveal(), a.options.Now)
}

// linkAge is for how long a signed link is good where holds do not expire sooner.
const linkAge = 7 * 24 * time.Hour

// noticeLinks makes the signed links that a notice carries for a hold; nil where there are
// none.
func (a *App) noticeLinks() (func(hold revocation.Hold) (approve, reject string), error) {
	links, err := a.approvalLinks()
	if links == nil {
		return nil, err
	}
	age := linkAge
	if expire := a.config.Policy.Approvals.Expire; expire > 0 {
		age = min(age, expire)
	}
	return func(hold revocation.Hold) (approve, reject string) {
		grant := approval.Grant{Hold: hold.Key, Case: hold.Case(), Verb: approval.Approve, Expires: a.options.Now().Add(age)}
		approve = links.Link(grant)
		grant.Verb = approval.Reject
		return approve, links.Link(grant)
	}, nil
}

// readLink reads what a signed link lets its holder do; nil where there are none.
func (a *App) readLink() (handlers.ReadLink, error) {
	links, err := a.approvalLinks()
	if links == nil {
		return nil, err
	}
	return func(token string) (handlers.LinkGrant, error) {
		grant, err := links.Read(token)
		return handlers.LinkGrant{Key: grant.Hold, Case: grant.Case, Verb: grant.Verb}, err
	}, nil
}
