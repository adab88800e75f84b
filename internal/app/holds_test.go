package app_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/okta/oktasim"
	"sever/revocation"
)

// leaver has somebody's termination announced, effective at a time.
func (r *rig) leaver(user string, at time.Time) revocation.Hold {
	r.t.Helper()
	signal := revocation.Signal{
		ID: revocation.DeriveID("sig", user), Source: "hr", Org: "acme", Type: "employee.terminated", Received: r.clock.now(),
		Kind: revocation.KindTermination, Effective: at, Person: revocation.Person{Kind: revocation.PersonOktaID, Value: user},
	}
	job := revocation.NewJob(signal, "termination", revocation.LaneHigh, revocation.Scope{OAuthTokens: true, ForgetDevices: true})
	require.NoError(r.t, r.app.Hold(r.t.Context(), job, signal))
	return revocation.HoldUntil(job, signal, r.clock.now())
}

func (r *rig) holds() []revocation.Hold {
	r.t.Helper()
	list := decode[struct {
		Holds []revocation.Hold `json:"holds"`
	}](r.t, r.admin(http.MethodGet, "/api/v1/holds", ""), http.StatusOK)
	return list.Holds
}

func (r *rig) decide(key, verb, reason string) answer {
	r.t.Helper()
	return r.admin(http.MethodPost, "/api/v1/holds/"+key+"/"+verb, `{"reason":"`+reason+`"}`)
}

// From the announcement to the call at the date, also over a restart.
func TestAHeldJobIsDoneAtItsDate(t *testing.T) {
	t.Parallel()
	r := newRig(t, settings{})
	require.NoError(t, r.okta.PutUser(oktasim.User{ID: person(1), Login: "ada@acme.example"}))
	require.NoError(t, r.okta.PutUser(oktasim.User{ID: person(2), Login: "bob@acme.example", Status: "DEPROVISIONED"}))
	ada, bob := r.leaver(person(1), time.Now().Add(10*time.Second)), r.leaver(person(2), time.Now().Add(11*time.Second)) // time enough to restart before
	require.Len(t, r.holds(), 2)
	require.Equal(t, ada.Key, r.holds()[0].Key)
	require.Contains(t, r.admin(http.MethodGet, "/metrics", "").body, `sever_jobs_held{org="acme"} 2`)
	r.restart()
	require.Len(t, r.holds(), 2)

	revoked := r.seen.await(t, audited(revocation.OutcomeRevoked), 1)[0].Record
	require.Equal(t, ada.Job.ID, revoked.Job.ID)
	require.True(t, ada.Due.Equal(revoked.Job.Received))
	require.False(t, revoked.Began.Before(ada.Due))
	require.Contains(t, revoked.Reason, "when their status was ACTIVE")
	gone := r.seen.await(t, audited(revocation.OutcomeGone), 1)[0].Record
	require.Equal(t, bob.Job.ID, gone.Job.ID)
	require.Contains(t, gone.Reason, "DEPROVISIONED")
	require.Equal(t, map[string]int{person(1): 1}, deletes(r.okta.Calls()))
	require.Empty(t, r.holds())
}

func TestOperatorsDecideAboutHolds(t *testing.T) {
	t.Parallel()
	r := newRig(t, settings{})
	inAnHour := time.Now().Add(time.Hour)
	approved, rejected := r.leaver(person(1), inAnHour), r.leaver(person(2), inAnHour)
	require.Equal(t, http.StatusBadRequest, r.decide(approved.Key, "approve", "").status, "a reason is asked for")
	require.Equal(t, http.StatusOK, r.decide(approved.Key, "approve", "left early").status)
	require.Equal(t, http.StatusOK, r.decide(rejected.Key, "reject", "a mistake").status)

	record := r.seen.await(t, audited(revocation.OutcomeRevoked), 1)[0].Record
	require.Equal(t, approved.Job.ID, record.Job.ID)
	require.True(t, approved.Due.Equal(record.Job.Effective))
	require.True(t, record.Job.Received.Before(approved.Due))
	require.Equal(t, map[string]int{person(1): 1}, deletes(r.okta.Calls()))
	require.Empty(t, r.holds())
	for _, key := range []string{approved.Key, rejected.Key, "hold_aaaaaaaaaaaaaaaaaaaaaaaaaa"} {
		for _, verb := range []string{"approve", "reject"} {
			require.Equal(t, http.StatusNotFound, r.decide(key, verb, "once more").status)
		}
	}
	r.leaver(person(2), inAnHour)
	require.Empty(t, r.holds(), "rejected, it does not come back")

	r.mustStop()
	actions := map[string]string{}
	for _, action := range r.actions() {
		actions[action.Verb+" "+action.Target] = action.Reason
	}
	require.Equal(t, "left early", actions["approve "+approved.Key])
	require.Equal(t, "a mistake", actions["reject "+rejected.Key])
	require.Contains(t, actions["release "+approved.Key], "source hr: job "+approved.Job.ID)
	require.Contains(t, actions["hold "+approved.Key], "takes effect at", "leaver leaves no evidence, as if killed before it: the release makes up for that")
	require.Len(t, actions, 4)
}
