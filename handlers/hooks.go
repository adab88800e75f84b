package handlers

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"sever/revocation"
	"sever/source"
)

// takeDelivery verifies, reads and stores one delivery, and only then accepts it.
func (r *receiver) takeDelivery(c echo.Context) error {
	began := r.config.Now()
	src, err := r.source(c)
	if err != nil {
		return err
	}
	if err := authenticate(src, c.Request()); err != nil {
		return err
	}
	mediaType, err := checkContent(c.Request().Header)
	if err != nil {
		return err
	}
	body, err := r.readBody(c)
	if err != nil {
		return err
	}
	isJSON := json.Valid(body.bytes)
	if err := r.store(c, src, mediaType, body.bytes, began); err != nil {
		return err // the log may still hold the body: its memory is not lent again
	}
	r.buffers.put(body)
	if !isJSON {
		return &refusal{
			status: http.StatusBadRequest, reason: ReasonNotJSON,
			detail: "body is not valid JSON; it was kept as a dead letter for the operator",
		}
	}
	return c.NoContent(src.Accepted)
}

func authenticate(src source.Source, req *http.Request) error {
	if err := src.Verifier.Verify(req.Header); err != nil {
		// No detail and no WWW-Authenticate: a stranger learns nothing of what is expected.
		return &refusal{
			status: http.StatusUnauthorized, reason: ReasonUnauthenticated,
			cause: fmt.Errorf("verify the sender: %w", err),
		}
	}
	return nil
}

// store makes a body durable, in what is left of the request's time. It goes on
// when the sender hangs up: the alert is real, and a resend of it has the same id.
// The delivery counts as received once the whole of it is here, so that only a
// revocation begun after that can cover it.
func (r *receiver) store(c echo.Context, src source.Source, mediaType string, body []byte, began time.Time) error {
	received := r.config.Now()
	delivery := revocation.NewDelivery(src.Name, mediaType, body, received)

	left := min(r.config.AppendTimeout, r.config.Timeout-received.Sub(began))
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request().Context()), left)
	defer cancel()
	if err := r.log.Append(ctx, delivery); err != nil {
		return &refusal{
			status: http.StatusServiceUnavailable, reason: ReasonNotStored,
			detail: "the delivery could not be stored; send it again",
			cause:  fmt.Errorf("append the delivery: %w", err),
		}
	}
	r.observe(revocation.Event{
		Step: revocation.StepAccepted, Source: src.Name, Request: requestID(c),
		Delivery: delivery.ID, Bytes: len(body), Took: r.config.Now().Sub(received),
	})
	return nil
}
