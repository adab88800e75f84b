package revocation_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sever/revocation"
	"sever/revocation/revocationtest"
)

const (
	ada   = "00uada00000000000001"
	grace = "00ugrace000000000001"
)

// The places where a process can fail or die, in the order of one job's way.
const (
	opFinished = "ledger: finished"
	opResolve  = "okta: resolve"
	opNewest   = "ledger: newest"
	opRevoke   = "okta: revoke"
	opCommit   = "ledger: commit newest"
	opCommitID = "ledger: commit job"
	opAppend   = "audit: append"
	opBury     = "dead letters: put"
	opJudge    = "guard: judge"
	opHold     = "holds: hold"
	opBrake    = "brake: claim"
	opReach    = "okta: everywhere"
	opExtend   = "lease: extend"
	opDone     = "lease: done"
	opAgain    = "lease: again"
	opEnded    = "lease: ended"
)

var errDead = errors.New("the process is dead")

// world is everything outside the worker, kept in memory. It outlives processes.
type world struct {
	ledger revocationtest.Ledger
	lane   *lane
	urgent *lane // the critical one, where it matters which is which

	mu      sync.Mutex
	audit   []revocation.Record // by id, as the store drops what it has
	letters []revocation.DeadLetter
	holds   map[string]revocation.HoldEntry // by key
	room    revocation.BrakeState
	calls   []call
	trace   []string // operations that took effect
	events  []revocation.Event
	late    []string // jobs that were called for although they were finished: there must be none

	refuse   map[string]string                            // what the guard refuses
	shield   map[string]string                            // whom the guard holds
	unsure   func(user string) error                      // why the guard cannot tell
	limits   *revocation.BrakeLimits                      // nil for no brake
	reach    func(user string) error                      // Okta's answer to a global token revocation
	answer   func(ctx context.Context, user string) error // Okta's answer to a revocation
	identify func(revocation.Person) (string, error)      // Okta's answer to a look-up
	status   string                                       // of everybody, where it is asked for
	fault    func(op string) error                        // nil lets it pass
	latency  func(op string) time.Duration                // of every operation
	hear     func(revocation.Event)                       // besides events
	config   func(*revocation.Config, *revocation.Deps)
}

// call is a revocation that Okta has seen.
type call struct {
	user  string
	scope revocation.Scope
	at    time.Time
	ok    bool
}

func newWorld() *world {
	return &world{
		lane:     newLane(30 * time.Second),
		urgent:   newLane(30 * time.Second),
		refuse:   make(map[string]string),
		shield:   make(map[string]string),
		holds:    make(map[string]revocation.HoldEntry),
		unsure:   func(string) error { return nil },
		reach:    func(string) error { return nil },
		answer:   func(context.Context, string) error { return nil },
		identify: func(person revocation.Person) (string, error) { return person.Value, nil },
		fault:    func(string) error { return nil },
		latency:  func(string) time.Duration { return 0 },
		hear:     func(revocation.Event) {},
		config:   func(*revocation.Config, *revocation.Deps) {},
	}
}

// process is one run of the worker in the world. Killed, nothing that it does has
// any effect from then on; what it had in hand comes again when the leases run out.
type process struct {
	world *world

	mu   sync.Mutex
	dead bool
	left int // operations until it dies by itself; negative: never

	stop context.CancelFunc
	done chan struct{}
}

func (w *world) start(t *testing.T, concurrency int) *process {
	t.Helper()
	return w.startDying(t, concurrency, -1)
}

// startDying starts a process that dies after that many operations.
func (w *world) startDying(t *testing.T, concurrency, operations int) *process {
	t.Helper()
	p := &process{world: w, left: operations, done: make(chan struct{})}
	deps := revocation.Deps{
		Jobs: p, Okta: p, Guard: p, Ledger: p, Audit: p, DeadLetters: p, Holds: p, Brake: p, Everywhere: p,
	}
	config := revocation.Config{
		Concurrency: concurrency, Heartbeat: 10 * time.Second, AttemptTimeout: 20 * time.Second,
		GiveUpAfter: time.Hour, Spacing: 5 * time.Second, Observer: p.observe,
	}
	w.config(&config, &deps)
	worker, err := revocation.NewWorker(deps, config)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	p.stop = stop
	go func() {
		defer close(p.done)
		_ = worker.Run(ctx)
	}()
	return p
}

