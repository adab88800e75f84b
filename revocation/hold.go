package revocation

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// Hold is a job that waits: for a date, and for whatever else keeps jobs back. There is
// at most one of a key; a later one replaces it.
type Hold struct {
	Key    string `json:"key"`    // derived; see HoldKey and JobHoldKey
	Why    string `json:"why"`    // one of the HeldFor words
	Reason string `json:"reason"` // one line for a person
	Job    Job    `json:"job"`
	User   string `json:"user,omitempty"` // the job's person as an Okta user id, where the work stage found it
	// Due is when the job is released by itself; zero means only by an operator.
	Due time.Time `json:"due,omitzero"`
	// Expires is when a hold without Due is put aside as a dead letter; zero means never.
	Expires time.Time `json:"expires,omitzero"`
	Held    time.Time `json:"held"` // since when
	// People is how many operators must approve; 0 is one.
	People    int        `json:"people,omitempty"`
	Approvals []Approval `json:"approvals,omitempty"` // so far
}

// Approval is one operator's word that a held job may go.
type Approval struct {
	By string    `json:"by,omitempty"` // in their own words
	At time.Time `json:"at"`
}

// Why the dispatch stage keeps a job back; the work stage has its own words.
const (
	HeldForDate  = "effective_date" // a termination with a date to come
	HeldForDelay = "delay"          // its rule lets it wait a while
)

// ErrHoldsFull says that there is no room for one more hold.
var ErrHoldsFull = errors.New("the holds have no room for a new one: raise store.max_size, or reject some (`sever holds list`)")

// HoldKey names the one termination that a source can have announced of a person.
// Okta tells neither logins nor addresses apart by case, so their case does not count.
func HoldKey(org, source string, person Person) string {
	value := person.Value
	if person.Kind == PersonLogin || person.Kind == PersonEmail {
		value = strings.ToLower(value)
	}
	return DeriveID("hold", org, source, string(person.Kind), person.Attribute, value)
}

// JobHoldKey names the hold of a job for what it is, not for the date of its person.
func JobHoldKey(job string) string { return DeriveID("hold", job) }

// IsOf reports whether the hold's job is about a person: named in the same way, or by the Okta id
// that was found for the name.
func (h Hold) IsOf(person Person) bool {
	return h.Job.Person == person || h.User != "" && person == Person{Kind: PersonOktaID, Value: h.User}
}

// Case tells the hold from others that its key stood for before, or will: what an operator
// says of one of them says nothing of the next. A job that time lets go and that is then held
// for the same reason is still the same case.
func (h Hold) Case() string {
	decided := "" // by operators, and held once more all the same
	if h.Job.Approved {
		decided = strconv.Itoa(h.Job.Redrives)
	}
	return DeriveID("case", h.Job.ID, h.Why, decided)
}

// HoldUntil makes the hold of a job until the date that its signal gives.
func HoldUntil(job Job, signal Signal, now time.Time) Hold {
	job.Effective = signal.Effective
	return Hold{
		Key: HoldKey(signal.Org, signal.Source, signal.Person), Why: HeldForDate,
		Reason: signal.Type + " takes effect at " + signal.Effective.UTC().Format(time.RFC3339),
		Job:    job, Due: signal.Effective, Held: now,
	}
}

// Wakes is when something is to become of the hold by itself: the job is released, or the
// hold expires. Zero means never.
func (h Hold) Wakes() time.Time {
	if h.Due.IsZero() {
		return h.Expires
	}
	return h.Due
}

// Missing is how many more operators must approve.
func (h Hold) Missing() int { return max(h.People, 1) - len(h.Approvals) }

// Release gives the job as it goes on its lane, for the work stage to take as new.
//
// A revocation that began before a date must not cover what was held for it, so the date
// is when it counts as received. What waited for anything else counts as received when the
// alert came: a revocation begun since did what it asks for.
//
// Only operators make a job Approved: one that time let go meets the brake and the
// protections like any other. Its mode alone does not hold it once more.
func (h Hold) Release(now time.Time) Job {
	job := h.Job
	job.Enqueued = now
	job.Approved = job.Approved || h.Missing() <= 0
	switch h.Why {
	case HeldForDate, HeldForSecondLook:
		job.Received = h.Due
	default:
		job.Redrives++ // the queue and the ledger may know the job from before it was held
	}
	if h.Why == HeldForApproval && !job.Approved {
		job.Mode = ModeEnforce
	}
	return job
}

// HoldState says what became of a hold.
type HoldState string

// The states of a hold. All but the first are ends.
const (
	HoldWaits     HoldState = "waits"
	HoldReleased  HoldState = "released"  // its job went on its lane
	HoldWithdrawn HoldState = "withdrawn" // its source called it off
	HoldRejected  HoldState = "rejected"  // an operator dropped it
	HoldExpired   HoldState = "expired"   // nobody decided in time; its job is a dead letter
)

// HoldEntry is what is known under a hold's key: the hold while it waits, and then for a
// while how it ended, so that an older announcement that comes late does not bring it
// back. The zero HoldEntry knows nothing.
type HoldEntry struct {
	Key    string    `json:"key"`
	Org    string    `json:"org"`
	Source string    `json:"source"`
	State  HoldState `json:"state"`
	// Hold is set while the job waits, after it was released or expired, and after a second
	// look was called off.
	Hold *Hold `json:"hold,omitempty"`
	// Round is how often the job had been put back when it was held: once put back again,
	// it may be held again.
	Round int `json:"round,omitempty"`
	// Notice is the newest that the source said.
	Notice Notice `json:"notice"`
	// Announced is the signal that the hold stands for, Effective its date.
	Announced string    `json:"announced,omitempty"`
	Effective time.Time `json:"effective,omitzero"`
	// Decided says that an operator approved or rejected this date: announced once more,
	// it stays as the operator left it.
	Decided bool `json:"decided,omitempty"`
	// Action is the evidence of the newest change.
	Action Action `json:"action"`
}

// Notice is a signal about a hold, as far as its place in time goes.
type Notice struct {
	Signal   string    `json:"signal"`
	Occurred time.Time `json:"occurred,omitzero"` // the sender's clock; zero where it does not say
	Received time.Time `json:"received"`          // ours
}

// NoticeOf is a signal's place in time.
func NoticeOf(signal Signal) Notice {
	return Notice{Signal: signal.ID, Occurred: signal.Occurred, Received: signal.Received}
}

// After reports whether n is newer than other: by the sender's clock where both have it,
// since deliveries come out of order; else by ours.
func (n Notice) After(other Notice) bool {
	if !n.Occurred.IsZero() && !other.Occurred.IsZero() && !n.Occurred.Equal(other.Occurred) {
		return n.Occurred.After(other.Occurred)
	}
	return n.Received.After(other.Received)
}

// Wake says that a hold's time has come. It says nothing of what is to be done: the hold
// may have been replaced or withdrawn since.
type Wake struct {
	Key   string
	Due   time.Time // the time that was set
	Lease Lease
}
