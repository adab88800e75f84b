package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"sever/revocation"
)

// suspended is who the envelopes below are made to be about.
const suspended = "00u1suspended0person"

// envelopes are the sample of Okta's documentation, where the shared data is, and
// a fictional one in its image.
func envelopes(t *testing.T) map[string]string {
	t.Helper()
	return map[string]string{
		"documented": filepath.Join(moduleRoot(t), "..", "shared", "data", "okta", "event-hook", "docs-envelope-session-start-2023.json"),
		"own":        filepath.Join("testdata", "okta-envelope.json"),
	}
}

func moduleRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	require.NoError(t, err)
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		require.NotEqual(t, filepath.Dir(dir), dir, "no go.mod above this package")
		dir = filepath.Dir(dir)
	}
}

// suspend turns an envelope about a sign-in into one about a suspension: the actor
// stays an admin, who must not be signed out.
func suspend(t *testing.T, envelope []byte) []byte {
	t.Helper()
	var hook map[string]any
	require.NoError(t, json.Unmarshal(envelope, &hook))
	event := hook["data"].(map[string]any)["events"].([]any)[0].(map[string]any)
	event["eventType"] = "user.lifecycle.suspend"
	event["target"] = append(event["target"].([]any), map[string]any{
		"id": suspended, "type": "User", "alternateId": "sue@acme.example", "displayName": "Sue Spended", "detailEntry": nil,
	})
	body, err := json.Marshal(hook)
	require.NoError(t, err)
	return body
}

func TestASuspensionIsRevokedOnceHoweverOftenItComes(t *testing.T) {
	t.Parallel()
	for name, file := range envelopes(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			envelope, err := os.ReadFile(file)
			if os.IsNotExist(err) {
				t.Skip("the shared data folder is not there: ", file)
			}
			require.NoError(t, err)
			delivery := suspend(t, envelope)
			r := newRig(t, settings{})

			r.deliver(delivery)
			r.seen.await(t, audited(revocation.OutcomeRevoked), 1)
			calls := r.calls()
			require.Len(t, calls, 1)
			require.Equal(t, suspended, calls[0].User)
			require.Equal(t, http.StatusNoContent, calls[0].Status)

			r.deliver(delivery)
			r.seen.await(t, duplicate, 1)

			r.restart()
			r.deliver(delivery)
			r.seen.await(t, duplicate, 2)

			// A week later JetStream has forgotten the job; the ledger has not.
			r.mustStop()
			r.outlive(8 * 24 * time.Hour)
			r.start()
			r.deliver(delivery)
			covered := r.seen.await(t, audited(revocation.OutcomeCovered), 1)
			require.Contains(t, covered[0].Record.Reason, "duplicate")
			r.seen.await(t, step(revocation.StepEnqueued), 2) // it did pass JetStream's own window
			r.mustStop()
			require.Len(t, r.calls(), 1)
			require.Len(t, r.seen.find(step(revocation.StepCalling)), 1)
		})
	}
}

// Another week, and another copy of the same job: however many JetStream lets pass,
// the ledger lets none act.
func TestTheLedgerOutlivesTheLanes(t *testing.T) {
	t.Parallel()
	r := newRig(t, settings{})
	delivery := suspension(person(1), "one")
	r.deliver(delivery)
	r.seen.await(t, audited(revocation.OutcomeRevoked), 1)
	for week := range 3 {
		r.mustStop()
		r.outlive(7 * 24 * time.Hour)
		r.start()
		r.deliver(delivery)
		r.seen.await(t, audited(revocation.OutcomeCovered), week+1)
	}
	require.Len(t, r.calls(), 1)
}

func TestAHundredAlertsForOnePersonCostOneCallOrTwo(t *testing.T) {
	t.Parallel()
	const burst = 100
	r := newRig(t, settings{work: "{concurrency: 8, ack_wait: 5s, attempt_timeout: 4s, spacing: 3s}"})
	var senders errgroup.Group
	senders.SetLimit(16)
	for i := range burst {
		senders.Go(func() error {
			given, err := r.do(http.MethodPost, r.app.URL()+"/v1/hooks/okta", asOkta(hookSecret), suspension(person(1), strconv.Itoa(i)))
			if err == nil && given.status != http.StatusNoContent {
				err = fmt.Errorf("answered %d", given.status)
			}
			return err
		})
	}
	require.NoError(t, senders.Wait())

	r.seen.await(t, finished, burst)
	require.Len(t, r.jobs(revocation.StateFinished), burst)
	require.Empty(t, r.jobs(revocation.StatePending))
	calls := len(r.calls())
	require.GreaterOrEqual(t, calls, 1)
	require.LessOrEqual(t, calls, 2)

	r.mustStop()
	audit := r.audit()
	require.Len(t, audit, burst)
	jobs := make(map[string]bool)
	for _, record := range audit {
		require.True(t, record.Outcome.Finishes())
		jobs[record.Job.ID] = true
	}
	require.Len(t, jobs, burst)
	require.Len(t, r.calls(), calls)
}

func TestANewAlertAfterTheRevocationActsAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, settings{})
	r.deliver(suspension(person(1), "first"))
	r.seen.await(t, audited(revocation.OutcomeRevoked), 1)
	r.deliver(suspension(person(1), "second"))
	r.seen.await(t, audited(revocation.OutcomeRevoked), 2)
	require.Len(t, r.calls(), 2)
}
