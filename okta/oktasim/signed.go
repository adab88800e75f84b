package oktasim

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// maxSigned is more than any honest assertion or proof needs.
const maxSigned = 16 << 10

// signed is a JSON Web Signature that was read but not yet checked.
type signed struct {
	raw       string
	algorithm string
	header    map[string]any
	claims    jwt.MapClaims
}

// algorithms are the ones Okta takes, for client assertions and for DPoP proofs.
func algorithms() []string {
	return []string{"RS256", "RS384", "RS512", "ES256", "ES384", "ES512"}
}

// readSigned takes a compact JWS apart. ok is false for anything else.
func readSigned(raw string) (read signed, ok bool) {
	if len(raw) > maxSigned {
		return signed{}, false
	}
	claims := jwt.MapClaims{}
	token, _, err := jwt.NewParser().ParseUnverified(raw, claims)
	if token == nil || errors.Is(err, jwt.ErrTokenMalformed) {
		return signed{}, false
	}
	algorithm, _ := token.Header["alg"].(string) // one that golang-jwt does not know is an error too, but not ours to report
	return signed{raw: raw, algorithm: algorithm, header: token.Header, claims: claims}, true
}

// allowed reports whether it is signed with an algorithm that Okta takes.
func (s signed) allowed() bool { return slices.Contains(algorithms(), s.algorithm) }

// by reports whether the key made the signature.
func (s signed) by(key publicKey) bool {
	parser := jwt.NewParser(jwt.WithValidMethods(algorithms()), jwt.WithoutClaimsValidation(), jwt.WithStrictDecoding())
	_, err := parser.Parse(s.raw, func(*jwt.Token) (any, error) { return key.key, nil })
	return err == nil && key.fits(s.algorithm)
}

func (s signed) head(name string) string {
	value, _ := s.header[name].(string)
	return value
}

func (s signed) text(claim string) string {
	value, _ := s.claims[claim].(string)
	return value
}

func (s signed) has(claim string) bool {
	_, ok := s.claims[claim]
	return ok
}

// at is a claim that holds seconds since the epoch.
func (s signed) at(claim string) (time.Time, bool) {
	seconds, ok := s.claims[claim].(float64)
	if !ok || math.IsNaN(seconds) || math.Abs(seconds) > 1<<40 {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(seconds * 1000)), true
}

// publicKey is the key in the jwk header, which a DPoP proof brings along.
func (s signed) publicKey() (publicKey, bool) {
	raw, err := json.Marshal(s.header["jwk"])
	if err != nil {
		return publicKey{}, false
	}
	var k jwk
	if err := json.Unmarshal(raw, &k); err != nil {
		return publicKey{}, false
	}
	key, err := k.public()
	return key, err == nil
}
