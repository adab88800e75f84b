package revocation_test

import (
	"slices"
	"strings"
	"time"

	"sever/revocation"
)

// mayCall looks at a call that is about to be sent.
func (m *model) mayCall(call *attempt) {
	m.tally["calls"]++
	m.mayConcern(call)
	m.mayRepeat(call)
	m.hasRoom(call)
	for _, other := range m.calls {
		if other.node != call.node || other.user != call.user {
			continue
		}
		if !other.ended {
			m.breaksf("spacing: %s calls for %s while its %s for the same person is on its way", call.node.name, m.label(call.job), other.id)
		}
		if gap := call.began.Sub(other.began); other.ledgered > 0 && gap < m.setting.spacing {
			m.breaksf("spacing: %s calls for %s, %v after its %s for the same person", call.node.name, m.label(call.job), gap, other.id)
		}
	}
}

// mayConcern: nobody is called who was not asked for, nor who was protected when the guard was
// asked, which is each time that the job is taken: they may have become so while it was held.
func (m *model) mayConcern(call *attempt) {
	job, ruling := call.job, call.node.rulings[call.job.ID]
	asked := false
	for _, alert := range m.jobs {
		asked = asked || alert.Person == job.Person && alert.ID == job.ID
	}
	switch {
	case !asked || userOf(job) != call.user:
		m.breaksf("wrong person: a call for %s, whom %s does not ask for", call.user, m.label(job))
	case ruling.step <= call.node.marks[job.ID]:
		m.breaksf("wrong person: a call for %s, and the guard was not asked since it was taken", m.label(job))
	case ruling.shield == revocation.OutcomeRefused:
		m.breaksf("wrong person: a call for somebody protected, for %s", m.label(job))
	case ruling.shield == revocation.OutcomeHeld && !job.Approved:
		m.breaksf("wrong person: a call for somebody protected whom no operator let go, for %s", m.label(job))
	case job.Mode == revocation.ModeDryRun:
		m.breaksf("a call for %s, which is a dry run", m.label(job))
	case job.Mode == revocation.ModeApprove && !job.Approved, job.Approved && !m.approved[job.ID]:
		m.breaksf("a call for %s, which no operator approved", m.label(job))
	}
}

// hasRoom: no more people are called at once than the brake allows, unless an operator says so.
func (m *model) hasRoom(call *attempt) {
	if m.setting.brake == nil || call.job.Approved {
		return
	}
	people := map[string]bool{call.user: true}
	for _, other := range m.calls {
		if !other.job.Approved && call.began.Sub(other.began) <= m.setting.brake.Per {
			people[other.user] = true
		}
	}
	if len(people) > m.setting.brake.Max {
		m.breaksf("brake: a call for %s, the person after the %d that may be called", m.label(call.job), m.setting.brake.Max)
	}
}

// mayRepeat: once the store had it that a job is done, or covered, nobody who asked the
// store after that calls for it. Two workers that asked before it was stored may both call.
func (m *model) mayRepeat(call *attempt) {
	job, user := call.job, call.user
	asked := call.node.marks[job.ID]
	if at, finished := m.finishedAt[job.ID]; finished && at < asked {
		m.breaksf("a duplicate: a call for %s, which had been finished before it was taken%s", m.label(job), m.throwsOut(user))
	}
	for _, other := range m.calls {
		if other.job.ID == job.ID && other.audited > 0 && other.audited < asked && (!other.failed && other.answered) {
			m.breaksf("a duplicate: a call for %s, whose %s was on record before it was taken%s", m.label(job), other.id, m.throwsOut(user))
		}
	}
	newest := call.node.saw[user]
	if call.node.marks[user] < asked {
		newest, _ = m.newest(job.Org, user)
	}
	before := m.callOf(newest)
	switch {
	case newest.ID == "" || before == nil:
	case newest.Job.ID == job.ID && newest.Job.Redrives == job.Redrives:
		m.breaksf("a duplicate: a call for %s, whose own %s the ledger knew%s", m.label(job), before.id, m.throwsOut(user))
	case (newest.Outcome == revocation.OutcomeGone || before.job.Scope.Includes(job.Scope)) &&
		before.began.After(job.Received.Add(m.setting.margin*3/2)):
		m.breaksf("a call too many: for %s, which %s had covered%s", m.label(job), before.id, m.throwsOut(user))
	}
}

