package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"
	"golang.org/x/time/rate"

	"sever/source"
)

// How often anyone may try a source's open handshakes: a sender makes one when its
// webhook is saved, and again when it is renewed.
const (
	doorRate  = 5 // a second
	doorBurst = 20
)

// openDoors gives each source that answers strangers a limit of its own.
func openDoors(sources []source.Source) map[string]*rate.Limiter {
	doors := make(map[string]*rate.Limiter)
	for _, src := range sources {
		for _, handshake := range src.Handshakes {
			if handshake.Open() {
				doors[src.Name] = rate.NewLimiter(doorRate, doorBurst)
			}
		}
	}
	return doors
}

// shakeHands answers a sender that checks by GET or OPTIONS who listens at its URL.
func (r *receiver) shakeHands(c echo.Context) error {
	src, err := r.source(c)
	if err != nil {
		return err
	}
	req := r.request(c.Request(), r.config.Now())
	if answered, err := r.answerHandshake(c, src, req, true); answered || err != nil {
		return err
	}
	if len(src.Handshakes) > 0 {
		if err := early(src, req); err != nil {
			return err
		}
		if answered, err := r.answerHandshake(c, src, req, false); answered || err != nil {
			return err
		}
	}
	return methodRefusal(c, src)
}

// answerHandshake answers req if it is one of the source's handshakes, of those that are
// open or of those that are not.
func (r *receiver) answerHandshake(c echo.Context, src source.Source, req source.Request, open bool) (answered bool, err error) {
	for _, handshake := range src.Handshakes {
		if handshake.Open() != open {
			continue
		}
		reply, ok, err := handshake.Answer(c.Request().Context(), req)
		if err != nil {
			return false, &refusal{status: http.StatusBadRequest, reason: ReasonHandshake, detail: shorten(err.Error()), cause: err}
		}
		if !ok {
			continue
		}
		if open && !r.doors[src.Name].AllowN(req.Now, 1) {
			return false, &refusal{status: http.StatusServiceUnavailable, reason: ReasonTooMany, detail: "too many of these checks; try again in a moment"}
		}
		return true, sendReply(c, reply)
	}
	return false, nil
}

// sendReply sends what may hold what the sender sent: never cached, and never taken by a
// browser for anything but what it is.
func sendReply(c echo.Context, reply source.Reply) error {
	header := c.Response().Header()
	setUncached(header)
	for name, value := range reply.Header {
		header.Set(name, value)
	}
	status := reply.Status
	if status == 0 {
		status = http.StatusOK
	}
	if len(reply.Body) == 0 {
		return c.NoContent(status)
	}
	return c.Blob(status, reply.ContentType, reply.Body)
}

// setUncached keeps an answer out of caches and out of a browser's guesses.
func setUncached(header http.Header) {
	header.Set(echo.HeaderXContentTypeOptions, "nosniff")
	header.Set(echo.HeaderCacheControl, "no-store")
}
