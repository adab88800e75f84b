package handlers

import (
	"context"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"sever/revocation"
)

// Evidence shows the audit.
type Evidence interface {
	List(ctx context.Context, query revocation.AuditQuery) (revocation.AuditPage, error)
	// Check looks at a part of the evidence. from is empty, or Next of the part before.
	Check(ctx context.Context, from string) (revocation.AuditCheck, error)
}

func (a *admin) routeAudit(e *echo.Echo, protect echo.MiddlewareFunc) {
	if a.deps.Evidence == nil {
		return
	}
	e.GET("/api/v1/audit", a.listAudit, protect)
	e.GET("/api/v1/audit/verify", a.verifyAudit, protect)
}

func (a *admin) listAudit(c echo.Context) error {
	query, err := auditQuery(c)
	if err != nil {
		return err
	}
	page, err := a.deps.Evidence.List(c.Request().Context(), query)
	if err != nil {
		return err
	}
	page.Entries = orEmpty(page.Entries)
	return c.JSON(http.StatusOK, page)
}

func auditQuery(c echo.Context) (query revocation.AuditQuery, err error) {
	query = revocation.AuditQuery{
		Org: c.QueryParam("org"), User: c.QueryParam("user"), Outcome: revocation.Outcome(c.QueryParam("outcome")),
	}
	if query.Limit, err = queryLimit(c); err != nil {
		return query, err
	}
	if query.Since, err = querySince(c); err != nil {
		return query, err
	}
	switch c.QueryParam("order") {
	case "", "newest":
	case "oldest":
		query.Oldest = true
	default:
		return query, badRequest("order must be newest or oldest")
	}
	if from := c.QueryParam("from"); from != "" {
		if query.From, err = strconv.ParseUint(from, 10, 64); err != nil {
			return query, badRequest("from must be what the page before gave as next")
		}
	}
	return query, nil
}

func (a *admin) verifyAudit(c echo.Context) error {
	from, err := checkPlace(c.QueryParam("from"))
	if err != nil {
		return err
	}
	check, err := a.deps.Evidence.Check(c.Request().Context(), from)
	if err != nil {
		return err
	}
	check.Problems = orEmpty(check.Problems)
	return c.JSON(http.StatusOK, check)
}
