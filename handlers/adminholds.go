package handlers

import (
	"context"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"sever/revocation"
)

func (a *admin) listHolds(c echo.Context) error {
	limit, err := queryLimit(c)
	if err != nil {
		return err
	}
	holds, err := a.deps.Holds.List(c.Request().Context(), limit)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string][]revocation.Hold{"holds": orEmpty(holds)})
}

func (a *admin) approveHold(c echo.Context) error {
	return decideHold(c, "approved", a.deps.Holds.Approve)
}

func (a *admin) rejectHold(c echo.Context) error {
	return decideHold(c, "rejected", a.deps.Holds.Reject)
}

func decideHold(c echo.Context, done string, decide func(ctx context.Context, key, reason string) error) error {
	key, err := pathID(c)
	if err != nil {
		return err
	}
	var decision struct {
		Reason string `json:"reason"`
	}
	if err := readStrict(c, &decision); err != nil {
		return err
	}
	if len(decision.Reason) > maxReason {
		return badRequest(fmt.Sprintf("reason is longer than %d bytes", maxReason))
	}
	if err := decide(c.Request().Context(), key, decision.Reason); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]string{done: key})
}
