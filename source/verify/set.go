package verify

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"sever/source"
)

const (
	setType = "secevent+jwt"
	// setMaxAge is the oldest event that is accepted where jwt.max_age does not say: as long
	// as the delivery log remembers what it has seen, so that no event can be replayed.
	setMaxAge = 7 * 24 * time.Hour
	// maxJTI bounds an event's id, in bytes.
	maxJTI = 1024
)

// setVerifier accepts a Security Event Token (RFC 8417) as SSF 1.0, section 4.1, wants it,
// pushed as in RFC 8935: the body is the token. Its errors are *source.SETError, except
// those that wrap source.ErrUnavailable.
type setVerifier struct {
	rules tokenRules
	keys  keyFinder
	sums  [][sha256.Size]byte // of the values of Authorization; none for any
}

func newSET(config Config, deps Deps) (source.Verifier, error) { //nolint:ireturn // as New
	keys, err := newTokenKeys(config, deps)
	if err != nil {
		return nil, err
	}
	v := &setVerifier{rules: newTokenRules(config), keys: keys}
	v.rules.typ = setType
	if v.rules.maxAge == 0 {
		v.rules.maxAge = setMaxAge
	}
	for i, text := range config.Secrets {
		if text.Reveal() == "" {
			return nil, fmt.Errorf("verify.secrets[%d]: is empty", i)
		}
		v.sums = append(v.sums, sha256.Sum256([]byte(text.Reveal())))
	}
	if remote, ok := keys.(*remoteKeys); ok {
		return refreshed{v, remote}, nil
	}
	return v, nil
}

// Early checks the authorization_header that the stream was made with, if there is one.
func (v *setVerifier) Early(req source.Request) error {
	if len(v.sums) == 0 {
		return nil
	}
	given := req.Header["Authorization"]
	if len(given) != 1 {
		return setError("authentication_failed", "One Authorization header is required.")
	}
	sum := sha256.Sum256([]byte(given[0]))
	match := 0
	for i := range v.sums {
		match |= subtle.ConstantTimeCompare(sum[:], v.sums[i][:])
	}
	if match == 0 {
		return setError("authentication_failed", "The Authorization header is not the stream's.")
	}
	return nil
}

// Verify reads nothing of the header but leaves that to Early: a polled token has none.
func (v *setVerifier) Verify(ctx context.Context, req source.Request) (source.Verified, error) {
	t, err := parseToken(strings.TrimSpace(string(req.Body)))
	if err != nil {
		return source.Verified{}, setError("invalid_request", "The body is not a signed Security Event Token.")
	}
	if err := t.checkKind(v.rules.algorithms, v.rules.typ); err != nil {
		return source.Verified{}, kindError(err)
	}
	keys, err := v.keys.find(ctx, t)
	if errors.Is(err, source.ErrUnavailable) {
		return source.Verified{}, err
	}
	if err != nil {
		return source.Verified{}, setError("invalid_key", "The token is signed with a key that its issuer does not publish.")
	}
	if t.checkSignature(keys) != nil {
		return source.Verified{}, setError("invalid_key", "The token's signature does not match the issuer's keys.")
	}
	return v.checkSET(t.claims, req.Now)
}

func kindError(err error) error {
	if errors.Is(err, errTokenAlgorithm) {
		return setError("invalid_key", "The token's algorithm is not accepted.")
	}
	return setError("invalid_request", "The token's typ is not secevent+jwt.")
}

func (v *setVerifier) checkSET(claims jwt.MapClaims, now time.Time) (source.Verified, error) {
	switch err := v.rules.checkParties(claims); {
	case errors.Is(err, errIssuer):
		return source.Verified{}, setError("invalid_issuer", "The token's iss is not the stream's.")
	case err != nil:
		return source.Verified{}, setError("invalid_audience", "The token's aud is not this receiver's.")
	}
	for _, name := range []string{"exp", "sub"} {
		if _, given := claims[name]; given {
			return source.Verified{}, setError("invalid_request", "The token holds "+name+", which it must not.")
		}
	}
	jti, _ := claims["jti"].(string)
	if jti == "" || len(jti) > maxJTI {
		return source.Verified{}, setError("invalid_request", "The token has no jti that can be used.")
	}
	if events, _ := claims["events"].(map[string]any); len(events) == 0 {
		return source.Verified{}, setError("invalid_request", "The token holds no events.")
	}
	if err := v.checkIssued(claims, now); err != nil {
		return source.Verified{}, err
	}
	if v.rules.checkClaims(claims) != nil {
		return source.Verified{}, setError("invalid_request", "The token lacks a claim that this receiver requires.")
	}
	// Hashed, because both parts are the transmitter's to choose, and may be long.
	sum := sha256.Sum256([]byte(v.rules.issuer + "\n" + jti))
	return source.Verified{ID: hex.EncodeToString(sum[:])}, nil
}

// checkIssued wants an iat that is neither ahead nor older than an event is remembered.
func (v *setVerifier) checkIssued(claims jwt.MapClaims, now time.Time) error {
	issued, err := claims.GetIssuedAt()
	switch {
	case err != nil || issued == nil:
		return setError("invalid_request", "The token has no iat.")
	case issued.Sub(now) > v.rules.leeway:
		return setError("invalid_request", "The token's iat is in the future.")
	case now.Sub(issued.Time) > v.rules.maxAge+v.rules.leeway:
		return setError("invalid_request", "The token is too old.")
	}
	return nil
}

func setError(code, description string) error {
	return &source.SETError{Code: code, Description: description}
}

// signSET makes a token of body, which holds its claims. Who it is from, for whom and since
// when follows the settings and now; a jti is added if there is none.
func signSET(config Config, key crypto.Signer, body []byte, now time.Time) ([]byte, error) {
	if config.JWT == nil {
		return nil, errors.New("sign: verify.jwt is missing")
	}
	if key == nil {
		return nil, fmt.Errorf("sign: %w", ErrNoKey)
	}
	claims := jwt.MapClaims{}
	if err := json.Unmarshal(body, &claims); err != nil || claims == nil {
		return nil, errors.New("sign: the body is not a JSON object of claims")
	}
	config.addParties(claims)
	claims["iat"] = now.Unix()
	if jti, _ := claims["jti"].(string); jti == "" {
		claims["jti"] = rand.Text()
	}
	text, err := config.signToken(key, setType, claims)
	return []byte(text), err
}
