package app

import (
	"context"
	"fmt"
	"time"

	"sever/internal/config"
	"sever/okta"
	"sever/policy"
	"sever/queue"
	"sever/revocation"
)

// protection is what policy.protected and policy.mode say.
func protection(settings config.Policy) policy.Protection {
	return policy.Protection{
		IDs: settings.Protected.IDs, Logins: settings.Protected.Logins, Groups: settings.Protected.Groups,
		Admins: settings.Protected.Admins, Held: settings.Protected.Outcome == "held", DryRun: settings.Mode == "dry_run",
	}
}

// brake opens the count of who was called, which all replicas share; nil without policy.brake.
func (a *App) brake(ctx context.Context) (revocation.Brake, error) { //nolint:ireturn // nil must be nil
	settings := a.config.Policy.Brake
	if settings == nil {
		return nil, nil //nolint:nilnil // no brake is no error
	}
	opened, err := a.queue.Brake(ctx, revocation.BrakeLimits{
		Per: settings.Per, Max: settings.Max, CriticalMax: settings.CriticalMax,
		SourceMax: settings.PerSource.Most(), RuleMax: settings.PerRule.Most(),
		Slack: a.config.Work.AttemptTimeout + a.config.Work.ClockMargin,
	})
	if err != nil {
		return nil, err
	}
	return opened, nil
}

func brakeHold(settings *config.Brake) time.Duration {
	if settings == nil {
		return 0
	}
	return settings.HoldFor
}

// asideHolds keeps the jobs that the work stage puts aside, as policy.approvals says.
type asideHolds struct {
	holds     *queue.Holds
	audit     *queue.Audit
	approvals config.Approvals
	now       func() time.Time
}

var _ revocation.Holds = asideHolds{}

// Hold stores a hold and then the evidence of it, once more where a crash came in between.
func (h asideHolds) Hold(ctx context.Context, hold revocation.Hold) error {
	hold = approvalsOf(h.approvals).Apply(hold)
	notice := revocation.Notice{Signal: hold.Job.Signal, Occurred: hold.Job.Occurred, Received: hold.Job.Received}
	var entry revocation.HoldEntry
	var outcome revocation.HoldOutcome
	err := h.holds.Change(ctx, hold.Key, func(e revocation.HoldEntry) (revocation.HoldEntry, bool) {
		entry, outcome = e.Put(hold, notice, h.now())
		return entry, outcome.Writes()
	})
	if err != nil {
		return fmt.Errorf("change hold %s: %w", hold.Key, err)
	}
	if outcome != revocation.HoldChanged && outcome != revocation.HoldRepeated {
		return nil // a late copy of a job that has gone further since
	}
	if err := h.audit.AppendAction(ctx, entry.Action); err != nil {
		return fmt.Errorf("put hold %s on record: %w", hold.Key, err)
	}
	return nil
}

var _ revocation.Everywhere = (*org)(nil)

// GroupsOf gives the groups of a user, as they were within the last minute.
func (o *org) GroupsOf(ctx context.Context, user string) ([]policy.Group, error) {
	if groups, known := o.groups.get(user); known {
		return groups, nil
	}
	id, err := okta.ParseUserID(user)
	if err != nil {
		return nil, invalid(err)
	}
	found, receipt, err := o.client.ListUserGroups(ctx, id)
	if err != nil {
		return nil, o.callError(err, receipt)
	}
	groups := make([]policy.Group, 0, len(found))
	for _, group := range found {
		groups = append(groups, policy.Group{ID: group.ID, Name: group.Name})
	}
	o.groups.put(user, groups)
	return groups, nil
}

// RevokeEverywhere starts Okta's global token revocation of the user.
func (o *org) RevokeEverywhere(ctx context.Context, user string) (revocation.Call, error) {
	id, err := okta.ParseUserID(user)
	if err != nil {
		return revocation.Call{}, invalid(err)
	}
	receipt, err := o.client.GlobalTokenRevocation(ctx, id)
	if err != nil {
		return revocation.Call{}, o.callError(err, receipt)
	}
	return revocation.Call{Status: receipt.Status, RequestID: receipt.RequestID}, nil
}
