package oktasim_test

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/okta/oktasim"
)

const carol = "00u4d6c1d9aXmN5T61d6"

// ids are the users or groups of a list.
func (a answer) ids(t *testing.T) []string {
	t.Helper()
	require.Equal(t, 200, a.status, string(a.body))
	var all []struct{ ID string }
	a.json(t, &all)
	found := []string{}
	for _, each := range all {
		found = append(found, each.ID)
	}
	return found
}

func (o org) find(parameter, expression string) answer {
	return o.send(http.MethodGet, "/api/v1/users?"+url.Values{parameter: {expression}}.Encode(), "")
}

func startWithPeople(t *testing.T) org {
	t.Helper()
	o := start(t, oktasim.Options{})
	for id, body := range map[string]string{
		alice: `{"login":"Alice@acme.com","email":"a@acme.com","profile":{"employeeNumber":"7","firstName":"Alice","level":3,"tags":["x","y"],"vip":true}}`,
		bob:   `{"login":"bob@acme.com","email":"shared@acme.com","status":"DEPROVISIONED","profile":{"nickName":"say \"hi\""}}`,
		carol: `{"login":"carol@acme.com","email":"shared@acme.com","status":"SUSPENDED","profile":{"employeeNumber":"77"}}`,
	} {
		require.Equal(t, 200, o.send(http.MethodPut, "/_sim/users/"+id, body).status)
	}
	return o
}

func TestProfileIsShown(t *testing.T) {
	t.Parallel()
	o := startWithPeople(t)
	var user struct {
		Status  string
		Profile map[string]any
	}
	o.send(http.MethodGet, "/api/v1/users/"+alice, "").json(t, &user)
	require.Equal(t, map[string]any{
		"login": "Alice@acme.com", "email": "a@acme.com", "firstName": "Alice", "lastName": "User", "mobilePhone": nil, "employeeNumber": "7",
		"level": 3.0, "tags": []any{"x", "y"}, "vip": true,
	}, user.Profile)
	for _, bad := range []string{`{"profile":{"login":"x"}}`, `{"profile":{"email":"x"}}`, `{"profile":7}`} {
		require.Equal(t, 400, o.send(http.MethodPut, "/_sim/users/"+alice, bad).status, bad)
	}
	require.Error(t, o.sim.PutUser(oktasim.User{ID: alice, Profile: map[string]any{"x": func() {}}}))
}

func TestEveryStatus(t *testing.T) {
	t.Parallel()
	o := start(t, oktasim.Options{})
	for _, status := range []string{"STAGED", "PROVISIONED", "ACTIVE", "RECOVERY", "LOCKED_OUT", "PASSWORD_EXPIRED", "SUSPENDED", "DEPROVISIONED"} {
		require.NoError(t, o.sim.PutUser(oktasim.User{ID: alice, Status: status}))
		require.Contains(t, string(o.send(http.MethodGet, "/api/v1/users/"+alice, "").body), `"status":"`+status+`"`)
		require.Equal(t, []string{alice}, o.find("filter", `status eq "`+status+`"`).ids(t))
	}
}

func TestFilterUsers(t *testing.T) {
	t.Parallel()
	o := startWithPeople(t)
	require.Equal(t, []string{alice, carol}, o.send(http.MethodGet, "/api/v1/users", "").ids(t), "without those who were deactivated")
	for expression, want := range map[string][]string{
		`profile.login eq "Alice@acme.com"`:                                     {alice},
		`profile.login eq "alice@acme.com"`:                                     {}, // case counts
		`profile.email eq "shared@acme.com"`:                                    {bob, carol},
		`PROFILE.email eq "shared@acme.com"`:                                    nil,
		`status eq "DEPROVISIONED"`:                                             {bob},
		`status eq "SUSPENDED" or status eq "ACTIVE"`:                           {alice, carol},
		`profile.email eq "shared@acme.com" and status eq "SUSPENDED"`:          {carol},
		`(status eq "ACTIVE" or status eq "SUSPENDED") and id eq "` + bob + `"`: {},
		`status eq "SUSPENDED" or status eq "ACTIVE" and id eq "` + bob + `"`:   {carol}, // and binds more tightly
		`profile.firstName EQ "Alice"`:                                          {alice},
		`profile.email sw "a"`:                                                  nil,
		`profile.employeeNumber eq "7"`:                                         nil, // that takes search
		`status eq ACTIVE`:                                                      nil,
		`status eq "ACTIVE`:                                                     nil,
		`status eq`:                                                             nil,
		`status`:                                                                nil,
		``:                                                                      nil,
		`status eq "ACTIVE" id`:                                                 nil,
		`(status eq "ACTIVE"`:                                                   nil,
		`status eq "ACTIVE")`:                                                   nil,
		`status eq "ACTIVE" and`:                                                nil,
		strings.Repeat("(", 30) + `status eq "ACTIVE"` + strings.Repeat(")", 30): nil,
		strings.Repeat(`status eq "ACTIVE" or `, 300) + `id eq "x"`:              nil,
	} {
		if want == nil {
			requireError(t, o.find("filter", expression), 400, "E0000031")
			continue
		}
		require.Equal(t, want, o.find("filter", expression).ids(t), expression)
	}
	requireError(t, o.send(http.MethodGet, "/api/v1/users?q=alice", ""), 400, "E0000031")
	requireError(t, o.send(http.MethodGet, "/api/v1/users?filter=x&search=y", ""), 400, "E0000031")
}

