package verify

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // only with weak: true
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // only with weak: true
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"hash"
	"math/big"
	"sync"

	"sever/internal/secret"
)

// proof is one secret or public key, ready for use by several requests at once.
type proof interface {
	// match reports whether one of the signatures is this key's over m.
	match(m *filled, signatures [][]byte) bool
}

type hashKind struct {
	make func() hash.Hash
	id   crypto.Hash
	weak bool
}

// hashKind gives the hash that the settings name; false if there is none of that name.
func (c Config) hashKind() (hashKind, bool) {
	switch c.Hash {
	case "", "sha256":
		return hashKind{sha256.New, crypto.SHA256, false}, true
	case "sha384":
		return hashKind{sha512.New384, crypto.SHA384, false}, true
	case "sha512":
		return hashKind{sha512.New, crypto.SHA512, false}, true
	case "sha1":
		return hashKind{sha1.New, crypto.SHA1, true}, true
	case "md5":
		return hashKind{md5.New, crypto.MD5, true}, true
	default:
		return hashKind{}, false
	}
}

// proofs makes one proof of each secret or key, in their order.
func (c Config) proofs() ([]proof, error) {
	kind, known := c.hashKind()
	if !known {
		return nil, errors.New("verify.hash: is unknown")
	}
	field, from := c.proofSecrets()
	if len(from) == 0 {
		return nil, fmt.Errorf("verify.%s: is empty", field)
	}
	proofs := make([]proof, 0, len(from))
	for i, text := range from {
		p, err := c.proof(kind, text)
		if err != nil {
			return nil, fmt.Errorf("verify.%s[%d]: %w", field, i, err)
		}
		proofs = append(proofs, p)
	}
	return proofs, nil
}

// proofSecrets gives the setting that holds what deliveries are verified with.
func (c Config) proofSecrets() (field string, from []secret.Secret) {
	if c.Type == "hmac" || c.Type == "hash" {
		return "secrets", c.Secrets
	}
	return "public_keys", c.PublicKeys
}

func (c Config) proof(kind hashKind, from secret.Secret) (proof, error) { //nolint:ireturn // one of four kinds
	if c.Type == "hmac" || c.Type == "hash" {
		key, err := c.secretBytes(from)
		if err != nil {
			return nil, err
		}
		return newDigestProof(c.Type, kind, key), nil
	}
	key, err := c.signedKey(from)
	if err != nil {
		return nil, err
	}
	switch key := key.(type) {
	case ed25519.PublicKey:
		return ed25519Proof(key), nil
	case *ecdsa.PublicKey:
		return ecdsaProof{key}, nil
	case *rsa.PublicKey:
		return rsaProof{key: key, hash: kind, pss: c.Padding == "pss"}, nil
	default:
		return nil, errors.New("is a key of an unknown type")
	}
}

// digestProof computes what the signature must be: an HMAC, or a hash that begins with
// the secret. The keyed states are used again, as making one costs more than a small body.
type digestProof struct{ states sync.Pool }

type digestState struct {
	hash    hash.Hash
	lead    []byte // what is hashed first: the secret of a plain hash
	scratch []byte
	sum     []byte
}

func newDigestProof(kindOf string, kind hashKind, key []byte) *digestProof {
	return &digestProof{states: sync.Pool{New: func() any {
		if kindOf == "hash" {
			return &digestState{hash: kind.make(), lead: key}
		}
		return &digestState{hash: hmac.New(kind.make, key)}
	}}}
}

func (p *digestProof) match(m *filled, signatures [][]byte) bool {
	state := p.states.Get().(*digestState) //nolint:forcetypeassert // the pool holds nothing else
	defer p.states.Put(state)
	want := state.digest(m)
	match := false
	for _, signature := range signatures {
		match = hmac.Equal(signature, want) || match
	}
	return match
}

func (s *digestState) digest(m *filled) []byte {
	s.hash.Reset()
	_, _ = s.hash.Write(s.lead)
	s.scratch = m.write(s.hash, s.scratch)
	s.sum = s.hash.Sum(s.sum[:0])
	return s.sum
}

func digest(m *filled, kind hashKind) []byte {
	state := digestState{hash: kind.make()}
	return state.digest(m)
}

type ed25519Proof ed25519.PublicKey

func (p ed25519Proof) match(m *filled, signatures [][]byte) bool {
	text := contiguous(m)
	match := false
	for _, signature := range signatures {
		// Verify takes no signature of another length than 64.
		match = ed25519.Verify(ed25519.PublicKey(p), text, signature) || match
	}
	return match
}

// contiguous gives what is signed in one piece, as package ed25519 wants it.
func contiguous(m *filled) []byte {
	if len(m.template) == 1 && m.template[0].kind == "body" {
		return m.req.Body
	}
	var text bytes.Buffer
	text.Grow(len(m.req.Body) + 256)
	m.write(&text, nil)
	return text.Bytes()
}

type ecdsaProof struct{ key *ecdsa.PublicKey }

func (p ecdsaProof) match(m *filled, signatures [][]byte) bool {
	sum := digest(m, hashKind{make: sha256.New})
	match := false
	for _, signature := range signatures {
		match = ecdsa.VerifyASN1(p.key, sum, signature) || p.matchRaw(sum, signature) || match
	}
	return match
}

// matchRaw takes r and s one after the other, 32 bytes each.
func (p ecdsaProof) matchRaw(sum, signature []byte) bool {
	if len(signature) != 64 {
		return false
	}
	r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
	return ecdsa.Verify(p.key, sum, r, s)
}

type rsaProof struct {
	key  *rsa.PublicKey
	hash hashKind
	pss  bool
}

func (p rsaProof) match(m *filled, signatures [][]byte) bool {
	sum := digest(m, p.hash)
	match := false
	for _, signature := range signatures {
		match = p.verify(sum, signature) == nil || match
	}
	return match
}

func (p rsaProof) verify(sum, signature []byte) error {
	if p.pss {
		return rsa.VerifyPSS(p.key, p.hash.id, sum, signature, nil) //nolint:wrapcheck // only whether it is nil counts
	}
	return rsa.VerifyPKCS1v15(p.key, p.hash.id, sum, signature) //nolint:wrapcheck // the same
}
