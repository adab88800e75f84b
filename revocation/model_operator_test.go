package revocation_test

import (
	"maps"
	"slices"
	"time"

	"sever/revocation"
)

// waits gives the holds that wait, in a fixed order.
func (m *model) waits() (holds []revocation.HoldEntry) {
	for _, key := range slices.Sorted(maps.Keys(m.holds)) {
		if entry := m.holds[key]; entry.State == revocation.HoldWaits {
			holds = append(holds, entry)
		}
	}
	return holds
}

// wake lets go what time lets go; often twice, as after a crash in between.
func (m *model) wake(a, _ int) {
	for _, entry := range m.waits() {
		if due := entry.Hold.Due; !due.IsZero() && !due.After(time.Now()) {
			m.letGo(entry, 1+a%2)
		}
	}
}

func (m *model) letGo(entry revocation.HoldEntry, times int) {
	next, outcome := entry.Wake(entry.Hold.Due, time.Now())
	if outcome != revocation.HoldChanged {
		return
	}
	m.holds[entry.Key] = next
	for range times {
		m.post(next.Hold.Release(time.Now()))
	}
	m.notef("%d times let go: %s, held for %s", times, m.named(entry.Hold.Job), entry.Hold.Why)
}

// decide has an operator approve or reject a hold, as the admin API does it.
func (m *model) decide(a, b int) {
	holds := m.waits()
	if len(holds) == 0 {
		return
	}
	entry := holds[a%len(holds)]
	job := entry.Hold.Job
	_, finished := m.finishedAt[job.ID]
	switch {
	case b%4 == 0:
		m.reject(entry)
	case !finished:
		next, err := entry.Approve("ops", time.Now())
		if err != nil {
			return
		}
		m.approved[job.ID] = true
		m.notef("an operator approves %s", m.named(job))
		m.letGo(next, 1+b%2)
	}
}

func (m *model) reject(entry revocation.HoldEntry) {
	job, now := entry.Hold.Job, time.Now()
	next, err := entry.Reject()
	if err != nil {
		return
	}
	m.notef("an operator rejects %s", m.named(job))
	m.mu.Lock()
	defer m.mu.Unlock()
	m.step++
	if _, finished := m.finishedAt[job.ID]; !finished {
		record := revocation.Record{
			ID: revocation.DeriveID("aud", job.ID, entry.Key, "reject"), Job: job,
			Outcome: revocation.OutcomeRefused, Began: now, Ended: now,
		}
		m.commit(record)
		m.append(record)
	}
	m.holds[entry.Key] = next
}

// redrive has an operator put a dead letter back.
func (m *model) redrive(a, b int) {
	letters := slices.DeleteFunc(slices.Clone(m.letters), func(letter revocation.DeadLetter) bool { return m.redriven[letter.ID] })
	if len(letters) == 0 {
		return
	}
	letter := letters[a%len(letters)]
	m.redriven[letter.ID] = true
	job := *letter.Job
	job.Redrives++
	job.Enqueued = time.Now()
	for range 1 + b%2 {
		m.post(job)
	}
	m.notef("an operator redrives %s", m.named(job))
}

// drain ends all trouble, and lets everything come to rest: what time lets go is let go,
// what an operator is to decide stays.
func (m *model) drain() {
	m.notef("all trouble ends")
	m.locked = false
	for range 200 {
		for i, n := range m.slots {
			switch {
			case n == nil:
				m.launch(i)
			case !n.stopped.IsZero():
				m.kill(n)
				m.launch(i)
			}
		}
		m.round()
		m.wake(0, 0)
		if m.isBroken() || m.atRest() {
			return
		}
		for range 10 { // a store that answers within half a second: a worker insists for longer
			m.sleep(500 * time.Millisecond)
			m.round()
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.breaksf("stuck: jobs are still open long after all trouble ended")
}

// round hands out each message once, and lets every operation pass.
func (m *model) round() {
	had := make(map[*posted]bool)
	for !m.isBroken() {
		all := slices.DeleteFunc(m.choices(), func(c choice) bool { return c.message != nil && had[c.message] })
		if len(all) == 0 {
			break
		}
		had[all[0].message] = true
		m.carryOut(all[0], passes, 0, false)
	}
	for _, message := range m.leased() {
		message.holder = nil // nobody works on it any more, or its acknowledgement was lost
	}
}

func (m *model) atRest() bool {
	for _, message := range m.messages {
		if message.end == "" {
			return false
		}
	}
	for _, n := range m.slots {
		for _, copies := range n.inHand {
			if copies > 0 {
				return false // such as a worker that holds on to a record until the ledger takes it
			}
		}
	}
	return !slices.ContainsFunc(m.waits(), func(entry revocation.HoldEntry) bool { return !entry.Hold.Due.IsZero() })
}
