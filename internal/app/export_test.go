package app

import (
	"context"
	"net/http"

	"sever/internal/approval"
	"sever/queue"
	"sever/revocation"
)

// CloseQueue takes the store away under a running App, which is what a test of its
// failure needs.
func (a *App) CloseQueue() error { return a.queue.Close() }

// Hold has a termination announced, as the dispatch stage does for a source.
func (a *App) Hold(ctx context.Context, job revocation.Job, signal revocation.Signal) error {
	hold := revocation.HoldUntil(job, signal, a.options.Now())
	return a.holds.Change(ctx, hold.Key, func(e revocation.HoldEntry) (revocation.HoldEntry, bool) {
		next, outcome := e.Put(hold, revocation.NoticeOf(signal), a.options.Now())
		return next, outcome.Writes()
	})
}

// Fetching makes what is fetched from senders, such as a subscription's confirmation, go
// through carrier.
func (o Options) Fetching(carrier http.RoundTripper) Options {
	o.toSenders = carrier
	return o
}

// ApprovalLinks makes the signed links that notices carry.
func (a *App) ApprovalLinks() (*approval.Links, error) { return a.approvalLinks() }

// Decide decides about a hold, as the admin API does.
func (a *App) Decide(ctx context.Context, decision revocation.HoldDecision) (missing int, err error) {
	return a.adminDeps().Holds.Decide(ctx, decision)
}

// Lanes tells how far the work on every lane has come.
func (a *App) Lanes(ctx context.Context) ([]queue.LaneDepth, error) { return a.jobs.Depths(ctx) }
