package app_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/okta/oktasim"
	"sever/revocation"
)

// newLookups runs Sever with a source for each way of naming a person.
func newLookups(t *testing.T) *rig {
	t.Helper()
	source := func(person yamlMap) yamlMap {
		person["value"] = "person"
		return yamlMap{
			"type": "bearer", "org": "acme", "verify": yamlMap{"secrets": []string{"env:STAFF_SECRET"}}, "map": yamlMap{"person": person},
		}
	}
	return newSources(t, yamlMap{
		"email":    source(yamlMap{"kind": "email"}),
		"login":    source(yamlMap{"kind": "login"}),
		"number":   source(yamlMap{"kind": "attribute", "attribute": "employeeNumber"}),
		"windows":  source(yamlMap{"kind": "login", "domains": yamlMap{"ACME": "acme.example"}}),
		"nodomain": source(yamlMap{"kind": "login"}),
		"fence":    fenceSource(),
	}, map[string]string{"STAFF_SECRET": "staff-secret-Gd5fW1", "FENCE_SECRET": fenceSecret})
}

// alert is Sever's own simple body, as JSON writes the person.
func alert(person, id string) string {
	return fmt.Sprintf(`{"person": %q, "type": "stolen", "id": %q}`, person, id)
}

// deadLetter waits for the only one and gives its reason, which never repeats the value.
func (r *rig) deadLetter(value string) string {
	r.t.Helper()
	r.seen.await(r.t, step(revocation.StepDeadLetter), 1)
	letters := r.letters()
	require.Len(r.t, letters, 1)
	require.NotContains(r.t, strings.ToLower(letters[0].Reason), strings.ToLower(value))
	r.fence(person(99))
	require.Equal(r.t, map[string]int{person(99): 1}, deletes(r.okta.Calls()), "nobody was guessed")
	return letters[0].Reason
}

func TestWhoCannotBeToldApartIsADeadLetter(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ source, person, reason string }{
		"two with this address":      {"email", "shared@acme.example", "at least 2 users have this email address"},
		"nobody with this address":   {"email", "nobody@acme.example", "no user has this email address"},
		"two with this number":       {"number", "4711", "at least 2 users have this profile.employeeNumber"},
		"nobody with this number":    {"number", "4712", "no user has this profile.employeeNumber"},
		"two with this as address":   {"login", "shared@acme.example", "at least 2 users have this email address"},
		"nobody with this login":     {"login", "nobody@acme.example", "no user has this login or email address"},
		"the start of a login":       {"login", "ada", "no user has exactly this login"},
		"a domain that is mapped":    {"windows", `ACME\nobody`, "no user has this login or email address"},
		"a domain that is not":       {"windows", `OTHER\ada`, ""},
		"a domain without a mapping": {"nodomain", `ACME\ada`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newLookups(t)
			for i, login := range []string{"ada@acme.example", "eve@acme.example"} {
				require.NoError(t, r.okta.PutUser(oktasim.User{
					ID: person(i), Login: login, Email: "shared@acme.example", Profile: map[string]any{"employeeNumber": "4711"},
				}))
			}
			r.says(c.source, alert(c.person, "1"))
			reason := r.deadLetter(c.person)
			require.Contains(t, reason, c.reason)
			if c.reason == "" { // the mapping says it, before anybody is asked
				require.Contains(t, reason, "person")
			}
		})
	}
}

func TestPeopleAreFoundByWhatTheirSenderCallsThem(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ source, person string }{
		"by address":               {"email", "ada.l@acme.example"},
		"by address in other case": {"email", "Ada.L@ACME.example"},
		"by number":                {"number", "0042"},
		"by login":                 {"login", "ada@acme.example"},
		"by login in other case":   {"login", "ADA@Acme.Example"},
		"by an address for login":  {"login", "ada.l@acme.example"},
		"by a mapped domain":       {"windows", `ACME\ada`},
		"in other case":            {"windows", `acme\Ada`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newLookups(t)
			require.NoError(t, r.okta.PutUser(oktasim.User{
				ID: person(1), Login: "ada@acme.example", Email: "ada.l@acme.example", Profile: map[string]any{"employeeNumber": "0042"},
			}))
			require.NoError(t, r.okta.PutUser(oktasim.User{
				ID: person(2), Login: "ada@acme.example.org", Email: "ada@acme.example.org", Profile: map[string]any{"employeeNumber": "42"},
			}))
			r.says(c.source, alert(c.person, "1"))
			r.seen.await(t, finished, 1)
			require.Equal(t, map[string]int{person(1): 1}, deletes(r.okta.Calls()))
		})
	}
}

// lookups counts the questions who somebody is.
func (r *rig) lookups() (count int) {
	r.t.Helper()
	for _, call := range r.okta.Calls() {
		if call.Method == http.MethodGet {
			count++
		}
	}
	return count
}

func TestALookupIsGoodForAMinute(t *testing.T) {
	t.Parallel()
	r := newLookups(t)
	require.NoError(t, r.okta.PutUser(oktasim.User{ID: person(1), Login: "ada@acme.example", Profile: map[string]any{"employeeNumber": "4711"}}))
	for i := range 3 {
		r.says("number", alert("4711", strconv.Itoa(i)))
		r.seen.await(t, audited(revocation.OutcomeRevoked), i+1)
	}
	require.Equal(t, 1, r.lookups())
	require.Equal(t, 3, deletes(r.okta.Calls())[person(1)])

	r.clock.jump(time.Minute)
	// The number went to somebody else meanwhile.
	require.NoError(t, r.okta.PutUser(oktasim.User{ID: person(1), Login: "ada@acme.example"}))
	require.NoError(t, r.okta.PutUser(oktasim.User{ID: person(2), Login: "bob@acme.example", Profile: map[string]any{"employeeNumber": "4711"}}))
	r.says("number", alert("4711", "later"))
	r.seen.await(t, audited(revocation.OutcomeRevoked), 4)
	require.Equal(t, 2, r.lookups())
	require.Equal(t, map[string]int{person(1): 3, person(2): 1}, deletes(r.okta.Calls()))
}
