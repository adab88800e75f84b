package app_test

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/internal/approval"
	"sever/revocation"
)

// announced is a termination of the person that its source now says takes effect at a time.
func (r *rig) announced(signal, user string, at time.Time) revocation.Hold {
	r.t.Helper()
	said := revocation.Signal{
		ID: signal, Source: "hr", Org: "acme", Type: "employee.terminated", Received: r.clock.now(),
		Kind: revocation.KindTermination, Effective: at, Person: revocation.Person{Kind: revocation.PersonOktaID, Value: user},
	}
	job := revocation.NewJob(said, "termination", revocation.LaneHigh, revocation.Scope{OAuthTokens: true, ForgetDevices: true})
	require.NoError(r.t, r.app.Hold(r.t.Context(), job, said))
	holds := r.holds()
	require.Len(r.t, holds, 1)
	require.Equal(r.t, job.ID, holds[0].Job.ID)
	return holds[0]
}

// A person's terminations are held under one key, one after the other. A link that was made
// for the first, and used, says nothing of the second.
func TestALinkIsGoodForOneHoldOfItsKey(t *testing.T) {
	t.Parallel()
	r := newRig(t, settings{})
	of := func(hold revocation.Hold, verb string) approval.Grant {
		return approval.Grant{Hold: hold.Key, Case: hold.Case(), Verb: verb, Expires: time.Now().Add(time.Hour)}
	}
	first := r.announced("sig_first", person(1), time.Now().Add(time.Hour))
	used := of(first, approval.Approve)
	require.Equal(t, http.StatusOK, r.link(http.MethodPost, used, "by=ada&reason=real").status)
	r.seen.await(t, audited(revocation.OutcomeRevoked), 1)

	second := r.announced("sig_second", person(1), time.Now().Add(2*time.Hour))
	require.Equal(t, first.Key, second.Key)
	for _, grant := range []approval.Grant{used, of(first, approval.Reject)} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			old := r.link(method, grant, "by=ada&reason=again")
			require.Equal(t, http.StatusForbidden, old.status, "%s to %s", method, grant.Verb)
			require.Contains(t, old.body, "sever holds")
		}
	}
	require.Len(t, r.holds(), 1, "it waits as before")
	_, err := r.app.Decide(t.Context(), revocation.HoldDecision{Key: second.Key, Case: first.Case(), Verb: revocation.VerbApprove, By: "ada", Reason: "r"})
	require.ErrorIs(t, err, revocation.ErrInvalid, "also where the hold changed after the page was shown")
	require.Len(t, r.calls(), 1)
	require.Equal(t, http.StatusOK, r.link(http.MethodPost, of(second, approval.Approve), "by=ada&reason=real").status)
	r.seen.await(t, audited(revocation.OutcomeRevoked), 2)
}

// The link that a notice carries is good for what the notice tells of. The store and what a
// notice knows of a hold come by different ways.
func TestTheLinkOfANoticeApproves(t *testing.T) {
	t.Parallel()
	for name, policy := range map[string]string{
		"held by dispatch": "{mode: approve}", "held by work": "{protected: {ids: [" + person(1) + "], outcome: held}}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			chat, told := newChat(t)
			r := prepareRig(t, newOkta(t), settings{policy: policy})
			require.NoError(t, os.WriteFile(filepath.Join(r.dir, "chat"), []byte(chat), 0o600))
			text, err := os.ReadFile(r.file)
			require.NoError(t, err)
			text = append(text, "notices: {channels: {chat: {type: slack, url: file:chat}}}\n"...)
			require.NoError(t, os.WriteFile(r.file, text, 0o600))
			r.start()
			r.deliver(suspension(person(1), "one"))
			link := regexp.MustCompile(`approve: https://sever\.corp\.example(/approve/\S+)`).FindStringSubmatch(<-told)
			require.NotNil(t, link)
			used, err := r.do(http.MethodPost, r.app.AdminURL()+link[1],
				http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, []byte("by=ada&reason=real"))
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, used.status, used.body)
			r.seen.await(t, audited(revocation.OutcomeRevoked), 1)
			r.mustStop()
		})
	}
}
