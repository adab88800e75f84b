package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"sever/revocation"
)

func (a *admin) order(c echo.Context) error {
	var order revocation.Order
	if err := readStrict(c, &order); err != nil {
		return err
	}
	job, err := a.deps.Orders.Order(c.Request().Context(), order)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusAccepted, job)
}

func (a *admin) listJobs(c echo.Context) error {
	filter, err := jobFilter(c)
	if err != nil {
		return err
	}
	jobs, err := a.deps.Jobs.List(c.Request().Context(), filter)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string][]revocation.JobState{"jobs": orEmpty(jobs)})
}

func (a *admin) showJob(c echo.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	job, err := a.deps.Jobs.Show(c.Request().Context(), id)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, job)
}

func (a *admin) cancelJob(c echo.Context) error {
	id, reason, err := idAndReason(c)
	if err != nil {
		return err
	}
	job, err := a.deps.Jobs.Cancel(c.Request().Context(), id, reason)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, job)
}

func (a *admin) listDead(c echo.Context) error {
	limit, err := queryLimit(c)
	if err != nil {
		return err
	}
	letters, err := a.deps.DeadLetters.List(c.Request().Context(), limit)
	if err != nil {
		return err
	}
	summaries := make([]revocation.DeadLetter, len(letters))
	for i, letter := range letters {
		summaries[i] = summary(letter)
	}
	return c.JSON(http.StatusOK, map[string][]revocation.DeadLetter{"dead": summaries})
}

// summary leaves the raw bytes out, which may be megabytes each.
func summary(letter revocation.DeadLetter) revocation.DeadLetter {
	letter.Raw = nil
	if letter.Delivery != nil {
		delivery := *letter.Delivery
		delivery.Body = nil
		letter.Delivery = &delivery
	}
	return letter
}

func (a *admin) showDead(c echo.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	letter, err := a.deps.DeadLetters.Show(c.Request().Context(), id)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, letter)
}

func (a *admin) redrive(c echo.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	if err := readStrict(c, &struct{}{}); err != nil {
		return err
	}
	if err := a.deps.Mender.Redrive(c.Request().Context(), id); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]string{"redriven": id})
}

func (a *admin) drop(c echo.Context) error {
	id, reason, err := idAndReason(c)
	if err != nil {
		return err
	}
	if err := a.deps.Mender.Drop(c.Request().Context(), id, reason); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// orEmpty makes an empty list be [] in JSON, and not null.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
