package app

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/okta/oktasim"
	"sever/revocation"
)

// Roles are looked up once a minute, also those of somebody who has none, and never without an answer.
func TestAdminRolesAreRemembered(t *testing.T) {
	t.Parallel()
	now := time.Now()
	org, sim := simulated(t, func() time.Time { return now })
	people := newDirectory(org)
	require.NoError(t, sim.PutUser(oktasim.User{ID: ada, Roles: []oktasim.AdminRole{
		{Type: "ORG_ADMIN", Status: "INACTIVE"}, {Type: "APP_ADMIN", AssignmentType: "GROUP"}, {Type: "CUSTOM"},
	}}))
	ask := func(user string, calls int, want ...string) {
		t.Helper()
		before := len(sim.Calls())
		roles, err := people.AdminRolesOf(t.Context(), user)
		require.NoError(t, err)
		require.ElementsMatch(t, want, roles)
		require.Len(t, sim.Calls(), before+calls)
	}
	ask(ada, 1, "APP_ADMIN", "CUSTOM")
	ask(bob, 1)
	now = now.Add(59 * time.Second)
	ask(ada, 0, "APP_ADMIN", "CUSTOM")
	ask(bob, 0)
	require.NoError(t, sim.PutUser(oktasim.User{ID: ada}))
	now = now.Add(time.Second)
	ask(ada, 1)

	now = now.Add(time.Minute)
	sim.AddFaults(oktasim.Fault{Status: http.StatusForbidden, Code: "E0000006"})
	var failed *revocation.CallError
	_, err := people.AdminRolesOf(t.Context(), ada)
	require.ErrorAs(t, err, &failed, "what it was a minute ago does not count")
	require.Equal(t, revocation.FailureForbidden, failed.Failure)
	ask(ada, 1)
	_, err = people.AdminRolesOf(t.Context(), "me")
	require.ErrorAs(t, err, &failed)
	require.True(t, failed.NotSent)
}
