package app

import (
	"context"
	"fmt"
	"time"

	"sever/dispatch"
	"sever/revocation"
)

// stages prepares what runs beside the servers.
func (a *App) stages(ctx context.Context) ([]func(context.Context) error, error) {
	// The senders' runners fetch keys and poll.
	stages := append([]func(context.Context) error{a.queue.WaitThaw}, a.senders.runners...)
	if a.options.Roles.Dispatch {
		dispatcher, err := a.dispatcher(ctx)
		if err != nil {
			return nil, err
		}
		releaser, err := a.releaser(ctx)
		if err != nil {
			return nil, err
		}
		stages = append(stages, dispatcher.Run, releaser.Run)
	}
	if a.options.Roles.Dispatch || a.options.Roles.Work {
		stages = append(stages, a.policies.Run)
	}
	for _, target := range a.orgs {
		worker, err := a.worker(ctx, target)
		if err != nil {
			return nil, err
		}
		stages = append(stages, worker.Run)
	}
	return stages, nil
}

func (a *App) dispatcher(ctx context.Context) (*dispatch.Dispatcher, error) {
	reader, err := a.queue.LogReader(ctx)
	if err != nil {
		return nil, err
	}
	a.undo.push("stop reading the delivery log", func() error { reader.Close(); return nil })
	return dispatch.New(dispatch.Deps{
		Log: reader, Lanes: a.jobs, DeadLetters: a.letters, Holds: a.holds, Actions: a.queue.Audit(),
	}, dispatch.Config{
		Sources: byName(a.sources), Policy: a.policies.inForce, Heartbeat: a.heartbeat(),
		Approvals: a.approvals(), Now: a.options.Now, Observer: a.observe,
	}), nil
}

// releaser puts the jobs that waited on their lanes.
func (a *App) releaser(ctx context.Context) (*dispatch.Releaser, error) {
	reader, err := a.queue.WakeReader(ctx)
	if err != nil {
		return nil, err
	}
	a.undo.push("stop waiting for holds", func() error { reader.Close(); return nil })
	return dispatch.NewReleaser(dispatch.ReleaserDeps{
		Wakes: reader, Holds: a.holds, Lanes: a.jobs, DeadLetters: a.letters, Actions: a.queue.Audit(),
	}, dispatch.ReleaserConfig{Heartbeat: a.heartbeat(), Now: a.options.Now, Observer: a.observe}), nil
}

func (a *App) worker(ctx context.Context, target *org) (*revocation.Worker, error) {
	taker, err := a.queue.Taker(ctx, target.name, a.letters, a.heartbeat(), a.trouble(target.name))
	if err != nil {
		return nil, err
	}
	a.undo.push("hand back the jobs of "+target.name, func() error { taker.Close(); return nil }) //nolint:contextcheck // it is closed after ctx has ended
	brake, err := a.brake(ctx)
	if err != nil {
		return nil, err
	}
	worker, err := revocation.NewWorker(revocation.Deps{
		Jobs: taker, Okta: target, Ledger: a.ledger, Audit: a.queue.Audit(), DeadLetters: a.letters,
		Guard: a.policies.guard(protection(a.config.Policy), newDirectory(target)), Brake: brake, Everywhere: target,
		Holds: asideHolds{a.holds, a.queue.Audit(), a.config.Policy.Approvals, a.options.Now},
	}, a.workerConfig())
	if err != nil {
		return nil, fmt.Errorf("orgs.%s: %w", target.name, err)
	}
	a.metrics.Working(target.name)
	return worker, nil
}

func (a *App) workerConfig() revocation.Config {
	work := a.config.Work
	return revocation.Config{
		Concurrency: work.Concurrency, Heartbeat: a.heartbeat(), AttemptTimeout: work.AttemptTimeout,
		GiveUpAfter: work.GiveUpAfter, Spacing: work.Spacing, Margin: work.ClockMargin,
		BrakeHold: brakeHold(a.config.Policy.Brake),
		Now:       a.options.Now, Observer: a.observe,
	}
}

// heartbeat leaves room for two lost beats before a lease runs out.
func (a *App) heartbeat() time.Duration { return a.config.Work.AckWait / 3 }

// trouble reports what JetStream failed to do for an org's workers.
func (a *App) trouble(org string) func(error) {
	return func(err error) {
		a.observe.Observe(revocation.Event{
			Step: revocation.StepTrouble, Stage: "work", Org: org, At: a.options.Now(), Err: err,
		})
	}
}
