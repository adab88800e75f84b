package app_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/okta/oktasim"
	"sever/revocation"
)

// A flood of alerts: as many people as may are signed out, the rest wait for an operator,
// who is told once. It lasts over a restart.
func TestTheBrakeHoldsAFlood(t *testing.T) {
	t.Parallel()
	r := newRig(t, settings{policy: "{brake: {max: 2, per: 1h}}"})
	for n := range 4 {
		r.deliver(suspension(person(n), "flood"+string(rune('a'+n))))
	}
	r.seen.await(t, audited(revocation.OutcomeRevoked), 2)
	r.seen.await(t, audited(revocation.OutcomeHeld), 2)
	r.restart()
	r.deliver(suspension(person(5), "after the restart"))
	r.seen.await(t, audited(revocation.OutcomeHeld), 3)
	require.Len(t, r.seen.find(step(revocation.StepBraked)), 1)
	require.Len(t, deletes(r.okta.Calls()), 2)

	holds := r.holds()
	require.Len(t, holds, 3)
	for _, hold := range holds {
		require.Equal(t, revocation.HeldForBrake, hold.Why)
		require.Contains(t, hold.Reason, "more than 2 people at once (all)")
	}
	require.Equal(t, http.StatusOK, r.decide(holds[0].Key, "approve", "a real attack").status)
	require.Equal(t, http.StatusOK, r.decide(holds[1].Key, "reject", "a drill").status)
	approved := r.seen.await(t, audited(revocation.OutcomeRevoked), 3)[2].Record
	require.Equal(t, holds[0].Job.ID, approved.Job.ID)
	require.True(t, approved.Job.Approved)
	require.True(t, approved.Job.Received.Equal(holds[0].Job.Received), "the alert's own time")
	require.Len(t, deletes(r.okta.Calls()), 3)
	require.Len(t, r.holds(), 1)

	r.mustStop()
	verbs := make([]string, 0)
	for _, action := range r.actions() {
		verbs = append(verbs, action.Verb)
	}
	require.ElementsMatch(t, slices.Concat(slices.Repeat([]string{"hold"}, 3), []string{"approve", "reject", "release"}), verbs)
}

func TestMembersOfProtectedGroupsAreNeverCalled(t *testing.T) {
	t.Parallel()
	r := newRig(t, settings{policy: "{protected: {groups: [Break Glass]}}"})
	require.NoError(t, r.okta.PutUser(oktasim.User{ID: person(1), Login: "ada@acme.example", Groups: []string{"Break Glass"}}))
	require.NoError(t, r.okta.PutUser(oktasim.User{ID: person(2), Login: "bob@acme.example", Groups: []string{"Staff"}}))
	r.deliver(suspension(person(1), "protected"))
	r.deliver(suspension(person(2), "not protected"))
	refused := r.seen.await(t, audited(revocation.OutcomeRefused), 1)[0].Record
	require.Equal(t, person(1), refused.User)
	require.Contains(t, refused.Reason, "policy.protected.groups")
	r.seen.await(t, audited(revocation.OutcomeRevoked), 1)
	require.Equal(t, map[string]int{person(2): 1}, deletes(r.okta.Calls()))
}

// Who has a protected admin role, their own or a group's, is not called; who had it, or has another, is.
func TestProtectedAdminsAreNeverCalled(t *testing.T) {
	t.Parallel()
	admin, was, other, nobody := person(1), person(2), person(3), person(4)
	for name, tt := range map[string]struct {
		admins, outcome string
		want            revocation.Outcome
		spared          []string
	}{
		"by type":      {"[SUPER_ADMIN, ORG_ADMIN]", "refused", revocation.OutcomeRefused, []string{admin}},
		"any and held": {"[any]", "held", revocation.OutcomeHeld, []string{admin, other}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, settings{policy: "{protected: {admins: " + tt.admins + ", outcome: " + tt.outcome + "}}"})
			for id, roles := range map[string][]oktasim.AdminRole{
				admin:  {{Type: "APP_ADMIN", Status: "INACTIVE"}, {Type: "SUPER_ADMIN", AssignmentType: "GROUP"}},
				was:    {{Type: "SUPER_ADMIN", Status: "INACTIVE"}},
				other:  {{Type: "CUSTOM"}},
				nobody: nil,
			} {
				require.NoError(t, r.okta.PutUser(oktasim.User{ID: id, Roles: roles}))
				r.deliver(suspension(id, "roles of "+id))
			}
			called := map[string]int{admin: 1, was: 1, other: 1, nobody: 1}
			for _, id := range tt.spared {
				delete(called, id)
			}
			r.seen.await(t, audited(revocation.OutcomeRevoked), len(called))
			for _, event := range r.seen.await(t, audited(tt.want), len(tt.spared)) {
				require.Contains(t, tt.spared, event.Record.User)
				require.Contains(t, event.Record.Reason, "policy.protected.admins")
			}
			require.Equal(t, called, deletes(r.okta.Calls()))
			require.Equal(t, 4, asked(r.okta.Calls(), "/roles"))
			if tt.want != revocation.OutcomeHeld {
				return
			}
			holds := r.holds()
			require.Len(t, holds, 2)
			require.Equal(t, revocation.HeldForProtected, holds[0].Why)
			require.Equal(t, http.StatusOK, r.decide(holds[0].Key, "approve", "asked them").status)
			r.seen.await(t, audited(revocation.OutcomeRevoked), 3)
			require.Equal(t, 4, asked(r.okta.Calls(), "/roles"), "an approval needs no lookup")
		})
	}
}

