package app

import (
	"context"
	"fmt"

	"sever/revocation"
)

// adminHolds is the operator's view of the jobs that wait for a date.
type adminHolds struct{ *operator }

func (h adminHolds) List(ctx context.Context, limit int) ([]revocation.Hold, error) {
	return h.holds.List(ctx, limit)
}

// Approve lets a hold's job go now: its time is set to now, so that it is released as all
// are, once, however this ends.
func (h adminHolds) Approve(ctx context.Context, key, reason string) error {
	return h.decide(ctx, "approve", key, reason, func(e revocation.HoldEntry) (revocation.HoldEntry, error) {
		return e.Approve(h.now())
	})
}

// Reject drops a hold and its job for good.
func (h adminHolds) Reject(ctx context.Context, key, reason string) error {
	return h.decide(ctx, "reject", key, reason, revocation.HoldEntry.Reject)
}

func (h adminHolds) decide(
	ctx context.Context, verb, key, reason string, apply func(revocation.HoldEntry) (revocation.HoldEntry, error),
) error {
	if reason == "" {
		return fmt.Errorf("reason is missing: say why, it goes into the audit: %w", revocation.ErrInvalid)
	}
	if _, err := h.holds.Show(ctx, key); err != nil {
		return fmt.Errorf("%s: %w", verb, err)
	}
	if err := h.record(ctx, verb, key, reason); err != nil {
		return err
	}
	var refused error
	err := h.holds.Change(ctx, key, func(e revocation.HoldEntry) (next revocation.HoldEntry, differs bool) {
		next, refused = apply(e)
		return next, refused == nil
	})
	if err != nil {
		return fmt.Errorf("%s: %w", verb, err)
	}
	if refused != nil {
		return fmt.Errorf("%s: %w", verb, refused)
	}
	return nil
}
