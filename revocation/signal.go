package revocation

import "time"

// PersonKind says how a person is named.
type PersonKind string

// The ways a person can be named.
const (
	PersonOktaID PersonKind = "okta_id" // Okta's user id, checked by its strict pattern
	PersonLogin  PersonKind = "login"   // Okta's profile.login, or the email address of exactly one user
	PersonEmail  PersonKind = "email"   // Okta's profile.email, of exactly one user
	// PersonAttribute is any other attribute of the Okta profile, of exactly one user.
	PersonAttribute PersonKind = "attribute"
)

// Person names the human whose sessions are to end. The zero Person is nobody.
type Person struct {
	Kind  PersonKind `json:"kind"`
	Value string     `json:"value"`
	// Attribute names the profile attribute, such as "employeeNumber", for PersonAttribute.
	Attribute string `json:"attribute,omitempty"`
}

// IsZero reports whether nobody is named.
func (p Person) IsZero() bool { return p.Value == "" }

// Kind is what a signal means, in one word for all senders.
type Kind string

// The kinds. Signals of an Okta event hook have none: their Type says it better.
const (
	KindAlert                Kind = "alert"                 // a detection about the person
	KindTermination          Kind = "termination"           // their employment ends, at Effective
	KindWithdrawal           Kind = "withdrawal"            // a termination announced before is called off
	KindAccountDisabled      Kind = "account_disabled"      // their account was closed elsewhere
	KindSessionRevoked       Kind = "session_revoked"       // their session was ended elsewhere
	KindCredentialCompromise Kind = "credential_compromise" //nolint:gosec // a word, not a credential: a credential of theirs is known to others
	KindCredentialChange     Kind = "credential_change"     //nolint:gosec // a word, not a credential: they, or an administrator, changed a credential
	KindRisk                 Kind = "risk"                  // how risky they are changed; see Severity
)

// Kinds lists every kind.
func Kinds() []Kind {
	return []Kind{
		KindAlert, KindTermination, KindWithdrawal, KindAccountDisabled, KindSessionRevoked,
		KindCredentialCompromise, KindCredentialChange, KindRisk,
	}
}

// Severity is how bad a signal is, in one word for all senders; "" where it is not said.
type Severity string

// The severities, worst first.
const (
	SeverityCritical Severity = "critical"
	SeverityHigh     Severity = "high"
	SeverityMedium   Severity = "medium"
	SeverityLow      Severity = "low"
	SeverityInfo     Severity = "info"
)

// Signal is one fact about one person, decoded from a delivery.
type Signal struct {
	ID       string    `json:"id"` // derived from the sender's own event id and the person
	Delivery string    `json:"delivery"`
	Source   string    `json:"source"`
	Org      string    `json:"org"`
	Type     string    `json:"type"` // the sender's word, such as "user.lifecycle.suspend"
	Kind     Kind      `json:"kind,omitempty"`
	Severity Severity  `json:"severity,omitempty"`
	Risk     string    `json:"risk,omitempty"`
	Occurred time.Time `json:"occurred,omitzero"` // the sender's clock
	Received time.Time `json:"received"`          // our clock

	// Effective is when a termination takes effect; zero means at once.
	Effective time.Time `json:"effective,omitzero"`

	// Person is zero when the event did not name exactly one; NoPerson then says why.
	Person   Person `json:"person,omitzero"`
	NoPerson string `json:"no_person,omitempty"`
}
