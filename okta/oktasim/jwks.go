package oktasim

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
)

const (
	minRSABits = 2048
	maxKeys    = 50 // per app
)

// jwk is a JSON Web Key as far as Okta takes it for signing: RSA and EC.
type jwk struct {
	KeyType   string `json:"kty"`
	ID        string `json:"kid,omitempty"`
	Use       string `json:"use,omitempty"`
	Algorithm string `json:"alg,omitempty"`
	N         string `json:"n,omitempty"`
	E         string `json:"e,omitempty"`
	Curve     string `json:"crv,omitempty"`
	X         string `json:"x,omitempty"`
	Y         string `json:"y,omitempty"`
	D         string `json:"d,omitempty"` // only private keys have it
}

// publicKey is a key that signatures are checked with.
type publicKey struct {
	id         string
	algorithm  string // the only one it may be used with; empty means any that fits
	thumbprint string // RFC 7638, SHA-256
	key        crypto.PublicKey
}

// JWKS writes a public key (*rsa.PublicKey or *ecdsa.PublicKey) as the JSON Web Key Set that Client.JWKS and
// PUT /_sim/clients/{id} take.
func JWKS(keyID string, key crypto.PublicKey) (json.RawMessage, error) {
	k := jwk{ID: keyID, Use: "sig"}
	switch key := key.(type) {
	case *rsa.PublicKey:
		k.KeyType, k.N, k.E = "RSA", encodeBytes(key.N.Bytes()), encodeBytes(big.NewInt(int64(key.E)).Bytes())
	case *ecdsa.PublicKey:
		point, err := key.Bytes()
		if err != nil {
			return nil, fmt.Errorf("write key set: %w", err)
		}
		half := len(point) / 2
		k.KeyType, k.Curve = "EC", key.Curve.Params().Name
		k.X, k.Y = encodeBytes(point[1:1+half]), encodeBytes(point[1+half:])
	default:
		return nil, errors.New("write key set: want an RSA or ECDSA public key")
	}
	set, err := json.Marshal(map[string][]jwk{"keys": {k}})
	if err != nil {
		return nil, fmt.Errorf("write key set: %w", err)
	}
	return set, nil
}

// parseJWKS reads the keys of a client. Each needs a kid of its own.
func parseJWKS(raw json.RawMessage) ([]publicKey, error) {
	var set struct {
		Keys []jwk `json:"keys"`
	}
	if err := json.Unmarshal(raw, &set); err != nil {
		return nil, errors.New(`jwks: must be a key set such as {"keys":[{"kty":"EC","kid":"k1",...}]}`)
	}
	if len(set.Keys) == 0 || len(set.Keys) > maxKeys {
		return nil, fmt.Errorf("jwks: must hold 1 to %d keys", maxKeys)
	}
	var keys []publicKey
	for i, k := range set.Keys {
		key, err := k.public()
		switch {
		case err != nil:
			return nil, fmt.Errorf("jwks: keys[%d]: %w", i, err)
		case key.id == "":
			return nil, fmt.Errorf("jwks: keys[%d]: kid: missing", i)
		case slices.ContainsFunc(keys, func(other publicKey) bool { return other.id == key.id }):
			return nil, fmt.Errorf("jwks: keys[%d]: kid: is used twice", i)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func (k jwk) public() (publicKey, error) {
	switch {
	case k.D != "":
		return publicKey{}, errors.New("d: this is a private key; give the public one")
	case k.Use != "" && k.Use != "sig":
		return publicKey{}, errors.New("use: must be sig")
	case k.KeyType == "RSA":
		return k.publicRSA()
	case k.KeyType == "EC":
		return k.publicEC()
	}
	return publicKey{}, errors.New("kty: must be RSA or EC")
}

func (k jwk) publicRSA() (publicKey, error) {
	n, errN := decodeBytes(k.N)
	e, errE := decodeBytes(k.E)
	if errN != nil || errE != nil || len(e) == 0 || len(e) > 4 {
		return publicKey{}, errors.New("n, e: must be base64url numbers")
	}
	key := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
	if key.N.BitLen() < minRSABits || key.E < 3 || key.E%2 == 0 {
		return publicKey{}, fmt.Errorf("n, e: must be an RSA key of at least %d bits", minRSABits)
	}
	hash := thumbprint(struct {
		E   string `json:"e"`
		Kty string `json:"kty"`
		N   string `json:"n"`
	}{encodeBytes(big.NewInt(int64(key.E)).Bytes()), "RSA", encodeBytes(key.N.Bytes())})
	return publicKey{id: k.ID, algorithm: k.Algorithm, thumbprint: hash, key: key}, nil
}

func (k jwk) publicEC() (publicKey, error) {
	curve := map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()}[k.Curve]
	if curve == nil {
		return publicKey{}, errors.New("crv: must be P-256, P-384 or P-521")
	}
	size := (curve.Params().BitSize + 7) / 8
	x, errX := decodeBytes(k.X)
	y, errY := decodeBytes(k.Y)
	if errX != nil || errY != nil || len(x) != size || len(y) != size {
		return publicKey{}, fmt.Errorf("x, y: must be %d bytes each in base64url", size)
	}
	key, err := ecdsa.ParseUncompressedPublicKey(curve, slices.Concat([]byte{4}, x, y))
	if err != nil {
		return publicKey{}, errors.New("x, y: are not on the curve")
	}
	hash := thumbprint(struct {
		Crv string `json:"crv"`
		Kty string `json:"kty"`
		X   string `json:"x"`
		Y   string `json:"y"`
	}{k.Curve, "EC", encodeBytes(x), encodeBytes(y)})
	return publicKey{id: k.ID, algorithm: k.Algorithm, thumbprint: hash, key: key}, nil
}

// fits reports whether an algorithm may be used with the key.
func (k publicKey) fits(algorithm string) bool {
	if k.algorithm != "" && k.algorithm != algorithm {
		return false
	}
	switch key := k.key.(type) {
	case *rsa.PublicKey:
		return algorithm == "RS256" || algorithm == "RS384" || algorithm == "RS512"
	case *ecdsa.PublicKey:
		return algorithm == map[int]string{256: "ES256", 384: "ES384", 521: "ES512"}[key.Curve.Params().BitSize]
	}
	return false
}

// thumbprint hashes the required members of a key, in alphabetical order.
// https://www.rfc-editor.org/rfc/rfc7638
func thumbprint(members any) string {
	b, err := json.Marshal(members)
	if err != nil {
		return "" // plain text always marshals
	}
	sum := sha256.Sum256(b)
	return encodeBytes(sum[:])
}

func encodeBytes(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func decodeBytes(s string) ([]byte, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil {
		return nil, fmt.Errorf("base64url: %w", err)
	}
	return b, nil
}
