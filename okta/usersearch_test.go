package okta_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/okta"
	"sever/okta/oktasim"
)

func TestFindUser(t *testing.T) {
	t.Parallel()
	client, sim := startSim(t, oktasim.Options{StrictUsers: true})
	require.NoError(t, sim.PutUser(oktasim.User{
		ID: alice, Status: "DEPROVISIONED", Login: "alice@acme.com", Email: "shared@acme.com", Profile: map[string]any{"employeeNumber": "A7"},
	}))
	require.NoError(t, sim.PutUser(oktasim.User{
		ID: bob, Login: "bob@acme.com", Email: "shared@acme.com", Profile: map[string]any{"employeeNumber": "a7", "nick": `x" or "`},
	}))
	for _, tc := range []struct {
		attribute, value string
		want             okta.UserID
	}{
		{"login", "alice@acme.com", alice},
		{"profile.login", "bob@acme.com", bob},
		{"employeeNumber", "A7", alice}, // search finds both; this compares upper and lower case
		{"employeeNumber", "a7", bob},
		{"nick", `x" or "`, bob},
	} {
		user, receipt, err := client.FindUser(t.Context(), tc.attribute, tc.value)
		require.NoError(t, err, tc.value)
		require.Equal(t, tc.want, user.ID)
		require.Equal(t, http.StatusOK, receipt.Status)
	}

	_, _, err := client.FindUser(t.Context(), "email", "shared@acme.com")
	var several *okta.SeveralUsersError
	require.ErrorAs(t, err, &several)
	require.Equal(t, &okta.SeveralUsersError{Attribute: "email", Count: 2}, several)
	require.Equal(t, okta.ClassUnknown, okta.ClassOf(err))

	_, _, err = client.FindUser(t.Context(), "email", "nobody@acme.com")
	var none *okta.NoUserError
	require.ErrorAs(t, err, &none)
	require.NotContains(t, err.Error(), "nobody")

	_, _, err = client.FindUser(t.Context(), "email", "Shared@acme.com")
	require.ErrorAs(t, err, &several, "an address is the same in any case")
	for _, login := range []string{"Bob@acme.com", "BOB@ACME.COM"} {
		user, _, err := client.FindUser(t.Context(), "login", login)
		require.NoError(t, err)
		require.Equal(t, okta.UserID(bob), user.ID)
	}
	_, _, err = client.FindUser(t.Context(), "firstName", "ALICE")
	require.ErrorAs(t, err, &none, "a name is not")
}

func TestFindUserAsksExactly(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ attribute, value, kind, expression string }{
		{"email", "a@b.c", "filter", `profile.email eq "a@b.c"`},
		{"profile.firstName", "J", "filter", `profile.firstName eq "J"`},
		{"employeeNumber", "7", "search", `profile.employeeNumber eq "7"`},
		{"x_1", `a"b\c`, "search", `profile.x_1 eq "a\"b\\c"`},
		{"email", `" or status eq "ACTIVE`, "filter", `profile.email eq "\" or status eq \"ACTIVE"`},
		{"email", `\" or status eq "ACTIVE`, "filter", `profile.email eq "\\\" or status eq \"ACTIVE"`},
	} {
		sent := &recorder{}
		client := newClient(t, "https://acme.okta.com", func(c *okta.Config) { c.Transport = sent })
		_, _, err := client.FindUser(t.Context(), tc.attribute, tc.value)
		require.Error(t, err)
		want := url.Values{"limit": {"10"}, tc.kind: {tc.expression}}
		require.Equal(t, []string{"GET https://acme.okta.com /api/v1/users?" + want.Encode()}, sent.seen)
	}
}

