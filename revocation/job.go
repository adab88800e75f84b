package revocation

import (
	"strconv"
	"time"
)

// Lane is how urgent a job is. Lanes are served strictly in the order of Lanes.
type Lane string

// The lanes, most urgent first.
const (
	LaneCritical Lane = "critical"
	LaneHigh     Lane = "high"
	LaneNormal   Lane = "normal"
	LaneBulk     Lane = "bulk"
)

// Lanes lists every lane, most urgent first.
func Lanes() []Lane { return []Lane{LaneCritical, LaneHigh, LaneNormal, LaneBulk} }

// Mode is what a rule lets be done.
type Mode string

// The modes.
const (
	ModeEnforce Mode = "enforce"
	ModeDryRun  Mode = "dry_run" // everything but the call; the audit says so
	ModeApprove Mode = "approve" // held until an operator approves
)

// Scope is what a revocation takes away beside the Okta sessions themselves.
type Scope struct {
	OAuthTokens   bool `json:"oauth_tokens"`   // OIDC and OAuth refresh and access tokens
	ForgetDevices bool `json:"forget_devices"` // remembered factors on all devices
}

// Includes reports whether a revocation of scope s takes away at least what
// other asks for.
func (s Scope) Includes(other Scope) bool {
	return (s.OAuthTokens || !other.OAuthTokens) && (s.ForgetDevices || !other.ForgetDevices)
}

// Job is one revocation to be done: one person, one action.
type Job struct {
	ID     string `json:"id"` // derived from org, signal and scope
	Org    string `json:"org"`
	Lane   Lane   `json:"lane"`
	Person Person `json:"person"`
	Scope  Scope  `json:"scope"`
	Rule   string `json:"rule"`             // which rule asked for it
	Mode   Mode   `json:"mode,omitempty"`   // what the rule lets be done; "" is ModeEnforce
	Policy string `json:"policy,omitempty"` // version of the policy that decided
	// Everywhere asks for Okta's global token revocation beside the end of the sessions.
	Everywhere bool `json:"everywhere,omitempty"`
	// Again asks for a second look: to be revoked once more so long after the first time.
	Again    time.Duration `json:"again,omitempty"`
	Reason   string        `json:"reason,omitempty"` // what an operator wrote, for jobs by hand
	Type     string        `json:"type"`             // the signal's type
	Signal   string        `json:"signal,omitempty"`
	Delivery string        `json:"delivery,omitempty"`
	Source   string        `json:"source"`
	Occurred time.Time     `json:"occurred,omitzero"`

	// Received is when the delivery arrived, or when what it announced took effect: a
	// revocation begun after it covers the job.
	Received time.Time `json:"received"`
	// Effective is the date that the job was held for, if it was. The person's status is
	// read again before the call.
	Effective time.Time `json:"effective,omitzero"`
	// Enqueued is when the job was last put on its lane; a redrive renews it. Giving
	// up is counted from here, so that a redriven job gets its full time again.
	Enqueued time.Time `json:"enqueued"`
	// Approved says that an operator let the job go after it was held: neither the brake nor the
	// mode approve holds it once more.
	Approved bool `json:"approved,omitempty"`
	// Redrives counts how often an operator put the job back.
	Redrives int `json:"redrives,omitempty"`
}

// NewJob makes the job that a rule asks for on account of a signal.
func NewJob(signal Signal, rule string, lane Lane, scope Scope) Job {
	return Job{
		ID:       JobID(signal.Org, signal.ID, scope),
		Org:      signal.Org,
		Lane:     lane,
		Person:   signal.Person,
		Scope:    scope,
		Rule:     rule,
		Type:     signal.Type,
		Signal:   signal.ID,
		Delivery: signal.Delivery,
		Source:   signal.Source,
		Occurred: signal.Occurred,
		Received: signal.Received,
		Enqueued: signal.Received,
	}
}

// JobID names the job of a signal in an org. It leaves out when and by which
// delivery the signal came, so a duplicate gives the same job.
func JobID(org, signal string, scope Scope) string {
	return DeriveID("job", org, signal,
		strconv.FormatBool(scope.OAuthTokens), strconv.FormatBool(scope.ForgetDevices))
}
