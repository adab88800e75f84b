package app

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/internal/config"
	"sever/internal/secret"
	"sever/okta/oktasim"
	"sever/revocation"
)

const ada, bob = "00uada00000000000001", "00ubob00000000000002"

// simulated is an org over a simulated Okta of ada and bob.
func simulated(t *testing.T, now func() time.Time) (*org, *oktasim.Server) {
	t.Helper()
	sim := oktasim.New(oktasim.Options{Seed: 1, Token: "a-token"})
	server := httptest.NewServer(sim)
	made, err := buildOrg("acme", config.Org{
		URL: server.URL, Auth: config.Auth{Type: "ssws", Token: secret.New("a-token")},
	}, false, Options{Now: now})
	require.NoError(t, err)
	t.Cleanup(func() {
		made.client.Close()
		sim.Close()
		server.Close()
	})
	for _, user := range []oktasim.User{
		{ID: ada, Login: "ada@acme.example", Email: "ada@mail.example", Profile: map[string]any{"employeeNumber": "0071", "costCenter": "X1"}},
		{ID: bob, Login: "bob@acme.example", Email: "twins@mail.example", Profile: map[string]any{"employeeNumber": "71", "costCenter": "X1"}},
		{ID: "00ubob00000000000003", Login: "rob@acme.example", Email: "twins@mail.example"},
	} {
		require.NoError(t, sim.PutUser(user))
	}
	return made, sim
}

func named(kind revocation.PersonKind, attribute, value string) revocation.Person {
	return revocation.Person{Kind: kind, Attribute: attribute, Value: value}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		person revocation.Person
		user   string
		reason string // of a dead letter
	}{
		"id":                   {named(revocation.PersonOktaID, "", ada), ada, ""},
		"no id":                {named(revocation.PersonOktaID, "", "../x"), "", "okta user id"},
		"login":                {named(revocation.PersonLogin, "", "ADA@acme.example"), ada, ""},
		"login that is email":  {named(revocation.PersonLogin, "", "ada@mail.example"), ada, ""},
		"start of a login":     {named(revocation.PersonLogin, "", "ada"), "", "no user has exactly this login"},
		"no login":             {named(revocation.PersonLogin, "", "eve@acme.example"), "", "no user has this login or email address"},
		"email":                {named(revocation.PersonEmail, "", "ada@mail.example"), ada, ""},
		"login is no email":    {named(revocation.PersonEmail, "", "ada@acme.example"), "", "no user has this email address"},
		"email of two":         {named(revocation.PersonEmail, "", "twins@mail.example"), "", "at least 2 users have this email address"},
		"attribute":            {named(revocation.PersonAttribute, "employeeNumber", "0071"), ada, ""},
		"attribute, with dots": {named(revocation.PersonAttribute, "profile.employeeNumber", "0071"), ada, ""},
		"attribute of nobody":  {named(revocation.PersonAttribute, "employeeNumber", "00071"), "", "no user has this profile.employeeNumber"},
		"attribute of two":     {named(revocation.PersonAttribute, "costCenter", "X1"), "", "at least 2 users have this profile.costCenter"},
		"no such attribute":    {named(revocation.PersonAttribute, "employee Number", "0071"), "", "attribute must be"},
		"kind that is not one": {named("badge", "", "0071"), "", `a person given by "badge" cannot be looked up`},
		"attribute by quotes":  {named(revocation.PersonAttribute, "employeeNumber", `x" or profile.costCenter eq "X1`), "", "no user has this profile.employeeNumber"},
		"email by quotes":      {named(revocation.PersonEmail, "", `x" or status eq "ACTIVE`), "", "no user has this email address"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			org, sim := simulated(t, time.Now)
			user, err := org.Resolve(t.Context(), revocation.Job{Person: tt.person})
			if tt.reason == "" {
				require.NoError(t, err)
				require.Equal(t, tt.user, user.ID)
				require.Empty(t, user.Status, "it was not asked for")
				return
			}
			var callErr *revocation.CallError
			require.ErrorAs(t, err, &callErr)
			require.Equal(t, revocation.FailureInvalid, callErr.Failure)
			require.ErrorContains(t, err, tt.reason)
			require.NotContains(t, err.Error(), "X1")
			require.NotContains(t, err.Error(), "@")
			for _, call := range sim.Calls() {
				require.Equal(t, http.MethodGet, call.Method)
			}
		})
	}
}

