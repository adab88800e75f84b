package okta_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/okta"
	"sever/okta/oktasim"
)

const aliceRoles = "/api/v1/users/" + alice + "/roles"

func TestListUserRoles(t *testing.T) {
	t.Parallel()
	client, sim := startSim(t, oktasim.Options{StrictUsers: true})
	require.NoError(t, sim.PutUser(oktasim.User{ID: alice, Roles: []oktasim.AdminRole{
		{Type: "SUPER_ADMIN", AssignmentType: "GROUP"}, {Type: "APP_ADMIN", Status: "INACTIVE"}, {Type: "CUSTOM"},
	}}))
	roles, receipt, err := client.ListUserRoles(t.Context(), alice)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, receipt.Status)
	seen := map[string]bool{}
	for _, role := range roles {
		require.NotEmpty(t, role.ID)
		require.NotEmpty(t, role.Label)
		seen[role.Type+" "+role.AssignmentType] = role.InForce()
	}
	require.Equal(t, map[string]bool{"SUPER_ADMIN GROUP": true, "APP_ADMIN USER": false, "CUSTOM USER": true}, seen)

	_, _, err = client.ListUserRoles(t.Context(), bob)
	require.Equal(t, okta.ClassGone, okta.ClassOf(err))
	require.NoError(t, sim.PutUser(oktasim.User{ID: bob, Login: "bob@acme.com"}))
	roles, _, err = client.ListUserRoles(t.Context(), bob)
	require.NoError(t, err)
	require.Empty(t, roles)
	for _, wrong := range []okta.UserID{"me", "bob@acme.com", alice + "/roles?x=", "00u/../" + bob, ""} {
		_, _, err = client.ListUserRoles(t.Context(), wrong)
		require.Equal(t, okta.ClassInvalid, okta.ClassOf(err), "%s", wrong)
	}
	require.Len(t, sim.Calls(), 3)
	require.Equal(t, aliceRoles, sim.Calls()[0].Path)
}

func TestListUserRolesHasABudgetOfItsOwn(t *testing.T) {
	t.Parallel()
	client, _ := startSim(t, oktasim.Options{})
	_, _, err := client.ListUserRoles(t.Context(), alice)
	require.NoError(t, err)
	require.Len(t, client.Budget(), 1)
	require.Equal(t, "user_roles", client.Budget()[0].Bucket)
}

// Okta documents no pages of roles: if there were some, half of them would protect nobody.
func TestListUserRolesFetchesAllPages(t *testing.T) {
	t.Parallel()
	roles, _, err := pages(t, func(origin string, n int) string {
		if n == 2 {
			return ""
		}
		return fmt.Sprintf(`<%s%s?after=%d>; rel="next"`, origin, aliceRoles, n)
	}).ListUserRoles(t.Context(), alice)
	require.NoError(t, err)
	require.Len(t, roles, 2)

	roles, _, err = pages(t, func(origin string, n int) string {
		return fmt.Sprintf(`<%s%s?after=%d>; rel="next"`, origin, aliceGroups, n)
	}).ListUserRoles(t.Context(), alice)
	require.Equal(t, okta.ClassWrongURL, okta.ClassOf(err))
	require.Nil(t, roles, "half a list is none")
}

func TestListUserRolesRefusesStrangeAnswers(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "{}", "null", "[null]", `[{"id":"ra1"}]`, `[{"type":7}]`, `[{"type":"SUPER_ADMIN"}`, "<html>"} {
		client := newClient(t, "https://acme.okta.com", func(c *okta.Config) { c.Transport = canned{200, nil, body} })
		_, _, err := client.ListUserRoles(t.Context(), alice)
		require.Equal(t, okta.ClassWrongURL, okta.ClassOf(err), body)
	}
}

func TestOnlyAnInactiveRoleIsNotInForce(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]bool{"ACTIVE": true, "": true, "NEW_WORD": true, "INACTIVE": false} {
		require.Equal(t, want, okta.Role{Type: "SUPER_ADMIN", Status: status}.InForce(), status)
	}
}
