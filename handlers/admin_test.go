package handlers_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"sever/handlers"
	"sever/revocation"
)

const (
	adminToken = "t0ken-of-the-operator"
	jobID      = "job_abcdefghijklmnopqrstuvwxyz"
	deadID     = "dead_abcdefghijklmnopqrstuvwxy2"
	holdKey    = "hold_abcdefghijklmnopqrstuvwxy3"
)

// office is all that the admin API works with: it notes what it was asked.
type office struct {
	asked []string
	err   error
	none  bool // lists are nil

	missing int // approvals of a hold
}

func (o *office) note(format string, args ...any) error {
	o.asked = append(o.asked, fmt.Sprintf(format, args...))
	return o.err
}

func (o *office) Order(ctx context.Context, order revocation.Order) (revocation.Job, error) {
	if _, bounded := ctx.Deadline(); !bounded {
		return revocation.Job{}, errors.New("no deadline")
	}
	return revocation.Job{ID: jobID, Org: order.Org}, o.note("order %+v", order)
}

type jobOffice struct{ *office }

func (o jobOffice) List(_ context.Context, filter handlers.JobFilter) ([]revocation.JobState, error) {
	err := o.note("list jobs %+v", filter)
	if o.none {
		return nil, err
	}
	return []revocation.JobState{{Job: revocation.Job{ID: jobID}, State: revocation.StatePending}}, err
}

func (o jobOffice) Show(_ context.Context, id string) (revocation.JobState, error) {
	return revocation.JobState{Job: revocation.Job{ID: id}, State: revocation.StateFinished}, o.note("show job %s", id)
}

func (o jobOffice) Cancel(_ context.Context, id, reason string) (revocation.JobState, error) {
	return revocation.JobState{Job: revocation.Job{ID: id}, State: revocation.StateFinished}, o.note("cancel %s: %s", id, reason)
}

type deadOffice struct{ *office }

func letter() revocation.DeadLetter {
	return revocation.DeadLetter{
		ID: deadID, Reason: "undecodable", Raw: []byte("raw"),
		Delivery: &revocation.Delivery{ID: "dlv_1", Source: "okta", Body: []byte("body")},
	}
}

func (o deadOffice) List(_ context.Context, limit int) ([]revocation.DeadLetter, error) {
	err := o.note("list dead %d", limit)
	if o.none {
		return nil, err
	}
	return []revocation.DeadLetter{letter(), {ID: "dead_job", Reason: "too old"}}, err
}

func (o deadOffice) Show(_ context.Context, id string) (revocation.DeadLetter, error) {
	return letter(), o.note("show dead %s", id)
}

func (o deadOffice) Redrive(_ context.Context, id string) error { return o.note("redrive %s", id) }

func (o deadOffice) Drop(_ context.Context, id, reason string) error {
	return o.note("drop %s: %s", id, reason)
}

type holdOffice struct{ *office }

func (o holdOffice) List(_ context.Context, why string, limit int) ([]revocation.Hold, error) {
	err := o.note("list holds %s %d", why, limit)
	if o.none {
		return nil, err
	}
	return []revocation.Hold{{Key: holdKey, Why: revocation.HeldForDate}}, err
}

func (o holdOffice) Show(_ context.Context, key string) (revocation.Hold, error) {
	return revocation.Hold{
		Key: key, Why: revocation.HeldForBrake, Reason: "<too many>", Approvals: []revocation.Approval{{By: "<bob>"}},
		Job: revocation.Job{Org: "acme", Source: "siem", Person: revocation.Person{Value: "<b>ada"}},
	}, o.note("show hold %s", key)
}

func (o holdOffice) Decide(_ context.Context, decision revocation.HoldDecision) (int, error) {
	return o.missing, o.note("decide %+v", decision)
}

type adminBundle struct {
	handler http.Handler
	office  *office
	logs    *lockedBuffer
	deps    handlers.AdminDeps
}

func setupAdmin(t *testing.T, token string, adjust ...func(*handlers.AdminDeps)) *adminBundle {
	t.Helper()
	b := &adminBundle{office: &office{}, logs: &lockedBuffer{}}
	registry := prometheus.NewRegistry()
	registry.MustRegister(prometheus.NewCounterFunc(
		prometheus.CounterOpts{Name: "sever_test_total", Help: "Just this."}, func() float64 { return 7 }))
	b.deps = handlers.AdminDeps{
		Orders: b.office, Jobs: jobOffice{b.office}, DeadLetters: deadOffice{b.office}, Mender: deadOffice{b.office},
		Holds: holdOffice{b.office},
		Ready: func(context.Context) error { return nil }, Metrics: registry,
	}
	for _, change := range adjust {
		change(&b.deps)
	}
	handler, err := handlers.NewAdmin(b.deps, handlers.AdminConfig{Token: token, Logger: slog.New(slog.NewJSONHandler(b.logs, nil))})
	require.NoError(t, err)
	b.handler = handler
	return b
}

