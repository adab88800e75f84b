package app_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/okta/oktasim"
	"sever/revocation"
)

// What Okta can do to a revocation, and that it is carried out all the same. Each
// waits out real retries.
func TestARevocationOutlivesOktasTrouble(t *testing.T) {
	t.Parallel()
	for _, trouble := range []struct {
		name   string
		fault  oktasim.Fault
		failed int // attempts that fail
		status int // what Okta answered to them; 0 for nothing
		calls  int // that reached Okta
	}{
		{"503 three times", oktasim.Fault{Count: 3, Status: http.StatusServiceUnavailable}, 3, http.StatusServiceUnavailable, 4},
		{"500", oktasim.Fault{Status: http.StatusInternalServerError}, 1, http.StatusInternalServerError, 2},
		{"rate limited", oktasim.Fault{RateLimited: true, ResetIn: 2 * time.Second}, 1, http.StatusTooManyRequests, 2},
		{"too many calls at once", oktasim.Fault{Concurrency: true}, 1, http.StatusTooManyRequests, 2},
		{"cut before the effect", oktasim.Fault{Cut: true}, 1, 0, 2},
		{"cut after the effect", oktasim.Fault{CutAfter: true}, 1, 0, 2},
		{"slower than an attempt may be", oktasim.Fault{Latency: 3 * time.Second}, 1, 0, 2},
	} {
		t.Run(trouble.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, settings{work: "{concurrency: 4, ack_wait: 3s, attempt_timeout: 1s, spacing: 0s}"})
			r.okta.AddFaults(trouble.fault)
			r.deliver(suspension(person(1), "troubled"))
			revoked := r.seen.await(t, audited(revocation.OutcomeRevoked), 1)
			r.mustStop()

			failures := r.seen.find(audited(revocation.OutcomeFailed))
			require.Len(t, failures, trouble.failed)
			for _, failure := range failures {
				require.Equal(t, trouble.status, failure.Record.Call.Status)
				require.False(t, failure.Record.Retry.IsZero())
			}
			require.Len(t, r.calls(), trouble.calls)
			require.Len(t, r.audit(), trouble.failed+1)
			require.Equal(t, trouble.failed+1, revoked[0].Record.Attempt)
			require.Empty(t, r.seen.find(step(revocation.StepDeadLetter)))
		})
	}
}

func TestNoCallIsSentBeforeTheRateLimitsReset(t *testing.T) {
	t.Parallel()
	const reset = 3 * time.Second
	r := newRig(t, settings{})
	r.okta.AddFaults(oktasim.Fault{RateLimited: true, ResetIn: reset})
	began := time.Now()
	r.deliver(suspension(person(1), "first"))
	r.seen.await(t, audited(revocation.OutcomeFailed), 1)
	r.deliver(suspension(person(2), "second")) // held back by the budget, without a call
	r.seen.await(t, step(revocation.StepDeferred), 1)
	r.seen.await(t, audited(revocation.OutcomeRevoked), 2)
	calls := r.calls()
	require.Len(t, calls, 3)
	for _, call := range calls[1:] {
		require.GreaterOrEqual(t, call.Time.Sub(began), reset)
	}
}

