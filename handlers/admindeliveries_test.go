package handlers_test

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/handlers"
	"sever/revocation"
)

const (
	deliveryID  = "dlv_abcdefghijklmnopqrstuvwxy4"
	deliveries  = "/api/v1/deliveries"
	replay      = deliveries + "/replay"
	bodyOfThree = "three" // dGhyZWU= in JSON
)

// logOffice is the delivery log that the admin API works with.
type logOffice struct{ *office }

func (o logOffice) List(_ context.Context, filter handlers.DeliveryFilter) (handlers.DeliveryPage, error) {
	err := o.note("list %s since %s limit %d from %q", filter.Source, filter.Since.UTC().Format(time.RFC3339), filter.Limit, filter.From)
	if o.none {
		return handlers.DeliveryPage{}, err
	}
	return handlers.DeliveryPage{Deliveries: []handlers.DeliveryCard{{ID: deliveryID, Bytes: 5}}, Next: "7-3"}, err
}

func (o logOffice) Show(_ context.Context, id string) (handlers.DeliveryView, error) {
	return handlers.DeliveryView{Delivery: revocation.Delivery{ID: id, Body: []byte(bodyOfThree)}, Bytes: 5}, o.note("show %s", id)
}

func (o logOffice) Replay(_ context.Context, order handlers.ReplayOrder) (handlers.Replay, error) {
	return handlers.Replay{Deliveries: 2, Next: "9-12"}, o.note("replay %v since %s of %q, dry %t, %q from %q",
		order.IDs, order.Since.UTC().Format(time.RFC3339), order.Source, order.DryRun, order.Reason, order.From)
}

func withLog(deps *handlers.AdminDeps) {
	deps.Deliveries = logOffice{deps.Holds.(holdOffice).office}
}

func TestDeliveriesAPI(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		method, path, body string
		asked              string
		answer, absent     string
	}{
		"list": {"GET", deliveries, "", `list  since 0001-01-01T00:00:00Z limit 100 from ""`, `{"deliveries":[{"id":"` + deliveryID + `"`, ""},
		"list some": {
			"GET", deliveries + "?source=okta&since=2026-11-23T09:00:00Z&limit=5&from=7-3", "",
			`list okta since 2026-11-23T09:00:00Z limit 5 from "7-3"`, `"next":"7-3"`, "",
		},
		"show":         {"GET", deliveries + "/" + deliveryID, "", "show " + deliveryID, `"signals":[],"skipped":[]`, "dGhyZWU="},
		"show raw":     {"GET", deliveries + "/" + deliveryID + "?raw=true", "", "show " + deliveryID, `"body":"dGhyZWU="`, ""},
		"show not raw": {"GET", deliveries + "/" + deliveryID + "?raw=false", "", "show " + deliveryID, `"bytes":5`, "body"},
		"replay": {
			"POST", replay, `{"ids":["` + deliveryID + `"],"reason":"r"}`,
			"replay [" + deliveryID + `] since 0001-01-01T00:00:00Z of "", dry false, "r" from ""`, `"deliveries":2`, "",
		},
		"replay since": {
			"POST", replay, `{"since":"2026-11-23T09:00:00Z","source":"okta","dry_run":true,"from":"3-12"}`,
			`replay [] since 2026-11-23T09:00:00Z of "okta", dry true, "" from "3-12"`, `"counts":[],"people":[],"examples":[],"next":"9-12"`, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupAdmin(t, adminToken, withLog)
			resp := serve(b.handler, operator(test.method, test.path, test.body))
			requireUncached(t, resp)
			body := bodyOf(t, resp)
			require.Equal(t, 200, resp.StatusCode, body)
			require.Equal(t, []string{test.asked}, b.office.asked)
			require.Contains(t, body, test.answer)
			if test.absent != "" {
				require.NotContains(t, body, test.absent)
			}
		})
	}
}

