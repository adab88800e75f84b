package handlers

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"time"

	"github.com/labstack/echo/v4"

	"sever/policy"
	"sever/revocation"
)

// DeliveryFilter picks deliveries of the log. An empty field picks all.
type DeliveryFilter struct {
	Source string
	Since  time.Time // by when they were received
	Limit  int       // always set
	From   string    // Next of the page before
}

// DeliveryCard is a delivery in a listing: its body, headers and ids of the sender left out.
type DeliveryCard struct {
	ID          string    `json:"id"`
	Source      string    `json:"source"`
	Received    time.Time `json:"received"`
	ContentType string    `json:"content_type,omitempty"`
	Bytes       int       `json:"bytes"`
	Redrives    int       `json:"redrives,omitempty"`
}

// DeliveryPage is part of a listing, the newest first. It ends at its limit, or when enough
// was looked at.
type DeliveryPage struct {
	Deliveries []DeliveryCard `json:"deliveries"`
	Next       string         `json:"next,omitempty"` // where to go on; "" at the end
}

// DeliveryView is one delivery, and what it says today.
type DeliveryView struct {
	Delivery revocation.Delivery `json:"delivery"` // its body only where it was asked for
	Bytes    int                 `json:"bytes"`
	Org      string              `json:"org,omitempty"`
	Problem  string              `json:"problem,omitempty"` // why it cannot be decoded
	Policy   string              `json:"policy,omitempty"`  // version of the policy that was asked
	Signals  []SignalView        `json:"signals"`
	Skipped  []SkippedEvent      `json:"skipped"`
}

// SkippedEvent is an event of a delivery that is no signal.
type SkippedEvent struct {
	Type   string `json:"type"`
	Reason string `json:"reason"`
}

// SignalView is a signal of a delivery with what it leads to.
type SignalView struct {
	Signal  revocation.Signal `json:"signal"`
	Verdict Verdict           `json:"verdict"`
}

// What a signal leads to by the policy of today. Protected people and the brake come later,
// when a job is worked on.
const (
	DoesRevoke   = "revoke"
	DoesDryRun   = "dry_run"  // a job without a call
	DoesHold     = "hold"     // a job that waits: for a date, a delay or an approval
	DoesWithdraw = "withdraw" // takes back what is held
	DoesIgnore   = "ignore"
	DoesNobody   = "nobody" // deserves a revocation, but names nobody: a dead letter
	DoesFail     = "fail"   // the delivery cannot be decoded, or its source is not configured: a dead letter
)

// RecordNone says that there is no job on account of a signal. Else what is on record is the
// outcome that finished the job, or "held", "dead" or "pending".
const RecordNone = "none"

// Verdict is what a signal leads to now, beside what is on record of it.
type Verdict struct {
	Rule   string          `json:"rule,omitempty"`
	Does   string          `json:"does"`
	Lane   revocation.Lane `json:"lane,omitempty"`
	Record string          `json:"on_record"`
	Job    string          `json:"job,omitempty"` // the one on record, else the one it would be
	// Differs says that people were signed out on account of the signal, or are about to be, and would not be
	// now, or the other way round.
	Differs bool `json:"differs"`
}

// ReplayOrder picks deliveries that are to be dispatched once more, by id or by time.
type ReplayOrder struct {
	IDs    []string  `json:"ids,omitempty"`
	Since  time.Time `json:"since,omitzero"`
	Source string    `json:"source,omitempty"`
	DryRun bool      `json:"dry_run,omitempty"` // only say what would be done
	Reason string    `json:"reason,omitempty"`
	From   string    `json:"from,omitempty"` // Next of the part before
	// Candidate is the policy to ask in a dry run, in place of the one in force.
	Candidate *CandidatePolicy `json:"candidate,omitempty"`
}

// CandidatePolicy is a policy that is not in force: that of a file, before it is put in place.
type CandidatePolicy struct {
	Mode    string              `json:"mode"`
	BuiltIn bool                `json:"builtin"`
	Rules   []policy.RuleConfig `json:"rules"`
}

// Replay is what part of a replay came to. The parts of a long one are asked for one by one;
// their numbers add up, and People are to be joined.
type Replay struct {
	Deliveries int           `json:"deliveries"` // looked at; or, if it was no dry run, appended
	Signals    int           `json:"signals"`
	Skipped    int           `json:"skipped"`          // events that are no signals
	Policy     string        `json:"policy,omitempty"` // version of the policy that was asked
	Counts     []ReplayCount `json:"counts"`
	People     []string      `json:"people"`         // who would be revoked or held: a word each, made up from who they are
	Examples   []ReplayDiff  `json:"examples"`       // the first signals that differ
	Next       string        `json:"next,omitempty"` // where to go on; "" at the end
}

