package revocation_test

import (
	"fmt"
	"slices"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"sever/revocation"
)

// setting is what stays the same during a run.
type setting struct {
	workers           int
	spacing           time.Duration
	margin, brakeHold time.Duration
	brake             *revocation.BrakeLimits
	skewed            bool
}

// skew is how far a worker's clock is off: two of them no more than the margin.
func (s setting) skew(worker int) time.Duration {
	if !s.skewed {
		return 0
	}
	return s.margin / 2 * time.Duration(worker%3-1)
}

func (s setting) String() string {
	return fmt.Sprintf("%d workers, spacing %v, margin %v (clocks off: %t), brake %+v for %v",
		s.workers, s.spacing, s.margin, s.skewed, s.brake, s.brakeHold)
}

// move is one thing that happens. a and b say more, in terms of what there is then.
type move struct{ what, a, b int }

// moves say how often each thing happens; rapid draws the first ones more often, and makes
// a failing plan smaller towards them.
var moves = slices.Concat(
	slices.Repeat([]func(*model, int, int){(*model).proceed}, 14),
	slices.Repeat([]func(*model, int, int){(*model).alert}, 9),
	slices.Repeat([]func(*model, int, int){(*model).oneOf}, 12),
	slices.Repeat([]func(*model, int, int){(*model).duplicate}, 6),
	slices.Repeat([]func(*model, int, int){(*model).loseLease}, 5),
	slices.Repeat([]func(*model, int, int){(*model).signIn}, 4),
	slices.Repeat([]func(*model, int, int){(*model).wait}, 6),
	slices.Repeat([]func(*model, int, int){(*model).crash}, 3),
	[]func(*model, int, int){
		(*model).wake, (*model).decide, (*model).redrive, (*model).stopInOrder, (*model).lock, (*model).leave,
		(*model).protect,
	},
)

func drawPlan(t *rapid.T) (setting, []move) {
	s := setting{
		workers: rapid.IntRange(1, 3).Draw(t, "workers"),
		spacing: rapid.SampledFrom([]time.Duration{2 * time.Second, 0, 10 * time.Second}).Draw(t, "spacing"),
		margin:  rapid.SampledFrom([]time.Duration{0, 500 * time.Millisecond}).Draw(t, "margin"),
		skewed:  rapid.Bool().Draw(t, "skewed"),
	}
	if people := rapid.IntRange(0, 2).Draw(t, "brake"); people > 0 {
		s.brake = &revocation.BrakeLimits{Per: time.Minute, Max: people, Slack: attemptTimeout + s.margin}
		s.brakeHold = time.Duration(people-1) * 30 * time.Second
	}
	one := rapid.Custom(func(t *rapid.T) move {
		return move{
			rapid.IntRange(0, len(moves)-1).Draw(t, "what"), rapid.IntRange(0, 63).Draw(t, "a"), rapid.IntRange(0, 63).Draw(t, "b"),
		}
	})
	// A list of lists is long enough, and rapid can leave out any part of it.
	chapters := rapid.SliceOfN(rapid.SliceOfN(rapid.SliceOfN(one, 1, -1), 1, -1), 1, -1).Draw(t, "plan")
	return s, slices.Concat(slices.Concat(chapters...)...)
}

func (m *model) apply(next move) { moves[next.what](m, next.a, next.b) }

// choice is something that can go on.
type choice struct {
	request *request
	message *posted // for a request that waits for a job
}

func (m *model) choices() []choice {
	work, idle := m.waiting()
	var all []choice
	for _, r := range work {
		all = append(all, choice{request: r})
	}
	seen := make(map[string]bool)
	for _, r := range idle {
		if seen[r.node.name+r.op] {
			continue // its hands are all the same
		}
		seen[r.node.name+r.op] = true
		for _, message := range m.messages {
			urgent := r.op == opTakeUrgent && message.job.Lane != revocation.LaneCritical
			if message.end == "" && message.holder == nil && !urgent {
				all = append(all, choice{r, message})
			}
		}
	}
	return all
}

// proceed lets some operations pass, whichever they are.
func (m *model) proceed(a, b int) {
	for i := range 1 + a%12 {
		all := m.choices()
		if len(all) == 0 || m.isBroken() {
			return
		}
		m.carryOut(all[(b+7*i)%len(all)], passes, 0, false)
	}
}

// oneOf has one operation go wrong, or pass.
func (m *model) oneOf(a, b int) {
	if all := m.choices(); len(all) > 0 {
		m.carryOut(all[a%len(all)], fate(b%int(fates)), b/int(fates), b%2 == 0)
	}
}

