package okta_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sever/okta"
	"sever/okta/internal/contracttest"
	"sever/okta/oktasim"
)

const revokeCall = "DELETE /api/v1/users/{userId}/sessions"

// TestTheTokenCallsKeepTheContract follows a token through its life: the nonce challenge, the token itself, its end and the
// challenge with the next nonce.
func TestTheTokenCallsKeepTheContract(t *testing.T) {
	t.Parallel()
	contract := contracttest.Load(t)
	o := startContract(t, contract, oktasim.Options{}, withServiceApp())
	mustRevoke(t, o.client, 1)
	require.Equal(t, []string{tokenCall + " 400", tokenCall + " 200", revokeCall + " 204"}, o.exchanges())
	o.sim.RotateNonce()
	o.sim.RevokeTokens()
	mustRevoke(t, o.client, 2)
	require.Equal(t, []string{revokeCall + " 401", tokenCall + " 400", tokenCall + " 200", revokeCall + " 204"}, o.exchanges())
}

func TestTokensWithoutDPoPKeepTheContract(t *testing.T) {
	t.Parallel()
	contract := contracttest.Load(t)
	o := startContract(t, contract, oktasim.Options{}, withServiceApp(func(c *oktasim.Client) { c.DPoPRequired = false }))
	mustRevoke(t, o.client, 1)
	require.Equal(t, []string{tokenCall + " 200", revokeCall + " 204"}, o.exchanges())
}

// TestOAuthRefusalsKeepTheContract: what the token endpoint and the API say to an app that may not.
func TestOAuthRefusalsKeepTheContract(t *testing.T) {
	t.Parallel()
	contract := contracttest.Load(t)
	for name, tc := range map[string]struct {
		change func(*oktasim.Client)
		fault  *oktasim.Fault
		want   []string
	}{
		"scope not granted":    {change: func(c *oktasim.Client) { c.Scopes = []string{"okta.users.read"} }, want: []string{tokenCall + " 400", tokenCall + " 400"}},
		"unknown client":       {change: func(c *oktasim.Client) { c.ID = "0oaanotherappof00000" }, want: []string{tokenCall + " 401"}},
		"role missing":         {change: func(c *oktasim.Client) { c.Roles = []string{} }, want: []string{tokenCall + " 400", tokenCall + " 200", revokeCall + " 403"}},
		"token calls limited":  {fault: &oktasim.Fault{RateLimited: true, Path: "/oauth2/v1/token"}, want: []string{tokenCall + " 429"}},
		"client not allowed":   {fault: &oktasim.Fault{Status: 403, Code: "access_denied", Path: "/oauth2/v1/token"}, want: []string{tokenCall + " 403"}},
		"scope missing":        {fault: &oktasim.Fault{Status: 403, WWWAuthenticate: `Bearer error="insufficient_scope"`, Path: "/api/"}, want: []string{tokenCall + " 400", tokenCall + " 200", revokeCall + " 403"}},
		"proof not acceptable": {fault: &oktasim.Fault{Status: 400, WWWAuthenticate: `DPoP error="invalid_dpop_proof"`, Path: "/api/"}, want: []string{tokenCall + " 400", tokenCall + " 200", revokeCall + " 400"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			change := func(*oktasim.Client) {}
			if tc.change != nil {
				change = tc.change
			}
			o := startContract(t, contract, oktasim.Options{}, withServiceApp(change))
			if tc.fault != nil {
				o.sim.AddFaults(*tc.fault)
			}
			_, err := revoke(t, o.client)
			require.Error(t, err)
			require.Equal(t, tc.want, o.exchanges())
		})
	}
}

// TestRefusalsThatNobodyStagedKeepTheContract are answers the simulator comes to by itself.
func TestRefusalsThatNobodyStagedKeepTheContract(t *testing.T) {
	t.Parallel()
	contract := contracttest.Load(t)
	o := startContract(t, contract, oktasim.Options{StrictUsers: true}, withAPIToken)
	withHook(false)(o)
	o.exchanges()
	over, err := okta.SID("102NoSuchSession")
	require.NoError(t, err)
	const nobody = "00uNobody00000000000"
	ctx := t.Context()
	for _, tc := range []struct {
		call func() error
		want string
	}{
		{func() error { _, err := o.client.RevokeUserSessions(ctx, nobody, okta.RevokeOptions{}); return err }, revokeCall + " 404"},
		{func() error { _, _, err := o.client.GetUser(ctx, "nobody"); return err }, "GET /api/v1/users/{id} 404"},
		{func() error { _, _, err := o.client.FindUser(ctx, "firstName", "nobody"); return err }, usersCall + " 200"},
		{func() error { _, _, err := o.client.ListUserGroups(ctx, nobody); return err }, groupsCall + " 404"},
		{func() error { _, _, err := o.client.ListUserRoles(ctx, nobody); return err }, rolesCall + " 404"},
		{func() error { _, err := o.client.EndUserSessions(ctx, over, true); return err }, "POST /api/v1/users/me/lifecycle/delete_sessions 403"},
		{func() error { _, err := o.client.DeleteEventHook(ctx, o.hook); return err }, "DELETE " + hookCall + " 403"},
		{func() error { _, _, err := o.client.GetEventHook(ctx, "who00000000000000000"); return err }, "GET " + hookCall + " 404"},
		{func() error { _, err := o.client.GlobalTokenRevocation(ctx, nobody); return err }, "POST /oauth2/v1/global-token-revocation 400"},
	} {
		require.Error(t, tc.call(), tc.want)
		require.Equal(t, []string{tc.want}, o.exchanges())
	}
	secret, err := okta.NewHookSecret("another")
	require.NoError(t, err)
	o.spec.Secret = secret // which the endpoint does not take
	withHook(false)(o)
	o.exchanges()
	_, _, err = o.client.VerifyEventHook(ctx, o.hook)
	require.Error(t, err)
	require.Equal(t, []string{"POST " + hookCall + "/lifecycle/verify 400"}, o.exchanges())
}
