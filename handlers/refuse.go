package handlers

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"sever/revocation"
)

// Why a sender's request was refused: the words of Event.Reason with StepRefused,
// each of them usable as a metric label.
const (
	ReasonUnauthenticated = "unauthenticated"
	ReasonUnknownSource   = "unknown_source" // or no such route at all
	ReasonMethod          = "method"
	ReasonContentType     = "content_type"
	ReasonContentEncoding = "content_encoding"
	ReasonTooLarge        = "too_large"
	ReasonSlowBody        = "slow_body" // or cut off
	ReasonEmpty           = "empty"
	ReasonNotReadable     = "not_readable" // stored all the same
	ReasonStale           = "stale"        // a dead letter: genuine, but for its time
	ReasonNotStored       = "not_stored"   // our trouble: the sender is asked to come again
	ReasonUnverifiable    = "unverifiable" // our trouble too: the sender's keys could not be fetched
	ReasonTooMany         = "too_many"     // handshakes that anyone may try
	ReasonHandshake       = "handshake"
	ReasonPanic           = "panic"
	ReasonInternal        = "internal"
)

// answerError is the one place where a request of a sender is answered with an error.
func (r *receiver) answerError(err error, c echo.Context) {
	if c.Response().Committed {
		return // the answer was already on its way when the sender hung up
	}
	refused := asRefusal(err)
	src, _ := r.source(c)
	r.observe(revocation.Event{
		Step: revocation.StepRefused, Source: src.Name,
		Request: requestID(c), Reason: refused.reason, Err: refused.cause,
	})
	if refused.reason == ReasonInternal {
		r.config.Logger.ErrorContext(c.Request().Context(), "answer a sender",
			"request_id", requestID(c), "err", shorten(err.Error()))
	}
	if refused.status == http.StatusServiceUnavailable {
		c.Response().Header().Set(echo.HeaderRetryAfter, "1")
	}
	// A sender that has hung up cannot be told; what happened to it is observed.
	if src.SETErrors && refused.status < http.StatusInternalServerError {
		_ = writeSETError(c, refused)
		return
	}
	_ = writeProblem(c, refused.status, refused.detail)
}

func asRefusal(err error) *refusal {
	if refused, ok := errors.AsType[*refusal](err); ok {
		return refused
	}
	if errors.Is(err, errPanicked) {
		return &refusal{status: http.StatusInternalServerError, reason: ReasonPanic, cause: err}
	}
	status := httpStatus(err)
	switch status {
	case http.StatusNotFound:
		return &refusal{status: status, reason: ReasonUnknownSource, detail: "there is nothing at this path"}
	case http.StatusMethodNotAllowed:
		return &refusal{status: status, reason: ReasonMethod}
	default:
		return &refusal{status: http.StatusInternalServerError, reason: ReasonInternal, cause: err}
	}
}

func (r *receiver) observe(event revocation.Event) {
	event.Stage = "receive"
	event.At = r.config.Now()
	r.config.Observer.Observe(event)
}
