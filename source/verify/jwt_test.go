package verify_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"sever/internal/secret"
	"sever/source"
	"sever/source/verify"
)

// tokenNow is the time of these tests.
var tokenNow = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// rsaKey is one key for all tests: making one takes long.
var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func tokenPEM(tb testing.TB, key crypto.PublicKey) secret.Secret {
	tb.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	require.NoError(tb, err)
	return secret.New(string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})))
}

func ecdsaKey(tb testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	require.NoError(tb, err)
	return key
}

func ed25519Key(tb testing.TB) ed25519.PrivateKey {
	tb.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(tb, err)
	return key
}

// pushConfig is Google Pub/Sub's push with a key at hand.
// https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions
func pushConfig(t *testing.T) verify.Config {
	t.Helper()
	return verify.Config{
		Type: "jwt", PublicKeys: []secret.Secret{tokenPEM(t, rsaKey().Public())},
		JWT: &verify.JWT{
			Issuer: "https://accounts.google.com", Audience: []string{"https://sever.example.com/v1/hooks/push", "other"},
			Claims: map[string]string{"email": "push@project.iam.gserviceaccount.com", "email_verified": "true"},
			Leeway: 30 * time.Second,
		},
	}
}

func pushClaims() jwt.MapClaims {
	return jwt.MapClaims{
		"iss": "https://accounts.google.com", "aud": "https://sever.example.com/v1/hooks/push",
		"email": "push@project.iam.gserviceaccount.com", "email_verified": true,
		"iat": tokenNow.Unix(), "exp": tokenNow.Add(time.Hour).Unix(),
	}
}

func signedToken(t *testing.T, alg string, key, claims any, header map[string]any) string {
	t.Helper()
	payload, err := json.Marshal(claims)
	require.NoError(t, err)
	head := map[string]any{"alg": alg, "typ": "JWT"}
	maps.Copy(head, header)
	top, err := json.Marshal(head)
	require.NoError(t, err)
	return rawToken(t, alg, key, string(top), string(payload))
}

// rawToken signs a token whose JSON is given as text.
func rawToken(t *testing.T, alg string, key any, header, claims string) string {
	t.Helper()
	encode := base64.RawURLEncoding.EncodeToString
	text := encode([]byte(header)) + "." + encode([]byte(claims))
	signature, err := jwt.GetSigningMethod(alg).Sign(text, key)
	require.NoError(t, err)
	return text + "." + encode(signature)
}

func tokenRequest(text string) source.Request {
	req := httptest.NewRequest(http.MethodPost, "/v1/hooks/push?a=1", http.NoBody)
	return source.Request{
		Method: req.Method, URL: req.URL, Host: "sever.example.com", TLS: true,
		Header: http.Header{"Authorization": {"Bearer " + text}}, Now: tokenNow,
	}
}

func TestJWTOfPubSub(t *testing.T) {
	t.Parallel()
	verifier, err := verify.New(pushConfig(t), verify.Deps{})
	require.NoError(t, err)
	for name, test := range map[string]struct {
		change func(claims jwt.MapClaims)
		valid  bool
	}{
		"genuine":                {func(jwt.MapClaims) {}, true},
		"second audience":        {func(c jwt.MapClaims) { c["aud"] = []string{"x", "other"} }, true},
		"expired within leeway":  {func(c jwt.MapClaims) { c["exp"] = tokenNow.Add(-29 * time.Second).Unix() }, true},
		"expired":                {func(c jwt.MapClaims) { c["exp"] = tokenNow.Add(-30 * time.Second).Unix() }, false},
		"no exp":                 {func(c jwt.MapClaims) { delete(c, "exp") }, false},
		"exp null":               {func(c jwt.MapClaims) { c["exp"] = nil }, false},
		"exp text":               {func(c jwt.MapClaims) { c["exp"] = "2030" }, false},
		"not yet":                {func(c jwt.MapClaims) { c["nbf"] = tokenNow.Add(31 * time.Second).Unix() }, false},
		"issued in the future":   {func(c jwt.MapClaims) { c["iat"] = tokenNow.Add(31 * time.Second).Unix() }, false},
		"other issuer":           {func(c jwt.MapClaims) { c["iss"] = "https://accounts.google.com.evil" }, false},
		"no issuer":              {func(c jwt.MapClaims) { delete(c, "iss") }, false},
		"issuer no text":         {func(c jwt.MapClaims) { c["iss"] = 1 }, false},
		"other audience":         {func(c jwt.MapClaims) { c["aud"] = "https://evil.example.com" }, false},
		"no audience":            {func(c jwt.MapClaims) { delete(c, "aud") }, false},
		"audience of other kind": {func(c jwt.MapClaims) { c["aud"] = map[string]any{"x": 1} }, false},
		"other account":          {func(c jwt.MapClaims) { c["email"] = "x@evil.iam.gserviceaccount.com" }, false},
		"e-mail not verified":    {func(c jwt.MapClaims) { c["email_verified"] = false }, false},
		"e-mail list":            {func(c jwt.MapClaims) { c["email"] = []string{"push@project.iam.gserviceaccount.com"} }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			claims := pushClaims()
			test.change(claims)
			requireVerdict(t, test.valid, verifier, tokenRequest(signedToken(t, "RS256", rsaKey(), claims, nil)))
		})
	}
}

