package revocation_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"sever/revocation"
	"sever/revocation/revocationtest"
)

// TestModel is the model of the core: several workers over one store, and an Okta whose
// people sign in again. Each operation of a worker waits until the plan lets it pass, fail,
// lose its answer, or be the last thing before or after a crash; so the plan decides every
// interleaving, and a failing plan is made smaller. The invariants are in
// model_invariants_test.go, looked at with every operation and once all has come to rest.
//
// The plan is drawn before the bubble starts: rapid fails by panics, which must not leave
// the goroutine that rapid runs in. -rapid.checks says how many plans are tried.
func TestModel(t *testing.T) {
	t.Parallel()
	total := make(tally)
	rapid.Check(t, func(rt *rapid.T) {
		setting, plan := drawPlan(rt)
		var m *model
		synctest.Test(t, func(*testing.T) {
			m = newModel(setting)
			m.play(plan)
		})
		if m.broken != "" {
			rt.Fatalf("%s\n%s\nwhat happened:\n%s", m.broken, setting, strings.Join(m.trace, "\n"))
		}
		total.add(m.tally)
	})
	t.Logf("%s", total)
}

// model is everything outside the workers. It outlives them.
//
// Its fields are changed by the plan while all workers rest, or by a worker under mu.
type model struct {
	setting setting
	start   time.Time
	step    int // grows with each operation that takes effect

	mu      sync.Mutex
	pending []*request
	trace   []string
	broken  string // the first invariant that was found broken
	tally   tally

	slots    []*node // the workers that run; nil where one is down
	started  []*node // these, and those that died
	messages []*posted
	alerts   []revocation.Job          // as they were first accepted
	jobs     map[string]revocation.Job // the same by id, and the second looks
	labels   map[string]string         // short names of jobs, for the trace

	// What the ledger does, at once and without fail.
	finished func(job string) (revocation.Record, bool)
	newest   func(org, user string) (revocation.Record, bool)
	finish   func(revocation.Record) (kept revocation.Record)
	clear    func(revocation.Record)

	finishedAt map[string]int // step, by job
	audit      map[string]revocation.Record
	letters    []revocation.DeadLetter
	redriven   map[string]bool
	holds      map[string]revocation.HoldEntry
	approved   map[string]bool // jobs that an operator let go
	room       revocation.BrakeState

	people map[string]*human // by Okta id
	locked bool              // Okta accepts no credential
	calls  []*attempt
}

// tally counts what the plans came across, to show that they are worth something.
type tally map[string]int

func (t tally) add(other tally) {
	for what, n := range other {
		t[what] += n
	}
}

func (t tally) String() string {
	var lines []string
	for what, n := range t {
		lines = append(lines, fmt.Sprintf("%s: %d", what, n))
	}
	slices.Sort(lines)
	return strings.Join(lines, ", ")
}

func newModel(s setting) *model {
	m := &model{
		setting: s, start: time.Now(), tally: make(tally),
		slots: make([]*node, s.workers), jobs: make(map[string]revocation.Job), labels: make(map[string]string),
		finishedAt: make(map[string]int), audit: make(map[string]revocation.Record), redriven: make(map[string]bool),
		holds: make(map[string]revocation.HoldEntry), approved: make(map[string]bool), people: make(map[string]*human),
	}
	for _, id := range []string{ada, grace, departed, forbidden, shielded, heldPerson, bystander} {
		m.people[id] = &human{sessions: []time.Time{m.start}}
	}
	m.people[departed] = &human{gone: true}
	m.people[shielded].shield = revocation.OutcomeRefused
	m.people[heldPerson].shield = revocation.OutcomeHeld
	m.openLedger()
	return m
}

func (m *model) openLedger() {
	ctx, ledger := context.Background(), new(revocationtest.Ledger)
	m.finished = func(job string) (revocation.Record, bool) {
		record, found, _ := ledger.Finished(ctx, job)
		return record, found
	}
	m.newest = func(org, user string) (revocation.Record, bool) {
		record, found, _ := ledger.Newest(ctx, org, user)
		return record, found
	}
	m.finish = func(record revocation.Record) (kept revocation.Record) {
		kept, _ = ledger.Commit(ctx, record)
		return kept
	}
	m.clear = func(record revocation.Record) { _ = ledger.CommitNewest(ctx, record) }
}

// play goes through the plan, then lets everything come to rest, and ends the workers.
func (m *model) play(plan []move) {
	for i := range m.slots {
		m.launch(i)
	}
	for _, move := range plan {
		if m.isBroken() {
			break
		}
		m.apply(move)
	}
	if !m.isBroken() {
		m.drain()
	}
	if !m.isBroken() {
		m.requireEnds()
	}
	for _, n := range m.slots {
		if n != nil {
			m.kill(n)
		}
	}
	for _, n := range m.started {
		<-n.done
	}
}

func (m *model) isBroken() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.broken != ""
}

// breaksf notes that an invariant does not hold. The caller has mu.
func (m *model) breaksf(format string, args ...any) {
	if m.broken == "" {
		m.broken = fmt.Sprintf(format, args...)
		m.sayf("*** %s", m.broken)
	}
}

// sayf adds to the story of the run. The caller has mu.
func (m *model) sayf(format string, args ...any) {
	m.trace = append(m.trace, fmt.Sprintf("%9.3fs  ", time.Since(m.start).Seconds())+fmt.Sprintf(format, args...))
}

func (m *model) label(job revocation.Job) string {
	name, known := m.labels[job.ID]
	if !known {
		name = fmt.Sprintf("job %d (%s)", len(m.labels)+1, strings.Trim(userOf(job), "0u1"))
		m.labels[job.ID] = name
	}
	if job.Redrives > 0 {
		return fmt.Sprintf("%s, put back %d times", name, job.Redrives)
	}
	return name
}
