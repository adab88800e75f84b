package app_test

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"sever/okta/oktasim"
	"sever/revocation"
)

// crashResult is what a round came to.
type crashResult struct {
	kills    map[string]int // by step; "a moment" for those from outside
	accepted int            // alerts and terminations answered with 2xx at least once
	revoked  int
	covered  int
	calls    int // to Okta, to end somebody's sessions
	failed   int // of them, those on record as such
	lost     int // accepted, and no finishing record
	inFlight int // jobs at a call when a kill came
	// unrecorded are calls of which no record tells. There may be one for each in flight.
	unrecorded int
	doubled    int // calls beyond those on record and those in flight
	usual      bool
	recoveries []time.Duration // from a restart to the first call for somebody owed one
	problems   []string
}

func (c *crashResult) problemf(format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf(format, args...))
}

// judge weighs what Okta saw against what is on record. The round's Sever has stopped.
func (c *crashRound) judge(left string) crashResult {
	c.t.Helper()
	result := crashResult{kills: make(map[string]int), usual: c.usual}
	if left != "" {
		result.problemf("after %s: %s\n%s", soon, left, c.inside())
	}
	for _, ended := range c.lives[:len(c.lives)-1] {
		at := ended.killedAt
		if at == "" {
			at = "a moment"
		}
		result.kills[at]++
	}
	records := c.audit()
	c.judgeRecords(records, &result)
	c.judgeCalls(records, &result)
	c.judgeHolds(records, &result)
	if letters := c.deadLetters(); letters > 0 {
		result.problemf("%d dead letters", letters)
	}
	result.recoveries = c.recoveries()
	return result
}

// judgeRecords looks for the one finishing record of every signal that was accepted.
func (c *crashRound) judgeRecords(records map[string]revocation.Record, result *crashResult) {
	finishes, did := make(map[string]int), make(map[string]revocation.Record)
	for _, record := range records {
		switch {
		case record.Outcome == revocation.OutcomeFailed:
			result.failed++
		case record.Outcome == revocation.OutcomeRevoked:
			result.revoked++
			did[record.Job.ID] = record
		case record.Outcome != revocation.OutcomeCovered:
			result.problemf("an attempt for %s ended as %s: %s", record.User, record.Outcome, record.Reason)
		}
		if record.Outcome.Finishes() && record.CoveredBy != record.Job.ID { // else the record of a late duplicate
			finishes[signalKey(record.Job.Source, record.Job.Person.Value, record.Job.Occurred)]++
		}
	}
	for _, record := range records {
		if record.Outcome.Finishes() {
			judgeEffect(record, did, result)
		}
	}
	for _, m := range c.load.messages {
		times := finishes[m.key()]
		delete(finishes, m.key())
		if m.alert && m.accepted {
			result.accepted++
			if times == 0 {
				result.lost++
				result.problemf("lost: %s was accepted and never finished", m.key())
			}
		}
		if times > 1 || times > 0 && (!m.alert || m.forged) {
			result.problemf("%s was finished %d times", m.key(), times)
		}
	}
	for key := range finishes {
		result.problemf("nobody said what was finished as %s", key)
	}
}

// judgeEffect makes sure that a job's revocation, its own or the one that covers it, was
// for its person and began after its alert was received.
func judgeEffect(record revocation.Record, did map[string]revocation.Record, result *crashResult) {
	effect := record
	if record.Outcome == revocation.OutcomeCovered {
		if record.CoveredBy == record.Job.ID {
			return // a duplicate: its job's own record is judged
		}
		result.covered++
		effect = did[record.CoveredBy]
	}
	switch {
	case effect.ID == "":
		result.problemf("job %s is covered by job %s, of whose revocation there is no record", record.Job.ID, record.CoveredBy)
	case effect.User != record.Job.Person.Value:
		result.problemf("job %s is finished by a revocation of %q and not of %s", record.Job.ID, effect.User, record.Job.Person.Value)
	case !effect.Began.After(record.Job.Received):
		result.problemf("job %s is finished by a revocation begun before its alert was received", record.Job.ID)
	}
}

