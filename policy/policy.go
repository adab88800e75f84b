// Package policy says what a signal deserves. It is a pure function of the signal:
// no I/O, no clock. What it decides is a value with the name of the rule that
// decided, so that it can be logged, tested and explained.
package policy

import (
	"slices"

	"sever/revocation"
)

// Decision is what a signal deserves.
type Decision struct {
	Revoke bool   // else the signal is ignored, which is counted and not an error
	Rule   string // the rule that decided
	Lane   revocation.Lane
	Scope  revocation.Scope
}

// Rule asks for a revocation on account of some signals.
type Rule struct {
	Name  string
	Lane  revocation.Lane
	Scope revocation.Scope

	matches func(revocation.Signal) bool
}

// NoRule names the decision on signals that no rule asks for.
const NoRule = "no_rule"

// Policy is an ordered list of rules; the first that matches decides.
type Policy struct{ rules []Rule }

// Decide gives what a signal deserves.
func (p Policy) Decide(signal revocation.Signal) Decision {
	for _, rule := range p.rules {
		if rule.matches(signal) {
			return Decision{Revoke: true, Rule: rule.Name, Lane: rule.Lane, Scope: rule.Scope}
		}
	}
	return Decision{Rule: NoRule}
}

// full takes away all that Okta can: both flags are always sent, since their
// defaults differ by org.
// Everything that Sever can end.
var full = revocation.Scope{OAuthTokens: true, ForgetDevices: true} //nolint:gochecknoglobals // a constant struct

// BuiltIn is the policy that ships with Sever, for Okta's own events.
func BuiltIn() Policy {
	return Policy{rules: []Rule{
		{
			Name: "reported_suspicious_activity", Lane: revocation.LaneCritical, Scope: full,
			matches: ofType("user.account.report_suspicious_activity_by_enduser"),
		},
		{
			Name: "risk_high", Lane: revocation.LaneCritical, Scope: full,
			matches: func(signal revocation.Signal) bool { return signal.Risk == "HIGH" },
		},
		{
			Name: "suspended", Lane: revocation.LaneCritical, Scope: full,
			matches: ofType("user.lifecycle.suspend"),
		},
		{
			Name: "deactivated", Lane: revocation.LaneHigh, Scope: full,
			matches: ofType("user.lifecycle.deactivate"),
		},
		{
			Name: "deleted", Lane: revocation.LaneHigh, Scope: full,
			matches: ofType("user.lifecycle.delete.initiated"),
		},
		{
			Name: "alert_critical", Lane: revocation.LaneCritical, Scope: full,
			matches: ofKind(revocation.KindAlert, revocation.SeverityCritical),
		},
		{
			// An alert that says nothing of its severity was sent on purpose.
			Name: "alert", Lane: revocation.LaneHigh, Scope: full,
			matches: ofKind(revocation.KindAlert, revocation.SeverityHigh, ""),
		},
		{
			Name: "credential_compromised", Lane: revocation.LaneCritical, Scope: full,
			matches: ofKind(revocation.KindCredentialCompromise),
		},
		{
			Name: "account_disabled", Lane: revocation.LaneCritical, Scope: full,
			matches: ofKind(revocation.KindAccountDisabled),
		},
		{
			Name: "session_revoked_elsewhere", Lane: revocation.LaneHigh, Scope: full,
			matches: ofKind(revocation.KindSessionRevoked),
		},
		{
			Name: "risk", Lane: revocation.LaneCritical, Scope: full,
			matches: ofKind(revocation.KindRisk, revocation.SeverityCritical, revocation.SeverityHigh),
		},
		{
			Name: "terminated", Lane: revocation.LaneHigh, Scope: full,
			matches: ofKind(revocation.KindTermination),
		},
	}}
}

// ofKind matches signals of a kind and, where severities are named, of one of these.
func ofKind(kind revocation.Kind, severities ...revocation.Severity) func(revocation.Signal) bool {
	return func(signal revocation.Signal) bool {
		return signal.Kind == kind && (len(severities) == 0 || slices.Contains(severities, signal.Severity))
	}
}

func ofType(want string) func(revocation.Signal) bool {
	return func(signal revocation.Signal) bool { return signal.Type == want }
}
