package handlers

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// readyTimeout is shorter than any probe's own limit, so that the prober hears the
// reason and not a timeout.
const readyTimeout = 2 * time.Second

// maxScrapes bounds how many scrapes of the metrics are gathered at once.
const maxScrapes = 4

// live says that the process answers; it never asks anything behind it, since a
// restart mends nothing there.
func (a *admin) live(c echo.Context) error { return c.String(http.StatusOK, "ok") }

// ready says whether deliveries and orders can be stored now, and if not, why.
func (a *admin) ready(c echo.Context) error {
	ctx, cancel := context.WithTimeout(c.Request().Context(), readyTimeout)
	defer cancel()
	if err := a.deps.Ready(ctx); err != nil {
		return &refusal{status: http.StatusServiceUnavailable, detail: shorten(err.Error()), cause: err}
	}
	return c.JSON(http.StatusOK, map[string]string{"status": "ready"})
}

func metrics(gatherer prometheus.Gatherer) echo.HandlerFunc {
	return echo.WrapHandler(promhttp.HandlerFor(gatherer, promhttp.HandlerOpts{MaxRequestsInFlight: maxScrapes}))
}
