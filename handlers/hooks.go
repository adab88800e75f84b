package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"sever/revocation"
	"sever/source"
	"sever/source/strictjson"
)

// strangersBody is how much of a body is read for a handshake that anyone may try.
const strangersBody = 64 << 10

// takeDelivery decides by the headers whether a body is worth reading, reads it, and
// lets answer decide the rest.
func (r *receiver) takeDelivery(c echo.Context) error {
	began := r.config.Now()
	src, err := r.source(c)
	if err != nil {
		return err
	}
	req := r.request(c.Request(), began)
	stranger := early(src, req)
	limit := r.config.MaxBody
	if stranger != nil {
		if r.doors[src.Name] == nil {
			return stranger
		}
		limit = min(limit, strangersBody)
	}
	if len(src.Handshakes) == 0 { // a handshake may be of any type
		if _, err := checkContent(src, c.Request().Header); err != nil {
			return err
		}
	}
	body, err := r.readBody(c, limit)
	if err != nil {
		return err
	}
	req.Body = body.bytes
	err = r.answer(c, src, req, stranger)
	if !heldByLog(err) {
		r.buffers.put(body)
	}
	return err
}

// answer tells a handshake from a delivery. The one is answered; the other is verified,
// stored, and only then accepted. stranger is why req may only be an open handshake.
func (r *receiver) answer(c echo.Context, src source.Source, req source.Request, stranger error) error {
	if answered, err := r.answerHandshake(c, src, req, true); answered || err != nil {
		return err
	}
	if stranger != nil {
		return stranger
	}
	verified, err := r.verify(c.Request().Context(), src, req)
	if stale, ok := errors.AsType[*source.StaleError](err); ok {
		return r.keepStale(c, src, req, stale)
	}
	if err != nil {
		return unverified(err)
	}
	if answered, err := r.answerHandshake(c, src, req, false); answered || err != nil {
		return err
	}
	delivery, err := r.delivery(src, req, verified)
	if err != nil {
		return err
	}
	readable := isReadable(src, delivery.Body)
	if err := r.store(c, delivery, req); err != nil {
		return err
	}
	if !readable {
		return &refusal{
			status: http.StatusBadRequest, reason: ReasonNotReadable,
			detail: "body is not " + formOf(src) + "; it was kept as a dead letter for the operator",
		}
	}
	return c.NoContent(src.Accepted)
}

// verify may have to wait for a sender's keys, for as long as the request may take.
func (r *receiver) verify(ctx context.Context, src source.Source, req source.Request) (source.Verified, error) {
	ctx, cancel := context.WithDeadline(ctx, time.Now().Add(r.config.Timeout-r.config.Now().Sub(req.Now)))
	defer cancel()
	return src.Verifier.Verify(ctx, req)
}

// early refuses what no body could make good.
func early(src source.Source, req source.Request) error {
	if err := src.Verifier.Early(req); err != nil {
		return unverified(err)
	}
	return nil
}

// unverified gives no detail and no WWW-Authenticate: a stranger learns nothing of what is expected.
func unverified(err error) error {
	cause := fmt.Errorf("verify the sender: %w", err)
	if errors.Is(err, source.ErrUnavailable) {
		return &refusal{
			status: http.StatusServiceUnavailable, reason: ReasonUnverifiable,
			detail: "the delivery cannot be verified at the moment; send it again", cause: cause,
		}
	}
	return &refusal{status: http.StatusUnauthorized, reason: ReasonUnauthenticated, cause: cause}
}

func isReadable(src source.Source, body []byte) bool {
	if src.Readable == nil {
		return strictjson.Valid(body)
	}
	return src.Readable(body)
}

func formOf(src source.Source) string {
	if src.Readable == nil {
		return "valid JSON"
	}
	return "in the form that this source is configured for"
}

// delivery makes of a genuine request what is stored. It counts as received now that the whole of it
// is here, so that only a revocation begun after that can cover it.
func (r *receiver) delivery(src source.Source, req source.Request, verified source.Verified) (revocation.Delivery, error) {
	mediaType, err := checkContent(src, req.Header)
	if err != nil {
		return revocation.Delivery{}, err
	}
	body := req.Body
	if verified.Body != nil {
		body = verified.Body
	}
	if len(body) == 0 {
		return revocation.Delivery{}, &refusal{status: http.StatusBadRequest, reason: ReasonEmpty, detail: "the body is empty"}
	}
	// Not by NewDelivery, which would hash the body once more.
	return revocation.Delivery{Source: src.Name, ContentType: mediaType, Body: body, Received: r.config.Now()}.
		With(verified.ID, kept(src, req.Header)), nil
}

// store makes a delivery durable.
func (r *receiver) store(c echo.Context, delivery revocation.Delivery, req source.Request) error {
	if err := r.append(c.Request().Context(), delivery, req.Now); err != nil {
		return err
	}
	r.observe(revocation.Event{
		Step: revocation.StepAccepted, Source: delivery.Source, Request: requestID(c),
		Delivery: delivery.ID, Bytes: len(delivery.Body), Took: r.config.Now().Sub(delivery.Received),
	})
	return nil
}

func (r *receiver) append(ctx context.Context, delivery revocation.Delivery, began time.Time) error {
	ctx, cancel := r.toStore(ctx, began)
	defer cancel()
	if err := r.log.Append(ctx, delivery); err != nil {
		return notStored(fmt.Errorf("append the delivery: %w", err))
	}
	return nil
}

// toStore bounds what is stored by what is left of the request's time. It goes on when the sender
// hangs up: the alert is real, and a resend of it has the same id.
func (r *receiver) toStore(ctx context.Context, began time.Time) (context.Context, context.CancelFunc) {
	left := min(r.config.AppendTimeout, r.config.Timeout-r.config.Now().Sub(began))
	return context.WithTimeout(context.WithoutCancel(ctx), left)
}

func notStored(cause error) error {
	return &refusal{
		status: http.StatusServiceUnavailable, reason: ReasonNotStored,
		detail: "the delivery could not be stored; send it again", cause: cause,
	}
}

// heldByLog reports whether the log may still hold a body after err: its memory must
// not be lent again.
func heldByLog(err error) bool {
	refused, ok := errors.AsType[*refusal](err)
	return ok && refused.reason == ReasonNotStored
}

// kept are the headers that a source keeps with its deliveries.
func kept(src source.Source, header http.Header) map[string]string {
	var found map[string]string
	for _, name := range src.Keep {
		value := header.Get(name)
		if value == "" || len(value) > maxKept {
			continue
		}
		if found == nil {
			found = make(map[string]string, len(src.Keep))
		}
		found[name] = value
	}
	return found
}

// maxKept bounds a kept header, in bytes; a longer one says nothing that a mapping reads.
const maxKept = 4 << 10
