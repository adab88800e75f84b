package verify

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"sever/source"
)

var (
	errNoCertificate  = errors.New("no client certificate was given")
	errOldCertificate = errors.New("the client certificate is not valid at this time")
	errCertificate    = errors.New("the client certificate is none of the accepted ones")
)

// mtlsVerifier accepts a request over a connection with one of the listed client
// certificates. That the certificate is its owner's and signed by tls.client_ca was
// checked by whoever put it into the Request.
type mtlsVerifier struct {
	names        []string
	fingerprints [][]byte
}

func newMTLS(config Config) (source.Verifier, error) { //nolint:ireturn // as New
	v := &mtlsVerifier{names: config.MTLS.Names}
	for i, text := range config.MTLS.Fingerprints {
		sum, err := fingerprint(text)
		if err != nil {
			return nil, fmt.Errorf("verify.mtls.fingerprints[%d]: %w", i, err)
		}
		v.fingerprints = append(v.fingerprints, sum)
	}
	return v, nil
}

// Early decides all.
func (v *mtlsVerifier) Early(req source.Request) error {
	if len(req.Certificates) == 0 {
		return errNoCertificate
	}
	certificate := req.Certificates[0]
	if req.Now.Before(certificate.NotBefore) || req.Now.After(certificate.NotAfter) {
		return errOldCertificate
	}
	if !v.named(certificate) && !v.known(certificate) {
		return errCertificate
	}
	return nil
}

// Verify decides the same again, so that no caller can do harm by leaving Early out.
func (v *mtlsVerifier) Verify(_ context.Context, req source.Request) (source.Verified, error) {
	return source.Verified{}, v.Early(req)
}

// named looks for an accepted name. Wildcards are no names: *.example.com is compared as it
// is written. The subject's common name is not looked at (RFC 9525).
func (v *mtlsVerifier) named(certificate *x509.Certificate) bool {
	for _, name := range v.names {
		sameHost := func(given string) bool { return strings.EqualFold(given, name) }
		sameURI := func(given *url.URL) bool { return given.String() == name }
		if slices.ContainsFunc(certificate.DNSNames, sameHost) || slices.ContainsFunc(certificate.URIs, sameURI) ||
			slices.Contains(certificate.EmailAddresses, name) {
			return true
		}
	}
	return false
}

func (v *mtlsVerifier) known(certificate *x509.Certificate) bool {
	sum := sha256.Sum256(certificate.Raw)
	match := 0
	for _, accepted := range v.fingerprints {
		match |= subtle.ConstantTimeCompare(sum[:], accepted)
	}
	return match == 1
}

// fingerprint reads a SHA-256 in hex; OpenSSL writes colons in between.
func fingerprint(text string) ([]byte, error) {
	sum, err := hex.DecodeString(strings.ReplaceAll(text, ":", ""))
	if err != nil || len(sum) != sha256.Size {
		return nil, errors.New("not a SHA-256 in hex")
	}
	return sum, nil
}

func (c Config) checkMTLS() []source.Problem {
	if c.MTLS == nil || len(c.MTLS.Names)+len(c.MTLS.Fingerprints) == 0 {
		return []source.Problem{{
			Field:   "mtls.names",
			Message: "missing: every certificate of tls.client_ca would be accepted",
			Fix:     "list the sender's subject alternative names, or fingerprints",
		}}
	}
	var problems []source.Problem
	for i, name := range c.MTLS.Names {
		if name == "" {
			problems = append(problems, source.Problem{Field: "mtls.names[" + strconv.Itoa(i) + "]", Message: "empty", Fix: "write a subject alternative name"})
		}
	}
	for i, text := range c.MTLS.Fingerprints {
		if _, err := fingerprint(text); err != nil {
			problems = append(problems, source.Problem{
				Field: "mtls.fingerprints[" + strconv.Itoa(i) + "]", Message: err.Error(),
				Fix: "write what openssl x509 -noout -fingerprint -sha256 prints",
			})
		}
	}
	return problems
}