// operator is a request as sever's own command line sends it.
func operator(method, path, body string, adjust ...func(*http.Request)) *http.Request {
	req := httptest.NewRequest(method, path, strings.NewReader(body))
	req.Header.Set("Authorization", "Bearer "+adminToken)
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, change := range adjust {
		change(req)
	}
	return req
}

func host(name string) func(*http.Request) {
	return func(req *http.Request) { req.Host = name }
}

func requireUncached(t *testing.T, resp *http.Response) {
	t.Helper()
	require.Equal(t, "nosniff", resp.Header.Get("X-Content-Type-Options"))
	require.Equal(t, "no-store", resp.Header.Get("Cache-Control"))
	require.NotEmpty(t, resp.Header.Get(requestHdr))
}

func TestNewAdminRefuses(t *testing.T) {
	t.Parallel()
	_, err := handlers.NewAdmin(handlers.AdminDeps{Metrics: prometheus.NewRegistry()}, handlers.AdminConfig{})
	require.ErrorContains(t, err, "readiness check")
	_, err = handlers.NewAdmin(handlers.AdminDeps{Ready: func(context.Context) error { return nil }}, handlers.AdminConfig{})
	require.ErrorContains(t, err, "metrics")
}

func TestHealthNeedsNoTokenAndNoHost(t *testing.T) {
	t.Parallel()
	b := setupAdmin(t, adminToken)
	for path, want := range map[string]string{
		"/livez": "ok", "/readyz": `{"status":"ready"}`, "/metrics": "sever_test_total 7",
	} {
		resp := serve(b.handler, httptest.NewRequest(http.MethodGet, path, http.NoBody))
		require.Equal(t, http.StatusOK, resp.StatusCode)
		requireUncached(t, resp)
		require.Contains(t, bodyOf(t, resp), want)
	}
}

func TestNotReadySaysWhy(t *testing.T) {
	t.Parallel()
	b := setupAdmin(t, adminToken, func(deps *handlers.AdminDeps) {
		deps.Ready = func(context.Context) error {
			return errors.New("the stream takes no writes" + strings.Repeat("!", 1000))
		}
	})
	resp := serve(b.handler, httptest.NewRequest(http.MethodGet, "/readyz", http.NoBody))
	requireUncached(t, resp)
	problem := requireProblem(t, resp, http.StatusServiceUnavailable)
	require.True(t, strings.HasPrefix(problem.Detail, "the stream takes no writes"))
	require.Less(t, len(problem.Detail), 400)
	require.Equal(t, http.StatusOK, serve(b.handler, httptest.NewRequest(http.MethodGet, "/livez", http.NoBody)).StatusCode)
}

func TestReadinessIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setupAdmin(t, "", func(deps *handlers.AdminDeps) {
			deps.Ready = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		})
		began := time.Now()
		resp := serve(b.handler, httptest.NewRequest(http.MethodGet, "/readyz", http.NoBody))
		requireProblem(t, resp, http.StatusServiceUnavailable)
		require.Equal(t, 2*time.Second, time.Since(began))
	})
}

func TestRoutesOfWhatIsNotThere(t *testing.T) {
	t.Parallel()
	b := setupAdmin(t, adminToken, func(deps *handlers.AdminDeps) {
		deps.Orders, deps.Jobs, deps.DeadLetters, deps.Mender, deps.Holds = nil, nil, nil, nil, nil
	})
	for _, req := range []*http.Request{
		operator("POST", "/api/v1/revocations", "{}"),
		operator("GET", "/api/v1/jobs", ""),
		operator("DELETE", "/api/v1/jobs/"+jobID, ""),
		operator("GET", "/api/v1/dead/"+deadID, ""),
		operator("POST", "/api/v1/dead/"+deadID+"/redrive", "{}"),
		operator("GET", "/api/v1/holds", ""),
	} {
		requireProblem(t, serve(b.handler, req), http.StatusNotFound)
	}
	require.Equal(t, http.StatusOK, serve(b.handler, httptest.NewRequest(http.MethodGet, "/livez", http.NoBody)).StatusCode)
}

func TestAdminOutlivesAPanic(t *testing.T) {
	t.Parallel()
	b := setupAdmin(t, "", func(deps *handlers.AdminDeps) {
		deps.Ready = func(context.Context) error { panic(secret) }
	})
	requireProblem(t, serve(b.handler, httptest.NewRequest(http.MethodGet, "/readyz", http.NoBody)), http.StatusInternalServerError)
	require.Equal(t, 1, strings.Count(b.logs.String(), "\n"), "logged once")
	require.NotContains(t, b.logs.String(), secret)
}
