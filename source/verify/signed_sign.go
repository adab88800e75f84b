package verify

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"time"

	"sever/source"
)

// signSigned sets the headers that a sender sets: timestamp, id, label and signature. An id
// that is there already is kept, as a sender keeps it when it tries again. A timestamp or
// id in the body must be there already.
func signSigned(config Config, key crypto.Signer, req *http.Request, body []byte, now time.Time) error {
	if err := config.setSignedHeaders(req, now); err != nil {
		return err
	}
	verifier, err := config.signedForm()
	if err != nil {
		return err
	}
	out := source.Request{
		Method: req.Method, URL: req.URL, Host: req.Host, TLS: req.URL.Scheme == "https",
		Header: req.Header, Body: body, Now: now,
	}
	if out.Host == "" {
		out.Host = req.URL.Host
	}
	in := found{}
	if config.Timestamp != nil {
		in.timestamp = config.Timestamp.format(now)
	}
	m, err := verifier.fill(out, &in)
	if err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	signature, err := config.signature(key, m)
	if err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	req.Header.Set(config.Header, verifier.form.write(signature, in.timestamp))
	return nil
}

func (c Config) setSignedHeaders(req *http.Request, now time.Time) error {
	if c.Timestamp != nil && c.Timestamp.Header != "" {
		req.Header.Set(c.Timestamp.Header, c.Timestamp.format(now))
	}
	if c.ID != nil && c.ID.Header != "" && req.Header.Get(c.ID.Header) == "" {
		req.Header.Set(c.ID.Header, rand.Text())
	}
	if c.Labels != nil {
		if len(c.Labels.Names) == 0 {
			return errors.New("sign: verify.labels.names is empty")
		}
		req.Header.Set(c.Labels.Header, c.Labels.Names[0])
	}
	return nil
}

func (c Config) signature(key crypto.Signer, m *filled) ([]byte, error) {
	kind, known := c.hashKind()
	if !known {
		return nil, errors.New("verify.hash: is unknown")
	}
	switch c.Type {
	case "hmac", "hash":
		if len(c.Secrets) == 0 {
			return nil, errors.New("verify.secrets: is empty")
		}
		secret, err := c.secretBytes(c.Secrets[0])
		if err != nil {
			return nil, fmt.Errorf("verify.secrets[0]: %w", err)
		}
		state := newDigestProof(c.Type, kind, secret).states.Get().(*digestState) //nolint:forcetypeassert // as in match
		return state.digest(m), nil
	}
	if key == nil {
		return nil, fmt.Errorf("type %s: %w", c.Type, ErrNoKey)
	}
	return c.asymmetric(key, kind, m)
}

func (c Config) asymmetric(key crypto.Signer, kind hashKind, m *filled) ([]byte, error) {
	var text []byte
	var options crypto.SignerOpts
	switch key.Public().(type) {
	case ed25519.PublicKey:
		text, options = contiguous(m), crypto.Hash(0)
	case *ecdsa.PublicKey:
		text, options = digest(m, hashKind{make: sha256.New}), crypto.SHA256
	case *rsa.PublicKey:
		text, options = digest(m, kind), kind.id
		if c.Padding == "pss" {
			options = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: kind.id}
		}
	}
	if err := c.fits(key.Public()); err != nil {
		return nil, fmt.Errorf("the private key %w", err)
	}
	signature, err := key.Sign(rand.Reader, text, options)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Type, err)
	}
	return signature, nil
}
