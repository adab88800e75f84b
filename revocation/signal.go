package revocation

import "time"

// PersonKind says how a person is named.
type PersonKind string

// The ways a person can be named.
const (
	PersonOktaID PersonKind = "okta_id" // Okta's user id, checked by its strict pattern
	PersonLogin  PersonKind = "login"   // Okta's profile.login, or the email address of exactly one user
)

// Person names the human whose sessions are to end. The zero Person is nobody.
type Person struct {
	Kind  PersonKind `json:"kind"`
	Value string     `json:"value"`
}

// IsZero reports whether nobody is named.
func (p Person) IsZero() bool { return p.Value == "" }

// Signal is one fact about one person, decoded from a delivery.
type Signal struct {
	ID       string    `json:"id"` // derived from the sender's own event id and the person
	Delivery string    `json:"delivery"`
	Source   string    `json:"source"`
	Org      string    `json:"org"`
	Type     string    `json:"type"` // the sender's word, such as "user.lifecycle.suspend"
	Risk     string    `json:"risk,omitempty"`
	Occurred time.Time `json:"occurred,omitzero"` // the sender's clock
	Received time.Time `json:"received"`          // our clock

	// Person is zero when the event did not name exactly one; NoPerson then says why.
	Person   Person `json:"person,omitzero"`
	NoPerson string `json:"no_person,omitempty"`
}
