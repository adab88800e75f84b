package oktasim_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/okta/oktasim"
)

func TestListUserRoles(t *testing.T) {
	t.Parallel()
	o := start(t, oktasim.Options{StrictUsers: true})
	require.Equal(t, 200, o.send(http.MethodPut, "/_sim/users/"+alice,
		`{"roles":[{"type":"SUPER_ADMIN"},{"type":"CUSTOM","status":"INACTIVE","assignmentType":"GROUP"}]}`).status)
	var roles []struct {
		ID, Label, Type, Status, AssignmentType, Role string
		ResourceSet                                   string `json:"resource-set"`
	}
	o.send(http.MethodGet, "/api/v1/users/"+alice+"/roles", "").json(t, &roles)
	require.Len(t, roles, 2)
	require.Equal(t, []string{"SUPER_ADMIN", "ACTIVE", "USER", "super admin", "", ""},
		[]string{roles[0].Type, roles[0].Status, roles[0].AssignmentType, roles[0].Label, roles[0].Role, roles[0].ResourceSet})
	require.Equal(t, []string{"CUSTOM", "INACTIVE", "GROUP"}, []string{roles[1].Type, roles[1].Status, roles[1].AssignmentType})
	require.Regexp(t, `^cr0`, roles[1].Role)
	require.Regexp(t, `^iam`, roles[1].ResourceSet)
	require.NotEqual(t, roles[0].ID, roles[1].ID)
	requireError(t, o.send(http.MethodGet, "/api/v1/users/"+bob+"/roles", ""), 404, "E0000007")
	require.NoError(t, o.sim.PutUser(oktasim.User{ID: bob}))
	o.send(http.MethodGet, "/api/v1/users/"+bob+"/roles", "").json(t, &roles)
	require.NotNil(t, roles, "a list, not null")
	require.Empty(t, roles)
}

func TestRolesThatOktaDoesNotHave(t *testing.T) {
	t.Parallel()
	o := start(t, oktasim.Options{})
	for _, role := range []oktasim.AdminRole{{}, {Type: "super_admin"}, {Type: "X", Status: "GONE"}, {Type: "X", AssignmentType: "TEAM"}} {
		require.Error(t, o.sim.PutUser(oktasim.User{ID: alice, Roles: []oktasim.AdminRole{role}}), "%+v", role)
	}
}

// What is put is not changed by who put it.
func TestRolesAreCopied(t *testing.T) {
	t.Parallel()
	o := start(t, oktasim.Options{})
	roles := []oktasim.AdminRole{{Type: "SUPER_ADMIN"}}
	require.NoError(t, o.sim.PutUser(oktasim.User{ID: alice, Roles: roles}))
	require.Empty(t, roles[0].Status)
	roles[0].Type = "ORG_ADMIN"
	require.Equal(t, "SUPER_ADMIN", o.roleOf(t, alice))
}

func (o org) roleOf(t *testing.T, id string) (role string) {
	t.Helper()
	var roles []struct{ Type string }
	o.send(http.MethodGet, "/api/v1/users/"+id+"/roles", "").json(t, &roles)
	require.Len(t, roles, 1)
	return roles[0].Type
}
