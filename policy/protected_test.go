package policy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sever/policy"
	"sever/revocation"
)

const (
	ada   = "00uada00000000000001"
	grace = "00ugrace000000000001"
)

func TestProtected(t *testing.T) {
	t.Parallel()
	const (
		protected = "protected"
		dryRun    = "dry run"
		allowed   = ""
	)
	byID := policy.NewProtected(false, []string{ada}, nil)
	byLogin := policy.NewProtected(false, nil, []string{"BreakGlass@Example.com"})
	both := policy.NewProtected(false, []string{ada}, []string{"breakglass@example.com"})
	dry := policy.NewProtected(true, []string{ada}, []string{"breakglass@example.com"})
	nobody := policy.NewProtected(false, nil, nil)
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
		"no login looked up":              {byID, revocation.User{ID: grace}, allowed},
		"id and login, by id":             {both, revocation.User{ID: ada, Login: "ada@example.com"}, protected},
		"id and login, by login":          {both, revocation.User{ID: grace, Login: "breakglass@example.com"}, protected},
		"id and login, neither":           {both, revocation.User{ID: grace, Login: "grace@example.com"}, allowed},
		"dry run":                         {dry, revocation.User{ID: grace, Login: "grace@example.com"}, dryRun},
		"dry run says so of protected":    {dry, revocation.User{ID: ada}, protected},
		"dry run, protected by login":     {dry, revocation.User{ID: grace, Login: "Breakglass@example.com"}, protected},
		"nobody protected":                {nobody, revocation.User{ID: ada, Login: "ada@example.com"}, allowed},
		"nobody protected, not even this": {nobody, revocation.User{}, allowed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := tt.guard.Refuses(tt.user)
			if tt.want == allowed {
				require.Empty(t, got)
				return
			}
			require.Contains(t, got, tt.want)
			require.NotContains(t, got, "@", "a reason names nobody")
		})
	}
}

func TestProtectedNeedsLoginOnlyForLogins(t *testing.T) {
	t.Parallel()
	require.False(t, policy.NewProtected(true, []string{ada}, nil).NeedsLogin())
	require.True(t, policy.NewProtected(false, nil, []string{"breakglass@example.com"}).NeedsLogin())
}
