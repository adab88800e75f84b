package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTLSFilesMustFitTogether(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	writePair(t, folder, "a")
	writePair(t, folder, "b")
	require.NoError(t, os.WriteFile(filepath.Join(folder, "text"), []byte("no PEM"), 0o600))

	const unfit = "12: tls.cert: certificate and key cannot be used together: "
	for name, test := range map[string]struct {
		tls  string
		want []string // the start of each problem
	}{
		"good":            {"cert: file:a.crt\n  key: file:a.key", nil},
		"with clients":    {"cert: file:a.crt\n  key: file:a.key\n  client_ca: file:b.crt", nil},
		"foreign key":     {"cert: file:a.crt\n  key: file:b.key", []string{unfit + `"tls: private key does not match public key"`}},
		"not PEM":         {"cert: file:text\n  key: file:a.key", []string{unfit}},
		"swapped":         {"cert: file:a.key\n  key: file:a.crt", []string{unfit}},
		"no certificates": {"cert: file:a.crt\n  key: file:a.key\n  client_ca: file:text", []string{"14: tls.client_ca: holds no certificate; give a PEM file of CA certificates"}},
		"missing file":    {"cert: file:a.crt\n  key: file:c.key", []string{"13: tls.key: file "}},
		"literal":         {"cert: a.crt\n  key: file:a.key", []string{"12: tls.cert: must name a file; write file:PATH"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(folder, filepath.Base(t.Name())+".yaml")
			require.NoError(t, os.WriteFile(path, []byte(minimal+"tls:\n  "+test.tls+"\n"), 0o600))

			config, err := Load(path, testEnv)
			if test.want == nil {
				require.NoError(t, err)
				require.Equal(t, File(filepath.Join(folder, "a.key")), config.TLS.Key)
				require.Empty(t, config.Warnings)

				return
			}
			var found *ProblemsError
			require.ErrorAs(t, err, &found)
			require.Len(t, found.Problems, len(test.want))
			for i, want := range test.want {
				require.Contains(t, found.Problems[i].String(), want)
			}
		})
	}
}

func TestTLSKeyOpenToOthersIsAWarning(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	writePair(t, folder, "a")
	require.NoError(t, os.Chmod(filepath.Join(folder, "a.key"), 0o644))
	path := filepath.Join(folder, "sever.yaml")
	require.NoError(t, os.WriteFile(path, []byte(minimal+"tls:\n  cert: file:a.crt\n  key: file:a.key\n"), 0o600))

	config, err := Load(path, testEnv)
	require.NoError(t, err)
	require.Len(t, config.Warnings, 1)
	require.Equal(t, "tls.key", config.Warnings[0].Field)
	require.Equal(t, 13, config.Warnings[0].Line)
}

// writePair makes a self-signed certificate name.crt and its key name.key.
func writePair(t *testing.T, folder, name string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)

	for suffix, block := range map[string]*pem.Block{
		".crt": {Type: "CERTIFICATE", Bytes: cert},
		".key": {Type: "PRIVATE KEY", Bytes: private},
	} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name+suffix), pem.EncodeToMemory(block), 0o600))
	}
}
