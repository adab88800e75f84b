package oktasim_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/okta/oktasim"
)

func TestRevokeSessions(t *testing.T) {
	t.Parallel()
	o := start(t, oktasim.Options{})
	path := "/api/v1/users/" + alice + "/sessions"
	for _, query := range []string{"", "?oauthTokens=true&forgetDevices=false", "?oauthTokens=false", "?other=1"} {
		a := o.send(http.MethodDelete, path+query, "")
		require.Equal(t, 204, a.status)
		require.Empty(t, a.body)
	}
	for _, query := range []string{"?oauthTokens=yes", "?oauthTokens=", "?forgetDevices=1", "?forgetDevices=TRUE"} {
		requireError(t, o.send(http.MethodDelete, path+query, ""), 400, "E0000001")
	}
	for _, id := range []string{"me", "alice@example.com", alice + "0", alice[:19], "00u2di94bAMSEPvAY1d%2F", alice + "@example.com"} {
		requireError(t, o.send(http.MethodDelete, "/api/v1/users/"+id+"/sessions", ""), 404, "E0000007")
	}
}

func TestStrictUsers(t *testing.T) {
	t.Parallel()
	o := start(t, oktasim.Options{StrictUsers: true})
	require.NoError(t, o.sim.PutUser(oktasim.User{ID: alice}))
	require.Equal(t, 204, o.send(http.MethodDelete, "/api/v1/users/"+alice+"/sessions", "").status)
	require.Equal(t, 200, o.send(http.MethodGet, "/api/v1/users/"+alice, "").status)
	requireError(t, o.send(http.MethodDelete, "/api/v1/users/"+bob+"/sessions", ""), 404, "E0000007")
	requireError(t, o.send(http.MethodGet, "/api/v1/users/"+bob, ""), 404, "E0000007")
	requireError(t, o.send(http.MethodGet, "/api/v1/users/"+bob+"@example.com", ""), 404, "E0000007")
	require.Error(t, o.sim.PutUser(oktasim.User{ID: "me"}))
	require.Error(t, o.sim.PutUser(oktasim.User{ID: bob, Status: "HAPPY"}))
}

func TestGetUserByWhat(t *testing.T) {
	t.Parallel()
	o := start(t, oktasim.Options{})
	require.NoError(t, o.sim.PutUser(oktasim.User{ID: alice, Login: "sam@acme.com", Email: "s@acme.com", Status: "STAGED"}))
	for _, by := range []string{alice, "sam@acme.com", "SAM@acme.com", "sam"} {
		var user struct {
			ID, Status string
			Profile    struct{ Login, Email string }
		}
		o.send(http.MethodGet, "/api/v1/users/"+by, "").json(t, &user)
		require.Equal(t, []string{alice, "STAGED", "sam@acme.com", "s@acme.com"}, []string{user.ID, user.Status, user.Profile.Login, user.Profile.Email})
	}
	requireError(t, o.send(http.MethodGet, "/api/v1/users/"+alice+"@example.com", ""), 404, "E0000007")
	require.Equal(t, 200, o.send(http.MethodGet, "/api/v1/users/"+bob+"@example.com", "").status, "a made-up user's login leads back to it")

	require.NoError(t, o.sim.PutUser(oktasim.User{ID: bob, Login: "sam@other.com"}))
	requireError(t, o.send(http.MethodGet, "/api/v1/users/sam", ""), 404, "E0000007")
}

func TestDeleteUserIsReal(t *testing.T) {
	t.Parallel()
	o := start(t, oktasim.Options{})
	path := "/api/v1/users/" + alice
	require.Equal(t, 204, o.send(http.MethodDelete, path+"?x=/sessions", "").status, "what a careless client would hit")
	require.Contains(t, string(o.send(http.MethodGet, path, "").body), `"DEPROVISIONED"`)
	requireError(t, o.send(http.MethodDelete, path+"/sessions", ""), 404, "E0000007")
	require.Equal(t, 204, o.send(http.MethodDelete, path, "").status)
	requireError(t, o.send(http.MethodGet, path, ""), 404, "E0000007")
	requireError(t, o.send(http.MethodDelete, path, ""), 404, "E0000007")
	var events []map[string]any
	o.send(http.MethodGet, "/api/v1/logs", "").json(t, &events)
	require.Len(t, events, 2)
	require.Equal(t, "user.lifecycle.deactivate", events[0]["eventType"])
	require.Equal(t, "user.lifecycle.delete.initiated", events[1]["eventType"])
	require.NoError(t, o.sim.PutUser(oktasim.User{ID: alice}))
	require.Equal(t, 204, o.send(http.MethodDelete, path+"/sessions", "").status)
}