// judgeCalls makes sure that every call is on record or was in flight at a kill, that
// none on record was not made, and that nobody was called for whom nobody named.
func (c *crashRound) judgeCalls(records map[string]revocation.Record, result *crashResult) {
	onRecord, answered := make(map[string]int), make(map[string]int)
	for _, record := range records {
		if record.Call != nil && !strings.HasPrefix(record.Reason, "find the person") { // which is no call to end sessions
			onRecord[record.User]++
			if record.Call.Status != 0 {
				answered[record.User]++
			}
		}
	}
	inFlight := make(map[string]int)
	for _, ended := range c.lives {
		for _, user := range inFlightAt(ended.seen) {
			inFlight[user]++
			result.inFlight++
		}
	}
	made := callsFor(c.calls())
	for user, calls := range made {
		result.calls += calls
		if !c.load.asked[user] {
			result.problemf("%s was called for, and nobody asked", user)
		}
		unrecorded := max(0, calls-onRecord[user])
		result.unrecorded += unrecorded
		if more := unrecorded - inFlight[user]; more > 0 {
			result.doubled += more
			result.problemf("%d calls for %s, %d on record, %d in flight at a kill", calls, user, onRecord[user], inFlight[user])
		}
	}
	for user, calls := range answered {
		if calls > made[user] {
			result.problemf("%d calls for %s are on record and %d were made", calls, user, made[user])
		}
	}
}

// inFlightAt are the people of the jobs that a process was about to call Okta for, or had
// called for, when it ended, and that it had not said to be on record.
func inFlightAt(seen *recorder) (users []string) {
	calling := make(map[string]string)
	for _, event := range seen.find(func(revocation.Event) bool { return true }) {
		switch event.Step { //nolint:exhaustive // the others do not come between a call and its record
		case revocation.StepCalling:
			calling[event.Job.ID] = event.Job.Person.Value
		case revocation.StepRecorded, revocation.StepAudited, revocation.StepDeferred:
			delete(calling, event.Job.ID)
		}
	}
	for _, user := range calling {
		users = append(users, user)
	}
	return users
}

// judgeHolds makes sure that what was held, let go and called off is on record, too.
func (c *crashRound) judgeHolds(records map[string]revocation.Record, result *crashResult) {
	known := make(map[string]bool)
	for _, action := range c.actions() {
		known[action.Verb+" "+action.Target] = true
	}
	keyOf := func(user string) string {
		return revocation.HoldKey("acme", "hr", revocation.Person{Kind: revocation.PersonOktaID, Value: user})
	}
	want := func(verb, user string) {
		if !known[verb+" "+keyOf(user)] {
			result.problemf("no action on record says %s %s", verb, user)
		}
	}
	for _, record := range records {
		if !record.Job.Effective.IsZero() {
			want("hold", record.User)
			want("release", record.User)
		}
	}
	for _, user := range c.load.withdrawn {
		want("withdraw", user)
	}
}

// recoveries are the times from the start of a process to the first call for somebody who
// was owed one then, where there was somebody and a call.
func (c *crashRound) recoveries() (times []time.Duration) {
	calls := c.calls()
	for i, l := range c.lives[1:] {
		end := time.Now()
		if i+2 < len(c.lives) {
			end = c.lives[i+2].began
		}
		if at, found := firstCall(calls, l.owed, l.began, end); found {
			times = append(times, at.Sub(l.began))
		}
	}
	return times
}

func firstCall(calls []oktasim.Call, users map[string]bool, from, to time.Time) (time.Time, bool) {
	for _, call := range calls {
		if call.Method == http.MethodDelete && users[call.User] && call.Time.After(from) && call.Time.Before(to) {
			return call.Time, true
		}
	}
	return time.Time{}, false
}
