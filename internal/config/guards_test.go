package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// An app without a scope that the policy needs would never revoke anybody.
func TestPolicyNeedsScopes(t *testing.T) {
	t.Parallel()
	key := filepath.Join(t.TempDir(), "okta.pem")
	require.NoError(t, os.WriteFile(key, []byte("key"), 0o600))
	const missing = "11: %s: needs the scope %s, which orgs.acme.auth.scopes does not ask for; " +
		"add it there, beside okta.users.manage and okta.users.read, and grant it to the app"
	want := func(field, scope string) string {
		return strings.Replace(strings.Replace(missing, "%s", field, 1), "%s", scope, 1)
	}
	const everywhere = `rules: [{name: a, when: 'signal.type == "a"', do: {revoke: {}, everywhere: true}}]`
	for name, tt := range map[string]struct {
		scopes, policy string
		want           []string
	}{
		"neither is needed": {"", "mode: enforce", nil},
		"groups":            {"", "protected: {groups: [00g1]}", []string{want("policy.protected.groups", "okta.groups.read")}},
		"groups, other scopes": {
			"okta.users.manage", "protected: {groups: [00g1]}", []string{want("policy.protected.groups", "okta.groups.read")},
		},
		"groups, asked for":     {"okta.groups.read", "protected: {groups: [00g1]}", nil},
		"admins":                {"okta.groups.read", "protected: {admins: [any]}", []string{want("policy.protected.admins", "okta.roles.read")}},
		"admins, asked for":     {"okta.roles.read", "protected: {admins: [any]}", nil},
		"everywhere":            {"okta.groups.read", everywhere, []string{want("policy.rules[0].do.everywhere", "okta.universalLogout.manage")}},
		"everywhere, asked for": {"okta.universalLogout.manage", everywhere, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(minimal, "{type: ssws, token: env:TOKEN}",
				"{type: private_key_jwt, client_id: a, key: 'file:"+key+"', key_id: k, scopes: ["+tt.scopes+"]}", 1)
			require.NotEqual(t, minimal, text)
			require.Equal(t, tt.want, problems(t, text+"policy: {"+tt.policy+"}"))
		})
	}
	require.Empty(t, problems(t, minimal+"policy: {protected: {groups: [00g1]}}"), "an API token has no scopes")
}
