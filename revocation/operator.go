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
	State  string  `json:"state"`            // pending, held, finished or dead
	Record *Record `json:"record,omitempty"` // what finished it
}

// The states of a job.
const (
	StatePending  = "pending"
	StateHeld     = "held" // waits for a date or an operator
	StateFinished = "finished"
	StateDead     = "dead" // a dead letter: redrive or drop it
)

// Action is what an operator did, or what became of a hold: evidence, like a Record.
type Action struct {
	ID     string    `json:"id"`
	At     time.Time `json:"at"`
	Verb   string    `json:"verb"`   // revoke, cancel, redrive, drop, approve or reject; hold, replace, withdraw, release or expire
	Target string    `json:"target"` // the id of the job or dead letter, or the key of the hold
	Reason string    `json:"reason,omitempty"`
	// By is who did it, in their own words: the admin token tells nobody apart.
	By string `json:"by,omitempty"`
}

// Order is a revocation that an operator asks for by hand.
type Order struct {
	Org    string `json:"org"` // may be empty where there is only one
	Person Person `json:"person"`
	Reason string `json:"reason"`
	Lane   Lane   `json:"lane,omitempty"` // default critical
}

// What an operator can decide about a hold.
const (
	VerbApprove = "approve"
	VerbReject  = "reject"
)

// HoldDecision is an operator's word about a hold.
type HoldDecision struct {
	Key    string
	Case   string // which hold of that key is meant, see Hold.Case; empty for the one that is there
	Verb   string // VerbApprove or VerbReject
	By     string // who says so, in their own words; may be empty where one is enough
	Reason string
}
