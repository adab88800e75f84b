package ssf

import (
	"strconv"
	"strings"

	"sever/revocation"
)

// Why an event is no signal, beside source.SkippedUnknownType and source.SkippedEcho.
const (
	SkippedLifecycle = "lifecycle" // about the stream, not about a person
	SkippedNotAlert  = "not_alert" // good news, such as a device that complies again
)

// Where the event types live.
const (
	caepTypes = "https://schemas.openid.net/secevent/caep/event-type/"
	riscTypes = "https://schemas.openid.net/secevent/risc/event-type/"
	ssfTypes  = "https://schemas.openid.net/secevent/ssf/event-type/"
	sseTypes  = "https://schemas.openid.net/secevent/sse/event-type/" // drafts of the framework
	oktaTypes = "https://schemas.okta.com/secevent/okta/event-type/"
)

// DefaultEvents are the event types to ask a transmitter for.
func DefaultEvents() []string {
	return []string{
		caepTypes + "session-revoked", caepTypes + "credential-change",
		riscTypes + "account-disabled", riscTypes + "credential-compromise",
	}
}

// meaning is what an event of a known type says.
type meaning struct {
	kind     revocation.Kind
	severity revocation.Severity
	risk     string // LOW, MEDIUM or HIGH, as Okta writes it
	skip     string // why it is no signal
	nobody   string // why it is about no person, whatever its subject is
}

// meanings tell for each event type how its payload is read. Types that are not here mean
// nothing to Sever: session-established and -presented, token-claims-change, identifier
// and recovery changes, account-enabled.
func meanings() map[string]func(object) meaning {
	return map[string]func(object) meaning{
		caepTypes + "session-revoked":          always(meaning{kind: revocation.KindSessionRevoked}),
		caepTypes + "credential-change":        always(meaning{kind: revocation.KindCredentialChange}),
		caepTypes + "device-compliance-change": deviceCompliance,
		caepTypes + "risk-level-change":        riskLevel,
		caepTypes + "assurance-level-change":   assuranceLevel,

		riscTypes + "account-disabled":                   accountDisabled,
		riscTypes + "account-purged":                     always(meaning{kind: revocation.KindAccountDisabled, severity: revocation.SeverityHigh}),
		riscTypes + "account-credential-change-required": always(meaning{kind: revocation.KindCredentialCompromise}),
		riscTypes + "credential-compromise":              always(meaning{kind: revocation.KindCredentialCompromise}),
		riscTypes + "sessions-revoked":                   always(meaning{kind: revocation.KindSessionRevoked}),

		oktaTypes + "user-risk-change":   riskLevel,
		oktaTypes + "device-risk-change": riskLevel,

		ssfTypes + "verification":    always(meaning{skip: SkippedLifecycle}),
		ssfTypes + "stream-updated":  always(meaning{skip: SkippedLifecycle}),
		sseTypes + "verification":    always(meaning{skip: SkippedLifecycle}),
		sseTypes + "stream-updated":  always(meaning{skip: SkippedLifecycle}),
		riscTypes + "verification":   always(meaning{skip: SkippedLifecycle}),
		riscTypes + "stream-updated": always(meaning{skip: SkippedLifecycle}),
	}
}

func always(said meaning) func(object) meaning { return func(object) meaning { return said } }

// deviceCompliance is CAEP 1.0, 3.5.
func deviceCompliance(payload object) meaning {
	if payload.text("current_status") != "not-compliant" {
		return meaning{skip: SkippedNotAlert}
	}
	return meaning{kind: revocation.KindRisk, severity: revocation.SeverityHigh}
}

// assuranceLevel is CAEP 1.0, 3.4.
func assuranceLevel(payload object) meaning {
	if payload.text("change_direction") != "decrease" {
		return meaning{skip: SkippedNotAlert}
	}
	return meaning{kind: revocation.KindRisk, severity: revocation.SeverityMedium}
}

// accountDisabled is RISC 1.0, 2.3: hijacking, bulk-account, or no reason.
func accountDisabled(payload object) meaning {
	said := meaning{kind: revocation.KindAccountDisabled, severity: revocation.SeverityHigh}
	if payload.text("reason") == "hijacking" {
		said.severity = revocation.SeverityCritical
	}
	return said
}

// riskLevel is CAEP 1.0, 3.8, and Okta's user- and device-risk-change. A level that neither
// knows is a risk without a severity, which is for the policy's rules to judge.
func riskLevel(payload object) meaning {
	said := meaning{kind: revocation.KindRisk}
	switch level := strings.ToUpper(payload.text("current_level")); level {
	case "HIGH":
		said.severity, said.risk = revocation.SeverityHigh, level
	case "MEDIUM":
		said.severity, said.risk = revocation.SeverityMedium, level
	case "LOW":
		said.severity, said.risk = revocation.SeverityLow, level
	case "NONE", "SECURE":
		return meaning{skip: SkippedNotAlert}
	}
	switch strings.ToUpper(payload.text("principal")) {
	case "", "USER", "DEVICE", "SESSION":
	default:
		said.nobody = "the risk is that of a tenant, a unit or a group, not of a person"
	}
	return said
}

// maxTypeText caps an event type in signals, logs and metrics.
const maxTypeText = 100

// shortType is an event type as people say it: caep/session-revoked. Types from elsewhere
// stay as they are, so that none can pass for one of these.
func shortType(uri string) string {
	for prefix, family := range map[string]string{
		caepTypes: "caep/", riscTypes: "risc/", ssfTypes: "ssf/", sseTypes: "sse/", oktaTypes: "okta/",
	} {
		if name, found := strings.CutPrefix(uri, prefix); found {
			return bounded(family + name)
		}
	}
	return bounded(uri)
}

// bounded caps a text and makes it printable.
func bounded(text string) string {
	if len(text) > maxTypeText {
		text = strings.ToValidUTF8(text[:maxTypeText], "")
	}
	if quoted := strconv.QuoteToGraphic(text); quoted != `"`+text+`"` {
		return quoted
	}
	return text
}

// isVerification reports whether an event type is that of verification events.
func isVerification(uri string) bool {
	return uri == ssfTypes+"verification" || uri == sseTypes+"verification" || uri == riscTypes+"verification"
}
