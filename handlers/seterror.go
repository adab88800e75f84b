package handlers

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"sever/source"
)

// setProblem is the body of an error answer to a Shared Signals transmitter (RFC 8935, section 2.3).
type setProblem struct {
	Err         string `json:"err"`
	Description string `json:"description"`
}

// writeSETError answers a transmitter. It is told 400 where the token is at fault, and the
// status of HTTP itself where the request is.
func writeSETError(c echo.Context, refused *refusal) error {
	answer, status := setProblem{Err: "invalid_request", Description: refused.detail}, refused.status
	if cause, ok := errors.AsType[*source.SETError](refused.cause); ok {
		answer, status = setProblem{Err: cause.Code, Description: cause.Description}, http.StatusBadRequest
	} else if refused.status == http.StatusUnauthorized {
		answer = setProblem{Err: "authentication_failed", Description: "the request is not authenticated"}
	}
	body, err := json.Marshal(answer)
	if err != nil {
		return fmt.Errorf("encode an error of a transmitter: %w", err)
	}
	c.Response().Header().Set("Content-Language", "en")
	return c.Blob(status, jsonType, body)
}