// asked counts the calls to a path with the given end.
func asked(calls []oktasim.Call, end string) int {
	n := 0
	for _, call := range calls {
		if strings.HasSuffix(call.Path, end) {
			n++
		}
	}
	return n
}

// Without policy.protected.admins the app needs no right to see roles: they are not asked for.
func TestRolesAreAskedForOnlyWhereTheyMatter(t *testing.T) {
	t.Parallel()
	r := newRig(t, settings{policy: "{protected: {ids: [" + person(9) + "], groups: [Break Glass]}}"})
	require.NoError(t, r.okta.PutUser(oktasim.User{ID: person(1), Roles: []oktasim.AdminRole{{Type: "SUPER_ADMIN"}}}))
	r.deliver(suspension(person(1), "an admin whom nobody protects"))
	r.seen.await(t, audited(revocation.OutcomeRevoked), 1)
	require.Equal(t, 1, asked(r.okta.Calls(), "/groups"))
	require.Zero(t, asked(r.okta.Calls(), "/roles"))
}

// Okta cannot say who is protected: nobody is called, and the job waits for an operator;
// whose word is good for those who wait, and not for those who may be refused.
func TestWhoMayBeProtectedIsHeld(t *testing.T) {
	t.Parallel()
	for outcome, called := range map[string]int{"refused": 0, "held": 1} {
		for list, protected := range map[string]string{"groups": "groups: [Break Glass]", "roles": "admins: [any]"} {
			t.Run(outcome+" by "+list, func(t *testing.T) {
				t.Parallel()
				r := newRig(t, settings{policy: "{protected: {" + protected + ", outcome: " + outcome + "}}"})
				r.okta.AddFaults(oktasim.Fault{
					Count: 100, Status: http.StatusForbidden, Code: "E0000006", Path: "/api/v1/users/" + person(1) + "/" + list,
				})
				r.deliver(suspension(person(1), "unknown"))
				r.seen.await(t, audited(revocation.OutcomeHeld), 1)
				holds := r.holds()
				require.Len(t, holds, 1)
				require.Equal(t, revocation.HeldForProtected, holds[0].Why)
				require.Empty(t, deletes(r.okta.Calls()))

				require.Equal(t, http.StatusOK, r.decide(holds[0].Key, "approve", "checked by hand").status)
				if called == 0 {
					r.seen.await(t, audited(revocation.OutcomeHeld), 2)
					require.Len(t, r.holds(), 1, "held once more")
				} else {
					r.seen.await(t, audited(revocation.OutcomeRevoked), 1)
				}
				require.Len(t, deletes(r.okta.Calls()), called)
			})
		}
	}
}

func TestARuleRevokesEverywhereAndLooksAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, settings{policy: "{rules: [{name: all_of_it, when: 'signal.type == \"user.lifecycle.suspend\"', " +
		"do: {revoke: {}, everywhere: true, again: 1h}}]}"})
	r.deliver(suspension(person(1), "everywhere"))
	record := r.seen.await(t, audited(revocation.OutcomeRevoked), 1)[0].Record
	require.Equal(t, http.StatusNoContent, record.Call.Status)
	require.Equal(t, http.StatusNoContent, record.Call.Everywhere.Status)
	require.NotEqual(t, record.Call.RequestID, record.Call.Everywhere.RequestID)
	reached := slices.ContainsFunc(r.okta.Calls(), func(call oktasim.Call) bool {
		return call.Method == http.MethodPost && call.Path == "/oauth2/v1/global-token-revocation" && call.Status == http.StatusNoContent
	})
	require.True(t, reached)

	holds := r.holds()
	require.Len(t, holds, 1)
	require.Equal(t, revocation.HeldForSecondLook, holds[0].Why)
	require.True(t, holds[0].Due.Equal(record.Began.Add(time.Hour)))
	require.Equal(t, http.StatusOK, r.decide(holds[0].Key, "approve", "at once").status)
	second := r.seen.await(t, audited(revocation.OutcomeRevoked), 2)[1].Record
	require.Equal(t, holds[0].Job.ID, second.Job.ID)
	require.Equal(t, map[string]int{person(1): 2}, deletes(r.okta.Calls()))
	require.Empty(t, r.holds(), "there is no third")
}