func TestFindUserRefusesLocally(t *testing.T) {
	t.Parallel()
	for _, tc := range [][2]string{
		{"", "x"},
		{"profile.", "x"},
		{"profile.profile.email", "x"},
		{"e mail", "x"},
		{`email eq "a" or profile.email`, "x"},
		{"1st", "x"},
		{"e\nmail", "x"},
		{"émail", "x"},
		{strings.Repeat("x", 129), "x"},
		{"email", ""},
		{"email", "a\nb"},
		{"email", "\xff"},
		{"email", "a\u202eb"},
		{"email", strings.Repeat("x", 257)},
	} {
		sent := &recorder{}
		client := newClient(t, "https://acme.okta.com", func(c *okta.Config) { c.Transport = sent })
		_, receipt, err := client.FindUser(t.Context(), tc[0], tc[1])
		var invalid *okta.InvalidQueryError
		require.ErrorAs(t, err, &invalid, "%q", tc)
		require.Equal(t, okta.ClassInvalid, okta.ClassOf(err))
		require.False(t, receipt.Ended.IsZero())
		require.Empty(t, sent.seen)
		requirePrintable(t, err.Error())
	}
}

// FuzzFindUserExpression: whatever the value, the expression's string holds exactly it and ends where it must.
func FuzzFindUserExpression(f *testing.F) {
	for _, seed := range []string{"a", `"`, `\`, `\"`, `\\"`, `" or id pr or profile.email eq "`, "jörg", "a b", "&limit=1", "%22"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		sent := &recorder{}
		client := newClient(t, "https://acme.okta.com", func(c *okta.Config) { c.Transport = sent })
		_, _, err := client.FindUser(t.Context(), "email", value)
		require.Error(t, err)
		if len(sent.seen) == 0 {
			require.Equal(t, okta.ClassInvalid, okta.ClassOf(err))
			return
		}
		_, query, _ := strings.Cut(sent.seen[0], "?")
		values, err := url.ParseQuery(query)
		require.NoError(t, err)
		require.Len(t, values, 2)
		literal, ok := strings.CutPrefix(values.Get("filter"), "profile.email eq ")
		require.True(t, ok)
		var back string
		require.NoError(t, json.Unmarshal([]byte(literal), &back), literal) // the same escapes as JSON's
		require.Equal(t, value, back)
	})
}

func TestFindUserRefusesStrangeAnswers(t *testing.T) {
	t.Parallel()
	match := `{"id":"` + alice + `","profile":{"email":"x","n":7}}`
	for name, tc := range map[string]struct {
		body, link string
		class      okta.Class
	}{
		"page":                      {"<html>", "", okta.ClassWrongURL},
		"one user, not a list":      {match, "", okta.ClassWrongURL},
		"list of texts":             {`["x"]`, "", okta.ClassWrongURL},
		"match without an id":       {`[{"profile":{"email":"x"}}]`, "", okta.ClassWrongURL},
		"another attribute matches": {`[{"id":"` + alice + `","profile":{"login":"x","Email":"x"}}]`, "", okta.ClassUnknown},
		"null":                      {`[null]`, "", okta.ClassUnknown},
		"more pages, one match":     {"[" + match + "]", `<https://x/api/v1/users?after=1>; rel="next"`, okta.ClassUnknown},
		"more pages, no match":      {"[]", `<https://x/api/v1/users?after=1>; rel="next"`, okta.ClassUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Link", tc.link)
				_, _ = w.Write([]byte(tc.body))
			}))
			t.Cleanup(server.Close)
			user, _, err := newClient(t, server.URL).FindUser(t.Context(), "email", "x")
			require.Error(t, err)
			require.Zero(t, user)
			require.Equal(t, tc.class, okta.ClassOf(err))
			if strings.HasPrefix(name, "more pages") {
				var several *okta.SeveralUsersError
				require.ErrorAs(t, err, &several)
			}
		})
	}
	client := newClient(t, "https://acme.okta.com", func(c *okta.Config) { c.Transport = canned{200, nil, "[" + match + "]"} })
	user, _, err := client.FindUser(t.Context(), "n", "7")
	require.NoError(t, err, "a number is compared as it is written")
	require.Equal(t, okta.UserID(alice), user.ID)
}
