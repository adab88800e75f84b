package okta

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	codeUseNonce = "use_dpop_nonce"
	maxNonce     = 512
	// clockSlack is how far ahead of Okta's our clock may be: Okta refuses what was issued in the future. It also refuses a
	// proof older than 5 minutes, which leaves 4 for a clock that is behind.
	clockSlack = time.Minute
)

// prover makes DPoP proofs with a key of its own, which is never the key the app signs in with. An access token is bound
// to it, so it lives as long as the tokens do.
//
// https://developer.okta.com/docs/guides/dpop/ and RFC 9449
type prover struct {
	key *ecdsa.PrivateKey
	jwk map[string]any
	now func() time.Time

	// The token endpoint and the API hand out nonces of their own, and one is no good to the other (RFC 9449, section 9).
	token, api nonce
}

func newProver(now func() time.Time) (*prover, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make DPoP key: %w", err)
	}
	point, err := key.PublicKey.Bytes() // 4, X, Y
	if err != nil {
		return nil, fmt.Errorf("make DPoP key: %w", err)
	}
	half := (len(point) - 1) / 2
	jwk := map[string]any{"kty": "EC", "crv": "P-256", "x": base64URL(point[1 : 1+half]), "y": base64URL(point[1+half:])}
	return &prover{key: key, jwk: jwk, now: now}, nil
}

// prove returns a proof for one request, never to be sent twice. The access token is empty when there is none yet.
func (p *prover) prove(req *http.Request, nonce, accessToken string) (string, error) {
	claims := jwt.MapClaims{
		"htm": req.Method, "htu": withoutQuery(req.URL), "iat": p.now().Add(-clockSlack).Unix(), "jti": rand.Text(),
	}
	if nonce != "" {
		claims["nonce"] = nonce
	}
	if accessToken != "" {
		hash := sha256.Sum256([]byte(accessToken))
		claims["ath"] = base64URL(hash[:])
	}
	proof := jwt.NewWithClaims(jwt.SigningMethodES256, claims)
	proof.Header["typ"] = "dpop+jwt"
	proof.Header["jwk"] = p.jwk
	signed, err := proof.SignedString(p.key)
	if err != nil {
		return "", fmt.Errorf("sign DPoP proof: %w", err)
	}
	return signed, nil
}

// withoutQuery is the htu of a request: its URL as it goes over the wire, without query and fragment.
func withoutQuery(u *url.URL) string {
	return u.Scheme + "://" + u.Host + u.EscapedPath()
}

func base64URL(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// nonce is the newest nonce a server gave.
type nonce struct {
	mu    sync.Mutex
	value string
}

func (n *nonce) get() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.value
}

// learn keeps the nonce an answer carries. It reports whether there was one.
func (n *nonce) learn(answer http.Header) bool {
	value := answer.Get("DPoP-Nonce")
	if value == "" || len(value) > maxNonce || !allVisibleASCII(value) {
		return false
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.value = value
	return true
}
