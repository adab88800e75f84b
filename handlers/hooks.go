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
	if err != nil {
		return err
	}
	if answered, err := r.answerHandshake(c, src, req, false); answered || err != nil {
		return err
	}
	mediaType, err := checkContent(src, req.Header)
	if err != nil {
		return err
	}
	if verified.Body != nil {
		req.Body = verified.Body
	}
	if len(req.Body) == 0 {
		return &refusal{status: http.StatusBadRequest, reason: ReasonEmpty, detail: "the body is empty"}
	}
	readable := isReadable(src, req.Body)
	if err := r.store(c, src, mediaType, verified.ID, req); err != nil {
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
	verified, err := src.Verifier.Verify(ctx, req)
	if err != nil {
		return source.Verified{}, unverified(err)
	}
	return verified, nil
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

// store makes a body durable, in what is left of the request's time. It goes on
// when the sender hangs up: the alert is real, and a resend of it has the same id.
// The delivery counts as received once the whole of it is here, so that only a
// revocation begun after that can cover it.
func (r *receiver) store(c echo.Context, src source.Source, mediaType, senderID string, req source.Request) error {
	received := r.config.Now()
	// Not by NewDelivery, which would hash the body once more.
	delivery := revocation.Delivery{Source: src.Name, ContentType: mediaType, Body: req.Body, Received: received}.
		With(senderID, kept(src, req.Header))

	left := min(r.config.AppendTimeout, r.config.Timeout-received.Sub(req.Now))
	if err := r.append(c.Request().Context(), delivery, left); err != nil {
		return err
	}
	r.observe(revocation.Event{
		Step: revocation.StepAccepted, Source: src.Name, Request: requestID(c),
		Delivery: delivery.ID, Bytes: len(req.Body), Took: r.config.Now().Sub(received),
	})
	return nil
}

func (r *receiver) append(ctx context.Context, delivery revocation.Delivery, within time.Duration) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), within)
	defer cancel()
	if err := r.log.Append(ctx, delivery); err != nil {
		return &refusal{
			status: http.StatusServiceUnavailable, reason: ReasonNotStored,
			detail: "the delivery could not be stored; send it again",
			cause:  fmt.Errorf("append the delivery: %w", err),
		}
	}
	return nil
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
