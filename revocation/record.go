package revocation

import (
	"strconv"
	"time"
)

// Outcome is how one attempt at a job ended.
type Outcome string

// The outcomes. Revoked, covered, gone and refused finish a job for good; failed
// is tried again; held comes back when its hold is released; dead waits for an operator.
const (
	OutcomeRevoked Outcome = "revoked" // Okta answered 204
	OutcomeCovered Outcome = "covered" // a revocation begun after the job's receipt already did it
	OutcomeGone    Outcome = "gone"    // Okta has no such active user any more
	OutcomeRefused Outcome = "refused" // protected person, or dry run: no call was made
	OutcomeFailed  Outcome = "failed"  // will be tried again
	OutcomeHeld    Outcome = "held"    // put aside as a hold
	OutcomeDead    Outcome = "dead"    // put aside as a dead letter
)

// Finishes reports whether the outcome ends the job for good, so that a
// duplicate of it must never act.
func (o Outcome) Finishes() bool {
	switch o {
	case OutcomeRevoked, OutcomeCovered, OutcomeGone, OutcomeRefused:
		return true
	case OutcomeFailed, OutcomeHeld, OutcomeDead:
		return false
	default:
		return false
	}
}

// Record is the evidence of one attempt: who, why, what was done, and what Okta
// answered. The same value goes to the ledger and to the audit.
type Record struct {
	ID      string  `json:"id"` // derived from job, redrive, attempt and Began
	Job     Job     `json:"job"`
	Attempt int     `json:"attempt"` // 1 for the first time the job was taken
	Outcome Outcome `json:"outcome"`
	Reason  string  `json:"reason"`
	User    string  `json:"user,omitempty"` // the resolved Okta user id

	// CoveredBy is the id of the job whose revocation covers this one.
	CoveredBy string `json:"covered_by,omitempty"`

	Began time.Time `json:"began"` // before the call was sent, our clock
	Ended time.Time `json:"ended"`
	Call  *Call     `json:"call,omitempty"` // nil when Okta was not called
	Retry time.Time `json:"retry,omitzero"` // when a failed job is tried again
}

// Call is what is known of one call to Okta.
type Call struct {
	Status    int    `json:"status,omitempty"` // 0 when no answer came
	Code      string `json:"code,omitempty"`   // such as E0000047
	RequestID string `json:"request_id,omitempty"`
	// Everywhere is the second call, for the global token revocation, where the job asks for it.
	Everywhere *Call `json:"everywhere,omitempty"`
}

// recordID tells attempts apart by when they began, too: the queue's count of
// deliveries can get lost in a crash, and of two records with one id the audit
// would keep the first only.
func recordID(job Job, attempt int, began time.Time) string {
	return DeriveID("aud", job.ID, strconv.Itoa(job.Redrives), strconv.Itoa(attempt), began.UTC().Format(time.RFC3339Nano))
}

// Clears reports whether the record shows that its user had no sessions left at
// Began: they were revoked, or there was no such active user. One who could not
// even be looked up has no User, and the record shows nothing of anybody.
func (r Record) Clears() bool {
	return r.User != "" && (r.Outcome == OutcomeRevoked || r.Outcome == OutcomeGone)
}

// Covered reports whether newest, the newest record that Clears the job's person,
// already did what the job asks for: it was of at least the job's scope and began
// after the job's delivery was received. margin is how far the clocks of the hosts
// that receive and that work may be apart.
func Covered(job Job, newest Record, margin time.Duration) bool {
	if !newest.Clears() || !newest.Began.After(job.Received.Add(margin)) {
		return false
	}
	return newest.Outcome == OutcomeGone ||
		newest.Job.Scope.Includes(job.Scope) && (newest.Job.Everywhere || !job.Everywhere)
}
