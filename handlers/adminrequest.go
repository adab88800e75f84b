package handlers

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"

	"github.com/labstack/echo/v4"

	"sever/revocation"
)

const (
	maxAPIBody   = 16 << 10
	defaultLimit = 100
	maxLimit     = 1000
	maxReason    = 1000 // bytes: it is kept for good
)

// What reaches the store as part of a key or a subject is checked here first, so
// that no wildcard gets there.
var (
	idForm  = regexp.MustCompile(`^[a-z]{1,8}_[a-z2-7]{26}$`) // as DeriveID makes them
	orgForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
)

// readStrict decodes one JSON value: a misspelt field is an error, not a default.
func readStrict(c echo.Context, value any) error { return readStrictUpTo(c, value, maxAPIBody) }

// readStrictUpTo is readStrict for a body of at most so many bytes.
func readStrictUpTo(c echo.Context, value any, limit int64) error {
	decoder := json.NewDecoder(http.MaxBytesReader(c.Response().Writer, c.Request().Body, limit))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(value); err != nil {
		return decodeRefusal(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return badRequest("the body must hold one JSON object and nothing after it")
	}
	return nil
}

func decodeRefusal(err error) error {
	if over, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return &refusal{
			status: http.StatusRequestEntityTooLarge,
			detail: fmt.Sprintf("the body is larger than %d bytes", over.Limit),
		}
	}
	if errors.Is(err, io.EOF) {
		return badRequest("the body is empty; send a JSON object")
	}
	return badRequest("the body: " + shorten(err.Error()))
}

// pathID gives the id in the path. What does not look like an id names nothing.
func pathID(c echo.Context) (string, error) {
	id := c.Param("id")
	if !idForm.MatchString(id) {
		return "", revocation.ErrNotFound
	}
	return id, nil
}

func idAndReason(c echo.Context) (id, reason string, err error) {
	id, err = pathID(c)
	if err != nil {
		return "", "", err
	}
	reason = c.QueryParam("reason")
	if len(reason) > maxReason {
		return "", "", badRequest(fmt.Sprintf("reason is longer than %d bytes", maxReason))
	}
	return id, reason, nil
}

func jobFilter(c echo.Context) (JobFilter, error) {
	limit, err := queryLimit(c)
	if err != nil {
		return JobFilter{}, err
	}
	filter := JobFilter{Org: c.QueryParam("org"), State: c.QueryParam("state"), Limit: limit}
	if filter.Org != "" && !orgForm.MatchString(filter.Org) {
		return JobFilter{}, badRequest("org is not the name of an org")
	}
	switch filter.State {
	case "", revocation.StatePending, revocation.StateHeld, revocation.StateFinished, revocation.StateDead:
		return filter, nil
	default:
		return JobFilter{}, badRequest("state must be pending, held, finished or dead")
	}
}

func queryLimit(c echo.Context) (int, error) {
	given := c.QueryParam("limit")
	if given == "" {
		return defaultLimit, nil
	}
	limit, err := strconv.Atoi(given)
	if err != nil || limit < 1 || limit > maxLimit {
		return 0, badRequest(fmt.Sprintf("limit must be a whole number from 1 to %d", maxLimit))
	}
	return limit, nil
}

func badRequest(detail string) error {
	return &refusal{status: http.StatusBadRequest, detail: detail}
}
