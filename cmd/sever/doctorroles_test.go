package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sever/okta/oktasim"
)

func TestDoctorOnProtectedAdmins(t *testing.T) {
	t.Parallel()
	const revokes, reads, sees = "okta.users.lifecycle.clearSessions", "okta.users.read", "okta.iam.read"
	for name, tt := range map[string]struct {
		admins               string
		roles                []string
		status, message, fix string
	}{
		"allowed":        {admins: "any", roles: []string{revokes, reads, sees}, status: checkOK, message: "allowed"},
		"not asked":      {admins: "", roles: []string{revokes, reads}},
		"role too small": {admins: "SUPER_ADMIN", roles: []string{revokes, reads}, status: checkFail, message: "policy.protected.admins needs it", fix: "the permission " + sees},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPractice(t, oktasim.Options{})
			scopes := []string{"okta.users.manage", "okta.users.read", "okta.roles.read"}
			p.register(func(c *oktasim.Client) { c.Roles, c.Scopes = tt.roles, scopes })
			p.auth = "{type: private_key_jwt, client_id: " + serviceApp + ", key: 'file:" + p.key +
				"', key_id: k1, scopes: [okta.users.manage, okta.users.read, okta.roles.read]}"
			p.more = "store: {dir: '" + p.store + "'}\npolicy: {protected: {admins: [" + tt.admins + "]}}"
			findings, _ := p.check()
			if tt.status == "" {
				for _, f := range findings {
					require.NotContains(t, f.Check, "admin roles")
				}
				return
			}
			got := found(t, findings, "acme: read admin roles")
			require.Equal(t, tt.status, got.Status, "%+v", got)
			require.Contains(t, got.Message, tt.message)
			require.Contains(t, got.Fix, tt.fix)
		})
	}
}
