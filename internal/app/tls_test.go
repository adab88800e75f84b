package app_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/revocation"
)

// authority signs certificates for a test.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	a := authority{t: t, dir: t.TempDir()}
	a.cert, a.key = a.sign("ca", &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

// sign writes name.pem and name.key. Without an authority yet, the certificate signs itself.
func (a authority) sign(name string, template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(a.t, err)
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.Subject = pkix.Name{CommonName: name}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := template, key
	if a.cert != nil {
		parent, signer = a.cert, a.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	require.NoError(a.t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(a.t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(a.t, err)
	for file, block := range map[string]*pem.Block{
		name + ".pem": {Type: "CERTIFICATE", Bytes: der}, name + ".key": {Type: "PRIVATE KEY", Bytes: private},
	} {
		require.NoError(a.t, os.WriteFile(filepath.Join(a.dir, file), pem.EncodeToMemory(block), 0o600))
	}
	return cert, key
}

// client trusts the authority and shows the named certificate, if any.
func (a authority) client(show string) *http.Client {
	a.t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(a.cert)
	config := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	if show != "" {
		pair, err := tls.LoadX509KeyPair(filepath.Join(a.dir, show+".pem"), filepath.Join(a.dir, show+".key"))
		require.NoError(a.t, err)
		config.Certificates = []tls.Certificate{pair}
	}
	transport := &http.Transport{TLSClientConfig: config}
	a.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: soon}
}

func TestSendersMayBeAskedForACertificate(t *testing.T) {
	t.Parallel()
	ours, strangers := newAuthority(t), newAuthority(t)
	ours.sign("server", &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	client := &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	ours.sign("sender", client)
	strangers.sign("sender", &x509.Certificate{ExtKeyUsage: client.ExtKeyUsage})
	r := newRig(t, settings{tls: fmt.Sprintf("{cert: \"file:%[1]s/server.pem\", key: \"file:%[1]s/server.key\", client_ca: \"file:%[1]s/ca.pem\"}", ours.dir)})
	require.Contains(t, r.app.URL(), "https://")

	plain := r.client
	for name, stranger := range map[string]*http.Client{
		"no certificate":      ours.client(""),
		"another authority's": func() *http.Client { c := strangers.client("sender"); c.Transport = withRoots(ours, c); return c }(),
	} {
		r.client = stranger
		_, err := r.do(http.MethodPost, r.app.URL()+"/v1/hooks/okta", asOkta(hookSecret), suspension(person(1), name))
		require.Error(t, err, name)
	}
	r.client = ours.client("sender")
	r.deliver(suspension(person(1), "with a certificate"))
	r.seen.await(t, audited(revocation.OutcomeRevoked), 1)
	require.Equal(t, http.StatusUnauthorized, r.postWith(asOkta("wrong"), suspension(person(2), "x")).status, "a certificate is no secret")
	r.client = plain
}

// withRoots lets a stranger trust the server, so that only its own certificate is in question.
func withRoots(a authority, c *http.Client) *http.Transport {
	transport, _ := c.Transport.(*http.Transport)
	changed := transport.Clone()
	changed.TLSClientConfig.RootCAs = x509.NewCertPool()
	changed.TLSClientConfig.RootCAs.AddCert(a.cert)
	a.t.Cleanup(changed.CloseIdleConnections)
	return changed
}
