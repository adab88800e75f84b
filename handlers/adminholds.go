package handlers

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"sever/revocation"
)

// Holds shows the jobs that wait, and ends their wait.
type Holds interface {
	// List gives those held for why, or for anything where why is empty.
	List(ctx context.Context, why string, limit int) ([]revocation.Hold, error)
	Show(ctx context.Context, key string) (revocation.Hold, error)
	// Decide gives how many more operators must approve before the job goes.
	Decide(ctx context.Context, decision revocation.HoldDecision) (missing int, err error)
}

// operatorHeader may name who is at work, where the body does not.
const operatorHeader = "X-Sever-Operator"

// maxOperator bounds an operator's name, in bytes: it is kept for good.
const maxOperator = 100

func (a *admin) listHolds(c echo.Context) error {
	limit, err := queryLimit(c)
	if err != nil {
		return err
	}
	holds, err := a.deps.Holds.List(c.Request().Context(), c.QueryParam("why"), limit)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string][]revocation.Hold{"holds": orEmpty(holds)})
}

func (a *admin) showHold(c echo.Context) error {
	key, err := pathID(c)
	if err != nil {
		return err
	}
	hold, err := a.deps.Holds.Show(c.Request().Context(), key)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, hold)
}

func (a *admin) approveHold(c echo.Context) error { return a.decideHold(c, revocation.VerbApprove) }

func (a *admin) rejectHold(c echo.Context) error { return a.decideHold(c, revocation.VerbReject) }

// decided answers a decision: the key under the verb's past, and how many more operators
// must approve.
type decided struct {
	Approved string `json:"approved,omitempty"`
	Rejected string `json:"rejected,omitempty"`
	Missing  int    `json:"missing,omitempty"`
}

func (a *admin) decideHold(c echo.Context, verb string) error {
	key, err := pathID(c)
	if err != nil {
		return err
	}
	var said struct {
		Reason string `json:"reason"`
		By     string `json:"by"`
	}
	if err := readStrict(c, &said); err != nil {
		return err
	}
	if said.By == "" {
		said.By = c.Request().Header.Get(operatorHeader)
	}
	decision := revocation.HoldDecision{Key: key, Verb: verb, By: strings.TrimSpace(said.By), Reason: said.Reason}
	if err := checkDecision(decision); err != nil {
		return err
	}
	missing, err := a.deps.Holds.Decide(c.Request().Context(), decision)
	if err != nil {
		return err
	}
	if verb == revocation.VerbReject {
		return c.JSON(http.StatusOK, decided{Rejected: key})
	}
	return c.JSON(http.StatusOK, decided{Approved: key, Missing: missing})
}

// checkDecision bounds what goes into the audit.
func checkDecision(decision revocation.HoldDecision) error {
	if len(decision.Reason) > maxReason {
		return badRequest(fmt.Sprintf("reason is longer than %d bytes", maxReason))
	}
	if len(decision.By) > maxOperator {
		return badRequest(fmt.Sprintf("by is longer than %d bytes", maxOperator))
	}
	return nil
}
