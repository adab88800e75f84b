package verify

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"github.com/golang-jwt/jwt/v5"

	"sever/internal/secret"
)

// tokenKey is a key that tokens may be signed with: []byte, *rsa.PublicKey,
// *ecdsa.PublicKey or ed25519.PublicKey. id and alg are "" where the issuer gives none.
type tokenKey struct {
	key     crypto.PublicKey
	id, alg string
}

// keyFinder finds the keys that fit a token's algorithm and key id.
type keyFinder interface {
	// atHand answers at once; none does not mean that the issuer has none.
	atHand(t token) []tokenKey
	// find may fetch. It gives at least one key or an error, which wraps
	// source.ErrUnavailable if the keys cannot be had at the moment.
	find(ctx context.Context, t token) ([]tokenKey, error)
}

// fixedKeys are the keys of the settings. They have no ids: each is tried.
type fixedKeys []tokenKey

func (keys fixedKeys) atHand(t token) []tokenKey { return fitting(keys, t) }

func (keys fixedKeys) find(_ context.Context, t token) ([]tokenKey, error) {
	if found := fitting(keys, t); len(found) > 0 {
		return found, nil
	}
	return nil, errTokenKey
}

// fitting picks the keys for a token. The kind of key decides which algorithms it takes
// part in, so a public key is never used as an HMAC secret.
func fitting(keys []tokenKey, t token) []tokenKey {
	var found []tokenKey
	for _, key := range keys {
		sameID := t.kid == "" || key.id == "" || key.id == t.kid
		sameAlg := key.alg == "" || signingMethod(key.alg) == signingMethod(t.alg)
		if sameID && sameAlg && keyFits(key.key, t.alg) {
			found = append(found, key)
		}
	}
	return found
}

func keyFits(key crypto.PublicKey, alg string) bool {
	switch key := key.(type) {
	case []byte:
		return strings.HasPrefix(alg, "HS") && len(key) > 0
	case *rsa.PublicKey:
		return strings.HasPrefix(alg, "RS") || strings.HasPrefix(alg, "PS")
	case *ecdsa.PublicKey:
		method, ok := signingMethod(alg).(*jwt.SigningMethodECDSA)
		return ok && key.Curve.Params().BitSize == method.CurveBits
	case ed25519.PublicKey:
		return signingMethod(alg) == jwt.SigningMethod(jwt.SigningMethodEdDSA)
	}
	return false
}

// signingMethod gives the method of an algorithm, or nil. none is no algorithm here.
func signingMethod(alg string) jwt.SigningMethod { //nolint:ireturn // package jwt has a type for each kind
	switch alg {
	case "HS256":
		return jwt.SigningMethodHS256
	case "HS384":
		return jwt.SigningMethodHS384
	case "HS512":
		return jwt.SigningMethodHS512
	case "EdDSA", "Ed25519", "ED25519": // RFC 8037, RFC 9864, and a spelling met in the wild
		return jwt.SigningMethodEdDSA
	}
	return publicKeyMethod(alg)
}

func publicKeyMethod(alg string) jwt.SigningMethod { //nolint:ireturn // as signingMethod
	switch alg {
	case "RS256":
		return jwt.SigningMethodRS256
	case "RS384":
		return jwt.SigningMethodRS384
	case "RS512":
		return jwt.SigningMethodRS512
	case "PS256":
		return jwt.SigningMethodPS256
	case "PS384":
		return jwt.SigningMethodPS384
	case "PS512":
		return jwt.SigningMethodPS512
	case "ES256":
		return jwt.SigningMethodES256
	case "ES384":
		return jwt.SigningMethodES384
	case "ES512":
		return jwt.SigningMethodES512
	}
	return nil
}

// publicKey reads a public key: PEM, its DER in base64, or the 32 bytes of an Ed25519 key,
// in secret_encoding.
func (c Config) publicKey(from secret.Secret) (crypto.PublicKey, error) {
	der, err := c.keyBytes(from.Reveal())
	if err != nil {
		return nil, err
	}
	if len(der) == ed25519.PublicKeySize {
		return ed25519.PublicKey(der), nil
	}
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, errors.New("is no public key in PKIX form") // the cause may quote it
	}
	return key, strongEnough(key)
}

// strongEnough refuses keys that can be forged or that no algorithm here takes.
func strongEnough(key crypto.PublicKey) error {
	switch key := key.(type) {
	case *rsa.PublicKey:
		if key.N.BitLen() < minRSABits {
			return fmt.Errorf("has %d bits, and %d is the least", key.N.BitLen(), minRSABits)
		}
		return nil
	case *ecdsa.PublicKey, ed25519.PublicKey:
		return nil
	}
	return errors.New("is neither RSA, ECDSA nor Ed25519")
}
