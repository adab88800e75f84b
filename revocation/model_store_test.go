package revocation_test

import (
	"context"
	"errors"
	"time"

	"sever/revocation"
)

// The store, as each worker meets it. Each write is one step of the plan, and so is each
// read: what was read may be old when it is used.

func (n *node) Finished(ctx context.Context, id string) (record revocation.Record, found bool, err error) {
	err = n.do(ctx, opFinished, n.model.job(id), func() {
		record, found = n.model.finished(id)
		n.marks[id] = n.model.step
	})
	return record, found, err
}

func (n *node) Newest(ctx context.Context, org, user string) (record revocation.Record, found bool, err error) {
	err = n.ask(ctx, &request{op: opNewest, about: user, effect: func() {
		record, found = n.model.newest(org, user)
		n.marks[user] = n.model.step
		n.saw[user] = record
	}})
	return record, found, err
}

// Commit is two writes, as in the bucket.
func (n *node) Commit(ctx context.Context, record revocation.Record) (kept revocation.Record, err error) {
	n.mayRefuse(record)
	if record.Clears() {
		if err := n.do(ctx, opCommit, record.Job, func() {
			n.model.clear(record)
			n.model.kept(record)
		}); err != nil {
			return kept, err
		}
	}
	err = n.do(ctx, opCommitID, record.Job, func() { kept = n.model.commit(record) })
	return kept, err
}

func (m *model) commit(record revocation.Record) (kept revocation.Record) {
	kept = m.finish(record)
	if _, known := m.finishedAt[record.Job.ID]; !known {
		m.finishedAt[record.Job.ID] = m.step
	}
	m.kept(record)
	return kept
}

func (n *node) Append(ctx context.Context, record revocation.Record) (fresh bool, err error) {
	err = n.do(ctx, opAppend+" "+string(record.Outcome), record.Job, func() {
		_, known := n.model.audit[record.ID]
		fresh = !known
		n.model.append(record)
	})
	return fresh, n.model.refused(record, err)
}

// refused notes that a record will not be offered once more: that of a try that failed, which
// is followed by another, or of an end that came after another worker's.
func (m *model) refused(record revocation.Record, err error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	finished, _ := m.finished(record.Job.ID)
	if call := m.callOf(record); err != nil && call != nil && finished.ID != record.ID {
		call.unwritten = true
	}
	return err
}

func (m *model) append(record revocation.Record) {
	m.audit[record.ID] = record
	m.kept(record)
	if call := m.callOf(record); call != nil {
		call.audited = m.step
	}
}

func (n *node) Put(ctx context.Context, letter revocation.DeadLetter) error {
	err := n.do(ctx, opBury, *letter.Job, func() {
		for _, other := range n.model.letters {
			if other.ID == letter.ID {
				return
			}
		}
		n.model.letters = append(n.model.letters, letter)
	})
	return n.model.refused(*letter.Last, err)
}

func (n *node) Hold(ctx context.Context, hold revocation.Hold) error {
	return n.do(ctx, opHold, hold.Job, func() {
		notice := revocation.Notice{Signal: hold.Job.Signal, Received: hold.Job.Received}
		n.model.holds[hold.Key], _ = n.model.holds[hold.Key].Put(hold, notice, hold.Held)
		if hold.Why == revocation.HeldForSecondLook {
			n.model.jobs[hold.Job.ID] = hold.Job
			n.model.approved[hold.Job.ID] = n.model.approved[hold.Job.ID] || n.model.approvedBefore(hold.Job)
		}
	})
}

// approvedBefore reports whether an operator let go the job that a second look is for: that
// is their word for both.
func (m *model) approvedBefore(again revocation.Job) bool {
	for id := range m.approved {
		if revocation.DeriveID("job", id, "again") == again.ID {
			return true
		}
	}
	return false
}

func (n *node) Claim(ctx context.Context, job revocation.Job, user string, at time.Time) (claim revocation.BrakeClaim, err error) {
	if n.model.setting.brake == nil {
		return claim, nil
	}
	err = n.do(ctx, opBrake, job, func() {
		next, asked, differs := n.model.room.Claim(*n.model.setting.brake, job, user, at)
		if claim = asked; differs {
			n.model.room = next
		}
	})
	return claim, err
}

func (n *node) Judge(ctx context.Context, job revocation.Job, user revocation.User) (ruling revocation.Ruling, err error) {
	err = n.do(ctx, opJudge, job, func() {
		shield := n.model.people[user.ID].shield
		n.rulings[job.ID] = ruled{shield, n.model.step}
		if shield == revocation.OutcomeRefused || shield == revocation.OutcomeHeld && !job.Approved {
			ruling = revocation.Ruling{Outcome: shield, Reason: "this person is protected"}
		}
	})
	return ruling, asCallError(err, nil)
}

// posted is one message on a lane. It comes again whenever the plan says so: before its
// delay is over, too, which a queue does not do but which must do no harm.
type posted struct {
	job        revocation.Job
	deliveries int
	holder     *grip // nil while it waits
	end        string
}

func (m *model) post(job revocation.Job) {
	m.messages = append(m.messages, &posted{job: job})
}

// grip is the lease on one hand-out of a message.
type grip struct {
	node    *node
	message *posted
}

func (n *node) Take(ctx context.Context) (revocation.Task, error) {
	r := &request{op: opTake}
	if revocation.IsUrgent(ctx) {
		r.op = opTakeUrgent
	}
	err := n.ask(ctx, r)
	return r.task, err
}

// handOut gives a message to a worker that waits for one. A queue can lose count.
func (m *model) handOut(r *request, message *posted, uncounted bool) {
	message.deliveries++
	attempt := message.deliveries
	if uncounted {
		attempt = 1
	}
	lease := &grip{node: r.node, message: message}
	message.holder = lease
	r.task = revocation.Task{Job: message.job, Attempt: attempt, Lease: lease}
	r.about = m.label(message.job)
	r.effect = func() {
		if r.node.inHand[message.job.ID] == 0 {
			r.node.marks[message.job.ID] = m.step
		}
		r.node.inHand[message.job.ID]++
	}
}

// Extend never fails: a lease is lost when the plan says so, whatever was done to keep it.
func (g *grip) Extend() error { return nil }

func (g *grip) Settle(ctx context.Context, verdict revocation.Verdict) (err error) {
	m, job := g.node.model, g.message.job
	op := opDone
	switch {
	case verdict.Again:
		op = opAgain
	case verdict.Ended:
		op = opEnded
	}
	failed := g.node.do(ctx, op, job, func() {
		switch {
		case !verdict.Again:
			m.mayForget(g.node, job)
			g.message.end, g.message.holder = op, nil
		case g.message.holder != g:
			err = errNotHeld
		default:
			g.message.holder = nil
		}
	})
	m.mu.Lock()
	defer m.mu.Unlock()
	g.node.inHand[job.ID]--
	return errors.Join(failed, err)
}

// job gives what is known of an id, for the trace.
func (m *model) job(id string) revocation.Job {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.jobs[id]
}
