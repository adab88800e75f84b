package source

import "slices"

// position is where an Okta event names the person it affects.
type position int

const (
	inTarget position = iota // the targets of type User; the actor is then an admin or an app, never the person
	inActor                  // the actor
)

// oktaType says how to read one type of event.
type oktaType struct {
	person position
	// outcomes are the results that count; none means any. A suspension that failed
	// must not revoke.
	outcomes []string
	// riskIsPersons says that the event's risk level is that of the affected person. In
	// most types that name a target, it is that of the admin's own request instead.
	riskIsPersons bool
}

// oktaTypes is whom each type of event affects. Sources: Okta's event type
// catalogue 2026.08.1 (https://developer.okta.com/docs/reference/api/event-types/)
// and, where that has no schema, its page on Identity Threat Protection events and
// captured payloads. A type that is not here is never acted on.
func oktaTypes() map[string]oktaType {
	done := []string{"SUCCESS"}
	lifecycle := oktaType{person: inTarget, outcomes: done}
	ofTarget := oktaType{person: inTarget}
	return map[string]oktaType{
		"user.lifecycle.suspend":          lifecycle,
		"user.lifecycle.deactivate":       lifecycle,
		"user.lifecycle.delete.initiated": lifecycle, // position inferred from its siblings
		"user.lifecycle.create":           lifecycle,
		"user.lifecycle.activate":         lifecycle,
		"user.lifecycle.reactivate":       lifecycle,
		"user.lifecycle.unsuspend":        lifecycle,

		"user.account.report_suspicious_activity_by_enduser": ofTarget,
		"user.account.lock":                {person: inActor}, // its outcome is FAILURE by design
		"user.account.reset_password":      lifecycle,
		"user.account.update_password":     lifecycle,
		"user.account.privilege.grant":     lifecycle,
		"user.account.privilege.revoke":    lifecycle,
		"user.mfa.factor.activate":         lifecycle,
		"user.mfa.factor.update":           lifecycle,
		"user.mfa.factor.suspend":          lifecycle,
		"user.mfa.factor.deactivate":       lifecycle,
		"user.mfa.factor.reset_all":        lifecycle,
		"group.user_membership.remove":     lifecycle,
		"policy.auth_reevaluate.fail":      ofTarget,
		"user.risk.detect":                 {person: inTarget, riskIsPersons: true},
		"user.risk.change":                 {person: inTarget, riskIsPersons: true}, // the older name of the same
		"user.session.context.change":      {person: inTarget, riskIsPersons: true},
		"user.session.start":               {person: inActor, outcomes: done, riskIsPersons: true},
		"user.authentication.auth_via_mfa": {person: inActor, outcomes: done, riskIsPersons: true},

		"security.breached_credential.detected": {person: inActor},
	}
}

// oktaEchoes are what a revocation itself makes Okta log: they confirm one and must
// never cause one, or every revocation would cause the next.
func oktaEchoes() map[string]bool {
	return map[string]bool{
		"user.session.clear":                             true,
		"user.session.end":                               true,
		"user.authentication.universal_logout":           true,
		"user.authentication.universal_logout.scheduled": true,
	}
}

// OktaHookEvents are the types an event hook needs to subscribe to: those the built-in
// policy acts on, whatever their risk, and those that carry the risk of the affected
// person. Sorted.
func OktaHookEvents() []string {
	events := []string{
		"user.account.report_suspicious_activity_by_enduser",
		"user.lifecycle.deactivate",
		"user.lifecycle.delete.initiated",
		"user.lifecycle.suspend",
	}
	for name, kind := range oktaTypes() {
		if kind.riskIsPersons {
			events = append(events, name)
		}
	}
	slices.Sort(events)
	return events
}