func TestSearchUsers(t *testing.T) {
	t.Parallel()
	o := startWithPeople(t)
	for expression, want := range map[string][]string{
		`profile.login eq "alice@ACME.com"`:                       {alice}, // case does not count
		`profile.Login eq "alice@acme.com"`:                       {},      // but does in names
		`profile.employeeNumber eq "7"`:                           {alice},
		`profile.employeeNumber sw "7"`:                           {alice, carol},
		`profile.email co "SHARED"`:                               {bob, carol},
		`profile.employeeNumber co "7"`:                           nil, // not for any attribute
		`profile.level eq 3`:                                      {alice},
		`profile.level eq "3"`:                                    {},
		`profile.vip eq true`:                                     {alice},
		`profile.tags eq "y"`:                                     {alice},
		`profile.nickName eq "say \"hi\""`:                        {bob},
		`profile.nickName eq "x" or profile.nickName eq null`:     {},
		`status eq "deprovisioned" and profile.email sw "shared"`: {bob},
		`status ne "ACTIVE"`:                                      nil,
		`lastUpdated gt "2024-01-01T00:00:00.000Z"`:               nil,
	} {
		if want == nil {
			requireError(t, o.find("search", expression), 400, "E0000031")
			continue
		}
		require.Equal(t, want, o.find("search", expression).ids(t), expression)
	}
}

func TestSearchLags(t *testing.T) {
	t.Parallel()
	clock := newClock()
	o := start(t, oktasim.Options{SearchLag: time.Minute, Now: clock.now})
	put := func(email string) { require.NoError(t, o.sim.PutUser(oktasim.User{ID: alice, Email: email})) }
	searched := func(email string) bool { return len(o.find("search", `profile.email eq "`+email+`"`).ids(t)) == 1 }
	put("first@acme.com")
	require.Equal(t, []string{alice}, o.find("filter", `profile.email eq "first@acme.com"`).ids(t), "filter does not lag")
	require.False(t, searched("first@acme.com"))
	clock.pass(30 * time.Second)
	put("second@acme.com")
	require.Equal(t, []bool{false, false}, []bool{searched("first@acme.com"), searched("second@acme.com")}, "neither change is seen yet")
	clock.pass(30 * time.Second)
	require.Equal(t, []bool{true, false}, []bool{searched("first@acme.com"), searched("second@acme.com")})
	clock.pass(30 * time.Second)
	require.Equal(t, []bool{false, true}, []bool{searched("first@acme.com"), searched("second@acme.com")})
	o.send(http.MethodDelete, "/api/v1/users/"+alice, "")
	o.send(http.MethodDelete, "/api/v1/users/"+alice, "")
	require.Empty(t, o.find("filter", `profile.email eq "second@acme.com"`).ids(t))
	require.True(t, searched("second@acme.com"))
	clock.pass(time.Minute)
	require.False(t, searched("second@acme.com"))
}

func TestUserPages(t *testing.T) {
	t.Parallel()
	o := start(t, oktasim.Options{})
	var all []string
	for i := range 7 {
		id := "00u2di94bAMSEPvAY1d" + strconv.Itoa(i)
		require.NoError(t, o.sim.PutUser(oktasim.User{ID: id}))
		all = append(all, id)
	}
	require.Equal(t, all, o.pages(t, "/api/v1/users?limit=3&filter="+url.QueryEscape(`status eq "ACTIVE"`), []int{3, 3, 1}))
	require.Equal(t, all, o.pages(t, "/api/v1/users?limit=7", []int{7}), "no page after the last")
	require.Equal(t, all, o.pages(t, "/api/v1/users?limit=1000", []int{7}))
	for _, limit := range []string{"0", "-1", "x"} {
		requireError(t, o.send(http.MethodGet, "/api/v1/users?limit="+limit, ""), 400, "E0000001")
	}
}

// pages follows the next links from path to the end.
func (o org) pages(t *testing.T, path string, sizes []int) []string {
	t.Helper()
	var all []string
	var got []int
	for path != "" {
		a := o.send(http.MethodGet, path, "")
		ids := a.ids(t)
		all, got = append(all, ids...), append(got, len(ids))
		require.LessOrEqual(t, len(got), 100, "it goes on and on")
		next, err := url.Parse(links(t, a)["next"])
		require.NoError(t, err)
		path = next.RequestURI()
		if next.Path == "" {
			path = ""
		}
	}
	require.Equal(t, sizes, got)
	return all
}

func TestUserGroups(t *testing.T) {
	t.Parallel()
	o := start(t, oktasim.Options{StrictUsers: true})
	require.NoError(t, o.sim.PutUser(oktasim.User{ID: alice, Groups: []string{"VIP", "Admins", "VIP"}}))
	var groups []struct {
		ID, Type string
		Profile  struct{ Name string }
	}
	o.send(http.MethodGet, "/api/v1/users/"+alice+"/groups", "").json(t, &groups)
	names := map[string]string{}
	for _, group := range groups {
		require.Regexp(t, `^00g[0-9A-Za-z]{17}$`, group.ID)
		names[group.Profile.Name] = group.Type
	}
	require.Equal(t, map[string]string{"Everyone": "BUILT_IN", "VIP": "OKTA_GROUP", "Admins": "OKTA_GROUP"}, names)
	require.Len(t, slices.Compact(o.pages(t, "/api/v1/users/"+alice+"/groups?limit=1", []int{1, 1, 1})), 3)
	requireError(t, o.send(http.MethodGet, "/api/v1/users/"+bob+"/groups", ""), 404, "E0000007")
}
