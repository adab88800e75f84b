package main

import (
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/gofrs/flock"
	"github.com/nats-io/nats-server/v2/server" //nolint:depguard // a NATS that is not Sever's own
	"github.com/stretchr/testify/require"

	"sever/okta/oktasim"
)

func TestDoctorOnTheStore(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		prepare func(t *testing.T, dir string) (store string)
		status  string
		message string
	}{
		"free": {
			func(t *testing.T, dir string) string {
				t.Helper()
				require.NoError(t, os.WriteFile(filepath.Join(dir, "sever.lock"), nil, 0o600))
				return dir
			}, checkOK, "is writable",
		},
		"locked": {
			func(t *testing.T, dir string) string {
				t.Helper()
				lock := flock.New(filepath.Join(dir, "sever.lock"))
				taken, err := lock.TryLock()
				require.NoError(t, err)
				require.True(t, taken)
				t.Cleanup(func() { require.NoError(t, lock.Unlock()) })
				return dir
			}, checkFail, "is in use by another process",
		},
		"a file": {
			func(t *testing.T, dir string) string {
				t.Helper()
				file := filepath.Join(dir, "file")
				require.NoError(t, os.WriteFile(file, nil, 0o600))
				return file
			}, checkFail, "is not a folder",
		},
		"below a file": {
			func(t *testing.T, dir string) string {
				t.Helper()
				file := filepath.Join(dir, "file")
				require.NoError(t, os.WriteFile(file, nil, 0o600))
				return filepath.Join(file, "store")
			}, checkFail, "cannot be looked at: not a directory",
		},
		"read-only": {
			func(*testing.T, string) string { return "/proc/sever" }, checkFail, "/proc cannot be written to",
		},
		"below folders to be made": {
			func(_ *testing.T, dir string) string { return filepath.Join(dir, "a", "b") }, checkOK, "does not exist yet",
		},
	} {
		if name == "read-only" && runtime.GOOS != "linux" {
			continue // the tests may run as root, whom only such a folder stops
		}
		p := newPractice(t, oktasim.Options{})
		p.store = test.prepare(t, t.TempDir())
		findings, _ := p.check()
		got := found(t, findings, "store")
		require.Equal(t, test.status, got.Status, "%s: %+v", name, got)
		require.Contains(t, got.Message, test.message, name)
		left, err := filepath.Glob(filepath.Join(p.store, ".sever-doctor-*"))
		require.NoError(t, err)
		require.Empty(t, left, "doctor leaves nothing behind")
	}
}

func TestDoctorOnSpace(t *testing.T) {
	t.Parallel()
	p := newPractice(t, oktasim.Options{})
	p.more = "store: {dir: '" + p.store + "', max_size: 8000000TiB}"
	findings, _ := p.check()
	got := found(t, findings, "store space")
	require.Equal(t, checkWarn, got.Status)
	require.Contains(t, got.Message, "but the store may grow by")
	require.Contains(t, got.Fix, "lower store.max_size")
}

func TestDoctorOnSecretsAndListener(t *testing.T) {
	t.Parallel()
	p := newPractice(t, oktasim.Options{})
	p.shell.env["OKTA_HOOK_SECRET"] = "15-bytes-of-it!"
	other := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(other.Close)
	p.listen = strings.TrimPrefix(other.URL, "http://")
	findings, _ := p.check()
	got := found(t, findings, "okta: secrets")
	require.Equal(t, checkWarn, got.Status)
	require.Equal(t, "sources.okta.verify.secrets[0] is shorter than 16 bytes", got.Message)
	got = found(t, findings, "okta: listener")
	require.Equal(t, checkFail, got.Status)
	require.Contains(t, got.Message, "the endpoint answers 404")

	p.listen, p.admin = "127.0.0.1:0", "127.0.0.1:0"
	findings, _ = p.check()
	require.Contains(t, found(t, findings, "okta: listener").Message, "listen has port 0")
	require.Contains(t, found(t, findings, "running sever").Message, "admin.listen has port 0")
}

func TestDoctorOnTheRunningSever(t *testing.T) {
	t.Parallel()
	p := newPractice(t, oktasim.Options{})
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		message string
	}{
		"not sever": {http.NotFound, "is not sever"},
		"not ready": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/readyz" {
				w.WriteHeader(http.StatusServiceUnavailable)
				_, _ = w.Write([]byte(`{"status":503,"title":"Service Unavailable","detail":"the disk is full"}`))
			}
		}, "is not ready: the disk is full"},
	} {
		running := httptest.NewServer(test.handler)
		p.admin = strings.TrimPrefix(running.URL, "http://")
		findings, _ := p.check()
		running.Close()
		got := found(t, findings, "running sever")
		require.Equal(t, checkFail, got.Status, name)
		require.Contains(t, got.Message, test.message, name)
	}
}