// throwsOut says what it means.
func (m *model) throwsOut(user string) string {
	if len(m.people[user].sessions) == 0 {
		return ""
	}
	return ": it throws out somebody who has honestly signed in again"
}

// kept looks at a record that is being stored: what it says must be true.
func (m *model) kept(record revocation.Record) {
	call := m.callOf(record)
	if record.Outcome == revocation.OutcomeRevoked && (call == nil || call.acted.IsZero() || !call.answered || call.refusal != "") {
		m.breaksf("untrue: the record of %s says revoked, and Okta did not say so", m.label(record.Job))
	}
	if call != nil && record.Clears() && call.ledgered == 0 && !m.newIn(record) {
		call.ledgered = m.step
	}
}

// mayRefuse looks at a refusal that a worker is about to record: the guard must have said so since
// the job was taken, or the job be a dry run.
func (n *node) mayRefuse(record revocation.Record) {
	m, job := n.model, record.Job
	m.mu.Lock()
	defer m.mu.Unlock()
	ruling := n.rulings[job.ID]
	refused := ruling.shield == revocation.OutcomeRefused && ruling.step > n.marks[job.ID]
	if record.Outcome == revocation.OutcomeRefused && job.Mode != revocation.ModeDryRun && !refused {
		m.breaksf("untrue: %s is refused, and the guard did not say so", m.label(job))
	}
}

// newIn reports whether the ledger knows nothing of a record.
func (m *model) newIn(record revocation.Record) bool {
	newest, _ := m.newest(record.Job.Org, record.User)
	finished, _ := m.finished(record.Job.ID)
	return newest.ID != record.ID && finished.ID != record.ID
}

// mayForget looks at a job that is being acknowledged: it has an end, and each call that
// was made for it by who acknowledges it is on record.
func (m *model) mayForget(by *node, job revocation.Job) {
	finished, found := m.finished(job.ID)
	switch {
	case m.isHeld(job), m.isDead(job): // whatever another copy of it is coming to meanwhile
	case found:
		if _, audited := m.audit[finished.ID]; !audited {
			m.breaksf("no evidence: %s is acknowledged, and the end that the ledger has of it is not in the audit", m.label(job))
		}
	default:
		m.breaksf("lost: %s is acknowledged, and it is neither finished nor put aside", m.label(job))
	}
	for _, call := range m.calls {
		if call.node == by && call.job.ID == job.ID && by.inHand[job.ID] == 1 { // else another copy is being worked on
			m.requireEvidence(call)
		}
	}
}

// covered reports whether the audit has what covers a job.
func (m *model) covered(finished revocation.Record) bool {
	for _, record := range m.audit {
		if record.User == finished.User && revocation.Covered(finished.Job, record, m.setting.margin) {
			return true
		}
	}
	return false
}

func (m *model) isHeld(job revocation.Job) bool {
	for _, entry := range m.holds {
		if entry.Key == revocation.JobHoldKey(job.ID) && entry.Round >= job.Redrives ||
			entry.Hold != nil && entry.Hold.Job.ID == job.ID && entry.State == revocation.HoldWaits {
			return true
		}
	}
	return false
}

// isPutAside reports whether an operator is still to say what becomes of a job.
func (m *model) isPutAside(job revocation.Job) bool {
	return m.isDead(job) ||
		slices.ContainsFunc(m.waits(), func(entry revocation.HoldEntry) bool { return entry.Hold.Job.ID == job.ID })
}