func TestDeliveriesAPIRefuses(t *testing.T) {
	t.Parallel()
	many := `["` + strings.TrimSuffix(strings.Repeat(deliveryID+`","`, 101), `","`) + `"]`
	for name, test := range map[string]struct {
		method, path, body string
		status             int
		detail             string
	}{
		"limit":              {"GET", deliveries + "?limit=0", "", 400, "limit must be"},
		"since":              {"GET", deliveries + "?since=7d", "", 400, "since must be a time"},
		"from":               {"GET", deliveries + "?from=" + url.QueryEscape("7;8"), "", 400, "from must be"},
		"no id":              {"GET", deliveries + "/dlv_1", "", 404, "nothing with this id"},
		"raw":                {"GET", deliveries + "/" + deliveryID + "?raw=1", "", 400, "raw must be true or false"},
		"replay nothing":     {"POST", replay, "{}", 400, "give either ids or since"},
		"replay both":        {"POST", replay, `{"ids":["` + deliveryID + `"],"since":"2026-11-23T09:00:00Z"}`, 400, "give either ids or since"},
		"replay no id":       {"POST", replay, `{"ids":["dlv_*"]}`, 400, `"dlv_*" is not the id of a delivery`},
		"replay too many":    {"POST", replay, `{"ids":` + many + `}`, 400, "ids are more than 100"},
		"replay ids, source": {"POST", replay, `{"ids":["` + deliveryID + `"],"source":"okta"}`, 400, "source and from go with since"},
		"replay long reason": {"POST", replay, `{"ids":["` + deliveryID + `"],"reason":"` + strings.Repeat("r", 1001) + `"}`, 400, "reason is longer"},
		"replay from":        {"POST", replay, `{"since":"2026-11-23T09:00:00Z","from":"x"}`, 400, "from must be"},
		"replay misspelt":    {"POST", replay, `{"since":"2026-11-23T09:00:00Z","dryrun":true}`, 400, "unknown field"},
		"replay too large":   {"POST", replay, `{"candidate":{"mode":"` + strings.Repeat("m", 1<<20) + `"}}`, 413, "larger than 1048576 bytes"},
		"audit order":        {"GET", "/api/v1/audit?order=up", "", 400, "order must be newest or oldest"},
		"audit from":         {"GET", "/api/v1/audit?from=-1", "", 400, "from must be"},
		"audit since":        {"GET", "/api/v1/audit?since=now", "", 400, "since must be a time"},
		"audit limit":        {"GET", "/api/v1/audit?limit=5000", "", 400, "limit must be"},
		"verify from":        {"GET", "/api/v1/audit/verify?from=../x", "", 400, "from must be"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupAdmin(t, adminToken, withLog, withEvidence)
			problem := requireProblem(t, serve(b.handler, operator(test.method, test.path, test.body)), test.status)
			require.Contains(t, problem.Detail, test.detail)
			require.Empty(t, b.office.asked)
		})
	}
}

// What came in, and the evidence, are for operators only; and not there where they are not given.
func TestDeliveriesAndAuditAreGuarded(t *testing.T) {
	t.Parallel()
	for _, path := range []string{deliveries, deliveries + "/" + deliveryID, replay, "/api/v1/audit", "/api/v1/audit/verify"} {
		method, body := "GET", ""
		if path == replay {
			method, body = "POST", `{"ids":["`+deliveryID+`"]}`
		}
		b := setupAdmin(t, "another-token", withLog, withEvidence)
		requireProblem(t, serve(b.handler, operator(method, path, body)), 401)
		require.Empty(t, b.office.asked)
		requireProblem(t, serve(setupAdmin(t, adminToken).handler, operator(method, path, body)), 404)
	}
	b := setupAdmin(t, adminToken, withLog)
	b.office.none = true
	require.JSONEq(t, `{"deliveries":[]}`, bodyOf(t, serve(b.handler, operator("GET", deliveries, ""))))
}
