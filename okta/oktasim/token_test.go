package oktasim_test

import (
	"crypto"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"sever/okta/oktasim"
)

func TestBearerGrant(t *testing.T) {
	t.Parallel()
	a := startApp(t, oktasim.Options{}, oktasim.Client{})
	g := grantOf(t, a.ask(a.form()))
	require.Equal(t, granted{Type: "Bearer", Token: g.Token, Scope: "okta.users.manage okta.users.read", Expires: 3600}, g)
	require.Equal(t, 200, a.call(http.MethodGet, "/api/v1/users/"+alice, "Bearer", g.Token).status)
	a.clock.pass(time.Hour - time.Second)
	require.Equal(t, 200, a.call(http.MethodGet, "/api/v1/users/"+alice, "Bearer", g.Token).status)
	a.clock.pass(time.Second)
	requireChallenge(t, a.call(http.MethodGet, "/api/v1/users/"+alice, "Bearer", g.Token), 401, "Bearer", "invalid_token", "The token has expired.")

	calls := a.sim.Calls()
	require.Equal(t, []any{"POST", "/oauth2/v1/token", "", 200}, []any{calls[0].Method, calls[0].Path, calls[0].Auth, calls[0].Status})
	require.NotEqual(t, g.Token, a.bearer(), "a new one each time")
}

func TestTokenLifetimeAndRevocation(t *testing.T) {
	t.Parallel()
	a := startApp(t, oktasim.Options{TokenLifetime: time.Minute}, oktasim.Client{})
	g := grantOf(t, a.ask(a.form()))
	require.Equal(t, 60, g.Expires)
	require.Equal(t, 204, a.send(http.MethodPost, "/_sim/revoke-tokens", "").status)
	requireChallenge(t, a.call(http.MethodGet, "/api/v1/users/"+alice, "Bearer", g.Token), 401, "Bearer", "invalid_token", "The access token has been revoked.")
	require.Equal(t, 200, a.call(http.MethodGet, "/api/v1/users/"+alice, "Bearer", a.bearer()).status)
}

func TestEveryAlgorithm(t *testing.T) {
	t.Parallel()
	p256, p384, p521 := ecKey(elliptic.P256()), ecKey(elliptic.P384()), ecKey(elliptic.P521())
	for _, tc := range []struct {
		alg jwt.SigningMethod
		key crypto.Signer
		ok  bool
	}{
		{jwt.SigningMethodRS256, rsaKey(), true},
		{jwt.SigningMethodRS384, rsaKey(), true},
		{jwt.SigningMethodRS512, rsaKey(), true},
		{jwt.SigningMethodES256, p256, true},
		{jwt.SigningMethodES384, p384, true},
		{jwt.SigningMethodES512, p521, true},
		{jwt.SigningMethodPS256, rsaKey(), false},
	} {
		a := startApp(t, oktasim.Options{}, oktasim.Client{JWKS: must(oktasim.JWKS("k1", tc.key.Public()))})
		a.key, a.alg = tc.key, tc.alg
		if tc.ok {
			grantOf(t, a.ask(a.form()))
			continue
		}
		requireOAuth(t, a.ask(a.form()), 401, "invalid_client", "The client_assertion JWT signature algorithm is invalid.")
	}
}

