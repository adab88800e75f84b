package verify

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"

	"sever/internal/secret"
	"sever/source"
)

// Why a fixed secret is refused. The texts hold neither a secret nor what was sent.
var (
	errNoSecret         = fmt.Errorf("the secret %w", ErrMissing)
	errManySecrets      = fmt.Errorf("the secret %w: it is given several times", ErrMalformed) // which one a proxy before us checked is anyone's guess
	errWrongSecret      = fmt.Errorf("the secret %w any of the active ones", ErrMismatch)
	errUnreadableSecret = fmt.Errorf("the place of the secret %w", ErrMalformed)
)

// newFixed makes the verifiers that need no cryptography of the sender.
func newFixed(config Config) (source.Verifier, error) { //nolint:ireturn // one of the constructors of New
	switch config.Type {
	case "ip":
		return newNetworks(config.Networks)
	case "none":
		return nobody{}, nil // Check has asked for insecure: true
	default:
	}
	if err := haveSecrets(config.Secrets); err != nil {
		return nil, err
	}
	if config.Field != "" {
		return newFieldVerifier(config)
	}
	find, err := config.finder()
	if err != nil {
		return nil, err
	}
	return &fixedVerifier{find: find, sums: sumsOf(config.accepted())}, nil
}

// haveSecrets refuses what would let anyone in, even if Check could not see it because
// the secrets had not been read.
func haveSecrets(secrets []secret.Secret) error {
	if len(secrets) == 0 {
		return errors.New("verify.secrets: no secret given")
	}
	for i, s := range secrets {
		if s.Reveal() == "" {
			return fmt.Errorf("verify.secrets[%d]: the secret is empty", i)
		}
	}
	return nil
}

// finder takes the secret, as the sender gives it, out of a request without a body.
type finder func(req source.Request) (string, error)

func (c Config) finder() (finder, error) {
	switch {
	case c.Type == "basic":
		return basicCredentials, nil
	case c.Type == "bearer":
		return bearerToken(c.Query), nil
	case c.Type == "api_key" && c.Query != "":
		return queryParameter(c.Query), nil
	case c.Type == "api_key" && c.Path:
		return pathToken, nil
	case c.Type == "header", c.Type == "", c.Type == "api_key" && c.Header != "":
		return singleHeader(c.secretHeader()), nil
	default:
		return nil, errors.New("verify.type: there is no such type, or no place for its secret")
	}
}

// accepted are the texts that a finder must find.
func (c Config) accepted() []string {
	texts := make([]string, 0, len(c.Secrets))
	for _, s := range c.Secrets {
		if c.Type == "basic" {
			texts = append(texts, c.User+":"+s.Reveal())
			continue
		}
		texts = append(texts, s.Reveal())
	}
	return texts
}

// fixedVerifier decides before the body is read. Verify decides again, so that no caller
// who leaves Early out is open to anyone.
type fixedVerifier struct {
	find finder
	sums sums
}

func (v *fixedVerifier) Early(req source.Request) error {
	given, err := v.find(req)
	if err != nil {
		return err
	}
	return v.sums.match(given)
}

func (v *fixedVerifier) Verify(_ context.Context, req source.Request) (source.Verified, error) {
	return source.Verified{}, v.Early(req)
}

// nobody accepts everyone: for tests.
type nobody struct{}

func (nobody) Early(source.Request) error { return nil }

func (nobody) Verify(context.Context, source.Request) (source.Verified, error) {
	return source.Verified{}, nil
}

// sums are of the accepted texts: all of one length, so that a compare takes the same
// time whatever is given, and nothing to read if printed by mistake.
type sums [][sha256.Size]byte

func sumsOf(texts []string) sums {
	all := make(sums, 0, len(texts))
	for _, text := range texts {
		all = append(all, sha256.Sum256([]byte(text)))
	}
	return all
}

// match compares with every accepted text, in a time that tells nothing about them.
func (s sums) match(given string) error {
	sum := sha256.Sum256([]byte(given))
	found := 0
	for i := range s {
		found |= subtle.ConstantTimeCompare(sum[:], s[i][:])
	}
	if found == 0 {
		return errWrongSecret
	}
	return nil
}

// signFixed puts the first secret where the sender would.
func signFixed(config Config, req *http.Request, body []byte) ([]byte, error) {
	if config.Type == "ip" || config.Type == "none" || config.Type == "mtls" { // shown by the connection, or not at all
		return body, nil
	}
	if err := haveSecrets(config.Secrets); err != nil {
		return nil, err
	}
	first := config.Secrets[0].Reveal()
	switch config.Type {
	case "basic":
		req.SetBasicAuth(config.User, first)
	case "bearer":
		req.Header.Set("Authorization", "Bearer "+first)
	case "api_key":
		return signAPIKey(config, req, body, first)
	default:
		req.Header.Set(config.secretHeader(), first)
	}
	return body, nil
}
