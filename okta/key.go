package okta

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

const (
	maxKeyFile = 64 << 10
	minRSABits = 2048 // Okta takes no shorter one
)

// Key is a private key whose public half is registered with the app in Okta. ID and PEM are required.
type Key struct {
	// ID is the "kid" of the public key in Okta.
	ID string
	// Alg is RS256, RS384, RS512, ES256, ES384 or ES512. Empty means RS256 for an RSA key and for an elliptic curve key the
	// one that belongs to its curve.
	Alg string
	// PEM returns the key as PKCS #8, PKCS #1 or SEC 1, not encrypted. It is asked before every token renewal, so that a
	// key can be exchanged without a restart. See [KeyPEM] and [KeyFile].
	PEM func() ([]byte, error)
}

// KeyPEM is a key that never changes.
func KeyPEM(text []byte) func() ([]byte, error) {
	text = bytes.Clone(text)
	return func() ([]byte, error) { return text, nil }
}

// KeyFile is a key that is read from a file again before every token renewal.
func KeyFile(path string) func() ([]byte, error) {
	return func() ([]byte, error) {
		file, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("read key: %w", err)
		}
		defer func() { _ = file.Close() }()
		text, err := io.ReadAll(io.LimitReader(file, maxKeyFile+1))
		if err != nil {
			return nil, fmt.Errorf("read key: %w", err)
		}
		if len(text) > maxKeyFile {
			return nil, fmt.Errorf("%s: is too large for a key", path)
		}
		return text, nil
	}
}

// signingKey is a Key that was read. Only the renewal in flight uses it, so it needs no lock.
type signingKey struct {
	cfg    Key
	method jwt.SigningMethod
	key    crypto.Signer
}

func newSigningKey(cfg Key) (*signingKey, error) {
	switch {
	case cfg.ID == "":
		return nil, errors.New("ID: missing; give the kid that the key has in Okta")
	case !allVisibleASCII(cfg.ID):
		return nil, errors.New("ID: holds a space or another character no key id has")
	case cfg.PEM == nil:
		return nil, errors.New("PEM: missing; give KeyFile or KeyPEM")
	}
	k := &signingKey{cfg: cfg}
	if err := k.reload(); err != nil {
		return nil, err
	}
	return k, nil
}

// reload reads the key again. On an error the key stays what it was.
func (k *signingKey) reload() error {
	text, err := k.cfg.PEM()
	if err != nil {
		return fmt.Errorf("PEM: %w", err)
	}
	key, err := parsePrivateKey(text)
	if err != nil {
		return fmt.Errorf("PEM: %w", err)
	}
	method, err := signingMethod(key, k.cfg.Alg)
	if err != nil {
		return err
	}
	k.key, k.method = key, method
	return nil
}

// sign returns the compact JWT of claims.
func (k *signingKey) sign(claims jwt.MapClaims) (string, error) {
	token := jwt.NewWithClaims(k.method, claims)
	token.Header["kid"] = k.cfg.ID
	signed, err := token.SignedString(k.key)
	if err != nil {
		return "", fmt.Errorf("sign assertion: %w", err)
	}
	return signed, nil
}

// parsePrivateKey takes the first private key in a PEM text. It never repeats its input.
func parsePrivateKey(text []byte) (crypto.Signer, error) {
	for {
		var block *pem.Block
		block, text = pem.Decode(text)
		if block == nil {
			return nil, errors.New("holds no private key; give an RSA or EC key in PEM form")
		}
		if block.Headers["DEK-Info"] != "" || block.Type == "ENCRYPTED PRIVATE KEY" {
			return nil, errors.New("is an encrypted key; give it without a passphrase and protect the file instead")
		}
		// Whatever else stands before the key, EC PARAMETERS for one, is passed over.
		if strings.HasSuffix(block.Type, "PRIVATE KEY") {
			return parseBlock(block)
		}
	}
}

func parseBlock(block *pem.Block) (crypto.Signer, error) {
	var key any
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	default:
		return nil, fmt.Errorf("is a %s; give an RSA or EC key", excerpt(block.Type, 40))
	}
	if err != nil {
		return nil, fmt.Errorf("is not a readable %s", block.Type)
	}
	switch key := key.(type) {
	case *rsa.PrivateKey:
		if key.N.BitLen() < minRSABits {
			return nil, fmt.Errorf("is an RSA key of %d bits; give one of at least %d", key.N.BitLen(), minRSABits)
		}
		return key, nil
	case *ecdsa.PrivateKey:
		return key, nil
	}
	return nil, errors.New("is neither RSA nor EC; give one of these")
}

// signingMethod is the method named alg, or the key's first choice, as far as the key can do it.
func signingMethod(key crypto.Signer, alg string) (jwt.SigningMethod, error) { //nolint:ireturn // jwt's methods are of several types
	methods := methodsOf(key)
	if len(methods) == 0 {
		return nil, errors.New("PEM: is an EC key of a curve Okta does not take; give a P-256, P-384 or P-521 key")
	}
	if alg == "" {
		return methods[0], nil
	}
	fits := func(m jwt.SigningMethod) bool { return m.Alg() == alg }
	if i := slices.IndexFunc(methods, fits); i >= 0 {
		return methods[i], nil
	}
	return nil, fmt.Errorf("alg %s does not fit the key; leave Alg empty for %s", excerpt(alg, 20), methods[0].Alg())
}

func methodsOf(key crypto.Signer) []jwt.SigningMethod {
	ec, ok := key.(*ecdsa.PrivateKey)
	switch {
	case !ok:
		return []jwt.SigningMethod{jwt.SigningMethodRS256, jwt.SigningMethodRS384, jwt.SigningMethodRS512}
	case ec.Curve == elliptic.P256():
		return []jwt.SigningMethod{jwt.SigningMethodES256}
	case ec.Curve == elliptic.P384():
		return []jwt.SigningMethod{jwt.SigningMethodES384}
	case ec.Curve == elliptic.P521():
		return []jwt.SigningMethod{jwt.SigningMethodES512}
	}
	return nil
}
