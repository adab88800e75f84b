package verify

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"math/big"
)

// algorithmsOf gives the algorithms of RFC 9421, section 3.3, that a key takes part in,
// the one that is taken where nothing tells first. The key decides: what a sender writes
// into alg can only be among these.
func algorithmsOf(key crypto.PublicKey) []string {
	switch key := key.(type) {
	case []byte:
		return []string{"hmac-sha256"}
	case *rsa.PublicKey:
		return []string{"rsa-pss-sha512", "rsa-v1_5-sha256"}
	case *ecdsa.PublicKey:
		switch key.Curve {
		case elliptic.P256():
			return []string{"ecdsa-p256-sha256"}
		case elliptic.P384():
			return []string{"ecdsa-p384-sha384"}
		}
	case ed25519.PublicKey:
		return []string{"ed25519"}
	}
	return nil
}

// checkRaw reports whether signature is key's, of text.
func checkRaw(alg string, key crypto.PublicKey, text, signature []byte) bool {
	switch key := key.(type) {
	case []byte:
		return hmac.Equal(macSHA256(key, text), signature)
	case ed25519.PublicKey:
		return ed25519.Verify(key, text, signature)
	case *ecdsa.PublicKey:
		half := (key.Curve.Params().BitSize + 7) / 8
		if len(signature) != 2*half {
			return false
		}
		r, s := new(big.Int).SetBytes(signature[:half]), new(big.Int).SetBytes(signature[half:])
		return ecdsa.Verify(key, rawDigest(alg, text), r, s)
	case *rsa.PublicKey:
		if alg == "rsa-v1_5-sha256" {
			return rsa.VerifyPKCS1v15(key, crypto.SHA256, rawDigest(alg, text), signature) == nil
		}
		return rsa.VerifyPSS(key, crypto.SHA512, rawDigest(alg, text), signature, nil) == nil
	}
	return false
}

// rawDigest hashes as the algorithm's name says.
func rawDigest(alg string, text []byte) []byte {
	switch alg {
	case "rsa-pss-sha512":
		sum := sha512.Sum512(text)
		return sum[:]
	case "ecdsa-p384-sha384":
		sum := sha512.Sum384(text)
		return sum[:]
	}
	sum := sha256.Sum256(text)
	return sum[:]
}

func macSHA256(key, text []byte) []byte {
	mac := hmac.New(sha256.New, key)
	_, _ = mac.Write(text)
	return mac.Sum(nil)
}

// signRaw signs text as checkRaw checks it.
func signRaw(alg string, key crypto.Signer, text []byte) ([]byte, error) {
	var err error
	var signature []byte
	switch public := key.Public().(type) {
	case ed25519.PublicKey:
		signature, err = key.Sign(rand.Reader, text, crypto.Hash(0))
	case *rsa.PublicKey:
		options := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA512}
		signature, err = key.Sign(rand.Reader, rawDigest(alg, text), options)
	case *ecdsa.PublicKey:
		private, ok := key.(*ecdsa.PrivateKey)
		if !ok {
			return nil, errors.New("sign: the ECDSA key cannot be used")
		}
		var r, s *big.Int
		r, s, err = ecdsa.Sign(rand.Reader, private, rawDigest(alg, text))
		if err == nil {
			half := (public.Curve.Params().BitSize + 7) / 8
			signature = make([]byte, 2*half)
			r.FillBytes(signature[:half])
			s.FillBytes(signature[half:])
		}
	default:
		return nil, errors.New("sign: the key is neither RSA, ECDSA nor Ed25519")
	}
	if err != nil {
		return nil, fmt.Errorf("sign the message: %w", err)
	}
	return signature, nil
}
