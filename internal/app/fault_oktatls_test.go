package app_test

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/okta/oktasim"
	"sever/revocation"
)

// tlsOkta is a simulated Okta behind TLS, whose certificate may change.
type tlsOkta struct {
	okta

	shown    atomic.Pointer[tls.Certificate]
	protocol atomic.Int64 // of HTTP, of the newest call
}

func newTLSOkta(t *testing.T) *tlsOkta {
	t.Helper()
	sim := oktasim.New(oktasim.Options{Seed: 1, Token: oktaToken})
	o := &tlsOkta{}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.protocol.Store(int64(r.ProtoMajor))
		sim.ServeHTTP(w, r)
	}))
	server.TLS = &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return o.shown.Load(), nil },
	}
	server.EnableHTTP2 = true
	server.Config.ErrorLog = nil
	server.StartTLS()
	server.TLS.Certificates = nil // or httptest's own would be shown
	t.Cleanup(func() {
		sim.Close()
		server.Close()
	})
	o.okta = okta{sim, server.URL}
	return o
}

// shows changes the certificate.
func (o *tlsOkta) shows(a authority, name string, template *x509.Certificate) {
	a.t.Helper()
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	a.sign(name, template)
	pair, err := tls.LoadX509KeyPair(filepath.Join(a.dir, name+".pem"), filepath.Join(a.dir, name+".key"))
	require.NoError(a.t, err)
	o.shown.Store(&pair)
}

func forLoopback() *x509.Certificate {
	return &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
}

// Somebody who is not Okta answers for it: no call is made and no credential shown, and
// the job is done when Okta itself is back. Not parallel: a process of its own trusts the
// authority, through its environment.
func TestNobodyButOktaIsCalled(t *testing.T) {
	ours, strangers := newAuthority(t), newAuthority(t)
	t.Setenv("SSL_CERT_FILE", filepath.Join(ours.dir, "ca.pem"))
	o := newTLSOkta(t)
	r := prepareRig(t, o.okta, settings{work: brisk})
	o.shows(strangers, "okta", forLoopback())
	p := r.startChild("")
	require.True(t, r.postTo(p, suspension(person(1), "tls")))
	r.seen.await(t, audited(revocation.OutcomeFailed), 1)
	o.shows(ours, "another", &x509.Certificate{DNSNames: []string{"another.example"}})
	r.seen.await(t, audited(revocation.OutcomeFailed), len(r.seen.find(audited(revocation.OutcomeFailed)))+2)
	require.Empty(t, r.okta.Calls())

	o.shows(ours, "okta", forLoopback())
	r.seen.await(t, audited(revocation.OutcomeRevoked), 1)
	require.Equal(t, map[string]int{person(1): 1}, callsFor(r.calls()))
	p.end(t)
}

// Over HTTP/2 all calls share one connection. When it dies without a word, it must not
// take every attempt of the next quarter of an hour with it.
func TestADeadHTTP2ConnectionToOktaIsReplaced(t *testing.T) {
	ours := newAuthority(t)
	t.Setenv("SSL_CERT_FILE", filepath.Join(ours.dir, "ca.pem"))
	o := newTLSOkta(t)
	o.shows(ours, "okta", forLoopback())
	network := newFaultProxy(t, o.url[len("https://"):])
	o.url = "https://" + network.address()
	r := prepareRig(t, o.okta, settings{work: brisk})
	p := r.startChild("")
	require.True(t, r.postTo(p, suspension(person(1), "before")))
	r.seen.await(t, audited(revocation.OutcomeRevoked), 1)
	require.EqualValues(t, 2, o.protocol.Load())

	require.Equal(t, 1, network.blackHole())
	require.True(t, r.postTo(p, suspension(person(2), "after")))
	r.seen.await(t, audited(revocation.OutcomeRevoked), 2)
	require.Equal(t, map[string]int{person(1): 1, person(2): 1}, callsFor(r.calls()))
	p.end(t)
}
