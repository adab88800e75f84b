package handlers

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"
)

// shakeHands answers a sender that checks who listens at its URL. The answer
// holds what the sender sent, so it is encoded, never cached, and never taken by a
// browser for anything but JSON.
func (r *receiver) shakeHands(c echo.Context) error {
	src, err := r.source(c)
	if err != nil {
		return err
	}
	if src.Handshake == nil {
		return methodRefusal(c, src)
	}
	if !src.Handshake.Open() {
		if err := authenticate(src, c.Request()); err != nil {
			return err
		}
	}
	answer, err := src.Handshake.Answer(c.Request().Header)
	if err != nil {
		return &refusal{status: http.StatusBadRequest, reason: ReasonHandshake, detail: shorten(err.Error()), cause: err}
	}
	encoded, err := json.Marshal(answer)
	if err != nil {
		return fmt.Errorf("encode the handshake's answer: %w", err)
	}
	setUncached(c.Response().Header())
	return c.Blob(http.StatusOK, jsonType, encoded)
}

// setUncached keeps an answer out of caches and out of a browser's guesses.
func setUncached(header http.Header) {
	header.Set(echo.HeaderXContentTypeOptions, "nosniff")
	header.Set(echo.HeaderCacheControl, "no-store")
}
