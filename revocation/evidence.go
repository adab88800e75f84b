package revocation

import "time"

// AuditEntry is one message of the audit as it is read back. Exactly one of Record, Action
// and Broken is set.
type AuditEntry struct {
	Seq    uint64    `json:"seq"`    // its place: 1 is the first, and none is left out
	Stored time.Time `json:"stored"` // when the queue took it
	Record *Record   `json:"record,omitempty"`
	Action *Action   `json:"action,omitempty"`
	Broken string    `json:"broken,omitempty"` // why it cannot be read; never what it holds
}

// AuditQuery picks audit entries. An empty field picks all; one that asks about an attempt
// (Org, User, Outcome) picks no actions.
type AuditQuery struct {
	Org     string
	User    string // an Okta user id, or the person as the job names them
	Outcome Outcome
	Since   time.Time // by when the entries were stored

	Oldest bool   // the oldest first, else the newest
	Limit  int    // always set
	From   uint64 // where to go on; 0 for the start
}

// Wants reports whether the query picks an entry; the time is not looked at.
func (q AuditQuery) Wants(entry AuditEntry) bool {
	if q.Org == "" && q.User == "" && q.Outcome == "" {
		return true
	}
	record := entry.Record
	return record != nil &&
		(q.Org == "" || record.Job.Org == q.Org) &&
		(q.Outcome == "" || record.Outcome == q.Outcome) &&
		(q.User == "" || record.User == q.User || record.Job.Person.Value == q.User)
}

// AuditPage is part of an answer: a page ends at its limit, or when enough was looked at.
type AuditPage struct {
	Entries []AuditEntry `json:"entries"`
	Next    uint64       `json:"next,omitempty"` // From of the next page; 0 at the end
}

// AuditCheck is what part of a check of the audit found. Numbers of several parts add up.
type AuditCheck struct {
	Entries  int `json:"entries"`  // audit entries read
	Records  int `json:"records"`  // of them, attempts
	Actions  int `json:"actions"`  // of them, what operators did and what became of holds
	Finished int `json:"finished"` // finished jobs of the ledger whose record was looked for
	TooNew   int `json:"too_new"`  // of them, without a record yet, but finished just now

	Unsure int `json:"unsure"` // of them, without a record in what of the audit could be read in time

	Wrong    int      `json:"wrong"`    // what is not as it should be
	Problems []string `json:"problems"` // the first of it in this part, in words
	Next     string   `json:"next,omitempty"`
}

const maxProblems = 20

// Add notes something that is not as it should be.
func (c *AuditCheck) Add(problem string) {
	c.Wrong++
	if len(c.Problems) < maxProblems {
		c.Problems = append(c.Problems, problem)
	}
}