func TestAssertionChecks(t *testing.T) {
	t.Parallel()
	a := startApp(t, oktasim.Options{}, oktasim.Client{})
	now := a.clock.now()
	head := func(name string, value any) change {
		return func(token *jwt.Token, _ jwt.MapClaims) { token.Header[name] = value }
	}
	for name, tc := range map[string]struct {
		change      change
		description string // "" is fine
	}{
		"as it should be":     {set("x", "y"), ""},
		"audience in a list":  {set("aud", []string{a.url + "/oauth2/v1/token"}), ""},
		"no jti":              {set("jti", nil), ""},
		"no iat":              {set("iat", nil), ""},
		"issued now":          {set("iat", now.Unix()), ""},
		"exactly an hour":     {set("exp", now.Add(time.Hour).Unix()), ""},
		"over an hour":        {set("exp", now.Add(time.Hour+time.Second).Unix()), "The client_assertion token has an expiration too far into the future."},
		"expires now":         {set("exp", now.Unix()), "The client_assertion token is expired."},
		"no exp":              {set("exp", nil), "The client_assertion must contain the 'exp' claim as seconds since epoch."},
		"exp as text":         {set("exp", "soon"), "The client_assertion must contain the 'exp' claim as seconds since epoch."},
		"issued in a second":  {set("iat", now.Add(time.Second).Unix()), "The client_assertion token must be issued before the current time."},
		"other issuer":        {set("iss", "0oaother"), "The issuer claim for client_assertion is not a valid client_id."},
		"no issuer":           {set("iss", nil), "The issuer claim for client_assertion is not a valid client_id."},
		"other subject":       {set("sub", "0oaother"), "The subject claim for client_assertion is not a valid client_id."},
		"audience is the org": {set("aud", a.url), "The audience claim for client_assertion must be the endpoint invoked for the request."},
		"custom server":       {set("aud", a.url+"/oauth2/default/v1/token"), "The audience claim for client_assertion must be the endpoint invoked for the request."},
		"other host":          {set("aud", "https://acme.okta.com/oauth2/v1/token"), "The audience claim for client_assertion must be the endpoint invoked for the request."},
		"more audiences":      {set("aud", []string{a.url + "/oauth2/v1/token", "x"}), "The audience claim for client_assertion must be the endpoint invoked for the request."},
		"no audience":         {set("aud", nil), "The audience claim for client_assertion must be the endpoint invoked for the request."},
		"jti as number":       {set("jti", 7), "The parsing of the client_assertion failed."},
		"other key id":        {head("kid", "k2"), "The client_assertion JWT kid is invalid."},
		"no key id":           {head("kid", nil), "The client_assertion JWT kid is invalid."},
		"claims another alg":  {head("alg", "ES384"), "The client_assertion JWT signature algorithm is invalid."},
		"no alg at all":       {head("alg", "none"), "The client_assertion JWT signature algorithm is invalid."},
		"shared secret alg":   {head("alg", "HS256"), "The client_assertion JWT signature algorithm is invalid."},
		"unknown alg":         {head("alg", "XX1"), "The client_assertion JWT signature algorithm is invalid."},
	} {
		got := a.ask(a.form(tc.change))
		if tc.description == "" {
			require.Equal(t, 200, got.status, name+string(got.body))
			continue
		}
		require.Contains(t, string(got.body), tc.description, name)
		requireOAuth(t, got, 401, "invalid_client", tc.description)
	}

	a.key = ecKey(elliptic.P256())
	requireOAuth(t, a.ask(a.form()), 401, "invalid_client", "The client_assertion signature is invalid.")
	form := a.form()
	for _, garbage := range []string{"", "x", "a.b.c", strings.Repeat("a", 20_000)} {
		form.Set("client_assertion", garbage)
		requireOAuth(t, a.ask(form), 401, "invalid_client", "The parsing of the client_assertion failed.")
	}
}

func TestAssertionIsGoodOnce(t *testing.T) {
	t.Parallel()
	a := startApp(t, oktasim.Options{}, oktasim.Client{DPoPRequired: true})
	form := a.form()
	requireOAuth(t, a.ask(form, a.proof(http.MethodPost, "/oauth2/v1/token")), 400, "use_dpop_nonce", "Authorization server requires nonce in DPoP proof.")
	requireOAuth(t, a.ask(form, a.proof(http.MethodPost, "/oauth2/v1/token")), 401, "invalid_client", "The client_assertion token has already been used.")
}

