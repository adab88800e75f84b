package obs_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/stretchr/testify/require"

	"sever/internal/obs"
	"sever/revocation"
)

// exposition is what a scrape gets.
func exposition(tb testing.TB, metrics *obs.Metrics) string {
	tb.Helper()
	recorder := httptest.NewRecorder()
	promhttp.HandlerFor(metrics.Registry, promhttp.HandlerOpts{}).
		ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	require.Equal(tb, http.StatusOK, recorder.Code, recorder.Body.String())
	return recorder.Body.String()
}

// series gives the values of Sever's own metrics by name and labels.
// It leaves out buckets, and the histogram that is there before anything happened.
func series(tb testing.TB, metrics *obs.Metrics) map[string]string {
	tb.Helper()
	found := map[string]string{}
	for line := range strings.Lines(exposition(tb, metrics)) {
		name, own := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "sever_")
		if !own || strings.Contains(name, "_bucket{") {
			continue
		}
		at := strings.LastIndexByte(name, ' ')
		found[strings.ReplaceAll(name[:at], `"`, "")] = name[at+1:]
	}
	if found["delivery_log_seconds_count"] == "0" {
		delete(found, "delivery_log_seconds_count")
		delete(found, "delivery_log_seconds_sum")
	}
	return found
}

func TestMetricsPerStep(t *testing.T) {
	t.Parallel()
	want := map[revocation.Step]map[string]string{
		revocation.StepRefused: {"deliveries_refused_total{reason=a_reason,source=okta}": "1"},
		revocation.StepAccepted: {
			"deliveries_accepted_total{source=okta}": "1",
			"delivery_log_seconds_count":             "1",
			"delivery_log_seconds_sum":               "0.0015",
		},
		revocation.StepIgnored:   {"signals_ignored_total{reason=a_reason,source=okta}": "1"},
		revocation.StepEnqueued:  {"jobs_enqueued_total{lane=high,org=acme,rule=a_reason}": "1"},
		revocation.StepHeld:      {"hold_changes_total{change=a_reason,org=acme}": "1"},
		revocation.StepWithdrawn: {"hold_changes_total{change=a_reason,org=acme}": "1"},
		revocation.StepReleased:  {"hold_changes_total{change=a_reason,org=acme}": "1"},
		revocation.StepBraked:    {"brake_trips_total{org=acme}": "1"},
		revocation.StepPaused:    {"org_paused{org=acme}": "1"},
		revocation.StepResumed:   {"org_paused{org=acme}": "0"},
		revocation.StepDeferred:  {"jobs_deferred_total{org=acme}": "1"},
		revocation.StepCalled: {
			"okta_calls_total{org=acme,status=204}": "1",
			"okta_call_seconds_count{org=acme}":     "1",
			"okta_call_seconds_sum{org=acme}":       "0.0015",
		},
		revocation.StepAudited: {
			"attempts_total{org=acme,outcome=revoked}":           "1",
			"alert_to_revoked_seconds_count{lane=high,org=acme}": "1",
			"alert_to_revoked_seconds_sum{lane=high,org=acme}":   "1.25",
		},
		revocation.StepDeadLetter: {"dead_letters_total{org=acme,stage=work}": "1"},
		revocation.StepTrouble:    {"trouble_total{stage=work}": "1"},
	}
	for _, step := range steps(t) {
		metrics := obs.NewMetrics()
		metrics.Observe(event(step))
		got := series(t, metrics)
		if expected, counted := want[step]; counted {
			require.Equal(t, expected, got, step)
		} else {
			require.Empty(t, got, "%s is counted by other steps", step)
		}
	}
}