func (m *model) isDead(job revocation.Job) bool {
	for _, letter := range m.letters {
		if letter.Job.ID == job.ID && letter.Job.Redrives >= job.Redrives {
			return true
		}
	}
	return false
}

// requireEvidence: each call is in the audit whose worker lived to write it there. The audit
// can refuse the record of a try that failed; the job is then tried again, without it.
func (m *model) requireEvidence(call *attempt) {
	switch {
	case call.audited > 0:
	case call.unsent, call.refusal == revocation.FailureCredential: // Okta did nothing
	case call.node.over():
		m.tally["calls whose record a crash took"]++
	case call.unwritten:
		m.tally["calls whose record the audit refused"]++
	default:
		m.breaksf("no evidence: %s for %s is not in the audit, and its worker %s lives", call.id, m.label(call.job), call.node.name)
	}
}

// userOf is whom a job is about.
func userOf(job revocation.Job) string { return strings.TrimSuffix(job.Person.Value, "@acme.com") }

// requireEnds looks at what came of every alert, once all is at rest.
func (m *model) requireEnds() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, job := range m.jobs {
		m.requireEnd(job)
	}
	kept, alerts := make(map[string]int), make(map[string]int)
	for _, job := range m.jobs {
		alerts[userOf(job)]++
	}
	for _, call := range m.calls {
		m.requireEvidence(call)
		if call.ledgered > 0 && !m.besideAnother(call) {
			kept[call.user]++
		}
	}
	for user, calls := range kept {
		if calls > alerts[user] {
			m.breaksf("calls too many: %d for %s, of whom there were %d alerts", calls, user, alerts[user])
		}
	}
}

// besideAnother reports whether a call was made while another worker's for the same job was
// not yet on record: workers do not know of each other until then.
func (m *model) besideAnother(call *attempt) bool {
	for _, other := range m.calls {
		if other == call {
			return false
		}
		if other.job.ID == call.job.ID && other.node != call.node && other.ledgered > 0 {
			return true
		}
	}
	return false
}

func (m *model) requireEnd(job revocation.Job) {
	finished, found := m.finished(job.ID)
	if !found {
		if !m.isHeld(job) && !m.isDead(job) {
			m.breaksf("lost: %s ended nowhere", m.label(job))
		}
		return
	}
	switch _, audited := m.audit[finished.ID]; {
	case audited:
	case m.isPutAside(job): // one copy was, and a crash took the record of another's end: what becomes of it brings it there
		m.tally["ends whose record a crash took, and the job waits put aside"]++
	default:
		m.breaksf("no evidence: the end that the ledger has of %s is not in the audit", m.label(job))
	}
	if finished.Outcome == revocation.OutcomeCovered && !m.covered(finished) {
		m.breaksf("no evidence: %s is covered, and by nothing that is in the audit", m.label(job))
	}
	user, received := userOf(job), finished.Job.Received
	switch finished.Outcome {
	case revocation.OutcomeRevoked, revocation.OutcomeCovered, revocation.OutcomeGone:
		if !m.endedSince(user, received, finished.Job.Scope) {
			m.breaksf("not revoked: %s is %s, and no revocation began after its receipt", m.label(job), finished.Outcome)
		}
		for _, signedIn := range m.people[user].sessions {
			if signedIn.Before(received) {
				m.breaksf("not revoked: %s is %s, and a session from before it is open", m.label(job), finished.Outcome)
			}
		}
	case revocation.OutcomeRefused:
	default:
		m.breaksf("%s is finished as %s", m.label(job), finished.Outcome)
	}
	m.tally["finished "+string(finished.Outcome)]++
}

// endedSince reports whether a call that began after an alert found the person, and ended
// what the alert asks for, or found nobody.
func (m *model) endedSince(user string, received time.Time, scope revocation.Scope) bool {
	for _, call := range m.calls {
		if call.user != user || call.began.Before(received) {
			continue
		}
		if !call.acted.IsZero() && call.job.Scope.Includes(scope) || call.refusal == revocation.FailureGone {
			return true
		}
	}
	return false
}
