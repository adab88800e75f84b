package handlers_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/revocation"
)

func TestAdminAPI(t *testing.T) {
	t.Parallel()
	const order = `{"org":"acme","person":{"kind":"login","value":"a@acme.com"},"reason":"left","lane":"high"}`
	tests := map[string]struct {
		method, path, body string
		status             int
		asked              string
		answer             []string // parts of it
		absent             []string
	}{
		"order": {
			"POST", "/api/v1/revocations", order + "\n", 202,
			"order {Org:acme Person:{Kind:login Value:a@acme.com Attribute:} Reason:left Lane:high}",
			[]string{`"id":"` + jobID + `"`},
			nil,
		},
		"jobs":        {"GET", "/api/v1/jobs", "", 200, "list jobs {Org: State: Limit:100}", []string{`{"jobs":[{"job":{"id":"` + jobID}, nil},
		"jobs picked": {"GET", "/api/v1/jobs?org=acme-1&state=pending&limit=1000", "", 200, "list jobs {Org:acme-1 State:pending Limit:1000}", nil, nil},
		"jobs done":   {"GET", "/api/v1/jobs?state=finished&limit=1", "", 200, "list jobs {Org: State:finished Limit:1}", nil, nil},
		"job":         {"GET", "/api/v1/jobs/" + jobID, "", 200, "show job " + jobID, []string{`"state":"finished"`}, nil},
		"cancel":      {"DELETE", "/api/v1/jobs/" + jobID + "?reason=a+mistake", "", 200, "cancel " + jobID + ": a mistake", []string{`"state":"finished"`}, nil},
		"dead": {
			"GET", "/api/v1/dead?limit=5", "", 200, "list dead 5",
			[]string{`{"dead":[{"id":"` + deadID, `"reason":"undecodable"`, `"id":"dlv_1"`, `"id":"dead_job"`},
			[]string{"cmF3", "Ym9keQ"},
		},
		"dead letter": {"GET", "/api/v1/dead/" + deadID, "", 200, "show dead " + deadID, []string{`"raw":"cmF3"`, `"body":"Ym9keQ=="`}, nil},
		"redrive":     {"POST", "/api/v1/dead/" + deadID + "/redrive", "{}", 200, "redrive " + deadID, []string{`{"redriven":"` + deadID + `"}`}, nil},
		"holds":       {"GET", "/api/v1/holds?limit=7", "", 200, "list holds  7", []string{`{"holds":[{"key":"` + holdKey + `","why":"effective_date"`}, nil},
		"some holds":  {"GET", "/api/v1/holds?why=brake", "", 200, "list holds brake 100", nil, nil},
		"hold":        {"GET", "/api/v1/holds/" + holdKey, "", 200, "show hold " + holdKey, []string{`"key":"` + holdKey + `","why":"brake"`}, nil},
		"approve":     {"POST", "/api/v1/holds/" + holdKey + "/approve", `{"reason":"left early","by":" ada "}`, 200, "decide {Key:" + holdKey + " Case: Verb:approve By:ada Reason:left early}", []string{`{"approved":"` + holdKey + `"}`}, nil},
		"reject":      {"POST", "/api/v1/holds/" + holdKey + "/reject", `{"reason":"a mistake"}`, 200, "decide {Key:" + holdKey + " Case: Verb:reject By: Reason:a mistake}", []string{`{"rejected":"` + holdKey + `"}`}, nil},
		"drop":        {"DELETE", "/api/v1/dead/" + deadID + "?reason=test", "", 204, "drop " + deadID + ": test", nil, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupAdmin(t, adminToken)
			resp := serve(b.handler, operator(test.method, test.path, test.body))
			body := bodyOf(t, resp)
			require.Equal(t, test.status, resp.StatusCode, body)
			require.Equal(t, []string{test.asked}, b.office.asked)
			for _, part := range test.answer {
				require.Contains(t, body, part)
				require.Equal(t, "application/json", resp.Header.Get("Content-Type"))
			}
			for _, part := range test.absent {
				require.NotContains(t, body, part)
			}
			require.Empty(t, b.logs.String())
		})
	}
}

func TestListsAreNeverNull(t *testing.T) {
	t.Parallel()
	b := setupAdmin(t, adminToken)
	b.office.none = true
	require.JSONEq(t, `{"jobs":[]}`, bodyOf(t, serve(b.handler, operator("GET", "/api/v1/jobs", ""))))
	require.JSONEq(t, `{"holds":[]}`, bodyOf(t, serve(b.handler, operator("GET", "/api/v1/holds", ""))))
	require.JSONEq(t, `{"dead":[]}`, bodyOf(t, serve(b.handler, operator("GET", "/api/v1/dead", ""))))
}

