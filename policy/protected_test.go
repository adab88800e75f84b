package policy_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/policy"
	"sever/revocation"
)

const (
	ada   = "00uada00000000000001"
	grace = "00ugrace000000000001"
)

// directory knows the groups of some, and nothing of others. Nobody may ask it for roles.
type directory map[string][]policy.Group

var errNoDirectory = errors.New("no answer from Okta")

func (d directory) GroupsOf(_ context.Context, user string) ([]policy.Group, error) {
	groups, known := d[user]
	if !known {
		return nil, errNoDirectory
	}
	return groups, nil
}

func (d directory) AdminRolesOf(context.Context, string) ([]string, error) {
	return nil, errors.New("nobody may ask for roles")
}

// admins knows the admin roles of some, and nothing of others. Everybody is in the group 00g0.
type admins map[string][]string

func (a admins) GroupsOf(context.Context, string) ([]policy.Group, error) {
	return []policy.Group{{ID: "00g0"}}, nil
}

func (a admins) AdminRolesOf(_ context.Context, user string) ([]string, error) {
	roles, known := a[user]
	if !known {
		return nil, errNoDirectory
	}
	return roles, nil
}

func TestProtected(t *testing.T) {
	t.Parallel()
	const (
		protected = "protected"
		dryRun    = "dry run"
		allowed   = ""
	)
	people := directory{
		ada:   {{ID: "00g0", Name: "Everyone"}, {ID: "00g1", Name: "Break Glass"}},
		grace: {{ID: "00g0", Name: "Everyone"}},
	}
	guard := func(dry bool, ids, logins, groups []string) *policy.Protected {
		return policy.NewProtected(policy.Protection{IDs: ids, Logins: logins, Groups: groups, DryRun: dry}, people)
	}
	byID := guard(false, []string{ada}, nil, nil)
	byLogin := guard(false, nil, []string{"BreakGlass@Example.com"}, nil)
	both := guard(false, []string{ada}, []string{"breakglass@example.com"}, nil)
	dry := guard(true, []string{ada}, []string{"breakglass@example.com"}, nil)
	nobody := guard(false, nil, nil, nil)
	byGroup, byName := guard(false, nil, nil, []string{"00g1"}), guard(false, nil, nil, []string{"break glass"})
	for name, tt := range map[string]struct {
		guard *policy.Protected
		user  revocation.User
		want  string
	}{
		"id":                              {byID, revocation.User{ID: ada}, protected},
		"id, whatever the login":          {byID, revocation.User{ID: ada, Login: "ada@example.com"}, protected},
		"another id":                      {byID, revocation.User{ID: grace}, allowed},
		"ids differ by case":              {byID, revocation.User{ID: "00uADA00000000000001"}, allowed},
		"login":                           {byLogin, revocation.User{ID: grace, Login: "BreakGlass@Example.com"}, protected},
		"login in lower case":             {byLogin, revocation.User{ID: grace, Login: "breakglass@example.com"}, protected},
		"login in upper case":             {byLogin, revocation.User{ID: grace, Login: "BREAKGLASS@EXAMPLE.COM"}, protected},
		"another login":                   {byLogin, revocation.User{ID: grace, Login: "breakglass@example.org"}, allowed},
		"part of a login":                 {byLogin, revocation.User{ID: grace, Login: "breakglass"}, allowed},
		"a login that is not known":       {byLogin, revocation.User{ID: grace}, "cannot be held against policy.protected.logins"},
		"no login looked up":              {byID, revocation.User{ID: grace}, allowed},
		"id and login, by id":             {both, revocation.User{ID: ada, Login: "ada@example.com"}, protected},
		"id and login, by login":          {both, revocation.User{ID: grace, Login: "breakglass@example.com"}, protected},
		"id and login, neither":           {both, revocation.User{ID: grace, Login: "grace@example.com"}, allowed},
		"dry run":                         {dry, revocation.User{ID: grace, Login: "grace@example.com"}, dryRun},
		"dry run says so of protected":    {dry, revocation.User{ID: ada, Login: "ada@example.com"}, protected},
		"dry run, protected by login":     {dry, revocation.User{ID: grace, Login: "Breakglass@example.com"}, protected},
		"nobody protected":                {nobody, revocation.User{ID: ada, Login: "ada@example.com"}, allowed},
		"nobody protected, not even this": {nobody, revocation.User{}, allowed},
		"group by id":                     {byGroup, revocation.User{ID: ada}, "policy.protected.groups"},
		"group by name":                   {byName, revocation.User{ID: ada}, "policy.protected.groups"},
		"of other groups":                 {byGroup, revocation.User{ID: grace}, allowed},
		"of other groups, by name":        {byName, revocation.User{ID: grace}, allowed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := tt.guard.Judge(t.Context(), revocation.Job{}, tt.user)
			require.NoError(t, err)
			if tt.want == allowed {
				require.Zero(t, got)
				return
			}
			require.Equal(t, revocation.OutcomeRefused, got.Outcome)
			require.Contains(t, got.Reason, tt.want)
			require.NotContains(t, got.Reason, "@", "a reason names nobody")
		})
	}
}

