package okta_test

import (
	"crypto/elliptic"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/okta"
	"sever/okta/oktasim"
)

// simulated is a client that signs in at the simulated Okta, over HTTP.
type simulated struct {
	sim    *oktasim.Server
	client *okta.Client
	clock  *clock
}

func signInAtSim(t *testing.T, change ...func(*oktasim.Client)) *simulated {
	t.Helper()
	s := &simulated{clock: newClock()}
	s.sim = oktasim.New(oktasim.Options{Now: s.clock.now})
	server := httptest.NewServer(s.sim)
	t.Cleanup(func() {
		server.Close()
		s.sim.Close()
	})
	key := ecKey(t, elliptic.P256())
	jwks, err := oktasim.JWKS("k1", key.Public())
	require.NoError(t, err)
	app := oktasim.Client{ID: clientID, JWKS: jwks, Scopes: []string{"okta.users.manage", "okta.users.read"}, DPoPRequired: true}
	for _, c := range change {
		c(&app)
	}
	require.NoError(t, s.sim.PutClient(app))
	auth, err := okta.PrivateKeyJWT(okta.OAuthConfig{
		OrgURL: server.URL, ClientID: clientID, Keys: []okta.Key{{ID: "k1", PEM: okta.KeyPEM(pkcs8(t, key))}}, Now: s.clock.now,
	})
	require.NoError(t, err)
	t.Cleanup(auth.Close)
	s.client = newClient(t, server.URL, func(c *okta.Config) { c.Auth, c.Now = auth, s.clock.now })
	return s
}

// statuses are what the token endpoint and the API have answered since the last time.
func (s *simulated) statuses() (tokens, api []int) {
	for _, call := range s.sim.Calls() {
		if call.Path == "/oauth2/v1/token" {
			tokens = append(tokens, call.Status)
		} else {
			api = append(api, call.Status)
		}
	}
	return tokens, api
}

func TestAgainstTheSimulatedOkta(t *testing.T) {
	t.Parallel()
	s := signInAtSim(t)
	mustRevoke(t, s.client, 1)
	user, _, err := s.client.GetUser(t.Context(), alice)
	require.NoError(t, err)
	require.Equal(t, okta.UserID(alice), user.ID)
	tokens, api := s.statuses()
	require.Equal(t, []int{400, 200}, tokens, "challenged for a nonce once")
	require.Equal(t, []int{204, 200}, api)
	require.Equal(t, "DPoP ***", s.sim.Calls()[2].Auth)

	s.sim.RotateNonce()
	mustRevoke(t, s.client, 1)
	s.clock.add(time.Hour)
	mustRevoke(t, s.client, 1)
	tokens, _ = s.statuses()
	require.Equal(t, []int{400, 200, 400, 200}, tokens, "and once more after the rotation")

	s.clock.add(time.Hour)
	mustRevoke(t, s.client, 1)
	s.sim.RevokeTokens()
	mustRevoke(t, s.client, 2)
	tokens, api = s.statuses()
	require.Equal(t, []int{400, 200, 400, 200, 200, 200}, tokens)
	require.Equal(t, []int{204, 200, 204, 204, 204, 401, 204}, api)
}

func TestTheSimulatedOktaWithoutDPoP(t *testing.T) {
	t.Parallel()
	s := signInAtSim(t, func(c *oktasim.Client) { c.DPoPRequired = false })
	mustRevoke(t, s.client, 1)
	tokens, _ := s.statuses()
	require.Equal(t, []int{200}, tokens)
	require.Equal(t, "Bearer ***", s.sim.Calls()[1].Auth)
}

func TestWhatTheSimulatedOktaRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change  func(*oktasim.Client)
		want    okta.Class
		message string
	}{
		"scope not granted": {func(c *oktasim.Client) { c.Scopes = []string{"okta.users.read"} }, okta.ClassCredential, "invalid_scope"},
		"unknown client":    {func(c *oktasim.Client) { c.ID = "0oaanotherappof00000" }, okta.ClassCredential, "invalid_client"},
		"role missing":      {func(c *oktasim.Client) { c.Roles = []string{} }, okta.ClassForbidden, "E0000006"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := signInAtSim(t, tc.change)
			_, err := revoke(t, s.client)
			require.Equal(t, tc.want, okta.ClassOf(err))
			require.ErrorContains(t, err, tc.message)
		})
	}
}