func TestTokenRequestForm(t *testing.T) {
	t.Parallel()
	a := startApp(t, oktasim.Options{}, oktasim.Client{})
	for name, tc := range map[string]struct {
		field, value string
		status       int
		code, text   string
	}{
		"no grant type":    {"grant_type", "", 400, "invalid_request", "The token request must specify a 'grant_type'. Valid values: [client_credentials]"},
		"other grant type": {"grant_type", "password", 400, "unsupported_grant_type", "The authorization grant type is not supported by the authorization server. Configured grant types: [client_credentials]."},
		"no type":          {"client_assertion_type", "", 400, "invalid_request", "The client_assertion_type is invalid."},
		"other client":     {"client_id", "0oaother", 401, "invalid_client", "Invalid value for 'client_id' parameter."},
		"secret too":       {"client_secret", "s", 401, "invalid_request", "Cannot supply multiple client credentials. Use one of the following: credentials in the Authorization header, credentials in the post body, or a client_assertion in the post body."},
		"no scope":         {"scope", " ", 400, "invalid_scope", "The authorization server resource does not have any configured default scopes, 'scope' must be provided."},
		"a scope too many": {"scope", "okta.users.read okta.logs.read", 400, "invalid_scope", "One or more scopes are not configured for the authorization server resource."},
	} {
		form := a.form()
		form.Set(tc.field, tc.value)
		got := a.ask(form)
		require.Contains(t, string(got.body), tc.code, name)
		requireOAuth(t, got, tc.status, tc.code, tc.text)
	}
	form := a.form()
	form.Del("client_assertion")
	requireOAuth(t, a.ask(form), 401, "invalid_client", "No client credentials found.")
	form.Set("client_secret", "s")
	requireOAuth(t, a.ask(form), 401, "invalid_client",
		"Client Credentials requests to the Org Authorization Server must use the private_key_jwt token_endpoint_auth_method.")
	form = a.form()
	form.Add("scope", "okta.users.read")
	requireOAuth(t, a.ask(form), 400, "invalid_request", "The request contained multiple parameters with the same name.")

	body := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	requireOAuth(t, a.do(http.MethodPost, "/oauth2/v1/token?client_id="+appID, a.form().Encode(), body), 400, "invalid_request",
		"Client credentials cannot be supplied via query parameters.")
	asJSON := a.do(http.MethodPost, "/oauth2/v1/token", a.form().Encode(), http.Header{"Content-Type": {"application/json"}})
	require.Equal(t, 400, asJSON.status)
	requireOAuth(t, a.ask(url.Values{}), 400, "invalid_request", "The token request must specify a 'grant_type'. Valid values: [client_credentials]")
	narrow := a.form()
	narrow.Set("scope", "okta.users.read okta.users.manage okta.users.read")
	require.Equal(t, "okta.users.manage okta.users.read", grantOf(t, a.ask(narrow)).Scope)
}

func TestTokenProofChecks(t *testing.T) {
	t.Parallel()
	a := startApp(t, oktasim.Options{}, oktasim.Client{DPoPRequired: true})
	nonce, now := a.nonce(), a.clock.now()
	head := func(name string, value any) change {
		return func(token *jwt.Token, _ jwt.MapClaims) { token.Header[name] = value }
	}
	private := publicJWK(a.dpop)
	private["d"] = "AAAA"
	for name, tc := range map[string]struct {
		change      change
		description string
	}{
		"as it should be":    {set("x", "y"), ""},
		"five minutes old":   {set("iat", now.Add(-5*time.Minute).Unix()), ""},
		"older":              {set("iat", now.Add(-5*time.Minute-time.Second).Unix()), "The DPoP proof JWT is issued more than five minutes in the past."},
		"in the future":      {set("iat", now.Add(time.Second).Unix()), "The DPoP proof JWT is issued in the future."},
		"no iat":             {set("iat", nil), "'iat' claim in the DPoP proof JWT is invalid."},
		"expired":            {set("exp", now.Unix()), "The DPoP proof JWT is expired."},
		"other method":       {set("htm", "GET"), "'htm' claim in the DPoP proof JWT is invalid."},
		"other address":      {set("htu", a.url+"/oauth2/v1/tokens"), "'htu' claim in the DPoP proof JWT is invalid."},
		"address with query": {set("htu", a.url+"/oauth2/v1/token?x=y"), "'htu' claim in the DPoP proof JWT is invalid."},
		"no jti":             {set("jti", nil), "'jti' claim in the DPoP proof JWT is invalid."},
		"other type":         {head("typ", "JWT"), "'typ' must be 'dpop+jwt' in the DPoP proof JWT."},
		"no key":             {head("jwk", nil), "The DPoP proof JWT is invalid."},
		"private key":        {head("jwk", private), "The DPoP proof JWT is invalid."},
		"another key":        {head("jwk", publicJWK(ecKey(elliptic.P256()))), "The DPoP proof JWT signature is invalid."},
		"shared secret":      {head("alg", "HS256"), "The DPoP proof JWT signature algorithm is invalid."},
		"another algorithm":  {head("alg", "RS256"), "The DPoP proof JWT signature algorithm is invalid."},
	} {
		got := a.ask(a.form(), a.proof(http.MethodPost, "/oauth2/v1/token", set("nonce", nonce), tc.change))
		if tc.description == "" {
			require.Equal(t, "DPoP", grantOf(t, got).Type, name)
			continue
		}
		require.Contains(t, string(got.body), tc.description, name)
		requireOAuth(t, got, 400, "invalid_dpop_proof", tc.description)
		require.Empty(t, got.header.Get("DPoP-Nonce"))
	}
	requireOAuth(t, a.ask(a.form()), 400, "invalid_dpop_proof", "The DPoP proof JWT header is missing.")
	requireOAuth(t, a.ask(a.form(), "x"), 400, "invalid_dpop_proof", "The DPoP proof JWT cannot be parsed.")
	requireOAuth(t, a.ask(a.form(), "x", "y"), 400, "invalid_dpop_proof", "Multiple DPoP proof JWT headers are not allowed.")
	once := a.proof(http.MethodPost, "/oauth2/v1/token", set("nonce", nonce))
	grantOf(t, a.ask(a.form(), once))
	requireOAuth(t, a.ask(a.form(), once), 400, "invalid_dpop_proof", "The DPoP proof JWT has already been used.")
}

