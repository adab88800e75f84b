package handlers_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sever/handlers"
	"sever/revocation"
)

const goodLink, rejectLink = "/approve/good", "/approve/reject"

// shownCase is that of the hold that the office shows.
func shownCase() string { return revocation.Hold{Why: revocation.HeldForBrake}.Case() }

// linked has signed links: "good" approves the hold of holdKey, "reject" rejects it, "old" is of
// one that was held under this key before, "odd" is signed and names no key.
func linked(deps *handlers.AdminDeps) {
	deps.ReadLink = func(token string) (handlers.LinkGrant, error) {
		grant := handlers.LinkGrant{Key: holdKey, Case: shownCase(), Verb: revocation.VerbApprove}
		switch token {
		case "good":
		case "reject":
			grant.Verb = revocation.VerbReject
		case "old":
			grant.Case = "case_abcdefghijklmnopqrstuvwxy3"
		case "odd":
			grant.Key = "hold_*"
		default:
			return handlers.LinkGrant{}, errors.New("this link is not good")
		}
		return grant, nil
	}
}

// browser is a request as a form on the link's own page sends it, without any token.
func browser(method, path, form string) *http.Request {
	req := httptest.NewRequest(method, path, strings.NewReader(form))
	req.Host = "sever.corp.example"
	if form != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return req
}

func TestALinkAsksAndThenActs(t *testing.T) {
	t.Parallel()
	b := setupAdmin(t, adminToken, linked)
	resp := serve(b.handler, browser("GET", goodLink, ""))
	body := bodyOf(t, resp)
	require.Equal(t, http.StatusOK, resp.StatusCode, body)
	require.Equal(t, []string{"show hold " + holdKey}, b.office.asked, "looking does nothing")
	require.Equal(t, "text/html; charset=UTF-8", resp.Header.Get("Content-Type"))
	for _, part := range []string{"Approve this hold?", "&lt;b&gt;ada", "&lt;too many&gt;", "&lt;bob&gt;", `<form method="post">`} {
		require.Contains(t, body, part)
	}
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
		"Content-Security-Policy": "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
	} {
		require.Equal(t, want, resp.Header.Get(name))
	}

	b.office.asked = nil
	resp = serve(b.handler, browser("POST", goodLink, "by=Ada&reason=it+is+real"))
	body = bodyOf(t, resp)
	require.Equal(t, http.StatusOK, resp.StatusCode, body)
	require.Equal(t, []string{"show hold " + holdKey, "decide {Key:" + holdKey + " Case:" + shownCase() + " Verb:approve By:Ada Reason:by a signed link: it is real}"}, b.office.asked)
	require.Contains(t, body, "on its way")
	b.office.missing = 1
	require.Contains(t, bodyOf(t, serve(b.handler, browser("POST", goodLink, "by=Ada&reason=r"))), "1 more must approve")
	b.office.missing = 0
	require.Contains(t, bodyOf(t, serve(b.handler, browser("POST", rejectLink, "by=Ada&reason=r"))), "dropped")
	require.Contains(t, b.office.asked[5], "Verb:reject")
}

func TestLinksThatAreRefused(t *testing.T) {
	t.Parallel()
	const said = "by=Ada&reason=r"
	for name, tt := range map[string]struct {
		method, path, form string
		err                error
		status             int
		detail             string
	}{
		"not good":         {"GET", "/approve/x", "", nil, 403, "this link is not good"},
		"not good, to act": {"POST", "/approve/x", said, nil, 403, "this link is not good"},
		"old":              {"POST", "/approve/old", said, nil, 403, "held before"},
		"old, to look":     {"GET", "/approve/old", "", nil, 403, "held before"},
		"no key":           {"POST", "/approve/odd", said, nil, 404, "nothing with this id"},
		"nobody":           {"POST", goodLink, "reason=r", nil, 400, "say who you are and why"},
		"no reason":        {"POST", goodLink, "by=+&reason=+", nil, 400, "say who you are and why"},
		"in the query":     {"POST", goodLink + "?" + said, "", nil, 400, "say who you are and why"},
		"a long name":      {"POST", goodLink, "reason=r&by=" + strings.Repeat("a", 101), nil, 400, "by is longer"},
		"a long reason":    {"POST", goodLink, "by=a&reason=" + strings.Repeat("a", 1000), nil, 400, "reason is longer"},
		"a long form":      {"POST", goodLink, "by=a&reason=" + strings.Repeat("a", 20_000), nil, 400, "the form"},
		"ended":            {"POST", goodLink, said, revocation.ErrNotFound, 404, "nothing with this id"},
		"ended, to look":   {"GET", goodLink, "", revocation.ErrNotFound, 404, "nothing with this id"},
		"the store failed": {"POST", goodLink, said, errors.New("no server"), 500, ""},
		"another method":   {"PUT", goodLink, said, nil, 405, ""},
		"no token":         {"GET", "/approve/", "", nil, 404, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupAdmin(t, adminToken, linked)
			b.office.err = tt.err
			got := requireProblem(t, serve(b.handler, browser(tt.method, tt.path, tt.form)), tt.status)
			require.Contains(t, got.Detail, tt.detail)
			for _, asked := range b.office.asked {
				require.True(t, tt.err != nil || strings.HasPrefix(asked, "show hold"), "nothing is decided: %s", asked)
			}
		})
	}
}

func TestLinksAreOffUnlessThereIsAKey(t *testing.T) {
	t.Parallel()
	b := setupAdmin(t, adminToken)
	for _, method := range []string{"GET", "POST"} {
		requireProblem(t, serve(b.handler, browser(method, goodLink, "")), http.StatusNotFound)
	}
}

func TestLinksAreRateLimited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setupAdmin(t, adminToken, linked)
		for range 20 {
			requireProblem(t, serve(b.handler, browser("GET", "/approve/x", "")), http.StatusForbidden)
		}
		resp := serve(b.handler, browser("POST", goodLink, "by=Ada&reason=r"))
		require.Equal(t, "1", resp.Header.Get("Retry-After"))
		requireProblem(t, resp, http.StatusTooManyRequests)
		require.Empty(t, b.office.asked)
		require.Equal(t, http.StatusOK, serve(b.handler, operator("GET", "/api/v1/holds", "")).StatusCode, "the API is another matter")
		<-time.After(time.Second)
		require.Equal(t, http.StatusOK, serve(b.handler, browser("GET", goodLink, "")).StatusCode)
	})
}

func TestWhoDecides(t *testing.T) {
	t.Parallel()
	path := "/api/v1/holds/" + holdKey + "/approve"
	b := setupAdmin(t, adminToken)
	b.office.missing = 1
	body := bodyOf(t, serve(b.handler, operator("POST", path, `{"reason":"r"}`, with("X-Sever-Operator", "bob"))))
	require.JSONEq(t, `{"approved":"`+holdKey+`","missing":1}`, body)
	bodyOf(t, serve(b.handler, operator("POST", path, `{"reason":"r","by":"ada"}`, with("X-Sever-Operator", "bob"))))
	require.Contains(t, b.office.asked[0], "By:bob ")
	require.Contains(t, b.office.asked[1], "By:ada ", "the body says more")
	requireProblem(t, serve(b.handler, operator("POST", path, `{"reason":"r","by":"`+strings.Repeat("a", 101)+`"}`)), http.StatusBadRequest)
	require.Len(t, b.office.asked, 2)
}
