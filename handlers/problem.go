package handlers

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
)

// problem is the body of every error answer: RFC 9457, application/problem+json.
type problem struct {
	Type      string `json:"type"` // about:blank: the status says it all
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Detail    string `json:"detail,omitempty"`
	RequestID string `json:"request_id"`
}

// refusal is an error together with the answer it deserves.
type refusal struct {
	status int
	reason string // one of the Reason words, for the observer
	detail string // shown to whoever asked
	cause  error  // never shown
}

func (r *refusal) Error() string {
	if r.cause != nil {
		return r.cause.Error()
	}
	return r.detail
}

func (r *refusal) Unwrap() error { return r.cause }

// httpStatus reads the status that Echo's router gave, however deep it is
// wrapped, and 500 for every other error.
func httpStatus(err error) int {
	if routed, ok := errors.AsType[*echo.HTTPError](err); ok {
		return routed.Code
	}
	return http.StatusInternalServerError
}

func writeProblem(c echo.Context, status int, detail string) error {
	body, err := json.Marshal(problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status,
		Detail: detail, RequestID: requestID(c),
	})
	if err != nil {
		return fmt.Errorf("encode a problem: %w", err)
	}
	return c.Blob(status, "application/problem+json", body)
}

// maxShown bounds text from elsewhere in an answer or a log line, in bytes.
const maxShown = 300

func shorten(text string) string {
	if len(text) <= maxShown {
		return text
	}
	return strings.ToValidUTF8(text[:maxShown], "") + "..."
}