func TestDPoPKeyIsNotTheClientsKey(t *testing.T) {
	t.Parallel()
	a := startApp(t, oktasim.Options{}, oktasim.Client{DPoPRequired: true, JWKS: nil})
	a.dpop = ecKey(elliptic.P256())
	a.key = a.dpop
	require.NoError(t, a.sim.PutClient(oktasim.Client{ID: appID, JWKS: must(oktasim.JWKS("k1", a.dpop.Public())), DPoPRequired: true}))
	requireOAuth(t, a.ask(a.form(), a.proof(http.MethodPost, "/oauth2/v1/token")), 400, "invalid_dpop_proof", "The DPoP proof JWT is invalid.")
}

func TestTokenIsBoundToTheThumbprint(t *testing.T) {
	t.Parallel()
	a := startApp(t, oktasim.Options{}, oktasim.Client{DPoPRequired: true})
	k := publicJWK(a.dpop)
	sum := sha256.Sum256([]byte(`{"crv":"P-256","kty":"EC","x":"` + k["x"].(string) + `","y":"` + k["y"].(string) + `"}`))
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(a.bound(), ".")[1])
	require.NoError(t, err)
	var claims struct {
		CNF map[string]string `json:"cnf"`
		CID string            `json:"cid"`
		SCP []string          `json:"scp"`
	}
	require.NoError(t, json.Unmarshal(payload, &claims))
	require.Equal(t, base64.RawURLEncoding.EncodeToString(sum[:]), claims.CNF["jkt"])
	require.Equal(t, appID, claims.CID)
	require.Equal(t, []string{"okta.users.manage", "okta.users.read"}, claims.SCP)
}

func TestUnaskedProofIsIgnored(t *testing.T) {
	t.Parallel()
	a := startApp(t, oktasim.Options{}, oktasim.Client{})
	require.Equal(t, "Bearer", grantOf(t, a.ask(a.form(), "nonsense")).Type)
}

func TestNonces(t *testing.T) {
	t.Parallel()
	a := startApp(t, oktasim.Options{}, oktasim.Client{DPoPRequired: true})
	with := func(nonce string) answer {
		return a.ask(a.form(), a.proof(http.MethodPost, "/oauth2/v1/token", set("nonce", nonce)))
	}
	refused := func(nonce string) {
		requireOAuth(t, with(nonce), 400, "use_dpop_nonce", "Authorization server requires nonce in DPoP proof.")
	}
	first := a.nonce()
	require.Equal(t, first, a.nonce(), "the same all day")
	grantOf(t, with(first))
	refused("made up")

	a.clock.pass(24 * time.Hour)
	second := a.nonce()
	require.NotEqual(t, first, second)
	grantOf(t, with(first))
	grantOf(t, with(second))
	a.clock.pass(48 * time.Hour)
	refused(first)
	grantOf(t, with(second))

	require.Equal(t, 204, a.send(http.MethodPost, "/_sim/rotate-nonce", "").status)
	third := with(second).header.Get("DPoP-Nonce")
	require.NotEqual(t, second, third)
	refused(second)
	grantOf(t, with(third))
}

