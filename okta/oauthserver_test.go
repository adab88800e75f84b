package okta_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"sever/okta"
)

const clientID = "0oa1gjh63g214q0Hq0g4"

// strictOkta is a token endpoint and an API that refuse whatever Okta would refuse. It answers over HTTP or, as a
// RoundTripper, without a network, so that it can be used under fake time.
type strictOkta struct {
	origin string
	now    func() time.Time

	auth      *okta.OAuth       // of the newest client
	transport http.RoundTripper // of the newest client

	mu       sync.Mutex
	keys     map[string]crypto.PublicKey // by kid
	nonce    string                      // the token endpoint wants it when it is not empty
	apiNonce string                      // the same for the API
	bearer   bool                        // hand out Bearer tokens
	lifetime time.Duration
	refuse   func(call int) *canned // a token answer of the test's own; nil for none
	api      *canned                // an API answer of the test's own
	hold     chan struct{}          // token calls wait until it is closed

	jtis       map[string]bool
	tokens     map[string]string // to the thumbprint of the DPoP key; empty for Bearer
	tokenCalls int
	apiCalls   int
	assertions []*jwt.Token
	proofs     []*jwt.Token
	forms      []map[string][]string
}

func newStrictOkta(origin string) *strictOkta {
	return &strictOkta{
		origin: origin, now: time.Now, keys: map[string]crypto.PublicKey{}, lifetime: time.Hour, jtis: map[string]bool{}, tokens: map[string]string{},
	}
}

// set changes how it behaves from now on.
func (s *strictOkta) set(change func(*strictOkta)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

// counts are the token and the API calls so far.
func (s *strictOkta) counts() (tokens, api int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tokenCalls, s.apiCalls
}

func (s *strictOkta) RoundTrip(r *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	s.ServeHTTP(recorder, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	answer := recorder.Result()
	answer.Request = r
	return answer, nil
}

func (s *strictOkta) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/oauth2/v1/token" {
		s.serveAPI(w, r)
		return
	}
	s.mu.Lock()
	s.tokenCalls++
	hold := s.hold
	s.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-r.Context().Done():
			return
		}
	}
	s.serveToken(w, r)
}

func (s *strictOkta) serveToken(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("X-Okta-Request-Id", fmt.Sprintf("Ztoken%d", s.tokenCalls))
	if s.refuse != nil {
		if answer := s.refuse(s.tokenCalls); answer != nil {
			send(w, *answer)
			return
		}
	}
	if s.nonce != "" {
		w.Header().Set("DPoP-Nonce", s.nonce)
	}
	if code, text := s.checkAssertion(r); code != "" {
		status := http.StatusBadRequest
		if code == "invalid_client" {
			status = http.StatusUnauthorized
		}
		oauthFailure(w, status, code, text)
		return
	}
	answer := map[string]any{"token_type": "Bearer", "expires_in": s.lifetime.Seconds(), "scope": r.PostForm.Get("scope")}
	value := "access.token-" + rand.Text()
	answer["access_token"], s.tokens[value] = value, ""
	if !s.bearer {
		thumbprint, problem := s.checkProof(r, s.nonce, "")
		if problem != "" {
			oauthFailure(w, http.StatusBadRequest, problem, "DPoP proof")
			return
		}
		answer["token_type"], s.tokens[value] = "DPoP", thumbprint
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

// checkAssertion wants private_key_jwt as the guide describes it.
// https://developer.okta.com/docs/guides/implement-oauth-for-okta-serviceapp/
func (s *strictOkta) checkAssertion(r *http.Request) (code, text string) {
	if err := r.ParseForm(); err != nil || r.Method != http.MethodPost {
		return "invalid_request", "not a form"
	}
	s.forms = append(s.forms, r.PostForm)
	if r.PostForm.Get("grant_type") != "client_credentials" ||
		r.PostForm.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
		return "invalid_request", "wrong parameters"
	}
	claims := jwt.MapClaims{}
	assertion, err := jwt.NewParser(
		jwt.WithValidMethods([]string{"RS256", "RS384", "RS512", "ES256", "ES384", "ES512"}), jwt.WithTimeFunc(s.now), jwt.WithIssuedAt(),
		jwt.WithExpirationRequired(), jwt.WithIssuer(clientID), jwt.WithSubject(clientID),
	).ParseWithClaims(r.PostForm.Get("client_assertion"), claims, s.keyOf)
	switch {
	case err != nil:
		return "invalid_client", err.Error()
	case claims["aud"] != s.origin+"/oauth2/v1/token":
		return "invalid_client", "wrong audience"
	case claims["exp"].(float64) > float64(s.now().Add(time.Hour).Unix()):
		return "invalid_client", "expires too far in the future"
	case !s.fresh(claims["jti"]):
		return "invalid_client", "client_assertion token has already been used"
	}
	s.assertions = append(s.assertions, assertion)
	return "", ""
}

func (s *strictOkta) keyOf(t *jwt.Token) (any, error) {
	kid, _ := t.Header["kid"].(string)
	if key, ok := s.keys[kid]; ok {
		return key, nil
	}
	return nil, errors.New("no such key")
}

// fresh reports whether an id was never seen, in an assertion or a proof.
func (s *strictOkta) fresh(jti any) bool {
	id, ok := jti.(string)
	if !ok || id == "" || s.jtis[id] {
		return false
	}
	s.jtis[id] = true
	return true
}

// checkProof wants a DPoP proof as RFC 9449, section 4.3 does, and returns its key's thumbprint or an error code.
func (s *strictOkta) checkProof(r *http.Request, nonce, accessToken string) (thumbprint, problem string) {
	if len(r.Header.Values("DPoP")) != 1 {
		return "", "invalid_dpop_proof"
	}
	claims := jwt.MapClaims{}
	proof, err := jwt.NewParser(jwt.WithValidMethods([]string{"ES256"}), jwt.WithTimeFunc(s.now), jwt.WithIssuedAt()).
		ParseWithClaims(r.Header.Get("DPoP"), claims, func(t *jwt.Token) (any, error) {
			var key *ecdsa.PublicKey
			var err error
			key, thumbprint, err = publicJWK(t.Header["jwk"])
			return key, err
		})
	hash := sha256.Sum256([]byte(accessToken))
	switch {
	case err != nil, proof.Header["typ"] != "dpop+jwt", claims["htm"] != r.Method, claims["htu"] != s.origin+r.URL.EscapedPath(), !s.fresh(claims["jti"]):
		return "", "invalid_dpop_proof"
	case claims["iat"].(float64) < float64(s.now().Add(-5*time.Minute).Unix()):
		return "", "invalid_dpop_proof"
	case accessToken != "" && claims["ath"] != base64.RawURLEncoding.EncodeToString(hash[:]):
		return "", "invalid_dpop_proof"
	case nonce != "" && claims["nonce"] != nonce:
		return "", "use_dpop_nonce"
	}
	s.proofs = append(s.proofs, proof)
	return thumbprint, ""
}

// serveAPI answers 204 to whoever has a good token, and refuses as Okta does: with a header and an empty body.
func (s *strictOkta) serveAPI(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.apiCalls++
	if s.apiNonce != "" {
		w.Header().Set("DPoP-Nonce", s.apiNonce)
	}
	scheme, value, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	bound, known := s.tokens[value]
	problem, status := "", http.StatusUnauthorized
	switch {
	case !known, (scheme == "Bearer") != (bound == ""), scheme != "Bearer" && scheme != "DPoP":
		problem = "invalid_token"
	case scheme == "DPoP":
		var thumbprint string
		if thumbprint, problem = s.checkProof(r, s.apiNonce, value); problem == "" && thumbprint != bound {
			problem = "invalid_dpop_proof"
		}
		if problem == "invalid_dpop_proof" {
			status = http.StatusBadRequest
		}
	case r.Header.Get("DPoP") != "":
		problem = "invalid_token"
	}
	switch {
	case problem != "":
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`%s error=%q, error_description="no"`, scheme, problem))
		w.WriteHeader(status)
	case s.api != nil:
		send(w, *s.api)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

func send(w http.ResponseWriter, answer canned) {
	for name, value := range answer.header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(answer.status)
	_, _ = io.WriteString(w, answer.body)
}

func oauthFailure(w http.ResponseWriter, status int, code, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": code, "error_description": text})
}

// publicJWK takes a public P-256 key and nothing more, with its RFC 7638 thumbprint.
func publicJWK(header any) (*ecdsa.PublicKey, string, error) {
	jwk, _ := header.(map[string]any)
	x, errX := base64.RawURLEncoding.DecodeString(fmt.Sprint(jwk["x"]))
	y, errY := base64.RawURLEncoding.DecodeString(fmt.Sprint(jwk["y"]))
	if errX != nil || errY != nil || len(jwk) != 4 || jwk["kty"] != "EC" || jwk["crv"] != "P-256" {
		return nil, "", errors.New("not a public P-256 key")
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, x, y))
	if err != nil {
		return nil, "", err
	}
	hash := sha256.Sum256(fmt.Appendf(nil, `{"crv":"P-256","kty":"EC","x":%q,"y":%q}`, jwk["x"], jwk["y"]))
	return key, base64.RawURLEncoding.EncodeToString(hash[:]), nil
}