// end stops the process in order and waits for it.
func (p *process) end() {
	p.stop()
	<-p.done
}

func (p *process) kill() {
	p.mu.Lock()
	p.dead = true
	p.mu.Unlock()
	p.end()
}

// do is one operation of the process: it takes its time, and then fails or does
// what effect does.
func (p *process) do(op string, effect func()) error {
	if d := p.world.latency(op); d > 0 {
		<-time.After(d)
	}
	p.mu.Lock()
	if p.left == 0 {
		p.dead = true
	}
	dead := p.dead
	p.left--
	p.mu.Unlock()
	if dead {
		p.stop() // it takes nothing more
		return errDead
	}
	if err := p.world.fault(op); err != nil {
		return err
	}
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	p.world.trace = append(p.world.trace, op)
	effect()
	return nil
}

func (p *process) observe(event revocation.Event) {
	p.mu.Lock()
	dead := p.dead
	p.mu.Unlock()
	if dead {
		return
	}
	p.world.mu.Lock()
	p.world.events = append(p.world.events, event)
	if event.Step == revocation.StepCalling {
		if _, found, _ := p.world.ledger.Finished(context.Background(), event.Job.ID); found {
			p.world.late = append(p.world.late, event.Job.ID)
		}
	}
	p.world.mu.Unlock()
	p.world.hear(event)
}

func (p *process) Take(ctx context.Context) (revocation.Task, error) {
	lane := p.world.lane
	if revocation.IsUrgent(ctx) {
		lane = p.world.urgent
	}
	task, err := lane.take(ctx)
	if err != nil {
		return task, err
	}
	task.Lease = heldLease{lease: task.Lease, by: p}
	return task, nil
}

func (p *process) Finished(ctx context.Context, id string) (record revocation.Record, found bool, err error) {
	failed := p.do(opFinished, func() { record, found, err = p.world.ledger.Finished(ctx, id) })
	return record, found, errors.Join(failed, err)
}

func (p *process) Newest(ctx context.Context, org, user string) (record revocation.Record, found bool, err error) {
	failed := p.do(opNewest, func() { record, found, err = p.world.ledger.Newest(ctx, org, user) })
	return record, found, errors.Join(failed, err)
}

func (p *process) Commit(ctx context.Context, record revocation.Record) (kept revocation.Record, err error) {
	if failed := p.do(opCommit, func() { err = p.world.ledger.CommitNewest(ctx, record) }); failed != nil || err != nil {
		return kept, errors.Join(failed, err)
	}
	failed := p.do(opCommitID, func() { kept, err = p.world.ledger.Commit(ctx, record) })
	return kept, errors.Join(failed, err)
}

// Append drops a record whose id is there, as JetStream does within its window.
func (p *process) Append(_ context.Context, record revocation.Record) (fresh bool, err error) {
	err = p.do(opAppend, func() {
		same := func(other revocation.Record) bool { return other.ID == record.ID }
		if fresh = !slices.ContainsFunc(p.world.audit, same); fresh {
			p.world.audit = append(p.world.audit, record)
		}
	})
	return fresh, err
}

func (p *process) Put(_ context.Context, letter revocation.DeadLetter) error {
	return p.do(opBury, func() {
		same := func(other revocation.DeadLetter) bool { return other.ID == letter.ID }
		if !slices.ContainsFunc(p.world.letters, same) {
			p.world.letters = append(p.world.letters, letter)
		}
	})
}

// Ready never waits: the limits are okta's affair.
func (p *process) Ready(ctx context.Context) error { return ctx.Err() }

func (p *process) Resolve(_ context.Context, job revocation.Job) (user revocation.User, err error) {
	failed := p.do(opResolve, func() { user.ID, err = p.world.identify(job.Person) })
	if !job.Effective.IsZero() {
		user.Status = p.world.status
	}
	return user, errors.Join(failed, err)
}

func (p *process) Revoke(ctx context.Context, user string, scope revocation.Scope) (revocation.Call, error) {
	seen := -1
	if err := p.do(opRevoke, func() {
		seen = len(p.world.calls)
		p.world.calls = append(p.world.calls, call{user: user, scope: scope, at: time.Now()})
	}); err != nil {
		return revocation.Call{}, err
	}
	if err := p.world.answer(ctx, user); err != nil {
		return revocation.Call{}, err
	}
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	p.world.calls[seen].ok = true
	return revocation.Call{Status: 204, RequestID: fmt.Sprintf("req%d", seen)}, nil
}

