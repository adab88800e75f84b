package app_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/okta/oktasim"
	"sever/revocation"
)

// requirePaused checks what operators see of an org whose credential is refused.
func requirePaused(r *rig, waiting int) {
	r.t.Helper()
	paused := r.seen.await(r.t, step(revocation.StepPaused), 1)
	require.Equal(r.t, "acme", paused[0].Org)
	require.NotEmpty(r.t, paused[0].Reason)
	require.Len(r.t, r.jobs(revocation.StatePending), waiting)
	require.Empty(r.t, r.letters())
	require.Empty(r.t, r.seen.find(step(revocation.StepAudited)), "no attempt was spent")
	require.Contains(r.t, r.admin(http.MethodGet, "/metrics", "").body, `sever_org_paused{org="acme"} 1`)
	require.Equal(r.t, http.StatusOK, r.admin(http.MethodGet, "/readyz", "").status, "deliveries are taken all the same")
}

// requireResumed checks that the org resumed by itself and everybody was revoked once.
func requireResumed(r *rig, people int) {
	r.t.Helper()
	r.seen.await(r.t, audited(revocation.OutcomeRevoked), people)
	require.Contains(r.t, r.admin(http.MethodGet, "/metrics", "").body, `sever_org_paused{org="acme"} 0`)
	require.Empty(r.t, r.letters())
	r.mustStop()
	require.Len(r.t, r.seen.find(step(revocation.StepPaused)), 1)
	require.Len(r.t, r.seen.find(step(revocation.StepResumed)), 1)
	audit := r.audit()
	require.Len(r.t, audit, people)
	for _, record := range audit {
		require.Equal(r.t, revocation.OutcomeRevoked, record.Outcome)
	}
}

// The key is exchanged at Okta before it is exchanged here: jobs wait for the file, and
// then all of them are done, each once, without a restart.
func TestJobsWaitForTheNewKey(t *testing.T) {
	t.Parallel()
	const people = 30
	sim := newOkta(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "okta.pem")
	newKey(t, file)
	other := filepath.Join(dir, "other.pem")
	putClient(t, sim, newKey(t, other))
	r := prepareRig(t, sim, settings{
		auth: fmt.Sprintf("{type: private_key_jwt, client_id: %s, key: \"file:%s\", key_id: k1}", clientID, file),
	})
	r.start()
	for i := range people {
		r.deliver(suspension(person(i), strconv.Itoa(i)))
	}
	r.seen.await(t, step(revocation.StepEnqueued), people)
	requirePaused(r, people)

	putClient(t, sim, newKey(t, file))

	requireResumed(r, people)
	require.Len(t, callsFor(revocations(sim.Calls())), people)
	for user, calls := range callsFor(revocations(sim.Calls())) {
		require.Equal(t, 1, calls, user)
	}
}

// revocations are the calls that end somebody's sessions.
func revocations(calls []oktasim.Call) []oktasim.Call {
	var found []oktasim.Call
	for _, call := range calls {
		if call.Method == http.MethodDelete {
			found = append(found, call)
		}
	}
	return found
}

// An API token that Okta refuses for a while.
func TestJobsWaitForTheToken(t *testing.T) {
	t.Parallel()
	const people = 12
	r := newRig(t, settings{
		work: "{concurrency: 1, ack_wait: 5s, attempt_timeout: 4s, spacing: 0s}",
		// Not critical, for which there is a second hand: its call could succeed beside the one that is refused.
		policy: `{rules: [{name: suspended, when: 'signal.type == "user.lifecycle.suspend"', do: {revoke: {}, lane: high}}]}`,
	})
	r.okta.AddFaults(oktasim.Fault{Count: 1, Status: http.StatusUnauthorized})
	for i := range people {
		r.deliver(suspension(person(i), strconv.Itoa(i)))
	}
	r.seen.await(t, step(revocation.StepEnqueued), people)
	requirePaused(r, people)

	requireResumed(r, people)
	require.Len(t, r.calls(), people+1, "one was refused")
}
