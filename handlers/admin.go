package handlers

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"sever/revocation"
)

// Orders takes revocations that an operator asks for by hand.
type Orders interface {
	// Order gives the job that it put on its lane.
	Order(ctx context.Context, order revocation.Order) (revocation.Job, error)
}

// JobFilter picks jobs. An empty field picks all.
type JobFilter struct {
	Org   string
	State string // revocation.StatePending, StateHeld, StateFinished or StateDead
	Limit int    // always set
}

// Jobs shows the jobs that are in the system.
type Jobs interface {
	List(ctx context.Context, filter JobFilter) ([]revocation.JobState, error)
	Show(ctx context.Context, id string) (revocation.JobState, error)
	// Cancel ends a pending job without a call.
	Cancel(ctx context.Context, id, reason string) (revocation.JobState, error)
}

// DeadLetters shows what waits for an operator.
type DeadLetters interface {
	List(ctx context.Context, limit int) ([]revocation.DeadLetter, error)
	Show(ctx context.Context, id string) (revocation.DeadLetter, error)
}

// Mender ends the wait of a dead letter.
type Mender interface {
	// Redrive sends it on its way once more.
	Redrive(ctx context.Context, id string) error
	// Drop gives it up for good.
	Drop(ctx context.Context, id, reason string) error
}

// AdminDeps are what the admin side shows and moves. Their errors wrap
// revocation.ErrNotFound or revocation.ErrInvalid where the operator is to blame.
// Orders, Jobs, DeadLetters, Mender and Holds may each be nil, as in a process that only
// receives: their routes are then not there.
type AdminDeps struct {
	Orders      Orders
	Jobs        Jobs
	DeadLetters DeadLetters
	Mender      Mender
	Holds       Holds
	Deliveries  Deliveries // may be nil, too
	Evidence    Evidence   // may be nil, too
	ReadLink    ReadLink   // nil where there are no signed links
	States      StateBook

	Ready   func(ctx context.Context) error // nil when a delivery could be stored now
	Metrics prometheus.Gatherer
}

// AdminConfig says who may use the admin API.
type AdminConfig struct {
	Token  string       // empty: only requests to a loopback host, from this machine that is
	Logger *slog.Logger // hears of panics and internal errors
}

type admin struct {
	deps   AdminDeps
	logger *slog.Logger
}

// NewAdmin makes the handler of the admin listener: health and metrics for
// anyone who reaches it, and the API for operators.
func NewAdmin(deps AdminDeps, config AdminConfig) (http.Handler, error) {
	if deps.Ready == nil || deps.Metrics == nil {
		return nil, errors.New("admin: the readiness check and the metrics must be given")
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	a := &admin{deps: deps, logger: config.Logger}
	e := newEcho(config.Logger, a.answerError)
	e.Use(uncached)
	e.GET("/livez", a.live)
	e.GET("/readyz", a.ready)
	e.GET("/metrics", metrics(deps.Metrics))
	a.routeAPI(e, newGuard(config.Token).protect)
	a.routeLinks(e)
	return e, nil
}

func (a *admin) routeAPI(e *echo.Echo, protect echo.MiddlewareFunc) {
	const jobs, dead, holds = "/api/v1/jobs", "/api/v1/dead", "/api/v1/holds"
	if a.deps.Orders != nil {
		e.POST("/api/v1/revocations", a.order, protect)
	}
	if a.deps.Jobs != nil {
		e.GET(jobs, a.listJobs, protect)
		e.GET(jobs+"/:id", a.showJob, protect)
		e.DELETE(jobs+"/:id", a.cancelJob, protect)
	}
	if a.deps.DeadLetters != nil {
		e.GET(dead, a.listDead, protect)
		e.GET(dead+"/:id", a.showDead, protect)
	}
	if a.deps.States != nil {
		const states = "/api/v1/sources/:source/ssf/states"
		e.POST(states, a.expectState, protect)
		e.GET(states+"/:state", a.seenState, protect)
	}
	if a.deps.Mender != nil {
		e.POST(dead+"/:id/redrive", a.redrive, protect)
		e.DELETE(dead+"/:id", a.drop, protect)
	}
	if a.deps.Holds != nil {
		e.GET(holds, a.listHolds, protect)
		e.GET(holds+"/:id", a.showHold, protect)
		e.POST(holds+"/:id/approve", a.approveHold, protect)
		e.POST(holds+"/:id/reject", a.rejectHold, protect)
	}
	a.routeDeliveries(e, protect)
	a.routeAudit(e, protect)
}

func uncached(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		setUncached(c.Response().Header())
		return next(c)
	}
}

// answerError is the one place where a request of an operator is answered with an error.
func (a *admin) answerError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	status, detail := explain(err)
	if status == http.StatusInternalServerError && !errors.Is(err, errPanicked) {
		a.logger.ErrorContext(c.Request().Context(), "answer an operator",
			"request_id", requestID(c), "err", shorten(err.Error()))
	}
	// An operator who has hung up cannot be told.
	_ = writeProblem(c, status, detail)
}

// explain gives the status of an error and as much of its text as is meant for
// the operator.
func explain(err error) (status int, detail string) {
	if refused, ok := errors.AsType[*refusal](err); ok {
		return refused.status, refused.detail
	}
	switch {
	case errors.Is(err, revocation.ErrNotFound):
		return http.StatusNotFound, "there is nothing with this id"
	case errors.Is(err, revocation.ErrInvalid):
		return http.StatusBadRequest, shorten(err.Error())
	default:
		return httpStatus(err), ""
	}
}