// With TLS the certificate is for the name that senders use, so that somebody listens is all that can be seen from here.
func TestDoctorOnAListenerWithTLS(t *testing.T) {
	t.Parallel()
	secure := newTLSServer(t)
	p := newPractice(t, oktasim.Options{})
	p.listen = strings.TrimPrefix(secure.URL, "https://")
	dir := t.TempDir()
	certificate := secure.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	require.NoError(t, err)
	for name, block := range map[string]pem.Block{
		"cert": {Type: "CERTIFICATE", Bytes: certificate.Certificate[0]}, "key": {Type: "PRIVATE KEY", Bytes: key},
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(&block), 0o600))
	}
	p.more = "tls: {cert: 'file:" + dir + "/cert', key: 'file:" + dir + "/key'}\nstore: {dir: '" + p.store + "'}"
	findings, _ := p.check()
	require.Equal(t, checkOK, found(t, findings, "okta: listener").Status)
	p.listen = nobody
	findings, _ = p.check()
	got := found(t, findings, "okta: listener")
	require.Equal(t, checkWarn, got.Status)
	require.Contains(t, got.Message, "nothing listens there")
}

func TestDoctorOnAnOrgWithAnInvalidCertificate(t *testing.T) {
	t.Parallel()
	p := newPractice(t, oktasim.Options{})
	p.url = newTLSServer(t).URL
	findings, code := p.check()
	require.Equal(t, exitFailed, code)
	got := found(t, findings, "acme: address")
	require.Equal(t, p.url+": the TLS certificate is not valid: x509: certificate signed by unknown authority", got.Message)
	require.Contains(t, got.Fix, "trusted CAs")
	for _, f := range findings {
		require.NotEqual(t, "acme: credential", f.Check, "the credential does not go there")
	}
}

// newTLSServer has a certificate that nobody trusts.
func newTLSServer(t *testing.T) *httptest.Server {
	t.Helper()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	return secure
}

func TestLocalAddress(t *testing.T) {
	t.Parallel()
	for listen, want := range map[string]string{
		"127.0.0.1:8080": "127.0.0.1:8080", "0.0.0.0:8080": "localhost:8080", ":8080": "localhost:8080", "[::]:8080": "localhost:8080",
		"sever.internal:8080": "sever.internal:8080", "127.0.0.1:0": "",
	} {
		address, fixed := localAddress(listen)
		require.Equal(t, want, address, listen)
		require.Equal(t, want != "", fixed, listen)
	}
}

// natsServer runs a NATS server of somebody else.
func natsServer(t *testing.T, change func(*server.Options)) string {
	t.Helper()
	options := &server.Options{
		Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true, JetStream: true, StoreDir: t.TempDir(),
		MaxPayload: 8 << 20, MaxPending: 64 << 20, DisableJetStreamBanner: true,
	}
	change(options)
	srv, err := server.NewServer(options)
	require.NoError(t, err)
	srv.Start()
	require.True(t, srv.ReadyForConnections(soon))
	t.Cleanup(func() {
		srv.Shutdown()
		srv.WaitForShutdown()
	})
	return srv.Addr().(*net.TCPAddr).String()
}

func TestDoctorOnNATS(t *testing.T) {
	t.Parallel()
	p := newPractice(t, oktasim.Options{})
	at := func(address string) []finding {
		p.more = "nats: {url: 'nats://" + address + "', replicas: 1}"
		findings, _ := p.check()
		for _, f := range findings {
			require.NotEqual(t, "store", f.Check)
		}
		return findings
	}
	good := natsServer(t, func(*server.Options) {})
	findings := at(good)
	require.Regexp(t, `^connected to nats-server \d+\.\d+`, found(t, findings, "nats").Message)
	require.Equal(t, checkOK, found(t, findings, "nats max_payload").Status)
	require.Equal(t, finding{"nats streams", checkOK, "none yet; the first start makes them", ""}, found(t, findings, "nats streams"))
	require.Equal(t, found(t, findings, "nats streams"), found(t, at(good), "nats streams"), "doctor makes none")

	p.listen, p.admin = "127.0.0.1:0", "127.0.0.1:0"
	served := p.shell.start(t, "serve", "--config", p.file())
	serving(t, served)
	require.Equal(t, finding{"nats streams", checkOK, "AUDIT, DEAD, DELIVERIES, JOBS, KV_HELD, KV_LEDGER, WAKES", ""}, found(t, at(good), "nats streams"))
	p.more = "nats: {url: 'nats://" + good + "', replicas: 3}"
	findings, _ = p.check()
	require.Contains(t, found(t, findings, "nats streams").Message, "fewer copies than nats.replicas (3)")
	require.Equal(t, exitDone, served.stop(t))

	got := found(t, at(natsServer(t, func(o *server.Options) { o.MaxPayload = 1 << 20 })), "nats max_payload")
	require.Equal(t, checkFail, got.Status)
	require.Contains(t, got.Fix, "set max_payload on the servers to 5657941 or more")

	got = found(t, at(natsServer(t, func(o *server.Options) { o.JetStream = false })), "nats jetstream")
	require.Equal(t, checkFail, got.Status)
	require.Contains(t, got.Fix, "enable JetStream")

	got = found(t, at(natsServer(t, func(o *server.Options) { o.Username, o.Password = "u", "p" })), "nats")
	require.Equal(t, checkFail, got.Status)
	require.Contains(t, got.Fix, "nats.credentials")

	got = found(t, at(nobody), "nats")
	require.Equal(t, checkFail, got.Status)
	require.Contains(t, got.Fix, "correct nats.url")
}
