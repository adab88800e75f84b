package revocation

import (
	"context"
	"errors"
	"sync"
	"time"
)

// How long a paused org waits between two tries, and how often it looks whether its
// credential was renewed meanwhile.
const (
	minProbePause  = 5 * time.Second
	maxProbePause  = 2 * time.Minute
	credentialLook = 2 * time.Second
)

// forbiddenInARow is how many different people Okta must forbid in a row, nobody in
// between allowed, before the fault is taken to be our role and not theirs: both answers
// are the same 403 E0000006. Those before it are dead letters.
const forbiddenInARow = 3

// startGrace is the time that a process gives to every job it finds, however old: a
// token is often mended by a restart, after days of pause, and the first 429 must not
// put aside all that waited.
const startGrace = time.Hour

// mostSuspects bounds how many jobs a gate remembers.
const mostSuspects = 1000

// gate hands out the jobs of one org to all hands of a worker. It shuts when Okta refuses
// our credential, which is not the jobs' fault: they wait on their lanes, untried. From
// time to time one job alone is handed out as a probe; once a call succeeds, the gate
// opens. Other orgs have gates of their own.
type gate struct {
	jobs    Jobs
	now     func() time.Time
	stamp   func() string // of the credential; changes when it is renewed
	look    time.Duration // how often stamp is asked while paused
	observe func(Event)
	noCall  func()   // may be nil
	called  sync.Map // jobs in hand that called Okta, by id

	mu    sync.Mutex
	fresh time.Time       // no job counts as older than since then
	open  context.Context //nolint:containedctx // ends when the gate shuts
	close context.CancelFunc
	moved chan struct{} // closed and replaced when the gate opens and when a probe ends
	shut  *pause        // nil while open

	suspects  map[string]struct{} // jobs that were refused while others went through
	forbidden map[Person]struct{} // since the last success
}

// pause is the state of a shut gate.
type pause struct {
	org     string
	since   time.Time // by the worker's clock
	wait    time.Duration
	next    time.Time // of the machine's monotonic clock: a clock that is set must not prolong it
	stamp   string
	refused map[string]struct{}

	probing bool
	probe   string // the job
	found   finding
}

// finding is what a probe told of the credential.
type finding int

const (
	foundNothing finding = iota // no call was made: the job was covered, say
	foundUnclear                // Okta was in other trouble
	foundRefused
)

// stamped is an Okta that can tell whether its credential was renewed, by a key file
// that was replaced for one.
type stamped interface{ CredentialStamp() string }

// frugal is an Okta that wants to know when Ready let a job through that needed no call:
// most jobs of a burst are covered, and should not take turns with those that call.
type frugal interface{ NoCall() }

func newGate(deps Deps, config Config, observe func(Event)) *gate {
	g := &gate{
		jobs: deps.Jobs, now: config.Now, observe: observe,
		stamp: func() string { return "" }, look: maxProbePause,
		moved:    make(chan struct{}),
		suspects: make(map[string]struct{}), forbidden: make(map[Person]struct{}),
	}
	if okta, can := deps.Okta.(stamped); can {
		g.stamp, g.look = okta.CredentialStamp, credentialLook
	}
	if okta, can := deps.Okta.(frugal); can {
		g.noCall = okta.NoCall
	}
	g.fresh = g.now().Add(min(startGrace, config.GiveUpAfter) - config.GiveUpAfter)
	g.open, g.close = context.WithCancel(context.Background())
	return g
}

// Take gives a job: at once while the gate is open, as a probe while it is shut.
func (g *gate) Take(ctx context.Context) (Task, error) {
	for {
		open, probe, err := g.enter(ctx)
		if err != nil {
			return Task{}, err
		}
		if probe != nil {
			return g.takeProbe(ctx, probe)
		}
		task, taken, err := g.takeOpen(ctx, open)
		if taken || err != nil {
			return g.watched(task), err
		}
	}
}

// enter waits until the gate is open or it is the caller's turn to probe.
func (g *gate) enter(ctx context.Context) (open context.Context, probe *pause, err error) {
	for {
		stamp := g.stamp()
		g.mu.Lock()
		p, moved, open := g.shut, g.moved, g.open
		if p == nil {
			g.mu.Unlock()
			return open, nil, nil
		}
		wait, turn := g.look, false
		if !IsUrgent(ctx) { // it might wait for a critical job while others could tell
			wait, turn = p.turn(stamp)
		}
		g.mu.Unlock()
		if turn {
			return nil, p, nil
		}
		select {
		case <-ctx.Done():
			return nil, nil, context.Cause(ctx)
		case <-moved:
		case <-time.After(min(wait, g.look)):
		}
	}
}

// turn takes the turn to probe where it has come, or says how long it will be.
func (p *pause) turn(stamp string) (wait time.Duration, taken bool) {
	if p.probing {
		return maxProbePause, false
	}
	if stamp != p.stamp {
		p.stamp, p.wait, p.next = stamp, minProbePause, time.Now()
	}
	if wait := time.Until(p.next); wait > 0 {
		return wait, false
	}
	p.probing, p.probe, p.found = true, "", foundNothing
	return 0, true
}

// takeOpen takes a job unless the gate shuts first.
func (g *gate) takeOpen(ctx, open context.Context) (task Task, taken bool, err error) {
	takeCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(open, cancel)()
	task, err = g.jobs.Take(takeCtx)
	switch {
	case err == nil && open.Err() == nil:
		return task, true, nil
	case err == nil:
		return Task{}, false, handBack(ctx, task)
	case open.Err() != nil && ctx.Err() == nil:
		return Task{}, false, nil
	default:
		return Task{}, false, err
	}
}