func TestEveryRefusalOfTheAdminAPI(t *testing.T) {
	t.Parallel()
	const revocations = "/api/v1/revocations"
	long := strings.Repeat("r", 1001)
	tests := map[string]struct {
		method, path, body string
		status             int
		detail             string
	}{
		"empty order":         {"POST", revocations, "", 400, "the body is empty; send a JSON object"},
		"broken order":        {"POST", revocations, "{", 400, "the body: unexpected EOF"},
		"misspelt field":      {"POST", revocations, `{"persn":{}}`, 400, `the body: json: unknown field "persn"`},
		"wrong type":          {"POST", revocations, `{"reason":1}`, 400, "the body: json: cannot unmarshal number"},
		"two orders":          {"POST", revocations, `{} {}`, 400, "the body must hold one JSON object and nothing after it"},
		"rubbish after order": {"POST", revocations, `{}x`, 400, "the body must hold one JSON object and nothing after it"},
		"large order":         {"POST", revocations, `{"reason":"` + strings.Repeat("r", 16<<10) + `"}`, 413, "the body is larger than 16384 bytes"},
		"long misspelt field": {"POST", revocations, `{"` + strings.Repeat("é", 1000) + `":1}`, 400, "the body: json: unknown field"},
		"redrive, no body":    {"POST", "/api/v1/dead/" + deadID + "/redrive", "", 400, "the body is empty; send a JSON object"},
		"redrive, a field":    {"POST", "/api/v1/dead/" + deadID + "/redrive", `{"id":1}`, 400, `the body: json: unknown field "id"`},
		"limit zero":          {"GET", "/api/v1/jobs?limit=0", "", 400, "limit must be a whole number from 1 to 1000"},
		"limit too high":      {"GET", "/api/v1/dead?limit=1001", "", 400, "limit must be a whole number from 1 to 1000"},
		"limit a word":        {"GET", "/api/v1/dead?limit=all", "", 400, "limit must be a whole number from 1 to 1000"},
		"state unknown":       {"GET", "/api/v1/jobs?state=lost", "", 400, "state must be pending, held, finished or dead"},
		"org a wildcard":      {"GET", "/api/v1/jobs?org=" + url.QueryEscape("*"), "", 400, "org is not the name of an org"},
		"org a subject":       {"GET", "/api/v1/jobs?org=acme.critical", "", 400, "org is not the name of an org"},
		"org too long":        {"GET", "/api/v1/jobs?org=" + strings.Repeat("a", 65), "", 400, "org is not the name of an org"},
		"long reason, cancel": {"DELETE", "/api/v1/jobs/" + jobID + "?reason=" + long, "", 400, "reason is longer than 1000 bytes"},
		"long reason, drop":   {"DELETE", "/api/v1/dead/" + deadID + "?reason=" + long, "", 400, "reason is longer than 1000 bytes"},
		"job, no such form":   {"GET", "/api/v1/jobs/" + url.PathEscape(">"), "", 404, "there is nothing with this id"},
		"cancel, no form":     {"DELETE", "/api/v1/jobs/job_*", "", 404, "there is nothing with this id"},
		"job, upper case":     {"GET", "/api/v1/jobs/" + strings.ToUpper(jobID), "", 404, "there is nothing with this id"},
		"job, longer":         {"GET", "/api/v1/jobs/" + jobID + "a", "", 404, "there is nothing with this id"},
		"dead, a path":        {"GET", "/api/v1/dead/" + deadID + "%2f..", "", 404, "there is nothing with this id"},
		"redrive, no form":    {"POST", "/api/v1/dead/x/redrive", "{}", 404, "there is nothing with this id"},
		"drop, no form":       {"DELETE", "/api/v1/dead/x", "", 404, "there is nothing with this id"},
		"approve, no body":    {"POST", "/api/v1/holds/" + holdKey + "/approve", "", 400, "the body is empty; send a JSON object"},
		"reject, a field":     {"POST", "/api/v1/holds/" + holdKey + "/reject", `{"why":1}`, 400, `the body: json: unknown field "why"`},
		"long reason, reject": {"POST", "/api/v1/holds/" + holdKey + "/reject", `{"reason":"` + long + `"}`, 400, "reason is longer than 1000 bytes"},
		"approve, no form":    {"POST", "/api/v1/holds/hold_*/approve", "{}", 404, "there is nothing with this id"},
		"reject, no form":     {"POST", "/api/v1/holds/x/reject", "{}", 404, "there is nothing with this id"},
		"unknown route":       {"GET", "/api/v1/nothing", "", 404, ""},
		"console not there":   {"GET", "/", "", 404, ""},
		"other method":        {"PUT", "/api/v1/jobs", "", 405, ""},
		"health by POST":      {"POST", "/livez", "", 405, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupAdmin(t, adminToken)
			resp := serve(b.handler, operator(test.method, test.path, test.body))
			requireUncached(t, resp)
			problem := requireProblem(t, resp, test.status)
			if test.detail == "" {
				require.Empty(t, problem.Detail)
			}
			require.Contains(t, problem.Detail, test.detail)
			require.Less(t, len(problem.Detail), 400)
			require.Equal(t, test.status == http.StatusMethodNotAllowed, resp.Header.Get("Allow") != "")
			require.Empty(t, b.office.asked)
			require.Empty(t, b.logs.String())
		})
	}
}

func TestErrorsFromBehindTheAPI(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		err    error
		status int
		detail string
		logged bool
	}{
		"not found": {fmt.Errorf("read job x from the bucket: %w", revocation.ErrNotFound), 404, "there is nothing with this id", false},
		"invalid":   {fmt.Errorf("%w: person: name one", revocation.ErrInvalid), 400, "invalid request: person: name one", false},
		"trouble":   {errors.New("no responders for sever.jobs"), 500, "", true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, req := range apiRequests() {
				b := setupAdmin(t, adminToken)
				b.office.err = test.err
				problem := requireProblem(t, serve(b.handler, req), test.status)
				require.Equal(t, test.detail, problem.Detail)
				if !test.logged {
					require.Empty(t, b.logs.String())
					continue
				}
				require.Contains(t, b.logs.String(), test.err.Error())
				require.Contains(t, b.logs.String(), problem.RequestID)
			}
		})
	}
}
