package oktasim_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"sever/okta/oktasim"
)

const appID = "0oa1gjh63g214q0Hq0g4"

var (
	rsaKey = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	jtis   atomic.Int64
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func ecKey(curve elliptic.Curve) *ecdsa.PrivateKey {
	return must(ecdsa.GenerateKey(curve, rand.Reader))
}

// clock is a clock that a test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2027, 1, 15, 8, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// app is an OAuth client of its own making: it shares no code with what it tests.
type app struct {
	org

	clock *clock
	kid   string
	key   crypto.Signer
	alg   jwt.SigningMethod
	dpop  *ecdsa.PrivateKey
}

// startApp starts an org with one service app that signs with ES256.
func startApp(t *testing.T, opts oktasim.Options, client oktasim.Client) *app {
	t.Helper()
	a := &app{clock: newClock(), kid: "k1", key: ecKey(elliptic.P256()), alg: jwt.SigningMethodES256, dpop: ecKey(elliptic.P256())}
	opts.Now = a.clock.now
	a.org = start(t, opts)
	client.ID = appID
	if client.JWKS == nil {
		client.JWKS = must(oktasim.JWKS(a.kid, a.key.Public()))
	}
	if client.Scopes == nil {
		client.Scopes = []string{"okta.users.manage", "okta.users.read"}
	}
	require.NoError(t, a.sim.PutClient(client))
	return a
}

type change func(token *jwt.Token, claims jwt.MapClaims)

// set is a change of one claim; nil takes the claim away.
func set(claim string, value any) change {
	return func(_ *jwt.Token, claims jwt.MapClaims) {
		claims[claim] = value
		if value == nil {
			delete(claims, claim)
		}
	}
}

func sign(t *testing.T, method jwt.SigningMethod, key any, header map[string]any, claims jwt.MapClaims, changes []change) string {
	t.Helper()
	token := jwt.NewWithClaims(method, claims)
	maps.Copy(token.Header, header)
	for _, change := range changes {
		change(token, claims)
	}
	text, err := token.SignedString(key)
	require.NoError(t, err)
	return text
}

func newJTI() string { return "jti-" + strconv.FormatInt(jtis.Add(1), 10) }

func (a *app) assertion(changes ...change) string {
	now := a.clock.now()
	return sign(a.t, a.alg, a.key, map[string]any{"kid": a.kid}, jwt.MapClaims{
		"iss": appID, "sub": appID, "aud": a.url + "/oauth2/v1/token", "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(), "jti": newJTI(),
	}, changes)
}

func (a *app) proof(method, path string, changes ...change) string {
	return sign(a.t, jwt.SigningMethodES256, a.dpop, map[string]any{"typ": "dpop+jwt", "jwk": publicJWK(a.dpop)}, jwt.MapClaims{
		"htm": method, "htu": a.url + path, "iat": a.clock.now().Unix(), "jti": newJTI(),
	}, changes)
}

func publicJWK(key *ecdsa.PrivateKey) map[string]any {
	point := must(key.PublicKey.Bytes())[1:]
	b64 := base64.RawURLEncoding.EncodeToString
	return map[string]any{"kty": "EC", "crv": "P-256", "x": b64(point[:len(point)/2]), "y": b64(point[len(point)/2:])}
}

func (a *app) form(changes ...change) url.Values {
	return url.Values{
		"grant_type": {"client_credentials"}, "scope": {"okta.users.manage okta.users.read"},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {a.assertion(changes...)},
	}
}

func (o org) do(method, path, body string, header http.Header) answer {
	o.t.Helper()
	req, err := http.NewRequestWithContext(o.t.Context(), method, o.url+path, strings.NewReader(body))
	require.NoError(o.t, err)
	for name, values := range header {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	resp, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(req)
	require.NoError(o.t, err)
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	require.NoError(o.t, err)
	return answer{status: resp.StatusCode, header: resp.Header, body: b}
}

// ask makes one token request, with DPoP proofs if there are any.
func (a *app) ask(form url.Values, proofs ...string) answer {
	a.t.Helper()
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	if len(proofs) > 0 {
		header["DPoP"] = proofs
	}
	return a.do(http.MethodPost, "/oauth2/v1/token", form.Encode(), header)
}

type granted struct {
	Type    string `json:"token_type"`
	Token   string `json:"access_token"`
	Scope   string `json:"scope"`
	Expires int    `json:"expires_in"`
}

func grantOf(t *testing.T, a answer) granted {
	t.Helper()
	require.Equal(t, 200, a.status, string(a.body))
	var g granted
	a.json(t, &g)
	return g
}

// bearer gets a token without DPoP.
func (a *app) bearer() string {
	a.t.Helper()
	g := grantOf(a.t, a.ask(a.form()))
	require.Equal(a.t, "Bearer", g.Type)
	return g.Token
}

// bound gets a token that is bound to the app's DPoP key, nonce challenge included.
func (a *app) bound() string {
	a.t.Helper()
	g := grantOf(a.t, a.ask(a.form(), a.proof(http.MethodPost, "/oauth2/v1/token", set("nonce", a.nonce()))))
	require.Equal(a.t, "DPoP", g.Type)
	return g.Token
}

// nonce is what a challenge asks for.
func (a *app) nonce() string {
	a.t.Helper()
	challenge := a.ask(a.form(), a.proof(http.MethodPost, "/oauth2/v1/token"))
	requireOAuth(a.t, challenge, 400, "use_dpop_nonce", "Authorization server requires nonce in DPoP proof.")
	nonce := challenge.header.Get("DPoP-Nonce")
	require.NotEmpty(a.t, nonce)
	return nonce
}

func ath(token string) change {
	sum := sha256.Sum256([]byte(token))
	return set("ath", base64.RawURLEncoding.EncodeToString(sum[:]))
}

func (a *app) call(method, path, scheme, token string, proofs ...string) answer {
	a.t.Helper()
	header := http.Header{"Authorization": {scheme + " " + token}}
	if len(proofs) > 0 {
		header["DPoP"] = proofs
	}
	return a.do(method, path, "", header)
}

// requireOAuth holds an answer of the token endpoint against the form of OAuth errors.
func requireOAuth(t *testing.T, a answer, status int, code, description string) {
	t.Helper()
	var body map[string]any
	require.NoError(t, json.Unmarshal(a.body, &body), string(a.body))
	require.Equal(t, map[string]any{"error": code, "error_description": description}, body)
	require.Equal(t, status, a.status)
	require.Contains(t, a.header.Get("Cache-Control"), "no-store")
}

// requireChallenge holds an answer of the API against the form of its OAuth failures: nothing but a header.
func requireChallenge(t *testing.T, a answer, status int, scheme, code, description string) {
	t.Helper()
	challenge := a.header.Get("WWW-Authenticate")
	require.Equal(t, status, a.status, challenge+string(a.body))
	require.Empty(t, a.body)
	require.True(t, strings.HasPrefix(challenge, scheme+" "), challenge)
	require.Contains(t, challenge, `error="`+code+`", error_description="`+description+`"`)
	require.Contains(t, challenge, `authorization_uri="http://`)
	require.Equal(t, scheme == "DPoP", strings.Contains(challenge, `algs="RS256 RS384 RS512 ES256 ES384 ES512"`))
	require.NotEmpty(t, a.header.Get("X-Okta-Request-Id"))
}