func TestProtectedAdmins(t *testing.T) {
	t.Parallel()
	people := admins{ada: {"APP_ADMIN", "SUPER_ADMIN"}, grace: {}}
	const unknown = "00ueve00000000000001"
	for name, tt := range map[string]struct {
		protection policy.Protection
		protected  []string
	}{
		"a role":            {policy.Protection{Admins: []string{"SUPER_ADMIN"}}, []string{ada}},
		"one of several":    {policy.Protection{Admins: []string{"ORG_ADMIN", "APP_ADMIN"}}, []string{ada}},
		"another role":      {policy.Protection{Admins: []string{"ORG_ADMIN"}}, nil},
		"part of a role":    {policy.Protection{Admins: []string{"ADMIN"}}, nil},
		"any role":          {policy.Protection{Admins: []string{policy.AnyAdmin}}, []string{ada}},
		"another group":     {policy.Protection{Admins: []string{"SUPER_ADMIN"}, Groups: []string{"00g1"}}, []string{ada}},
		"group before role": {policy.Protection{Admins: []string{"SUPER_ADMIN"}, Groups: []string{"00g0"}}, []string{ada, grace, unknown}},
		"id before role":    {policy.Protection{Admins: []string{"SUPER_ADMIN"}, IDs: []string{unknown}}, []string{ada, unknown}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			guard := policy.NewProtected(tt.protection, people)
			for _, user := range []string{ada, grace, unknown} {
				ruling, err := guard.Judge(t.Context(), revocation.Job{}, revocation.User{ID: user})
				switch {
				case slices.Contains(tt.protected, user):
					require.NoError(t, err)
					require.Equal(t, revocation.OutcomeRefused, ruling.Outcome)
				case user == unknown:
					require.ErrorIs(t, err, errNoDirectory, "what cannot be told is no yes")
					require.ErrorContains(t, err, "policy.protected.admins")
				default:
					require.NoError(t, err)
					require.Zero(t, ruling)
				}
			}
		})
	}
	held := policy.NewProtected(policy.Protection{Admins: []string{policy.AnyAdmin}, Held: true}, people)
	ruling, err := held.Judge(t.Context(), revocation.Job{}, revocation.User{ID: ada})
	require.NoError(t, err)
	require.Equal(t, revocation.Ruling{
		Outcome: revocation.OutcomeHeld, Reason: "this person has a protected admin role (policy.protected.admins)",
	}, ruling)
}

// Every combination of what is configured, of what can be told, and of an approval.
func TestProtectedOutcomes(t *testing.T) {
	t.Parallel()
	people := directory{ada: {{ID: "00g1"}}, grace: {{ID: "00g0"}}}
	const unknown = "00ueve00000000000001"
	for _, held := range []bool{false, true} {
		for _, dry := range []bool{false, true} {
			for _, approved := range []bool{false, true} {
				guard := policy.NewProtected(policy.Protection{Groups: []string{"00g1"}, Held: held, DryRun: dry}, people)
				judge := func(user string) (revocation.Outcome, error) {
					ruling, err := guard.Judge(t.Context(), revocation.Job{Approved: approved}, revocation.User{ID: user})
					return ruling.Outcome, err
				}
				passes := held && approved && !dry
				protected, err := judge(ada)
				require.NoError(t, err)
				other, err := judge(grace)
				require.NoError(t, err)
				_, err = judge(unknown)
				switch {
				case passes:
					require.Empty(t, protected)
					require.NoError(t, err, "nothing need be told of one who was approved")
				case held && !dry:
					require.Equal(t, revocation.OutcomeHeld, protected)
					require.ErrorIs(t, err, errNoDirectory)
				default:
					require.Equal(t, revocation.OutcomeRefused, protected, "no approval changes that")
					require.ErrorIs(t, err, errNoDirectory)
				}
				require.Equal(t, dry, other == revocation.OutcomeRefused)
			}
		}
	}
}

func TestProtectedAsksForGroupsOnlyWhereTheyMatter(t *testing.T) {
	t.Parallel()
	for _, protection := range []policy.Protection{{}, {IDs: []string{ada}}, {IDs: []string{ada}, Groups: []string{"00g1"}}} {
		_, err := policy.NewProtected(protection, directory{}).Judge(t.Context(), revocation.Job{}, revocation.User{ID: ada})
		require.NoError(t, err)
	}
}

func TestProtectedNeedsLoginOnlyForLogins(t *testing.T) {
	t.Parallel()
	require.False(t, policy.NewProtected(policy.Protection{IDs: []string{ada}, Groups: []string{"00g1"}, DryRun: true}, nil).NeedsLogin())
	require.True(t, policy.NewProtected(policy.Protection{Logins: []string{"breakglass@example.com"}}, nil).NeedsLogin())
}
