package verify

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"strings"

	"sever/internal/secret"
)

// minRSABits is what NIST SP 800-131A and RFC 7518, section 3.3, ask for at least.
const minRSABits = 2048

// signedKey reads a public key for one of the types ed25519, ecdsa and rsa: PEM, or the
// same in base64 without the lines round it, or for ed25519 its 32 bytes in secret_encoding.
func (c Config) signedKey(from secret.Secret) (crypto.PublicKey, error) {
	der, err := c.keyBytes(from.Reveal())
	if err != nil {
		return nil, err
	}
	if c.Type == "ed25519" && len(der) == ed25519.PublicKeySize {
		return ed25519.PublicKey(der), nil
	}
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, errors.New("is no public key in PKIX form") // the cause may quote it
	}
	return key, c.fits(key)
}

// fits refuses keys of another type, and those that are too weak.
func (c Config) fits(key crypto.PublicKey) error {
	switch key := key.(type) {
	case ed25519.PublicKey:
		if c.Type == "ed25519" {
			return nil
		}
	case *ecdsa.PublicKey:
		if c.Type == "ecdsa" && key.Curve == elliptic.P256() {
			return nil
		}
		if c.Type == "ecdsa" {
			return errors.New("is not on the curve P-256")
		}
	case *rsa.PublicKey:
		if c.Type == "rsa" && key.N.BitLen() >= minRSABits {
			return nil
		}
		if c.Type == "rsa" {
			return errors.New("has fewer than 2048 bits")
		}
	}
	return errors.New("is a key of another type than " + c.Type)
}

func (c Config) keyBytes(text string) ([]byte, error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "-----BEGIN ") {
		block, rest := pem.Decode([]byte(text))
		if block == nil || block.Type != "PUBLIC KEY" {
			return nil, errors.New("is no PEM block PUBLIC KEY")
		}
		if strings.TrimSpace(string(rest)) != "" {
			return nil, errors.New("holds more than one PEM block")
		}
		return block.Bytes, nil
	}
	text = c.withoutPrefix(text)
	if text == "" {
		return nil, errors.New("is empty")
	}
	if c.SecretEncoding == "hex" {
		der, err := hex.DecodeString(text)
		if err != nil {
			return nil, errors.New("is not hex")
		}
		return der, nil
	}
	der, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil {
		return nil, errors.New("is neither PEM nor base64")
	}
	return der, nil
}
