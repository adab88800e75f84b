package revocation

import (
	"strconv"
	"time"
)

// DeadLetter is something that could not be carried through and waits for an
// operator: an undecodable delivery, a signal without a person, a job that
// failed for good or grew too old. Exactly one of Delivery, Job and Raw is set.
type DeadLetter struct {
	ID     string    `json:"id"` // derived from origin and reason
	At     time.Time `json:"at"`
	Source string    `json:"source,omitempty"`
	Org    string    `json:"org,omitempty"`
	Reason string    `json:"reason"` // one line, printable, bounded

	Delivery *Delivery `json:"delivery,omitempty"` // redrive decodes it again
	Job      *Job      `json:"job,omitempty"`      // redrive puts it on its lane again
	Last     *Record   `json:"last,omitempty"`     // the last attempt at Job
	Raw      []byte    `json:"raw,omitempty"`      // a log entry that could not be read
}

// DeadDelivery puts a delivery aside. Its id counts redrives, so that a delivery
// that fails once more is a new letter.
func DeadDelivery(delivery Delivery, org, reason string, at time.Time) DeadLetter {
	return DeadLetter{
		ID: DeriveID("dead", delivery.ID, strconv.Itoa(delivery.Redrives), reason), At: at,
		Source: delivery.Source, Org: org, Reason: reason, Delivery: &delivery,
	}
}

// DeadJob puts a job aside together with its last attempt. Its id leaves out the
// attempt, so that a crash before the job is ended does not make a second letter.
func DeadJob(last Record, at time.Time) DeadLetter {
	return DeadLetter{
		ID: DeriveID("dead", last.Job.ID, strconv.Itoa(last.Job.Redrives)), At: at,
		Source: last.Job.Source, Org: last.Job.Org, Reason: last.Reason, Job: &last.Job, Last: &last,
	}
}

// DeadHold puts the job of a hold aside about which nobody decided in time. Redriven, it
// is held once more if there is still a reason to.
func DeadHold(hold Hold, at time.Time) DeadLetter {
	return DeadLetter{
		ID: DeriveID("dead", hold.Key, strconv.Itoa(hold.Job.Redrives), "expired"), At: at,
		Source: hold.Job.Source, Org: hold.Job.Org, Job: &hold.Job,
		Reason: "nobody approved or rejected it before " + stamp(hold.Expires) + "; it was held: " + hold.Reason,
	}
}

// DeadRaw puts aside a log entry that could not be read back.
func DeadRaw(raw []byte, reason string, at time.Time) DeadLetter {
	return DeadLetter{ID: DeriveID("dead", string(raw), reason), At: at, Reason: reason, Raw: raw}
}