func (p *process) Judge(_ context.Context, job revocation.Job, user revocation.User) (ruling revocation.Ruling, err error) {
	if failed := p.do(opJudge, func() {
		switch err = p.world.unsure(user.ID); {
		case err != nil:
		case p.world.refuse[user.ID] != "":
			ruling = revocation.Ruling{Outcome: revocation.OutcomeRefused, Reason: p.world.refuse[user.ID]}
		case p.world.shield[user.ID] != "" && !job.Approved:
			ruling = revocation.Ruling{Outcome: revocation.OutcomeHeld, Reason: p.world.shield[user.ID]}
		}
	}); failed != nil {
		return ruling, failed
	}
	return ruling, err
}

func (p *process) Hold(_ context.Context, hold revocation.Hold) error {
	return p.do(opHold, func() {
		notice := revocation.Notice{Signal: hold.Job.Signal, Received: hold.Job.Received}
		p.world.holds[hold.Key], _ = p.world.holds[hold.Key].Put(hold, notice, hold.Held)
	})
}

func (p *process) Claim(_ context.Context, job revocation.Job, user string, at time.Time) (claim revocation.BrakeClaim, err error) {
	if p.world.limits == nil {
		return claim, nil
	}
	err = p.do(opBrake, func() { p.world.room, claim, _ = p.world.room.Claim(*p.world.limits, job, user, at) })
	return claim, err
}

func (p *process) RevokeEverywhere(_ context.Context, user string) (revocation.Call, error) {
	if err := p.do(opReach, func() {}); err != nil {
		return revocation.Call{}, err
	}
	if err := p.world.reach(user); err != nil {
		return revocation.Call{}, err
	}
	return revocation.Call{Status: 204, RequestID: "everywhere"}, nil
}

// seen gives copies of what happened so far.
func (w *world) seen() (calls []call, audit []revocation.Record, letters []revocation.DeadLetter) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.calls), slices.Clone(w.audit), slices.Clone(w.letters)
}

// effects are the operations so far that changed something outside the process.
func (w *world) effects() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(w.trace), func(op string) bool {
		return op == opFinished || op == opNewest || op == opResolve || op == opExtend || op == opJudge
	})
}

// steps counts the events of each step.
func (w *world) steps() map[revocation.Step]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	count := make(map[revocation.Step]int)
	for _, event := range w.events {
		count[event.Step]++
	}
	return count
}

// commit has the ledger know a record.
func (w *world) commit(t *testing.T, record revocation.Record) {
	t.Helper()
	_, err := w.ledger.Commit(t.Context(), record)
	require.NoError(t, err)
}

// revocationsOf gives the audit's records of a job that say revoked.
func (w *world) revocationsOf(job string) []revocation.Record {
	_, audit, _ := w.seen()
	return slices.DeleteFunc(audit, func(record revocation.Record) bool {
		return record.Job.ID != job || record.Outcome != revocation.OutcomeRevoked
	})
}

// suspended is a job for a person, received now.
func suspended(signal, user string) revocation.Job {
	now := time.Now()
	return revocation.NewJob(revocation.Signal{
		ID: signal, Delivery: "dlv_" + signal, Source: "okta", Org: "acme", Type: "user.lifecycle.suspend", Received: now,
		Person: revocation.Person{Kind: revocation.PersonOktaID, Value: user},
	}, "suspended", revocation.LaneCritical, revocation.Scope{OAuthTokens: true, ForgetDevices: true})
}

// finish lets time pass until every job is settled, then ends the process.
func (w *world) finish(t *testing.T, p *process) {
	t.Helper()
	defer func() { require.Empty(t, w.late, "a finished job never causes a later call") }()
	for range 3 * 3600 {
		if w.lane.open() == 0 {
			p.end()
			return
		}
		pass(time.Second)
	}
	p.end()
	require.Zero(t, w.lane.open(), "jobs are still open after three hours")
}

// pass lets the bubble's time go on and all of its goroutines come to rest.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}
