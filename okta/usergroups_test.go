package okta_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/okta"
	"sever/okta/oktasim"
)

func TestListUserGroups(t *testing.T) {
	t.Parallel()
	client, sim := startSim(t, oktasim.Options{StrictUsers: true})
	require.NoError(t, sim.PutUser(oktasim.User{ID: alice, Groups: []string{"Admins", "Break glass"}}))
	groups, receipt, err := client.ListUserGroups(t.Context(), alice)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, receipt.Status)
	var names []string
	for _, g := range groups {
		require.NotEmpty(t, g.ID)
		require.NotEmpty(t, g.Type)
		names = append(names, g.Name)
	}
	require.ElementsMatch(t, []string{"Everyone", "Admins", "Break glass"}, names)

	_, _, err = client.ListUserGroups(t.Context(), bob)
	require.Equal(t, okta.ClassGone, okta.ClassOf(err))
	_, _, err = client.ListUserGroups(t.Context(), "me")
	require.Equal(t, okta.ClassInvalid, okta.ClassOf(err))
	require.Len(t, sim.Calls(), 2)
}

// pages serves a list of groups in pages; link makes the Link header of page n, whose next is n+1.
func pages(t *testing.T, link func(origin string, n int) string) *okta.Client {
	t.Helper()
	n := 0
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n > 0 && r.URL.Query().Get("after") != strconv.Itoa(n) {
			t.Errorf("page %d asked for with %s", n, r.URL.RawQuery)
		}
		n++
		w.Header().Add("Link", "<"+server.URL+r.URL.RequestURI()+`>; rel="self"`)
		w.Header().Add("Link", link(server.URL, n))
		_, _ = fmt.Fprintf(w, `[{"id":"00g%d","type":"OKTA_GROUP","profile":{"name":"g%d"}}]`, n, n)
	}))
	t.Cleanup(server.Close)
	return newClient(t, server.URL)
}

const aliceGroups = "/api/v1/users/" + alice + "/groups"

func TestListUserGroupsFollowsPages(t *testing.T) {
	t.Parallel()
	client := pages(t, func(origin string, n int) string {
		if n == 3 {
			return ""
		}
		return fmt.Sprintf(`<%s%s?after=%d&limit=1&expand=evil>; rel="next"`, origin, aliceGroups, n)
	})
	groups, _, err := client.ListUserGroups(t.Context(), alice)
	require.NoError(t, err)
	require.Equal(t, []okta.Group{{"00g1", "g1", "OKTA_GROUP"}, {"00g2", "g2", "OKTA_GROUP"}, {"00g3", "g3", "OKTA_GROUP"}}, groups)
}

func TestListUserGroupsStaysOnItsList(t *testing.T) {
	t.Parallel()
	for name, link := range map[string]func(origin string, n int) string{
		"endless":    func(o string, n int) string { return fmt.Sprintf(`<%s%s?after=%d>; rel="next"`, o, aliceGroups, n) },
		"other host": func(string, int) string { return `<https://evil.example` + aliceGroups + `?after=1>; rel="next"` },
		"other scheme": func(o string, _ int) string {
			return `<https` + o[len("http"):] + aliceGroups + `?after=1>; rel="next"`
		},
		"userinfo": func(o string, _ int) string {
			return `<http://x@` + o[len("http://"):] + aliceGroups + `?after=1>; rel="next"`
		},
		"other path": func(o string, _ int) string { return `<` + o + `/api/v1/users/` + bob + `/groups?after=1>; rel="next"` },
		"dots": func(o string, _ int) string {
			return `<` + o + `/api/v1/users/x/../` + alice + `/groups?after=1>; rel="next"`
		},
		"no cursor":  func(o string, _ int) string { return `<` + o + aliceGroups + `?limit=1>; rel="next"` },
		"bad cursor": func(o string, _ int) string { return `<` + o + aliceGroups + `?after=a%0Ab>; rel="next"` },
		"relative":   func(string, int) string { return `<` + aliceGroups + `?after=1>; rel="next"` },
		"no URL":     func(string, int) string { return `<:>; rel="next"` },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			groups, _, err := pages(t, link).ListUserGroups(t.Context(), alice)
			require.Equal(t, okta.ClassWrongURL, okta.ClassOf(err))
			require.Nil(t, groups, "half a list is none")
			require.NotContains(t, err.Error(), "evil")
		})
	}
}

func TestListUserGroupsRefusesStrangeAnswers(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "{}", "null", "[null]", `[{"profile":{}}]`, `[{"id":7}]`, "<html>"} {
		client := newClient(t, "https://acme.okta.com", func(c *okta.Config) { c.Transport = canned{200, nil, body} })
		_, _, err := client.ListUserGroups(t.Context(), alice)
		require.Equal(t, okta.ClassWrongURL, okta.ClassOf(err), body)
	}
}