func TestJWTHeaderOfRequest(t *testing.T) {
	t.Parallel()
	verifier, err := verify.New(pushConfig(t), verify.Deps{})
	require.NoError(t, err)
	text := signedToken(t, "RS256", rsaKey(), pushClaims(), nil)
	for name, test := range map[string]struct {
		values []string
		valid  bool
	}{
		"bearer":           {[]string{"Bearer " + text}, true},
		"lower case":       {[]string{"bearer  " + text}, true},
		"bare":             {[]string{text}, true},
		"missing":          {nil, false},
		"empty":            {[]string{""}, false},
		"twice":            {[]string{"Bearer " + text, "Bearer " + text}, false},
		"two tokens":       {[]string{"Bearer " + text + ", " + text}, false},
		"too large":        {[]string{"Bearer " + text + strings.Repeat("A", 16<<10)}, false},
		"two parts":        {[]string{text[:strings.LastIndex(text, ".")]}, false},
		"four parts":       {[]string{text + ".x"}, false},
		"padded signature": {[]string{text + "=="}, false},
		"empty signature":  {[]string{text[:strings.LastIndex(text, ".")+1]}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := tokenRequest("")
			req.Header = http.Header{"Authorization": test.values}
			requireVerdict(t, test.valid, verifier, req)
			if !test.valid {
				require.Error(t, verifier.Early(req))
			}
		})
	}
}

// Each of these is a token that an attacker can make, or make a careless reader misread.
func TestJWTConfusion(t *testing.T) {
	t.Parallel()
	config := pushConfig(t)
	verifier, err := verify.New(config, verify.Deps{})
	require.NoError(t, err)
	public := []byte(config.PublicKeys[0].Reveal())
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	unsigned := signedToken(t, "none", jwt.UnsafeAllowNoneSignatureType, pushClaims(), nil)
	claims, err := json.Marshal(pushClaims())
	require.NoError(t, err)
	for name, text := range map[string]string{
		"HS256 with the public key": signedToken(t, "HS256", public, pushClaims(), nil),
		"none":                      unsigned,
		"None":                      signedToken(t, "none", jwt.UnsafeAllowNoneSignatureType, pushClaims(), map[string]any{"alg": "None"}),
		"another algorithm":         signedToken(t, "RS512", rsaKey(), pushClaims(), nil),
		"PSS":                       signedToken(t, "PS256", rsaKey(), pushClaims(), nil),
		"another key":               signedToken(t, "RS256", other, pushClaims(), nil),
		"a key that it brings": signedToken(t, "RS256", other, pushClaims(), map[string]any{
			"jku": "https://evil.example.com/jwks", "x5u": "https://evil.example.com/x5u", "kid": "../../dev/null",
			"jwk": map[string]any{"kty": "RSA"},
		}),
		"crit":               signedToken(t, "RS256", rsaKey(), pushClaims(), map[string]any{"crit": []string{"exp"}}),
		"kid of other kind":  signedToken(t, "RS256", rsaKey(), pushClaims(), map[string]any{"kid": 1}),
		"kid too long":       signedToken(t, "RS256", rsaKey(), pushClaims(), map[string]any{"kid": strings.Repeat("k", 257)}),
		"alg of other kind":  rawToken(t, "RS256", rsaKey(), `{"alg":["RS256"]}`, string(claims)),
		"alg twice":          rawToken(t, "RS256", rsaKey(), `{"alg":"none","alg":"RS256"}`, string(claims)),
		"no header":          rawToken(t, "RS256", rsaKey(), ``, string(claims)),
		"claim twice":        rawToken(t, "RS256", rsaKey(), `{"alg":"RS256"}`, `{"aud":"evil",`+string(claims[1:])),
		"claims go on":       rawToken(t, "RS256", rsaKey(), `{"alg":"RS256"}`, string(claims)+`{}`),
		"claims are a list":  rawToken(t, "RS256", rsaKey(), `{"alg":"RS256"}`, `[]`),
		"claims are null":    rawToken(t, "RS256", rsaKey(), `{"alg":"RS256"}`, `null`),
		"claims in capitals": rawToken(t, "RS256", rsaKey(), `{"alg":"RS256"}`, strings.ToUpper(string(claims))),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := tokenRequest(text)
			requireVerdict(t, false, verifier, req)
			require.Error(t, verifier.Early(req), "a key is at hand, so no body need be read")
		})
	}
}

