package verify_test

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"math/big"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/source"
	"sever/source/verify"
)

func clientCertificate(tb testing.TB, names x509.Certificate) *x509.Certificate {
	tb.Helper()
	names.SerialNumber, names.Subject = big.NewInt(1), pkix.Name{CommonName: "common.example.com"}
	names.NotBefore, names.NotAfter = tokenNow.Add(-time.Hour), tokenNow.Add(time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, &names, &names, rsaKey().Public(), rsaKey())
	require.NoError(tb, err)
	certificate, err := x509.ParseCertificate(der)
	require.NoError(tb, err)
	return certificate
}

func TestMTLS(t *testing.T) {
	t.Parallel()
	uri, err := url.Parse("spiffe://example.com/siem")
	require.NoError(t, err)
	full := clientCertificate(t, x509.Certificate{
		DNSNames: []string{"x.example.com", "siem.example.com"}, URIs: []*url.URL{uri}, EmailAddresses: []string{"siem@example.com"},
	})
	wild := clientCertificate(t, x509.Certificate{DNSNames: []string{"*.example.com"}})
	other := clientCertificate(t, x509.Certificate{})
	sum := sha256.Sum256(full.Raw)
	hash := hex.EncodeToString(sum[:])
	for name, test := range map[string]struct {
		names, fingerprints []string
		chain               []*x509.Certificate
		after               time.Duration
		valid               bool
	}{
		"DNS":                      {names: []string{"siem.example.com"}, chain: []*x509.Certificate{full}, valid: true},
		"DNS in capitals":          {names: []string{"SIEM.Example.com"}, chain: []*x509.Certificate{full}, valid: true},
		"second name":              {names: []string{"y", "siem.example.com"}, chain: []*x509.Certificate{full}, valid: true},
		"URI":                      {names: []string{"spiffe://example.com/siem"}, chain: []*x509.Certificate{full}, valid: true},
		"URI in capitals":          {names: []string{"spiffe://example.com/SIEM"}, chain: []*x509.Certificate{full}},
		"e-mail":                   {names: []string{"siem@example.com"}, chain: []*x509.Certificate{full}, valid: true},
		"fingerprint":              {fingerprints: []string{hash}, chain: []*x509.Certificate{full}, valid: true},
		"fingerprint in capitals":  {fingerprints: []string{strings.ToUpper(hash)}, chain: []*x509.Certificate{full}, valid: true},
		"name or fingerprint":      {names: []string{"y"}, fingerprints: []string{strings.Repeat("ab", 32), hash}, chain: []*x509.Certificate{full}, valid: true},
		"until its end":            {names: []string{"siem.example.com"}, chain: []*x509.Certificate{full}, after: time.Hour, valid: true},
		"expired":                  {names: []string{"siem.example.com"}, fingerprints: []string{hash}, chain: []*x509.Certificate{full}, after: time.Hour + time.Second},
		"not yet":                  {names: []string{"siem.example.com"}, fingerprints: []string{hash}, chain: []*x509.Certificate{full}, after: -time.Hour - time.Second},
		"none given":               {names: []string{"siem.example.com"}},
		"common name":              {names: []string{"common.example.com"}, chain: []*x509.Certificate{full}},
		"wildcard in certificate":  {names: []string{"siem.example.com"}, chain: []*x509.Certificate{wild}},
		"wildcard in settings":     {names: []string{"*.example.com"}, chain: []*x509.Certificate{full}},
		"other certificate":        {fingerprints: []string{hash}, chain: []*x509.Certificate{other}},
		"only its own counts":      {names: []string{"siem.example.com"}, fingerprints: []string{hash}, chain: []*x509.Certificate{other, full}},
		"the end of a longer name": {names: []string{"example.com"}, chain: []*x509.Certificate{full}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := verify.Config{Type: "mtls", MTLS: &verify.MTLS{Names: test.names, Fingerprints: test.fingerprints}}
			verifier, err := verify.New(config, verify.Deps{})
			require.NoError(t, err)
			req := source.Request{Certificates: test.chain, Now: tokenNow.Add(test.after)}
			if !test.valid {
				require.Error(t, verifier.Early(req))
			}
			requireVerdict(t, test.valid, verifier, req)
		})
	}
}

func TestMTLSCheck(t *testing.T) {
	t.Parallel()
	for field, settings := range map[string]*verify.MTLS{
		"mtls.names":           nil,
		"mtls.names[0]":        {Names: []string{""}},
		"mtls.fingerprints[0]": {Fingerprints: []string{"abcd"}},
		"mtls.fingerprints[1]": {Fingerprints: []string{strings.Repeat("aB:", 31) + "aB", strings.Repeat("zz", 32)}},
	} {
		problems := verify.Config{Type: "mtls", MTLS: settings}.Check()
		require.Len(t, problems, 1, field)
		require.Equal(t, field, problems[0].Field)
	}
	require.Len(t, verify.Config{Type: "mtls", MTLS: &verify.MTLS{}}.Check(), 1)
}
