package dispatch

import (
	"context"
	"fmt"
	"sync"
	"time"

	"sever/revocation"
)

// Wakes hands out the holds whose time has come.
type Wakes interface {
	// Next blocks until there is one or ctx ends.
	Next(ctx context.Context) (revocation.Wake, error)
}

// ReleaserDeps are what a releaser works with.
type ReleaserDeps struct {
	Wakes       Wakes
	Holds       Holds
	Lanes       Lanes
	DeadLetters DeadLetters
	Actions     Actions
}

// Releaser puts the jobs of holds on their lanes when their time has come, and those that
// nobody decided about in time with the dead letters. Several may run side by side.
type Releaser struct {
	deps   ReleaserDeps
	config ReleaserConfig
}

// ReleaserConfig sets a releaser's times. Now and Observer may be nil.
type ReleaserConfig struct {
	Heartbeat time.Duration // how often a wake's lease is extended

	Now      func() time.Time
	Observer revocation.Observer
}

// NewReleaser makes a releaser.
func NewReleaser(deps ReleaserDeps, config ReleaserConfig) *Releaser {
	if config.Now == nil {
		config.Now = time.Now
	}
	return &Releaser{deps: deps, config: config}
}

const (
	// rearmEvery bounds how late a hold can be whose time got lost.
	rearmEvery = 10 * time.Minute
	// maxEarly bounds how long a wake waits that came before its time, by a clock that
	// goes ahead of ours.
	maxEarly = time.Minute
	// releaseRetry is when a release is tried again that our own store failed.
	releaseRetry = time.Second
)

// Run releases until ctx ends.
func (r *Releaser) Run(ctx context.Context) error {
	var rearming sync.WaitGroup
	rearming.Go(func() { r.rearm(ctx) })
	defer rearming.Wait()
	for ctx.Err() == nil {
		wake, err := r.deps.Wakes.Next(ctx)
		if err != nil {
			if ctx.Err() == nil {
				r.trouble(err)
				pause(ctx, maxPause/5)
			}
			continue
		}
		r.handle(ctx, wake)
	}
	return nil
}

// rearm looks for holds whose time got lost, at the start and every so often.
func (r *Releaser) rearm(ctx context.Context) {
	for {
		set, err := r.deps.Holds.Rearm(ctx, r.config.Now())
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			r.trouble(fmt.Errorf("look for holds whose time got lost: %w", err))
		} else if set > 0 {
			r.trouble(fmt.Errorf("%d holds had lost their time, which is set again", set)) //nolint:err113 // told, not tested
		}
		if !pause(ctx, rearmEvery) {
			return
		}
	}
}

// handle releases one hold, or leaves it, and then settles its wake: all of it may be
// repeated until then.
func (r *Releaser) handle(ctx context.Context, wake revocation.Wake) {
	ctx = context.WithoutCancel(ctx)
	stop := revocation.KeepLease(wake.Lease, r.config.Heartbeat, r.trouble) //nolint:contextcheck // kept until stop
	verdict, err := r.release(ctx, wake)
	stop()
	if err != nil {
		r.trouble(err)
		verdict = revocation.Verdict{Again: true, Delay: releaseRetry}
	}
	settleCtx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	if err := wake.Lease.Settle(settleCtx, verdict); err != nil {
		r.trouble(fmt.Errorf("settle the wake of hold %s: %w", wake.Key, err)) // it comes again, which does no harm
	}
}

// release first makes it known that the hold has ended, so that a withdrawal is either in
// time or too late, and then publishes. A crash in between brings the wake again, and
// with it the same job.
func (r *Releaser) release(ctx context.Context, wake revocation.Wake) (revocation.Verdict, error) {
	now := r.config.Now()
	var entry revocation.HoldEntry
	var outcome revocation.HoldOutcome
	err := r.deps.Holds.Change(ctx, wake.Key, func(e revocation.HoldEntry) (revocation.HoldEntry, bool) {
		entry, outcome = e.Wake(wake.Due, now)
		return entry, outcome.Writes()
	})
	if err != nil {
		return revocation.Verdict{}, fmt.Errorf("release hold %s: %w", wake.Key, err)
	}
	switch outcome {
	case revocation.HoldEarly:
		return revocation.Verdict{Again: true, Delay: min(wake.Due.Sub(now), maxEarly)}, nil
	case revocation.HoldStale, revocation.HoldNoted:
		return revocation.Verdict{}, nil // replaced, withdrawn or rejected; Change has set its time, if it has one
	case revocation.HoldChanged, revocation.HoldRepeated:
	}
	if entry.State == revocation.HoldExpired {
		return r.expire(ctx, entry, outcome)
	}
	return revocation.Verdict{}, r.publish(ctx, entry, outcome)
}

// expire puts the job of a hold that nobody decided about with the dead letters: it was
// neither wanted nor refused, so it must not be gone.
func (r *Releaser) expire(ctx context.Context, entry revocation.HoldEntry, outcome revocation.HoldOutcome) (revocation.Verdict, error) {
	letter := revocation.DeadHold(*entry.Hold, entry.Action.At)
	if err := r.deps.DeadLetters.Put(ctx, letter); err != nil {
		r.trouble(fmt.Errorf("put the job of hold %s aside as a dead letter: %w", entry.Key, err))
		return revocation.Verdict{Again: true, Delay: noRoomRetry}, nil
	}
	if err := r.deps.Actions.AppendAction(ctx, entry.Action); err != nil {
		return revocation.Verdict{}, fmt.Errorf("put the end of hold %s on record: %w", entry.Key, err)
	}
	if outcome == revocation.HoldChanged {
		r.observe(revocation.Event{
			Step: revocation.StepDeadLetter, Source: letter.Source, Org: letter.Org, Delivery: letter.Job.Delivery,
			Type: letter.Job.Type, Job: letter.Job, Hold: &entry, Reason: letter.Reason,
		})
	}
	return revocation.Verdict{}, nil
}

func (r *Releaser) publish(ctx context.Context, entry revocation.HoldEntry, outcome revocation.HoldOutcome) error {
	job := entry.Hold.Release(r.config.Now())
	event := revocation.Event{
		Source: job.Source, Org: job.Org, Delivery: job.Delivery, Type: job.Type, Job: &job, Hold: &entry,
	}
	if outcome == revocation.HoldChanged {
		event.Step, event.Reason = revocation.StepReleased, entry.Action.Verb
		r.observe(event)
	}
	stored, err := r.deps.Lanes.Publish(ctx, job)
	if err != nil {
		return fmt.Errorf("publish job %s of hold %s: %w", job.ID, entry.Key, err)
	}
	if err := r.deps.Actions.AppendAction(ctx, entry.Action); err != nil {
		return fmt.Errorf("put the release of hold %s on record: %w", entry.Key, err)
	}
	event.Step, event.Reason = revocation.StepEnqueued, job.Rule
	if !stored {
		event.Step, event.Reason = revocation.StepIgnored, IgnoredDuplicate
	}
	r.observe(event)
	return nil
}

func (r *Releaser) trouble(err error) {
	r.observe(revocation.Event{Step: revocation.StepTrouble, Err: err})
}

func (r *Releaser) observe(event revocation.Event) {
	event.Stage = "dispatch"
	event.At = r.config.Now()
	r.config.Observer.Observe(event)
}