func (m *model) carryOut(c choice, f fate, kind int, uncounted bool) {
	failure := errStore
	switch {
	case c.message != nil:
		m.handOut(c.request, c.message, uncounted)
		if f == fails || f == losesAnswer {
			f = passes // a queue that hands nothing out is one that waits
		}
	case c.request.op == opResolve, c.request.op == opJudge, c.request.op == opRevoke && f == fails:
		failure = trouble(kind)
	}
	m.settleRequest(c.request, f, failure)
}

// alert has something be accepted of a person.
func (m *model) alert(a, b int) {
	people := []string{ada, grace, ada, heldPerson, ada, shielded, departed, forbidden}
	job := suspended(fmt.Sprintf("sig_%d", len(m.alerts)+1), people[a%len(people)])
	if b&1 != 0 {
		job.Person = revocation.Person{Kind: revocation.PersonLogin, Value: job.Person.Value + "@acme.com"}
	}
	if b&2 != 0 {
		job.Lane = revocation.LaneHigh
	}
	if b&4 != 0 {
		job.Scope.ForgetDevices = false
	}
	if b&24 == 24 {
		job.Again = 20 * time.Second
	}
	job.Mode = []revocation.Mode{"", "", "", "", "", "", revocation.ModeApprove, revocation.ModeDryRun}[a/len(people)]
	job.ID = revocation.JobID(job.Org, job.Signal, job.Scope)
	m.alerts = append(m.alerts, job)
	m.jobs[job.ID] = job
	m.post(job)
	m.notef("an alert: %s, scope %+v, mode %q, again %v", m.named(job), job.Scope, job.Mode, job.Again)
}

// duplicate has an old alert come once more: the same message, or by another delivery.
func (m *model) duplicate(a, b int) {
	if len(m.alerts) == 0 {
		return
	}
	job := m.alerts[a%len(m.alerts)]
	if b%3 != 0 {
		job.Delivery, job.Received, job.Enqueued = "dlv_again", time.Now(), time.Now()
	}
	m.post(job)
	m.notef("once more: %s, received %s", m.named(job), job.Received.Sub(m.start))
}

// loseLease has a message come again while it may still be worked on.
func (m *model) loseLease(a, _ int) {
	if held := m.leased(); len(held) > 0 {
		message := held[a%len(held)]
		m.notef("the lease of %s on %s runs out", message.holder.node.name, m.named(message.job))
		message.holder = nil
	}
}

func (m *model) leased() (held []*posted) {
	for _, message := range m.messages {
		if message.end == "" && message.holder != nil {
			held = append(held, message)
		}
	}
	return held
}

func (m *model) signIn(a, _ int) {
	user := []string{ada, grace, heldPerson, departed}[a%4]
	if person := m.people[user]; !person.gone {
		person.sessions = append(person.sessions, time.Now())
		m.notef("%s signs in", user)
	}
}

func (m *model) wait(a, b int) {
	pauses := []time.Duration{100 * time.Millisecond, time.Second, 300 * time.Millisecond, 3 * time.Second, 12 * time.Second, time.Minute}
	m.sleep(pauses[a%len(pauses)] + time.Duration(b)*time.Millisecond)
}

func (m *model) sleep(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// crash kills a worker, or starts one where none is.
func (m *model) crash(a, _ int) {
	slot := a % len(m.slots)
	if m.slots[slot] == nil {
		m.launch(slot)
		return
	}
	m.notef("worker %s CRASHES", m.slots[slot].name)
	m.kill(m.slots[slot])
}

// stopInOrder has a worker end, as for a new version.
func (m *model) stopInOrder(a, _ int) {
	n := m.slots[a%len(m.slots)]
	if n == nil || !n.stopped.IsZero() {
		return
	}
	m.notef("worker %s is asked to stop", n.name)
	n.stopped = time.Now()
	n.stop()
	synctest.Wait()
}

// lock has Okta accept our credential no more, or again.
func (m *model) lock(_, _ int) {
	m.locked = !m.locked
	m.notef("Okta refuses our credential: %t", m.locked)
}

// protect has somebody become protected or not so any more, in either way, whatever is held or
// approved of theirs.
func (m *model) protect(a, b int) {
	user := []string{heldPerson, ada, heldPerson, shielded}[a%4]
	shield := []revocation.Outcome{revocation.OutcomeRefused, "", revocation.OutcomeHeld}[b%3]
	m.people[user].shield = shield
	m.notef("the guard says of %s from now on: %q", user, shield)
}

// leave has somebody be deactivated, which ends their sessions, or come back.
func (m *model) leave(a, _ int) {
	user := []string{departed, ada}[a%2]
	person := m.people[user]
	person.gone = !person.gone
	person.sessions = nil
	m.notef("%s is deactivated: %t", user, person.gone)
}