// A refused credential, and an answer that is not Okta's, are not the job's fault: it
// waits, however long that takes, and nothing is followed.
func TestWhatIsNotTheJobsFaultLeavesItPending(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]oktasim.Fault{
		"401":           {Count: 100, Status: http.StatusUnauthorized},
		"a redirect":    {Count: 100, Status: http.StatusFound},
		"another 2xx":   {Count: 100, Status: http.StatusOK},
		"missing scope": {Count: 100, Status: http.StatusForbidden, WWWAuthenticate: `Bearer error="insufficient_scope"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, settings{})
			r.okta.AddFaults(fault)
			r.deliver(suspension(person(1), "waits"))
			called := r.seen.await(t, step(revocation.StepCalled), 1)
			require.Equal(t, fault.Status, called[0].Call.Status)
			r.seen.await(t, step(revocation.StepPaused), 1)
			require.Len(t, r.jobs(revocation.StatePending), 1)
			require.Empty(t, r.letters())
			require.Len(t, r.calls(), 1) // and no other path
		})
	}
}

func TestWhatOktaRefusesForGoodIsSettled(t *testing.T) {
	t.Parallel()
	for _, refusal := range []struct {
		name    string
		fault   oktasim.Fault
		outcome revocation.Outcome
		code    string
	}{
		{"403 for an administrator", oktasim.Fault{Status: http.StatusForbidden}, revocation.OutcomeDead, "E0000006"},
		{"403 for a status", oktasim.Fault{Status: http.StatusForbidden, Code: "E0000038"}, revocation.OutcomeDead, "E0000038"},
		{"400", oktasim.Fault{Status: http.StatusBadRequest}, revocation.OutcomeDead, "E0000001"},
		{"404", oktasim.Fault{Status: http.StatusNotFound}, revocation.OutcomeGone, "E0000007"},
	} {
		t.Run(refusal.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, settings{})
			r.okta.AddFaults(refusal.fault)
			r.deliver(suspension(person(1), "refused"))
			ended := r.seen.await(t, audited(refusal.outcome), 1)
			require.Equal(t, refusal.code, ended[0].Record.Call.Code)
			r.seen.await(t, step(revocation.StepSettled), 1)
			job := r.job(ended[0].Job.ID)
			if refusal.outcome == revocation.OutcomeGone {
				require.Equal(t, revocation.StateFinished, job.State)
				require.Empty(t, r.letters())
			} else {
				require.Equal(t, revocation.StateDead, job.State)
				require.Len(t, r.letters(), 1)
			}
			require.Len(t, r.calls(), 1)
		})
	}
}

// An outage of an hour, and of as many tries as there is patience to wait for here,
// uses nothing up: a job is given up by age alone.
func TestAnOutageUsesUpNoTries(t *testing.T) {
	t.Parallel()
	const tries = 6
	r := newRig(t, settings{})
	r.okta.AddFaults(oktasim.Fault{Count: tries, Status: http.StatusServiceUnavailable})
	r.deliver(suspension(person(1), "outage"))
	r.seen.await(t, audited(revocation.OutcomeFailed), tries)
	r.clock.jump(time.Hour)
	revoked := r.seen.await(t, audited(revocation.OutcomeRevoked), 1)
	require.Equal(t, tries+1, revoked[0].Record.Attempt)
	require.Greater(t, revoked[0].Record.Began.Sub(revoked[0].Record.Job.Received), time.Hour)
	require.Empty(t, r.letters())
}

func TestAJobGivenUpIsADeadLetterAndARedriveRevokes(t *testing.T) {
	t.Parallel()
	r := newRig(t, settings{})
	r.okta.AddFaults(oktasim.Fault{Count: 2, Status: http.StatusServiceUnavailable})
	r.deliver(suspension(person(1), "given up"))
	r.seen.await(t, audited(revocation.OutcomeFailed), 1)
	r.clock.jump(25 * time.Hour)
	given := r.seen.await(t, audited(revocation.OutcomeDead), 1)
	r.seen.await(t, step(revocation.StepSettled), 2)

	letters := r.letters()
	require.Len(t, letters, 1)
	require.Contains(t, letters[0].Reason, "24h")
	require.Equal(t, given[0].Job.ID, letters[0].Job.ID)
	require.Equal(t, revocation.StateDead, r.job(given[0].Job.ID).State)

	r.redrive(letters[0].ID)
	revoked := r.seen.await(t, audited(revocation.OutcomeRevoked), 1)
	require.Equal(t, given[0].Job.ID, revoked[0].Job.ID)
	require.Equal(t, 1, revoked[0].Job.Redrives)
	require.Empty(t, r.letters())
	require.Equal(t, revocation.StateFinished, r.job(given[0].Job.ID).State)
	require.Len(t, r.calls(), 3)
}
