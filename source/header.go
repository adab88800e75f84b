package source

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
)

// HeaderVerifier accepts a request that carries one of its secrets, verbatim, in
// one header. That is all that Okta's event hooks offer: no signature, no
// timestamp (https://developer.okta.com/docs/guides/hooks-best-practices/).
type HeaderVerifier struct {
	header string
	sums   [][sha256.Size]byte // of the secrets: equal length, so a compare takes equal time
}

// What a refused request lacks. The texts name no secret.
var (
	ErrNoSecretGiven = errors.New("the secret's header is missing")
	ErrManySecrets   = errors.New("the secret's header is given several times")
	ErrWrongSecret   = errors.New("the secret is none of the active ones")
)

// NewHeaderVerifier refuses an empty header name, an empty list and empty secrets:
// a source that anyone could use must not start.
func NewHeaderVerifier(header string, secrets []string) (*HeaderVerifier, error) {
	if header == "" {
		return nil, errors.New("verify: the header's name is empty")
	}
	if len(secrets) == 0 {
		return nil, errors.New("verify: no secret is given")
	}
	v := &HeaderVerifier{header: textproto.CanonicalMIMEHeaderKey(header)}
	for i, secret := range secrets {
		if secret == "" {
			return nil, fmt.Errorf("verify: secret %d is empty", i)
		}
		v.sums = append(v.sums, sha256.Sum256([]byte(secret)))
	}
	return v, nil
}

// Verify compares with every secret, in a time that tells nothing about them.
func (v *HeaderVerifier) Verify(header http.Header) error {
	given := header[v.header]
	switch {
	case len(given) == 0:
		return ErrNoSecretGiven
	case len(given) > 1:
		return ErrManySecrets // which one a proxy before us checked is anyone's guess
	}
	sum := sha256.Sum256([]byte(given[0]))
	match := 0
	for i := range v.sums {
		match |= subtle.ConstantTimeCompare(sum[:], v.sums[i][:])
	}
	if match == 0 {
		return ErrWrongSecret
	}
	return nil
}
