package app_test

import (
	"bufio"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/okta/oktasim"
	"sever/revocation"
)

// series are the values of all metrics, by name and labels as they are shown.
func series(exposition string) map[string]float64 {
	values := make(map[string]float64)
	for lines := bufio.NewScanner(strings.NewReader(exposition)); lines.Scan(); {
		name, text, found := strings.Cut(lines.Text(), " ")
		if value, err := strconv.ParseFloat(text, 64); found && err == nil {
			values[name] = value
		}
	}
	return values
}

func (r *rig) metrics() map[string]float64 {
	r.t.Helper()
	return series(r.admin(http.MethodGet, "/metrics", "").body)
}

// idle reports whether the lanes were asked and hold nothing.
func idle(exposition string) bool {
	values := series(exposition)
	failed, asked := values["sever_scrape_failed"]
	if !asked || failed != 0 {
		return false
	}
	for name, pending := range values {
		if strings.HasPrefix(name, "sever_jobs_pending{") && pending > 0 {
			return false
		}
	}
	return true
}

func TestEveryStageIsCounted(t *testing.T) {
	t.Parallel()
	r := newRig(t, settings{})
	r.okta.AddFaults(oktasim.Fault{Status: http.StatusServiceUnavailable}, oktasim.Fault{Status: http.StatusForbidden})
	first := suspension(person(1), "fails, then dies")
	r.deliver(first)
	r.seen.await(t, audited(revocation.OutcomeDead), 1)
	r.deliver(suspension(person(2), "works"))
	r.deliver(first)
	r.deliver(suspension("00u1/..", "nobody"))
	require.Equal(t, http.StatusUnauthorized, r.postWith(asOkta("guessed"), first).status)
	require.Equal(t, http.StatusBadRequest, r.post([]byte("no JSON")).status)
	r.seen.await(t, step(revocation.StepDeadLetter), 3)
	r.seen.await(t, audited(revocation.OutcomeRevoked), 1)
	r.seen.await(t, step(revocation.StepSettled), 3)

	values := r.metrics()
	for name, want := range map[string]float64{
		`sever_deliveries_accepted_total{source="okta"}`:                         5,
		`sever_deliveries_refused_total{reason="unauthenticated",source="okta"}`: 1,
		`sever_deliveries_refused_total{reason="not_readable",source="okta"}`:    1,
		`sever_delivery_log_seconds_count`:                                       5,
		`sever_signals_ignored_total{reason="duplicate",source="okta"}`:          1,
		`sever_jobs_enqueued_total{lane="critical",org="acme",rule="suspended"}`: 2,
		`sever_attempts_total{org="acme",outcome="failed"}`:                      1,
		`sever_attempts_total{org="acme",outcome="dead"}`:                        1,
		`sever_attempts_total{org="acme",outcome="revoked"}`:                     1,
		`sever_alert_to_revoked_seconds_count{lane="critical",org="acme"}`:       1,
		`sever_dead_letters_total{org="acme",stage="dispatch"}`:                  2,
		`sever_dead_letters_total{org="acme",stage="work"}`:                      1,
		`sever_okta_calls_total{org="acme",status="503"}`:                        1,
		`sever_okta_calls_total{org="acme",status="403"}`:                        1,
		`sever_okta_calls_total{org="acme",status="204"}`:                        1,
		`sever_okta_call_seconds_count{org="acme"}`:                              3,
		`sever_jobs_pending{lane="critical",org="acme"}`:                         0,
		`sever_oldest_pending_job_seconds{lane="critical",org="acme"}`:           0,
		`sever_okta_budget_limit{bucket="sessions",org="acme"}`:                  600,
		`sever_scrape_failed`: 0,
	} {
		require.Contains(t, values, name)
		require.InDelta(t, want, values[name], 0, name)
	}
	require.Less(t, values[`sever_okta_budget_remaining{bucket="sessions",org="acme"}`], 600.0)
	for name := range values {
		require.NotContains(t, name, "00u") // nobody is named in a label
	}
}

func TestTheOldestPendingJobAgesWhileOktaIsDown(t *testing.T) {
	t.Parallel()
	const oldest = `sever_oldest_pending_job_seconds{lane="critical",org="acme"}`
	r := newRig(t, settings{})
	r.okta.AddFaults(oktasim.Fault{Count: 1000, Status: http.StatusServiceUnavailable})
	r.deliver(suspension(person(1), "waits"))
	r.seen.await(t, audited(revocation.OutcomeFailed), 1)
	values := r.metrics()
	require.InDelta(t, 1, values[`sever_jobs_pending{lane="critical",org="acme"}`], 0)
	before := values[oldest]
	require.Positive(t, before)
	require.Eventually(t, func() bool { return r.metrics()[oldest] > before+1 }, soon, 100*time.Millisecond)
	require.Zero(t, r.metrics()[`sever_oldest_pending_job_seconds{lane="high",org="acme"}`])
}

// While Okta is down, deliveries are taken all the same: it is the store that counts.
func TestSeverIsReadyWhileOktaIsDown(t *testing.T) {
	t.Parallel()
	r := newRig(t, settings{})
	r.okta.AddFaults(oktasim.Fault{Count: 1000, Cut: true})
	r.deliver(suspension(person(1), "waits"))
	r.seen.await(t, audited(revocation.OutcomeFailed), 1)
	require.True(t, r.ready())
	r.deliver(suspension(person(2), "waits too"))
}