func TestJWTAnyFlippedByteRefuses(t *testing.T) {
	t.Parallel()
	verifier, err := verify.New(pushConfig(t), verify.Deps{})
	require.NoError(t, err)
	text := signedToken(t, "RS256", rsaKey(), pushClaims(), nil)
	for i := range text {
		changed := []byte(text)
		changed[i] ^= 1
		_, err := verifier.Verify(t.Context(), tokenRequest(string(changed)))
		require.Error(t, err, "byte %d", i)
	}
}

func TestJWTRoundTripOfEveryAlgorithm(t *testing.T) {
	t.Parallel()
	p256, p384, p521, edward := ecdsaKey(t, elliptic.P256()), ecdsaKey(t, elliptic.P384()), ecdsaKey(t, elliptic.P521()), ed25519Key(t)
	for alg, key := range map[string]crypto.Signer{
		"RS256": rsaKey(), "RS384": rsaKey(), "RS512": rsaKey(), "PS256": rsaKey(), "PS384": rsaKey(), "PS512": rsaKey(),
		"ES256": p256, "ES384": p384, "ES512": p521, "EdDSA": edward, "Ed25519": edward, "ED25519": edward,
		"HS256": nil, "HS384": nil, "HS512": nil,
	} {
		t.Run(alg, func(t *testing.T) {
			t.Parallel()
			config := verify.Config{Type: "jwt", JWT: &verify.JWT{
				Header: "X-Token", Algorithms: []string{alg}, Issuer: "me", Audience: []string{"you"}, Type: "application/alert+jwt",
				URLHash: "url_hash", BodyHash: "body_hash", Claims: map[string]string{"n": "7"}, MaxAge: time.Minute,
			}}
			if key == nil {
				config.Secrets = []secret.Secret{secret.New("new secret of the sender"), secret.New("old secret")}
			} else {
				config.PublicKeys = []secret.Secret{tokenPEM(t, rsaKey().Public()), tokenPEM(t, key.Public())}
			}
			verifier, err := verify.New(config, verify.Deps{})
			require.NoError(t, err)
			for _, body := range []string{"", `{"a":1}`} {
				out := httptest.NewRequest(http.MethodPost, "https://sever.example.com/v1/hooks/x?b=2&a=1", http.NoBody)
				sent, err := verify.Sign(config, key, out, []byte(body), tokenNow)
				require.NoError(t, err)
				came := source.Request{
					Method: http.MethodPost, URL: out.URL, Host: out.Host, TLS: true, Header: out.Header, Body: sent, Now: tokenNow,
				}
				requireVerdict(t, true, verifier, came)
				came.Body = append(came.Body, ' ')
				requireVerdict(t, false, verifier, came)
				came.Body = sent
				came.Now = tokenNow.Add(time.Minute + time.Second)
				requireVerdict(t, false, verifier, came)
				came.Now = tokenNow
				came.TLS = false
				requireVerdict(t, false, verifier, came)
			}
		})
	}
}

// Without an expiry, max_age still bounds how long a token is good, and from when on.
func TestJWTTimelessWithMaxAge(t *testing.T) {
	t.Parallel()
	config := pushConfig(t)
	config.JWT.Timeless, config.JWT.MaxAge = true, time.Minute
	verifier, err := verify.New(config, verify.Deps{})
	require.NoError(t, err)
	for after, valid := range map[time.Duration]bool{
		0: true, -90 * time.Second: true, -91 * time.Second: false, 30 * time.Second: true, 31 * time.Second: false,
	} {
		claims := pushClaims()
		delete(claims, "exp")
		claims["iat"] = tokenNow.Add(after).Unix()
		requireVerdict(t, valid, verifier, tokenRequest(signedToken(t, "RS256", rsaKey(), claims, nil)))
	}
	claims := pushClaims()
	delete(claims, "iat")
	requireVerdict(t, false, verifier, tokenRequest(signedToken(t, "RS256", rsaKey(), claims, nil)))
}

