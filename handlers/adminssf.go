package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// StateBook lets a Shared Signals source expect the verification event that an operator
// asks its transmitter for.
type StateBook interface {
	// Expect makes the source accept a verification event with this state.
	Expect(source, state string) error
	// Seen reports whether it came.
	Seen(source, state string) (bool, error)
}

func (a *admin) expectState(c echo.Context) error {
	var asked struct {
		State string `json:"state"`
	}
	if err := readStrict(c, &asked); err != nil {
		return err
	}
	if err := a.deps.States.Expect(c.Param("source"), asked.State); err != nil {
		return err
	}
	return c.NoContent(http.StatusAccepted)
}

func (a *admin) seenState(c echo.Context) error {
	seen, err := a.deps.States.Seen(c.Param("source"), c.Param("state"))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]bool{"seen": seen})
}
