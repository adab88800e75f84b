package handlers

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"sever/revocation"
	"sever/source"
)

// Letters keeps what waits for an operator.
type Letters interface {
	// PutOnce stores a dead letter durably, if it is not there: fresh says so. It must not hold on to
	// the letter.
	PutOnce(ctx context.Context, letter revocation.DeadLetter) (fresh bool, err error)
}

// staleReason is the same for every copy of a delivery, which makes one dead letter of them.
const staleReason = "its sender is proven, but its time is too far from ours: it was sent again late, our clock or theirs is wrong, " +
	"or it is a replay. Redrive it if its alert should count; nobody is revoked twice for one alert"

// keepStale puts aside what is genuine but for its time. It is no stranger's, so that it must not be lost
// where a clock is wrong; and it may be a replay, so that nothing comes of it by itself. A sender that signs
// each try anew succeeds by itself once the clocks agree: hence 503.
func (r *receiver) keepStale(c echo.Context, src source.Source, req source.Request, stale *source.StaleError) error {
	if r.config.Letters == nil {
		return unverified(stale)
	}
	delivery, err := r.delivery(src, req, stale.Verified)
	if err != nil {
		return err
	}
	letter := revocation.DeadDelivery(delivery, src.Org, staleReason, delivery.Received)
	if err := r.putAside(c.Request().Context(), letter, req.Now); err != nil {
		return err
	}
	return &refusal{
		status: http.StatusServiceUnavailable, reason: ReasonStale,
		detail: "the time of this delivery is too far from ours: send it again, signed anew; it was kept as a dead letter for the operator",
		cause:  fmt.Errorf("verify the sender: %w", stale),
	}
}

func (r *receiver) putAside(ctx context.Context, letter revocation.DeadLetter, began time.Time) error {
	ctx, cancel := r.toStore(ctx, began)
	defer cancel()
	fresh, err := r.config.Letters.PutOnce(ctx, letter)
	if err != nil {
		return notStored(fmt.Errorf("put aside as a dead letter: %w", err))
	}
	if fresh {
		r.observe(revocation.Event{
			Step: revocation.StepDeadLetter, Source: letter.Source, Org: letter.Org,
			Delivery: letter.Delivery.ID, Reason: letter.Reason,
		})
	}
	return nil
}