func TestJWTKnownURL(t *testing.T) {
	t.Parallel()
	sum := sha256.Sum256([]byte("https://public.example.com/hook?a=1"))
	config := verify.Config{
		Type: "jwt", Secrets: []secret.Secret{secret.New("s")}, URL: "https://public.example.com/hook",
		JWT: &verify.JWT{Algorithms: []string{"HS256"}, URLHash: "url_hash", Timeless: true},
	}
	verifier, err := verify.New(config, verify.Deps{})
	require.NoError(t, err)
	text := signedToken(t, "HS256", []byte("s"), map[string]any{"url_hash": strings.ToUpper(hex.EncodeToString(sum[:]))}, nil)
	requireVerdict(t, true, verifier, tokenRequest(text))

	config.JWT.URLHash = "" // then the URL is the audience
	verifier, err = verify.New(config, verify.Deps{})
	require.NoError(t, err)
	requireVerdict(t, false, verifier, tokenRequest(text))
	requireVerdict(t, true, verifier, tokenRequest(signedToken(t, "HS256", []byte("s"), map[string]any{"aud": config.URL}, nil)))
}

func TestJWTCheck(t *testing.T) {
	t.Parallel()
	valid := func() verify.Config { return pushConfig(t) }
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	for name, test := range map[string]struct {
		change func(c *verify.Config)
		field  string // "" for a mistake that only New finds
	}{
		"no jwt":               {func(c *verify.Config) { c.JWT = nil }, "jwt"},
		"no keys":              {func(c *verify.Config) { c.PublicKeys = nil }, "jwt.jwks"},
		"keys twice":           {func(c *verify.Config) { c.JWT.JWKS = "https://example.com/jwks" }, "jwt.jwks"},
		"secret and key":       {func(c *verify.Config) { c.Secrets = []secret.Secret{secret.New("x")} }, "jwt.jwks"},
		"http":                 {func(c *verify.Config) { c.PublicKeys, c.JWT.JWKS = nil, "http://example.com/jwks" }, "jwt.jwks"},
		"http, looks loopback": {func(c *verify.Config) { c.PublicKeys, c.JWT.JWKS = nil, "http://127.0.0.1.evil.com/jwks" }, "jwt.jwks"},
		"file":                 {func(c *verify.Config) { c.PublicKeys, c.JWT.JWKS = nil, "file:///etc/passwd" }, "jwt.jwks"},
		"none":                 {func(c *verify.Config) { c.JWT.Algorithms = []string{"RS256", "none"} }, "jwt.algorithms[1]"},
		"HS with a key":        {func(c *verify.Config) { c.JWT.Algorithms = []string{"HS256"} }, "jwt.algorithms[0]"},
		"secret with RS":       {func(c *verify.Config) { c.PublicKeys, c.Secrets = nil, []secret.Secret{secret.New("x")} }, "jwt.algorithms[0]"},
		"anybody's token": {func(c *verify.Config) {
			c.PublicKeys, c.JWT = nil, &verify.JWT{JWKS: "https://example.com/jwks", Issuer: "x"}
		}, "jwt.audience"},
		"set for anybody": {func(c *verify.Config) { c.Type, c.JWT.Audience = "set", nil }, "jwt.audience"},
		"set of anybody":  {func(c *verify.Config) { c.Type, c.JWT.Issuer = "set", "" }, "jwt.issuer"},
		"set for ever":    {func(c *verify.Config) { c.Type, c.JWT.Timeless = "set", true }, "jwt.timeless"},
		"set with HS":     {func(c *verify.Config) { c.Type, c.JWT.Algorithms = "set", []string{"HS256"} }, "jwt.algorithms[0]"},
		"empty secret": {func(c *verify.Config) {
			c.PublicKeys, c.Secrets, c.JWT.Algorithms = nil, []secret.Secret{secret.New("")}, []string{"HS256"}
		}, ""},
		"short RSA key": {func(c *verify.Config) { c.PublicKeys = []secret.Secret{tokenPEM(t, weak.Public())} }, ""},
		"no key":        {func(c *verify.Config) { c.PublicKeys = []secret.Secret{secret.New("hello")} }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := valid()
			require.Empty(t, config.Check())
			test.change(&config)
			fields := []string{}
			for _, problem := range config.Check() {
				fields = append(fields, problem.Field)
				require.NotEmpty(t, problem.Message)
				require.NotEmpty(t, problem.Fix)
			}
			if test.field != "" {
				require.Contains(t, fields, test.field)
			}
			_, err := verify.New(config, verify.Deps{HTTP: &http.Client{Timeout: time.Second}})
			require.Error(t, err)
		})
	}
}
