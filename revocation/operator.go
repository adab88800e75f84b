package revocation

import (
	"errors"
	"time"
)

// What an operator's request can meet. Wrap them with words for a person.
var (
	ErrNotFound = errors.New("not found")
	ErrInvalid  = errors.New("invalid request")
)

// JobState is a job as an operator sees it.
type JobState struct {
	Job    Job     `json:"job"`
	State  string  `json:"state"`            // pending, finished or dead
	Record *Record `json:"record,omitempty"` // what finished it
}

// The states of a job.
const (
	StatePending  = "pending"
	StateFinished = "finished"
	StateDead     = "dead" // a dead letter: redrive or drop it
)

// Action is what an operator did, or what became of a hold: evidence, like a Record.
type Action struct {
	ID     string    `json:"id"`
	At     time.Time `json:"at"`
	Verb   string    `json:"verb"`   // revoke, cancel, redrive, drop, approve or reject; hold, replace, withdraw or release
	Target string    `json:"target"` // the id of the job or dead letter, or the key of the hold
	Reason string    `json:"reason,omitempty"`
}

// Order is a revocation that an operator asks for by hand.
type Order struct {
	Org    string `json:"org"` // may be empty where there is only one
	Person Person `json:"person"`
	Reason string `json:"reason"`
	Lane   Lane   `json:"lane,omitempty"` // default critical
}