// What was found is good for a minute; not so who was not found, and never for a job
// that waited for a date.
func TestResolveAsksOktaOnceAMinute(t *testing.T) {
	t.Parallel()
	now := time.Now()
	org, sim := simulated(t, func() time.Time { return now })
	ask := func(person revocation.Person, calls int, effective time.Time) error {
		before := len(sim.Calls())
		_, err := org.Resolve(t.Context(), revocation.Job{Person: person, Effective: effective})
		require.Len(t, sim.Calls(), before+calls, person.Value)
		return err
	}
	number := named(revocation.PersonAttribute, "employeeNumber", "0071")
	for _, person := range []revocation.Person{
		named(revocation.PersonLogin, "", "ada@acme.example"), named(revocation.PersonEmail, "", "ada@mail.example"), number,
	} {
		require.NoError(t, ask(person, 1, time.Time{}))
		require.NoError(t, ask(person, 0, time.Time{}))
	}
	now = now.Add(59 * time.Second)
	require.NoError(t, ask(number, 0, time.Time{}))
	require.NoError(t, ask(number, 2, now))
	now = now.Add(time.Second)
	require.NoError(t, ask(number, 1, time.Time{}))
	other := named(revocation.PersonAttribute, "costCenter", "0071")
	for range 2 {
		require.Error(t, ask(other, 1, time.Time{}), "of another attribute")
		require.Error(t, ask(named(revocation.PersonEmail, "", "eve@mail.example"), 2, time.Time{}), "as it is, and in any case")
	}
	require.NoError(t, ask(named(revocation.PersonOktaID, "", ada), 0, time.Time{}), "an id says it all")
}

func TestResolveOfAJobThatWaited(t *testing.T) {
	t.Parallel()
	people := []revocation.Person{
		named(revocation.PersonOktaID, "", ada), named(revocation.PersonLogin, "", "ada@acme.example"),
		named(revocation.PersonEmail, "", "ada@mail.example"), named(revocation.PersonAttribute, "employeeNumber", "0071"),
	}
	for _, status := range []string{
		"STAGED", "PROVISIONED", "ACTIVE", "RECOVERY", "LOCKED_OUT", "PASSWORD_EXPIRED", "SUSPENDED", statusDeprovisioned,
	} {
		t.Run(status, func(t *testing.T) {
			t.Parallel()
			org, sim := simulated(t, time.Now)
			require.NoError(t, sim.PutUser(oktasim.User{
				ID: ada, Login: "ada@acme.example", Email: "ada@mail.example", Status: status, Profile: map[string]any{"employeeNumber": "0071"},
			}))
			for _, person := range people {
				user, err := org.Resolve(t.Context(), revocation.Job{Person: person, Effective: time.Now()})
				require.Equal(t, ada, user.ID, person.Kind)
				if status != statusDeprovisioned {
					require.NoError(t, err)
					require.Equal(t, status, user.Status)
					continue
				}
				var callErr *revocation.CallError
				require.ErrorAs(t, err, &callErr)
				require.Equal(t, revocation.FailureGone, callErr.Failure)
				require.True(t, callErr.NotSent)
				require.ErrorContains(t, err, "status is DEPROVISIONED")
			}
		})
	}
}

func TestStatusesThatOktaDoesNotHaveAreNotRepeated(t *testing.T) {
	t.Parallel()
	require.Equal(t, "unknown", statusWord("<b>\n"))
	require.Equal(t, "unknown", statusWord(""))
}

func TestLookupsAreBounded(t *testing.T) {
	t.Parallel()
	now := time.Now()
	found := newLookups[revocation.Person, revocation.User](func() time.Time { return now })
	number := func(n int) revocation.Person { return named(revocation.PersonAttribute, "n", strconv.Itoa(n)) }
	known := func(n int) bool { _, ok := found.get(number(n)); return ok }
	for n := range lookupsMost / 2 {
		found.put(number(n), revocation.User{ID: ada})
	}
	now = now.Add(lookupAge)
	for n := range lookupsMost / 2 {
		found.put(number(lookupsMost+n), revocation.User{ID: ada})
	}
	found.put(number(-1), revocation.User{ID: bob})
	require.Len(t, found.found, lookupsMost/2+1, "the old ones went")
	require.True(t, known(lookupsMost))
	require.False(t, known(0))
	for n := range lookupsMost {
		found.put(number(n), revocation.User{ID: ada})
		require.LessOrEqual(t, len(found.found), lookupsMost)
	}
	require.True(t, known(lookupsMost-1))
	now = now.Add(-time.Hour)
	require.False(t, slices.ContainsFunc([]int{-1, 1, lookupsMost - 1}, known), "the clock was set back")
}
