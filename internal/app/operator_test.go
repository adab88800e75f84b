package app_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/okta/oktasim"
	"sever/revocation"
)

// order is the body of a revocation by hand.
func order(kind, value, reason string) string {
	return fmt.Sprintf(`{"org":"acme","person":{"kind":%q,"value":%q},"reason":%q}`, kind, value, reason)
}

func TestNobodyProtectedIsRevoked(t *testing.T) {
	t.Parallel()
	for name, policy := range map[string]string{
		"by id":    "{protected: {ids: [" + person(1) + "]}}",
		"by login": "{protected: {logins: [Break.Glass@acme.example]}}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, settings{policy: policy})
			require.NoError(t, r.okta.PutUser(oktasim.User{ID: person(1), Login: "break.glass@ACME.example"}))
			r.deliver(suspension(person(1), "protected"))
			refused := r.seen.await(t, audited(revocation.OutcomeRefused), 1)
			require.Contains(t, refused[0].Record.Reason, "protected")
			require.Nil(t, refused[0].Record.Call)
			require.Equal(t, http.StatusAccepted,
				r.admin(http.MethodPost, "/api/v1/revocations", order("login", "break.glass@acme.example", "by hand")).status)
			r.seen.await(t, audited(revocation.OutcomeRefused), 2)

			// Nobody else is spared.
			r.deliver(suspension(person(2), "not protected"))
			r.seen.await(t, audited(revocation.OutcomeRevoked), 1)
			require.Equal(t, map[string]int{person(2): 1}, deletes(r.okta.Calls()))
		})
	}
}

// deletes counts the revocations for each user among calls that may look people up.
func deletes(calls []oktasim.Call) map[string]int {
	count := make(map[string]int)
	for _, call := range calls {
		if call.Method == http.MethodDelete {
			count[call.User]++
		}
	}
	return count
}

func TestADryRunCallsNobody(t *testing.T) {
	t.Parallel()
	r := newRig(t, settings{policy: "{mode: dry_run}"})
	r.deliver(suspension(person(1), "dry"))
	refused := r.seen.await(t, audited(revocation.OutcomeRefused), 1)
	require.Contains(t, refused[0].Record.Reason, "dry run")
	require.Empty(t, r.okta.Calls())
}

func TestARevocationByLogin(t *testing.T) {
	t.Parallel()
	r := newRig(t, settings{})
	require.NoError(t, r.okta.PutUser(oktasim.User{ID: person(1), Login: "ada@acme.example"}))
	require.NoError(t, r.okta.PutUser(oktasim.User{ID: person(2), Login: "adam@acme.example"}))

	given := r.admin(http.MethodPost, "/api/v1/revocations", order("login", "ADA@acme.example", "left the company"))
	job := decode[revocation.Job](t, given, http.StatusAccepted)
	r.seen.await(t, audited(revocation.OutcomeRevoked), 1)
	r.seen.await(t, step(revocation.StepSettled), 1)
	require.Equal(t, person(1), r.job(job.ID).Record.User)
	require.Equal(t, map[string]int{person(1): 1}, deletes(r.okta.Calls()))

	// The start of a login, which Okta itself would take, is nobody.
	decode[revocation.Job](t, r.admin(http.MethodPost, "/api/v1/revocations", order("login", "ada", "a guess")), http.StatusAccepted)
	r.seen.await(t, audited(revocation.OutcomeDead), 1)
	require.Equal(t, map[string]int{person(1): 1}, deletes(r.okta.Calls()))
}

// An email address counts where exactly one user has it, and is nobody's otherwise.
func TestARevocationByEmail(t *testing.T) {
	t.Parallel()
	r := newRig(t, settings{})
	for i, email := range []string{"ada@mail.example", "twins@mail.example", "twins@mail.example"} {
		require.NoError(t, r.okta.PutUser(oktasim.User{
			ID: person(i + 1), Login: fmt.Sprintf("login%d@acme.example", i), Email: email,
		}))
	}
	for _, email := range []string{"ada@mail.example", "twins@mail.example", "nobody@mail.example"} {
		decode[revocation.Job](t, r.admin(http.MethodPost, "/api/v1/revocations", order("login", email, "left")), http.StatusAccepted)
	}
	r.seen.await(t, audited(revocation.OutcomeRevoked), 1)
	dead := r.seen.await(t, audited(revocation.OutcomeDead), 2)
	reasons := dead[0].Record.Reason + dead[1].Record.Reason
	require.Contains(t, reasons, "at least 2 users have this email address")
	require.Contains(t, reasons, "no user has this login or email address")
	require.Equal(t, map[string]int{person(1): 1}, deletes(r.okta.Calls()))
}

