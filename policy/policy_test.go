package policy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sever/policy"
	"sever/revocation"
)

func TestBuiltIn(t *testing.T) {
	t.Parallel()
	builtIn := policy.BuiltIn()
	revoke := func(rule string, lane revocation.Lane) policy.Decision {
		return policy.Decision{
			Revoke: true, Rule: rule, Lane: lane, Scope: revocation.Scope{OAuthTokens: true, ForgetDevices: true},
			Version: builtIn.Version(),
		}
	}
	ignore := policy.Decision{Rule: policy.NoRule, Version: builtIn.Version()}
	reported := revoke("reported_suspicious_activity", revocation.LaneCritical)
	risky := revoke("risk_high", revocation.LaneCritical)
	suspended := revoke("suspended", revocation.LaneCritical)
	deactivated := revoke("deactivated", revocation.LaneHigh)
	deleted := revoke("deleted", revocation.LaneHigh)
	for _, tt := range []struct {
		eventType string
		calm      policy.Decision // any risk but HIGH
		high      policy.Decision
	}{
		{"user.account.report_suspicious_activity_by_enduser", reported, reported},
		{"user.lifecycle.suspend", suspended, risky},
		{"user.lifecycle.deactivate", deactivated, risky},
		{"user.lifecycle.delete.initiated", deleted, risky},
		{"user.session.start", ignore, risky},
		{"user.session.context.change", ignore, risky},
		{"user.risk.detect", ignore, risky},
		{"user.risk.change", ignore, risky},
		{"user.authentication.auth_via_mfa", ignore, risky},
		{"user.lifecycle.create", ignore, risky},
		{"user.lifecycle.activate", ignore, risky},
		{"user.lifecycle.reactivate", ignore, risky},
		{"user.lifecycle.unsuspend", ignore, risky},
		{"user.account.lock", ignore, risky},
		{"user.account.privilege.grant", ignore, risky},
		{"user.mfa.factor.reset_all", ignore, risky},
		{"security.breached_credential.detected", ignore, risky},
		{"USER.LIFECYCLE.SUSPEND", ignore, risky},
		{"user.lifecycle.suspend ", ignore, risky},
		{"user.lifecycle.suspended", ignore, risky},
		{"user.lifecycle", ignore, risky},
		{"", ignore, risky},
	} {
		for _, risk := range []string{"", "LOW", "MEDIUM", "high", "High", "HIGH ", "CRITICAL", "UNKNOWN"} {
			require.Equal(t, tt.calm, builtIn.Decide(revocation.Signal{Type: tt.eventType, Risk: risk}), "%q %q", tt.eventType, risk)
		}
		require.Equal(t, tt.high, builtIn.Decide(revocation.Signal{Type: tt.eventType, Risk: "HIGH"}), "%q HIGH", tt.eventType)
	}
}

// What a signal deserves depends on its type and risk alone.
func TestDecideLooksAtNothingElse(t *testing.T) {
	t.Parallel()
	bare := revocation.Signal{Type: "user.lifecycle.suspend"}
	full := revocation.Signal{
		ID: "sig", Delivery: "dlv", Source: "okta", Org: "acme", Type: "user.lifecycle.suspend",
		Person: revocation.Person{Kind: revocation.PersonOktaID, Value: "00uada00000000000001"}, NoPerson: "why",
	}
	builtIn := policy.BuiltIn()
	require.Equal(t, builtIn.Decide(bare), builtIn.Decide(full))
}

func TestZeroPolicyRevokesNothing(t *testing.T) {
	t.Parallel()
	require.Equal(t, policy.Decision{Rule: policy.NoRule},
		policy.Policy{}.Decide(revocation.Signal{Type: "user.lifecycle.suspend", Risk: "HIGH"}))
}

// What senders other than Okta tell of is decided by kind and severity alone.
func TestBuiltInForKinds(t *testing.T) {
	t.Parallel()
	builtIn := policy.BuiltIn()
	all := []revocation.Severity{"", "critical", "high", "medium", "low", "info", "unheard of"}
	for kind, rules := range map[revocation.Kind]map[revocation.Severity]string{
		revocation.KindAlert:                {"critical": "alert_critical", "high": "alert", "": "alert"},
		revocation.KindCredentialCompromise: always("credential_compromised", all),
		revocation.KindAccountDisabled:      always("account_disabled", all),
		revocation.KindSessionRevoked:       always("session_revoked_elsewhere", all),
		revocation.KindTermination:          always("terminated", all),
		revocation.KindRisk:                 {"critical": "risk", "high": "risk"},
		revocation.KindCredentialChange:     {},
		revocation.KindWithdrawal:           {},
		"unheard of":                        {},
		"":                                  {},
	} {
		for _, severity := range all {
			decision := builtIn.Decide(revocation.Signal{Kind: kind, Severity: severity, Type: "a sender's word"})
			want := rules[severity]
			require.Equal(t, want != "", decision.Revoke, "%q %q", kind, severity)
			if want == "" {
				want = policy.NoRule
			}
			require.Equal(t, want, decision.Rule, "%q %q", kind, severity)
			require.Equal(t, decision.Revoke, decision.Scope == revocation.Scope{OAuthTokens: true, ForgetDevices: true})
		}
	}
	require.Equal(t, revocation.LaneCritical, builtIn.Decide(revocation.Signal{Kind: revocation.KindAlert, Severity: "critical"}).Lane)
	require.Equal(t, revocation.LaneHigh, builtIn.Decide(revocation.Signal{Kind: revocation.KindTermination}).Lane)
}

func always(rule string, severities []revocation.Severity) map[revocation.Severity]string {
	rules := make(map[revocation.Severity]string)
	for _, severity := range severities {
		rules[severity] = rule
	}
	return rules
}