// ReplayCount counts the signals that share a verdict.
type ReplayCount struct {
	Rule    string `json:"rule"`
	Does    string `json:"does"`
	Record  string `json:"on_record"`
	Differs bool   `json:"differs"`
	Signals int    `json:"signals"`
}

// ReplayDiff is a signal whose verdict differs from what was done.
type ReplayDiff struct {
	Delivery string  `json:"delivery"`
	Source   string  `json:"source"`
	Type     string  `json:"type"`
	Verdict  Verdict `json:"verdict"`
}

// Deliveries shows the delivery log, and dispatches deliveries once more.
type Deliveries interface {
	List(ctx context.Context, filter DeliveryFilter) (DeliveryPage, error)
	Show(ctx context.Context, id string) (DeliveryView, error)
	Replay(ctx context.Context, order ReplayOrder) (Replay, error)
}

func (a *admin) routeDeliveries(e *echo.Echo, protect echo.MiddlewareFunc) {
	if a.deps.Deliveries == nil {
		return
	}
	const deliveries = "/api/v1/deliveries"
	e.GET(deliveries, a.listDeliveries, protect)
	e.GET(deliveries+"/:id", a.showDelivery, protect)
	e.POST(deliveries+"/replay", a.replayDeliveries, protect)
}

// placeForm is what a page says where to go on.
var placeForm = regexp.MustCompile(`^([a-z]{1,10}-)?[0-9]{1,20}(-[0-9]{1,20})?$`)

// maxReplayBody is as large as a configuration may be: a candidate policy comes along.
const maxReplayBody = 1 << 20

// maxReplayIDs is how many ids one request may have.
const maxReplayIDs = 100

func (a *admin) listDeliveries(c echo.Context) error {
	limit, err := queryLimit(c)
	if err != nil {
		return err
	}
	filter := DeliveryFilter{Source: c.QueryParam("source"), Limit: limit}
	if filter.Since, err = querySince(c); err != nil {
		return err
	}
	if filter.From, err = checkPlace(c.QueryParam("from")); err != nil {
		return err
	}
	page, err := a.deps.Deliveries.List(c.Request().Context(), filter)
	if err != nil {
		return err
	}
	page.Deliveries = orEmpty(page.Deliveries)
	return c.JSON(http.StatusOK, page)
}

// showDelivery leaves the body out, which holds personal data, unless it is asked for.
func (a *admin) showDelivery(c echo.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	raw := c.QueryParam("raw")
	if raw != "" && raw != "true" && raw != "false" {
		return badRequest("raw must be true or false")
	}
	view, err := a.deps.Deliveries.Show(c.Request().Context(), id)
	if err != nil {
		return err
	}
	if raw != "true" {
		view.Delivery.Body = nil
	}
	view.Signals, view.Skipped = orEmpty(view.Signals), orEmpty(view.Skipped)
	return c.JSON(http.StatusOK, view)
}

func (a *admin) replayDeliveries(c echo.Context) error {
	var order ReplayOrder
	if err := readStrictUpTo(c, &order, maxReplayBody); err != nil {
		return err
	}
	if err := order.check(); err != nil {
		return err
	}
	replay, err := a.deps.Deliveries.Replay(c.Request().Context(), order)
	if err != nil {
		return err
	}
	replay.Counts, replay.People, replay.Examples = orEmpty(replay.Counts), orEmpty(replay.People), orEmpty(replay.Examples)
	return c.JSON(http.StatusOK, replay)
}

func (o ReplayOrder) check() error {
	if (len(o.IDs) == 0) == o.Since.IsZero() {
		return badRequest("give either ids or since")
	}
	if o.Candidate != nil && !o.DryRun {
		return badRequest("a candidate policy goes with dry_run")
	}
	if len(o.IDs) > maxReplayIDs {
		return badRequest(fmt.Sprintf("ids are more than %d; send them in parts", maxReplayIDs))
	}
	if len(o.IDs) > 0 && (o.Source != "" || o.From != "") {
		return badRequest("source and from go with since, not with ids")
	}
	for _, id := range o.IDs {
		if !idForm.MatchString(id) {
			return badRequest(fmt.Sprintf("%.64q is not the id of a delivery", id))
		}
	}
	if len(o.Reason) > maxReason {
		return badRequest(fmt.Sprintf("reason is longer than %d bytes", maxReason))
	}
	_, err := checkPlace(o.From)
	return err
}

func checkPlace(from string) (string, error) {
	if from != "" && !placeForm.MatchString(from) {
		return "", badRequest("from must be what the page before gave as next")
	}
	return from, nil
}

func querySince(c echo.Context) (time.Time, error) {
	given := c.QueryParam("since")
	if given == "" {
		return time.Time{}, nil
	}
	since, err := time.Parse(time.RFC3339, given)
	if err != nil {
		return time.Time{}, badRequest("since must be a time as RFC 3339 writes it, such as 2026-11-23T09:00:00Z")
	}
	return since, nil
}