// rsaKey is made once: it takes long.
var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func ecKey(t *testing.T, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	require.NoError(t, err)
	return key
}

func pkcs8(t *testing.T, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// newKey makes a P-256 key that the server knows by kid.
func (s *strictOkta) newKey(t *testing.T, kid string) okta.Key {
	t.Helper()
	key := ecKey(t, elliptic.P256())
	s.set(func(s *strictOkta) { s.keys[kid] = key.Public() })
	return okta.Key{ID: kid, PEM: okta.KeyPEM(pkcs8(t, key))}
}

// startStrict is a client that signs in at a strict Okta without a network.
func startStrict(t *testing.T, change ...func(*okta.OAuthConfig)) (*okta.Client, *strictOkta) {
	t.Helper()
	server := newStrictOkta("https://acme.okta.com")
	client := server.client(t, server, change...)
	return client, server
}

// client is a client that signs in at the server over the transport.
func (s *strictOkta) client(t *testing.T, transport http.RoundTripper, change ...func(*okta.OAuthConfig)) *okta.Client {
	t.Helper()
	cfg := okta.OAuthConfig{OrgURL: s.origin, ClientID: clientID, Keys: []okta.Key{s.newKey(t, "k1")}, Transport: transport}
	for _, c := range change {
		c(&cfg)
	}
	auth, err := okta.PrivateKeyJWT(cfg)
	require.NoError(t, err)
	t.Cleanup(auth.Close)
	s.auth, s.transport = auth, transport
	return newClient(t, s.origin, func(c *okta.Config) { c.Auth, c.Transport = auth, transport })
}

// revoke makes one call and returns its receipt and error.
func revoke(t *testing.T, client *okta.Client) (okta.Receipt, error) {
	t.Helper()
	return client.RevokeUserSessions(t.Context(), alice, okta.RevokeOptions{OAuthTokens: true, ForgetDevices: true})
}

// mustRevoke makes one call that must succeed with so many attempts.
func mustRevoke(t *testing.T, client *okta.Client, attempts int) {
	t.Helper()
	receipt, err := revoke(t, client)
	require.NoError(t, err)
	require.Equal(t, attempts, receipt.Attempts)
}