// Nothing that an operator can type reaches another path of Okta's API.
func TestAnOrderForNobodyNeverReachesAnotherPath(t *testing.T) {
	t.Parallel()
	r := newRig(t, settings{})
	for _, id := range []string{"00u1?x=", "00u1/..", "../00u1", "00u1%2f", "", strings.Repeat("0", 5000)} {
		require.Equal(t, http.StatusBadRequest,
			r.admin(http.MethodPost, "/api/v1/revocations", order("okta_id", id, "bad")).status, "%.20q", id)
	}
	logins := []string{"../00u1", "..", ".", "me", "ME", person(1) + "/sessions", strings.Repeat("a", 5000)}
	for _, login := range logins {
		require.Equal(t, http.StatusAccepted, r.admin(http.MethodPost, "/api/v1/revocations", order("login", login, "bad")).status)
	}
	r.seen.await(t, audited(revocation.OutcomeDead), len(logins))
	require.Empty(t, r.okta.Calls())

	// An id given as a login is looked up; it is nobody's login.
	require.Equal(t, http.StatusAccepted, r.admin(http.MethodPost, "/api/v1/revocations", order("login", person(1)+"?x=", "bad")).status)
	r.seen.await(t, audited(revocation.OutcomeDead), len(logins)+1)
	for _, call := range r.okta.Calls() {
		require.Equal(t, http.MethodGet+" /api/v1/users/"+person(1)+"%3Fx=", call.Method+" "+call.Path)
	}
}

func TestACancelledJobNeverActs(t *testing.T) {
	t.Parallel()
	r := newRig(t, settings{})
	r.okta.AddFaults(oktasim.Fault{Status: http.StatusServiceUnavailable})
	r.deliver(suspension(person(1), "mistaken"))
	failed := r.seen.await(t, audited(revocation.OutcomeFailed), 1)
	id := failed[0].Job.ID

	state := decode[revocation.JobState](t, r.admin(http.MethodDelete, "/api/v1/jobs/"+id+"?reason=mistaken", ""), http.StatusOK)
	require.Equal(t, revocation.StateFinished, state.State)
	require.Equal(t, revocation.OutcomeRefused, state.Record.Outcome)
	r.seen.await(t, step(revocation.StepSettled), 2) // the job came again and was put down
	require.Len(t, r.calls(), 1)
	require.Equal(t, http.StatusBadRequest, r.admin(http.MethodDelete, "/api/v1/jobs/"+id, "").status)

	r.mustStop()
	var outcomes []revocation.Outcome
	for _, record := range r.audit() {
		outcomes = append(outcomes, record.Outcome)
	}
	require.ElementsMatch(t, []revocation.Outcome{revocation.OutcomeFailed, revocation.OutcomeRefused}, outcomes)
}

func TestTheAdminAPIKnowsItsToken(t *testing.T) {
	t.Parallel()
	r := newRig(t, settings{})
	for _, token := range []string{"", "Bearer ", "Bearer guessed", adminToken, "Bearer " + hookSecret} {
		header := http.Header{"Content-Type": {"application/json"}}
		if token != "" {
			header.Set("Authorization", token)
		}
		for _, path := range []string{"/api/v1/jobs", "/api/v1/dead"} {
			given, err := r.do(http.MethodGet, r.app.AdminURL()+path, header, nil)
			require.NoError(t, err)
			require.Equal(t, http.StatusUnauthorized, given.status, token)
		}
	}
}

// A job that is held has no record yet: it is said what to do instead.
func TestAHeldJobIsNotCancelled(t *testing.T) {
	t.Parallel()
	r := newRig(t, settings{policy: "{brake: {max: 1, per: 1h}}"})
	r.deliver(suspension(person(1), "a"))
	r.seen.await(t, audited(revocation.OutcomeRevoked), 1)
	r.deliver(suspension(person(2), "b"))
	r.seen.await(t, audited(revocation.OutcomeHeld), 1)
	held := r.holds()[0]
	answer := r.admin(http.MethodDelete, "/api/v1/jobs/"+held.Job.ID+"?reason=r", "")
	require.Equal(t, http.StatusBadRequest, answer.status, answer.body)
	require.Contains(t, answer.body, "held")
}
