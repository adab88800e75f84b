package app

import (
	"context"
	"maps"
	"slices"
	"time"

	"sever/handlers"
	"sever/revocation"
)

// adminTimeout is for one admin request; a listing may read many messages.
const adminTimeout = 20 * time.Second

func (a *App) adminDeps() handlers.AdminDeps {
	op := &operator{
		orgs: slices.Sorted(maps.Keys(a.config.Orgs)), jobs: a.jobs, log: a.log, letters: a.letters,
		ledger: a.ledger, holds: a.holds, audit: a.queue.Audit(), now: a.options.Now, observe: a.observe,
	}
	return handlers.AdminDeps{
		Ready: a.ready.check, Metrics: a.metrics.Registry, States: stateBook{a.senders.states},
		Orders: op, Jobs: adminJobs{op}, DeadLetters: a.letters, Mender: op, Holds: adminHolds{op},
		Deliveries: a.deliveries(op), Evidence: a.queue.AuditView(),
	}
}

// adminJobs is the operator's view of jobs.
type adminJobs struct{ *operator }

func (j adminJobs) List(ctx context.Context, filter handlers.JobFilter) ([]revocation.JobState, error) {
	return j.jobs.List(ctx, filter.Org, filter.State, filter.Limit)
}

func (j adminJobs) Show(ctx context.Context, id string) (revocation.JobState, error) {
	return j.jobs.Show(ctx, id)
}