func TestPutClientRefusals(t *testing.T) {
	t.Parallel()
	a := startApp(t, oktasim.Options{}, oktasim.Client{})
	good := string(must(oktasim.JWKS("k1", a.key.Public())))
	key := strings.TrimSuffix(strings.TrimPrefix(good, `{"keys":[`), `]}`)
	path := "/_sim/clients/" + appID
	require.Equal(t, 200, a.send(http.MethodPut, path, `{"jwks":`+good+`,"scopes":["okta.users.read"],"dpop_required":true,"roles":["SUPER_ADMIN"]}`).status)
	require.Contains(t, string(a.send(http.MethodGet, "/_sim/clients", "").body), `"dpop_required":true`)
	for body, says := range map[string]string{
		`{}`:                                "jwks: must be a key set",
		`{"jwks":{"keys":[]}}`:              "jwks: must hold 1 to 50 keys",
		`{"jwks":{"keys":[{"kty":"oct"}]}}`: "keys[0]: kty",
		`{"jwks":{"keys":[` + strings.Replace(key, `"kid":"k1"`, `"kid":""`, 1) + `]}}`:                    "kid: missing",
		`{"jwks":{"keys":[` + key + `,` + key + `]}}`:                                                      "keys[1]: kid: is used twice",
		`{"jwks":{"keys":[` + strings.Replace(key, `"use":"sig"`, `"use":"enc"`, 1) + `]}}`:                "use: must be sig",
		`{"jwks":{"keys":[` + strings.Replace(key, `"use":"sig"`, `"d":"AAAA"`, 1) + `]}}`:                 "private key",
		`{"jwks":{"keys":[` + strings.Replace(key, `P-256`, `P-224`, 1) + `]}}`:                            "crv: must be",
		`{"jwks":{"keys":[` + strings.Replace(key, `P-256`, `P-384`, 1) + `]}}`:                            "48 bytes",
		`{"jwks":{"keys":[{"kty":"EC","kid":"k","crv":"P-256","x":"` + zeros + `","y":"` + zeros + `"}]}}`: "not on the curve",
		`{"jwks":{"keys":[{"kty":"RSA","kid":"k","n":"!","e":"AQAB"}]}}`:                                   "base64url",
		`{"jwks":{"keys":[{"kty":"RSA","kid":"k","n":"AQAB","e":"AQAB"}]}}`:                                "2048 bits",
		`{"jwks":` + good + `,"scopes":["openid"]}`:                                                        "scopes",
		`{"jwks":` + good + `,"roles":["KING"]}`:                                                           "roles",
		`{"jwks":` + good + `,"id":"0oaother"}`:                                                            "id",
		`{"jwks":` + good + `,"secret":"x"}`:                                                               "secret",
	} {
		got := a.send(http.MethodPut, path, body)
		require.Equal(t, 400, got.status, body)
		require.Contains(t, string(got.body), says, body)
	}
	require.Equal(t, 400, a.send(http.MethodPut, "/_sim/clients/me", `{"jwks":`+good+`}`).status)
	_, err := oktasim.JWKS("k", "no key")
	require.Error(t, err)
}

const zeros = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

func TestClientsFromTheStart(t *testing.T) {
	t.Parallel()
	a := startApp(t, oktasim.Options{Clients: []oktasim.Client{{ID: "0oaBroken00000000001"}}}, oktasim.Client{})
	form := a.form(set("iss", "0oaBroken00000000001"), set("sub", "0oaBroken00000000001"))
	requireOAuth(t, a.ask(form), 401, "invalid_client", "The client JWKSet is invalid.")
	token := a.bearer()
	a.sim.Reset()
	requireOAuth(t, a.ask(form), 401, "invalid_client", "The client JWKSet is invalid.")
	requireOAuth(t, a.ask(a.form()), 401, "invalid_client", "The issuer claim for client_assertion is not a valid client_id.")
	requireChallenge(t, a.call(http.MethodGet, "/api/v1/users/"+alice, "Bearer", token), 401, "Bearer", "invalid_token", "The access token is invalid.")
}