func handBack(ctx context.Context, task Task) error {
	settleCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	return task.Lease.Settle(settleCtx, Verdict{Again: true})
}

func (g *gate) takeProbe(ctx context.Context, p *pause) (Task, error) {
	task, err := g.jobs.Take(ctx)
	if err != nil {
		g.endProbe(p)
		return Task{}, err
	}
	g.mu.Lock()
	p.probe = task.Job.ID
	g.mu.Unlock()
	task = g.watched(task)
	task.Lease = &endingLease{Lease: task.Lease, end: func() { g.endProbe(p) }}
	return task, nil
}

// watched tells Okta when the task ends without a call.
func (g *gate) watched(task Task) Task {
	if g.noCall == nil || task.Lease == nil {
		return task
	}
	id := task.Job.ID
	task.Lease = &endingLease{Lease: task.Lease, end: func() {
		if _, called := g.called.LoadAndDelete(id); !called {
			g.noCall()
		}
	}}
	return task
}

// hear notes which jobs call Okta.
func (g *gate) hear(event Event) {
	if g.noCall != nil && event.Step == StepCalling {
		g.called.Store(event.Job.ID, struct{}{})
	}
}

// endingLease tells when a task ended, however it did.
type endingLease struct {
	Lease

	end func()
}

func (l *endingLease) Settle(ctx context.Context, verdict Verdict) error {
	defer l.end()
	return l.Lease.Settle(ctx, verdict)
}

func (g *gate) endProbe(p *pause) {
	g.mu.Lock()
	defer g.mu.Unlock()
	p.probing = false
	p.next = time.Now()
	switch p.found {
	case foundNothing:
	case foundUnclear:
		p.next = p.next.Add(p.wait)
	case foundRefused:
		p.wait = min(2*p.wait, maxProbePause)
		p.next = p.next.Add(p.wait)
	}
	g.move()
}

func (g *gate) move() {
	close(g.moved)
	g.moved = make(chan struct{})
}

// weigh learns from how a try ended. It reports whether the job is to be handed back
// because Okta refused our credential, and after what delay.
func (g *gate) weigh(job Job, err error) (delay time.Duration, paused bool) {
	if err == nil {
		g.succeeded(job)
		return 0, false
	}
	g.mu.Lock()
	if !g.blamesUs(job, err) {
		if g.shut != nil && g.shut.probe == job.ID {
			g.shut.found = max(g.shut.found, foundUnclear)
		}
		g.mu.Unlock()
		return 0, false
	}
	if p := g.shut; p != nil {
		delay = p.refuse(job)
		g.mu.Unlock()
		return delay, true
	}
	g.shut = &pause{
		org: job.Org, since: g.now(), wait: minProbePause, next: time.Now().Add(minProbePause),
		stamp: g.stamp(), refused: map[string]struct{}{job.ID: {}},
	}
	g.close()
	g.mu.Unlock()
	g.observe(Event{Step: StepPaused, Org: job.Org, Reason: err.Error(), Err: err})
	return 0, true
}

// refuse notes that a job was refused while the gate was shut: as the probe, or as one
// that was in hand already. The probe waits for longer than the next one, lest a job that
// is refused on its own account be the probe each time.
func (p *pause) refuse(job Job) time.Duration {
	if len(p.refused) < mostSuspects {
		p.refused[job.ID] = struct{}{}
	}
	if p.probe != job.ID {
		return 0
	}
	p.found = foundRefused
	return min(3*p.wait, maxProbePause+minProbePause)
}

// blamesUs reports whether a failure is about our credential, role or URL. A job that
// was refused while others went through is not believed any more: it is tried, recorded
// and given up as any other that fails.
func (g *gate) blamesUs(job Job, err error) bool {
	var callErr *CallError
	if !errors.As(err, &callErr) {
		return false
	}
	if _, suspect := g.suspects[job.ID]; suspect {
		return false
	}
	switch callErr.Failure {
	case FailureCredential, FailureWrongURL:
		return true
	case FailureForbidden:
		if len(g.forbidden) < forbiddenInARow {
			g.forbidden[job.Person] = struct{}{}
		}
		return len(g.forbidden) >= forbiddenInARow
	case FailureGone, FailureInvalid, FailureRateLimited, FailureConcurrency, FailureTemporary:
		return false
	default:
		return false
	}
}

// succeeded opens the gate after a probe. A call that was sent before the gate shut may
// succeed late and proves nothing.
func (g *gate) succeeded(job Job) {
	g.mu.Lock()
	clear(g.forbidden)
	delete(g.suspects, job.ID)
	p := g.shut
	if p == nil || p.probe != job.ID {
		g.mu.Unlock()
		return
	}
	g.shut = nil
	g.fresh = g.now()
	g.open, g.close = context.WithCancel(context.Background())
	if len(g.suspects)+len(p.refused) > mostSuspects {
		clear(g.suspects)
	}
	for id := range p.refused {
		if id != job.ID {
			g.suspects[id] = struct{}{}
		}
	}
	g.move()
	g.mu.Unlock()
	g.observe(Event{Step: StepResumed, Org: p.org, Took: g.fresh.Sub(p.since)})
}

// age is how long a job was on its lane while it could be worked on. A pause gives every
// job its full time again, as a redrive does.
func (g *gate) age(job Job) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	from, to := job.Enqueued, g.now()
	if g.fresh.After(from) {
		from = g.fresh
	}
	if g.shut != nil {
		to = g.shut.since
	}
	return max(0, to.Sub(from))
}
