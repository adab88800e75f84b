package app_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/internal/approval"
	"sever/revocation"
)

// held waits until so many jobs are held, and gives the holds.
func (r *rig) held(count int) []revocation.Hold {
	r.t.Helper()
	r.seen.await(r.t, step(revocation.StepHeld), count)
	holds := r.holds()
	require.Len(r.t, holds, count)
	return holds
}

// link uses a signed link, as a browser does that knows no token.
func (r *rig) link(method string, grant approval.Grant, form string) answer {
	r.t.Helper()
	links, err := r.app.ApprovalLinks()
	require.NoError(r.t, err)
	u, err := url.Parse(links.Link(grant))
	require.NoError(r.t, err)
	given, err := r.do(method, r.app.AdminURL()+u.Path, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, []byte(form))
	require.NoError(r.t, err)
	return given
}

// Two people approve, one by the API and one by a signed link, over a restart.
func TestTwoPeopleApprove(t *testing.T) {
	t.Parallel()
	r := newRig(t, settings{policy: "{mode: approve, approvals: {people: 2}}"})
	r.deliver(suspension(person(1), "a"))
	hold := r.held(1)[0]
	require.Equal(t, []any{revocation.HeldForApproval, 2}, []any{hold.Why, hold.People})
	require.True(t, hold.Held.Add(24*time.Hour).Equal(hold.Expires))
	approve := "/api/v1/holds/" + hold.Key + "/approve"
	require.Contains(t, r.admin(http.MethodPost, approve, `{"reason":"real"}`).body, "say who you are")
	require.JSONEq(t, `{"approved":"`+hold.Key+`","missing":1}`, r.admin(http.MethodPost, approve, `{"reason":"real","by":"ada"}`).body)
	require.Contains(t, r.admin(http.MethodPost, approve, `{"reason":"real","by":"ADA"}`).body, "somebody else must")
	r.restart()

	shown := decode[revocation.Hold](t, r.admin(http.MethodGet, "/api/v1/holds/"+hold.Key, ""), http.StatusOK)
	require.Len(t, shown.Approvals, 1)
	require.Equal(t, "ada", shown.Approvals[0].By)
	grant := approval.Grant{Hold: hold.Key, Case: hold.Case(), Verb: approval.Approve, Expires: time.Now().Add(time.Hour)}
	page := r.link(http.MethodGet, grant, "")
	require.Equal(t, http.StatusOK, page.status)
	require.Contains(t, page.body, "Approve this hold?")
	require.Empty(t, r.calls(), "looking does nothing")
	expired := grant
	expired.Expires = time.Now()
	require.Equal(t, http.StatusForbidden, r.link(http.MethodPost, expired, "by=bob&reason=real").status)
	require.Equal(t, http.StatusOK, r.link(http.MethodPost, grant, "by=bob&reason=real").status)

	record := r.seen.await(t, audited(revocation.OutcomeRevoked), 1)[0].Record
	require.Equal(t, []any{true, 1}, []any{record.Job.Approved, record.Job.Redrives})
	require.True(t, hold.Job.Received.Equal(record.Job.Received))
	require.Equal(t, http.StatusNotFound, r.link(http.MethodPost, grant, "by=eve&reason=again").status, "a link is good once")
	r.deliver(suspension(person(1), "a"))
	r.seen.await(t, duplicate, 1)
	require.Len(t, r.calls(), 1)
	r.mustStop()
	said := map[string]string{}
	for _, action := range r.actions() {
		said[action.Verb+" "+action.By] = action.Reason
	}
	require.Equal(t, "real", said["approve ada"])
	require.Equal(t, "by a signed link: real", said["approve bob"])
	require.Contains(t, said["release "], "was held for approval since")
	require.Len(t, said, 4, "and the hold itself: %v", said)
}

// What was rejected never acts, not even where it comes by another way.
func TestARejectedJobNeverActs(t *testing.T) {
	t.Parallel()
	r := newRig(t, settings{policy: "{mode: approve}"})
	r.deliver(suspension(person(1), "a"))
	hold := r.held(1)[0]
	grant := approval.Grant{Hold: hold.Key, Case: hold.Case(), Verb: approval.Reject, Expires: time.Now().Add(time.Hour)}
	require.Equal(t, http.StatusOK, r.link(http.MethodPost, grant, "by=ada&reason=a+drill").status)
	refused := r.job(hold.Job.ID)
	require.Equal(t, revocation.OutcomeRefused, refused.Record.Outcome)
	require.Contains(t, refused.Record.Reason, "a drill")
	r.deliver(suspension(person(1), "a"))
	r.seen.await(t, duplicate, 1)
	require.Empty(t, r.holds())

	// The mode is changed since: the same alert, sent once more, is done already.
	r.mustStop()
	r.change("{mode: enforce}")
	r.start()
	r.deliver(suspension(person(1), "a"))
	r.seen.await(t, audited(revocation.OutcomeCovered), 1)
	require.Empty(t, r.calls())
}

// Nobody decides: the job is a dead letter. Redriven, it is held once more, by the work stage.
func TestAHoldExpires(t *testing.T) {
	t.Parallel()
	r := newRig(t, settings{policy: "{mode: approve, approvals: {expire: 1s}}"})
	r.deliver(suspension(person(1), "a"))
	hold := r.held(1)[0]
	r.seen.await(t, step(revocation.StepDeadLetter), 1)
	letter := r.letters()[0]
	require.Equal(t, hold.Job.ID, letter.Job.ID)
	require.Contains(t, letter.Reason, "nobody approved or rejected it")
	require.Empty(t, r.holds())
	r.redrive(letter.ID)
	r.seen.await(t, step(revocation.StepHeld), 2)
	r.seen.await(t, step(revocation.StepDeadLetter), 2)
	require.Empty(t, r.calls())
	require.Len(t, r.letters(), 1)
}

// An operator's word lets a redriven job through, of which the ledger knows nothing yet.
func TestAnApprovedJobIsNotHeldOnceMore(t *testing.T) {
	t.Parallel()
	r := newRig(t, settings{policy: "{mode: approve}"})
	for i := range 3 {
		r.deliver(suspension(person(i), "a"))
	}
	for _, hold := range r.held(3) {
		require.Equal(t, http.StatusOK, r.decide(hold.Key, "approve", "real").status)
	}
	r.seen.await(t, audited(revocation.OutcomeRevoked), 3)
	require.Len(t, r.calls(), 3)
	require.Len(t, r.seen.find(step(revocation.StepHeld)), 3)
}
