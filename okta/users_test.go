package okta_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/okta"
	"sever/okta/oktasim"
)

func TestGetUser(t *testing.T) {
	t.Parallel()
	client, sim := startSim(t, oktasim.Options{StrictUsers: true})
	require.NoError(t, sim.PutUser(oktasim.User{ID: alice, Status: "SUSPENDED", Login: "alice+x@acme.com", Email: "a@acme.com"}))
	want := okta.User{ID: alice, Status: "SUSPENDED", Login: "alice+x@acme.com", Email: "a@acme.com"}
	for _, by := range []string{alice, "alice+x@acme.com", "alice+x"} {
		user, receipt, err := client.GetUser(t.Context(), by)
		require.NoError(t, err)
		require.Equal(t, want, user)
		require.Equal(t, http.StatusOK, receipt.Status)
		require.NotEmpty(t, receipt.RequestID)
	}
	_, receipt, err := client.GetUser(t.Context(), "nobody@acme.com")
	require.Equal(t, okta.ClassGone, okta.ClassOf(err))
	require.Equal(t, http.StatusNotFound, receipt.Status)
	require.Equal(t, "/api/v1/users/alice+x@acme.com", sim.Calls()[1].Path)
}

func TestGetUserRefusesLocally(t *testing.T) {
	t.Parallel()
	client, sim := startSim(t, oktasim.Options{})
	for _, login := range []string{"", ".", "..", "me", "a/b", "a\nb", strings.Repeat("x", 101)} {
		_, receipt, err := client.GetUser(t.Context(), login)
		require.Equal(t, okta.ClassInvalid, okta.ClassOf(err))
		require.False(t, receipt.Ended.IsZero())
		requirePrintable(t, err.Error())
	}
	require.Empty(t, sim.Calls())
}

func TestGetUserRefusesStrangeAnswers(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"empty":        "",
		"page":         "<html>sign in</html>",
		"array":        "[]",
		"no id":        `{"status":"ACTIVE"}`,
		"wrong type":   `{"id":12}`,
		"bad id":       `{"id":"00u/../x"}`,
		"another user": `{"id":"` + bob + `","status":"ACTIVE"}`,
		"too large":    `{"id":"` + alice + `","x":"` + strings.Repeat("x", 1<<20) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }))
			t.Cleanup(server.Close)
			user, receipt, err := newClient(t, server.URL).GetUser(t.Context(), alice)
			require.Equal(t, okta.ClassWrongURL, okta.ClassOf(err))
			require.Equal(t, http.StatusOK, receipt.Status)
			require.Zero(t, user)
			requirePrintable(t, err.Error())
			require.Less(t, len(err.Error()), 400)
		})
	}
}

func TestGetUserWithABrokenBody(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte(`{"id":`))
	}))
	t.Cleanup(server.Close)
	_, receipt, err := newClient(t, server.URL).GetUser(t.Context(), alice)
	var transport *okta.TransportError
	require.ErrorAs(t, err, &transport)
	require.Equal(t, http.StatusOK, receipt.Status)
}