func TestMetricsOfCalls(t *testing.T) {
	t.Parallel()
	callErr := func(notSent bool) error {
		return fmt.Errorf("revoke: %w", &revocation.CallError{
			Failure: revocation.FailureTemporary, NotSent: notSent, Err: errors.New("connection cut"),
		})
	}
	for name, tt := range map[string]struct {
		call   *revocation.Call
		err    error
		status string
		timed  bool
	}{
		"answered":                {&revocation.Call{Status: 204}, nil, "204", true},
		"answered with an error":  {&revocation.Call{Status: 429}, callErr(false), "429", true},
		"no answer":               {&revocation.Call{}, callErr(false), "none", true},
		"nothing known":           {nil, callErr(false), "none", true},
		"held back by the budget": {nil, callErr(true), "not_sent", false},
	} {
		metrics := obs.NewMetrics()
		metrics.Observe(revocation.Event{
			Step: revocation.StepCalled, Org: "acme", Call: tt.call, Err: tt.err, Took: 2 * time.Second,
		})
		got := series(t, metrics)
		require.Equal(t, "1", got["okta_calls_total{org=acme,status="+tt.status+"}"], name)
		_, timed := got["okta_call_seconds_count{org=acme}"]
		require.Equal(t, tt.timed, timed, "%s: only what was sent took time", name)
	}
}

// Only a revocation has a time from alert to revocation: an attempt that failed, or
// that was covered by another, would make the number look better or worse than it is.
func TestMetricsOfAttempts(t *testing.T) {
	t.Parallel()
	metrics := obs.NewMetrics()
	outcomes := []revocation.Outcome{
		revocation.OutcomeFailed, revocation.OutcomeFailed, revocation.OutcomeRevoked, revocation.OutcomeCovered,
		revocation.OutcomeGone, revocation.OutcomeRefused, revocation.OutcomeDead,
	}
	for _, outcome := range outcomes {
		metrics.Observe(revocation.Event{Step: revocation.StepAudited, Record: record(outcome)})
	}
	require.Equal(t, map[string]string{
		"attempts_total{org=acme,outcome=failed}":            "2",
		"attempts_total{org=acme,outcome=revoked}":           "1",
		"attempts_total{org=acme,outcome=covered}":           "1",
		"attempts_total{org=acme,outcome=gone}":              "1",
		"attempts_total{org=acme,outcome=refused}":           "1",
		"attempts_total{org=acme,outcome=dead}":              "1",
		"alert_to_revoked_seconds_count{lane=high,org=acme}": "1",
		"alert_to_revoked_seconds_sum{lane=high,org=acme}":   "1.25",
	}, series(t, metrics))
}

// What strangers and people are called must not make new series: only the fields
// that hold configured names and fixed words are labels.
func TestMetricsLabelsComeFromWithin(t *testing.T) {
	t.Parallel()
	for _, step := range steps(t) {
		metrics := obs.NewMetrics()
		for i := range 20 {
			varied := event(step)
			stranger := fmt.Sprintf("stranger %d\xff", i)
			varied.Request, varied.Delivery, varied.Type = stranger, stranger, stranger
			varied.Err, varied.Bytes = errors.New(stranger), i
			varied.Job.ID, varied.Job.Person.Value, varied.Job.Reason = stranger, stranger, stranger
			varied.Record.ID, varied.Record.User, varied.Record.Reason = stranger, stranger, stranger
			varied.Call.RequestID, varied.Call.Code = stranger, stranger
			metrics.Observe(varied)
		}
		once := obs.NewMetrics()
		once.Observe(event(step))
		require.ElementsMatch(t, slices.Collect(maps.Keys(series(t, once))),
			slices.Collect(maps.Keys(series(t, metrics))), step)
	}
}

func TestMetricsNamesPassTheLinter(t *testing.T) {
	t.Parallel()
	metrics := obs.NewMetrics()
	metrics.RegisterGauges(lanes(obs.LaneDepth{Org: "acme", Lane: "high"}, nil), held(map[string]int{"acme": 1}, nil), budgets(obs.Budget{Org: "acme", Bucket: "users"}))
	for _, step := range steps(t) {
		metrics.Observe(event(step))
	}
	problems, err := promlint.New(strings.NewReader(exposition(t, metrics))).Lint()
	require.NoError(t, err)
	for _, problem := range problems {
		require.False(t, strings.HasPrefix(problem.Metric, "sever_"), "%s: %s", problem.Metric, problem.Text)
	}
}

func TestMetricsOfEachAppAreItsOwn(t *testing.T) {
	t.Parallel()
	one, other := obs.NewMetrics(), obs.NewMetrics()
	one.Observe(event(revocation.StepTrouble))
	require.Contains(t, series(t, one), "trouble_total{stage=work}")
	require.NotContains(t, series(t, other), "trouble_total{stage=work}")
}
