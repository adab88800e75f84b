package okta_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sever/okta"
)

func sec1(t *testing.T, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.MarshalECPrivateKey(key)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
}

func pkcs1(key *rsa.PrivateKey) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
}

func TestEveryAlgorithmSignsIn(t *testing.T) {
	t.Parallel()
	p256, p384, p521 := ecKey(t, elliptic.P256()), ecKey(t, elliptic.P384()), ecKey(t, elliptic.P521())
	parameters := pem.EncodeToMemory(&pem.Block{Type: "EC PARAMETERS", Bytes: []byte{6, 1, 0}})
	for _, tc := range []struct {
		name string
		key  crypto.Signer
		pem  []byte
		alg  string
		want string
	}{
		{"RSA by default", rsaKey(), pkcs8(t, rsaKey()), "", "RS256"},
		{"RSA PKCS 1", rsaKey(), pkcs1(rsaKey()), "", "RS256"},
		{"RS256", rsaKey(), pkcs8(t, rsaKey()), "RS256", "RS256"},
		{"RS384", rsaKey(), pkcs8(t, rsaKey()), "RS384", "RS384"},
		{"RS512", rsaKey(), pkcs8(t, rsaKey()), "RS512", "RS512"},
		{"P-256 by default", p256, pkcs8(t, p256), "", "ES256"},
		{"P-384 by default", p384, pkcs8(t, p384), "", "ES384"},
		{"P-521 by default", p521, pkcs8(t, p521), "", "ES512"},
		{"ES256 SEC 1", p256, sec1(t, p256), "ES256", "ES256"},
		{"ES384 SEC 1", p384, sec1(t, p384), "ES384", "ES384"},
		{"ES512 SEC 1", p521, sec1(t, p521), "ES512", "ES512"},
		{"as openssl writes it", p256, slices.Concat([]byte("some text\n"), parameters, sec1(t, p256)), "", "ES256"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			client, server := startStrict(t, func(c *okta.OAuthConfig) {
				c.Keys = []okta.Key{{ID: "kid-1", Alg: tc.alg, PEM: okta.KeyPEM(tc.pem)}}
			})
			server.set(func(s *strictOkta) { s.keys["kid-1"] = tc.key.Public() })
			mustRevoke(t, client, 1)
			require.Len(t, server.assertions, 1)
			require.Equal(t, tc.want, server.assertions[0].Header["alg"])
			require.Equal(t, "kid-1", server.assertions[0].Header["kid"])
		})
	}
}

func TestKeysThatAreRefused(t *testing.T) {
	t.Parallel()
	weak, err := rsa.GenerateKey(rand.Reader, 1024) //nolint:mnd // too short
	require.NoError(t, err)
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	good := pkcs8(t, ecKey(t, elliptic.P256()))
	block := func(kind, content string) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: []byte(content)})
	}
	public, err := x509.MarshalPKIXPublicKey(rsaKey().Public())
	require.NoError(t, err)
	locked := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Headers: map[string]string{"DEK-Info": "AES-128-CBC,00"}, Bytes: []byte("x")})
	for name, tc := range map[string]struct {
		key  okta.Key
		want string
	}{
		"no id":           {okta.Key{PEM: okta.KeyPEM(good)}, "ID: missing"},
		"bad id":          {okta.Key{ID: "k 1", PEM: okta.KeyPEM(good)}, "ID: "},
		"no source":       {okta.Key{ID: "k"}, "PEM: missing"},
		"no file":         {okta.Key{ID: "k", PEM: okta.KeyFile(filepath.Join(t.TempDir(), "okta.pem"))}, "okta.pem"},
		"a folder":        {okta.Key{ID: "k", PEM: okta.KeyFile(t.TempDir())}, "read key"},
		"source fails":    {okta.Key{ID: "k", PEM: func() ([]byte, error) { return nil, errors.New("vault is sealed") }}, "vault is sealed"},
		"empty":           {okta.Key{ID: "k", PEM: okta.KeyPEM(nil)}, "no private key"},
		"not PEM":         {okta.Key{ID: "k", PEM: okta.KeyPEM([]byte("hunter2"))}, "no private key"},
		"public":          {okta.Key{ID: "k", PEM: okta.KeyPEM(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}))}, "no private key"},
		"encrypted":       {okta.Key{ID: "k", PEM: okta.KeyPEM(block("ENCRYPTED PRIVATE KEY", "hunter2"))}, "passphrase"},
		"encrypted, old":  {okta.Key{ID: "k", PEM: okta.KeyPEM(locked)}, "passphrase"},
		"OpenSSH":         {okta.Key{ID: "k", PEM: okta.KeyPEM(block("OPENSSH PRIVATE KEY", "hunter2"))}, "RSA or EC"},
		"broken PKCS 8":   {okta.Key{ID: "k", PEM: okta.KeyPEM(block("PRIVATE KEY", "hunter2"))}, "not a readable PRIVATE KEY"},
		"broken PKCS 1":   {okta.Key{ID: "k", PEM: okta.KeyPEM(block("RSA PRIVATE KEY", "hunter2"))}, "not a readable RSA"},
		"broken SEC 1":    {okta.Key{ID: "k", PEM: okta.KeyPEM(block("EC PRIVATE KEY", "hunter2"))}, "not a readable EC"},
		"1024 bits":       {okta.Key{ID: "k", PEM: okta.KeyPEM(pkcs8(t, weak))}, "1024 bits"},
		"P-224":           {okta.Key{ID: "k", PEM: okta.KeyPEM(pkcs8(t, ecKey(t, elliptic.P224())))}, "P-256, P-384 or P-521"},
		"Ed25519":         {okta.Key{ID: "k", PEM: okta.KeyPEM(pkcs8(t, edKey))}, "neither RSA nor EC"},
		"RSA alg for EC":  {okta.Key{ID: "k", Alg: "RS256", PEM: okta.KeyPEM(good)}, "leave Alg empty for ES256"},
		"other curve":     {okta.Key{ID: "k", Alg: "ES384", PEM: okta.KeyPEM(good)}, "leave Alg empty for ES256"},
		"EC alg for RSA":  {okta.Key{ID: "k", Alg: "ES256", PEM: okta.KeyPEM(pkcs8(t, rsaKey()))}, "leave Alg empty for RS256"},
		"symmetric":       {okta.Key{ID: "k", Alg: "HS256", PEM: okta.KeyPEM(good)}, "HS256"},
		"none":            {okta.Key{ID: "k", Alg: "none", PEM: okta.KeyPEM(good)}, "none"},
		"PSS is not ours": {okta.Key{ID: "k", Alg: "PS256", PEM: okta.KeyPEM(pkcs8(t, rsaKey()))}, "PS256"},
	} {
		for i, keys := range [][]okta.Key{{tc.key}, {{ID: "good", PEM: okta.KeyPEM(good)}, tc.key}} {
			_, err := okta.PrivateKeyJWT(okta.OAuthConfig{OrgURL: "https://acme.okta.com", ClientID: clientID, Keys: keys})
			require.ErrorContains(t, err, tc.want, name)
			require.ErrorContains(t, err, []string{"okta OAuth Keys[0]: ", "okta OAuth Keys[1]: "}[i])
			require.NotContains(t, err.Error(), "hunter2")
			requirePrintable(t, err.Error())
		}
	}
}

func TestAKeyFileThatIsTooLarge(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "okta.pem")
	require.NoError(t, os.WriteFile(path, []byte(strings.Repeat("x", 64<<10+1)), 0o600))
	_, err := okta.KeyFile(path)()
	require.ErrorContains(t, err, "okta.pem: is too large")
}

func TestKeyPEMKeepsItsOwnCopy(t *testing.T) {
	t.Parallel()
	text := []byte("key")
	source := okta.KeyPEM(text)
	clear(text)
	got, err := source()
	require.NoError(t, err)
	require.Equal(t, "key", string(got))
}

// TestAKeyFileIsReadAgain swaps the key behind a file, breaks the file and mends it, with a token renewal after each.
func TestAKeyFileIsReadAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(dir, "okta.pem")
		first, second := ecKey(t, elliptic.P256()), ecKey(t, elliptic.P384())
		write := func(text []byte) { require.NoError(t, os.WriteFile(path, text, 0o600)) }
		write(pkcs8(t, first))
		warned := &warnings{}
		client, server := startStrict(t, func(c *okta.OAuthConfig) {
			c.Keys, c.Warn = []okta.Key{{ID: "k", PEM: okta.KeyFile(path)}}, warned.add
		})
		server.set(func(s *strictOkta) { s.keys["k"] = first.Public() })
		mustRevoke(t, client, 1)

		server.set(func(s *strictOkta) { s.keys["k"] = second.Public() })
		write(pkcs8(t, second))
		mustRevoke(t, client, 1)
		require.Len(t, server.assertions, 1, "the token is good for some time yet")
		time.Sleep(time.Hour) //nolint:forbidigo // fake time
		mustRevoke(t, client, 1)
		require.Equal(t, "ES384", server.assertions[1].Header["alg"])
		require.Empty(t, warned.all())

		for i, broken := range []func(){
			func() { write([]byte("hunter2")) },
			func() { write(nil) },
			func() { require.NoError(t, os.Remove(path)) },
		} {
			broken()
			time.Sleep(time.Hour) //nolint:forbidigo // fake time
			mustRevoke(t, client, 1)
			require.Len(t, warned.all(), i+1, "and the old key still signs in")
			require.ErrorContains(t, warned.all()[i], `key "k" stays in use`)
			require.NotContains(t, warned.all()[i].Error(), "hunter2")
		}

		server.set(func(s *strictOkta) { s.keys["k"] = first.Public() })
		write(pkcs8(t, first))
		time.Sleep(time.Hour) //nolint:forbidigo // fake time
		mustRevoke(t, client, 1)
		require.Len(t, warned.all(), 3)
	})
}

func TestTwoKeysForRotation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newStrictOkta("https://acme.okta.com")
		warned := &warnings{}
		keys := []okta.Key{server.newKey(t, "new"), server.newKey(t, "old")}
		newPublic := server.keys["new"]
		delete(server.keys, "new")
		client := server.client(t, server, func(c *okta.OAuthConfig) { c.Keys, c.Warn = keys, warned.add })

		mustRevoke(t, client, 1)
		requireTokenCalls(t, server, 2, "the first is not known yet, the second is")
		require.Len(t, warned.all(), 1)
		require.ErrorContains(t, warned.all()[0], `"new" is refused`)

		server.set(func(s *strictOkta) {
			s.keys["new"] = newPublic
			delete(s.keys, "old")
		})
		time.Sleep(time.Hour) //nolint:forbidigo // fake time
		mustRevoke(t, client, 1)
		requireTokenCalls(t, server, 3, "the first is known now")
		require.Equal(t, "new", server.assertions[1].Header["kid"])

		server.set(func(s *strictOkta) { clear(s.keys) })
		time.Sleep(time.Hour) //nolint:forbidigo // fake time
		_, err := revoke(t, client)
		var refused *okta.OAuthError
		require.ErrorAs(t, err, &refused)
		require.Equal(t, "invalid_client", refused.Code)
		requireTokenCalls(t, server, 5, "each once")
	})
}

func TestTheSecondKeyIsForARefusedFirstOnly(t *testing.T) {
	t.Parallel()
	for _, answer := range []canned{
		{400, nil, `{"error":"invalid_scope"}`}, {429, nil, code("E0000047")}, {503, nil, ""}, {400, nil, `{"error":"use_dpop_nonce"}`},
	} {
		server := newStrictOkta("https://acme.okta.com")
		server.refuse = func(int) *canned { return &answer }
		keys := []okta.Key{server.newKey(t, "a"), server.newKey(t, "b")}
		client := server.client(t, server, func(c *okta.OAuthConfig) { c.Keys = keys })
		_, err := revoke(t, client)
		require.Error(t, err)
		requireTokenCalls(t, server, 1, answer.body)
	}
}

func TestAKeyIsAskedForBeforeRenewalsOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		text := pkcs8(t, ecKey(t, elliptic.P256()))
		asked := 0
		server := newStrictOkta("https://acme.okta.com")
		client := server.client(t, server, func(c *okta.OAuthConfig) {
			c.Keys[0].PEM = func() ([]byte, error) {
				asked++
				return bytes.Clone(text), nil
			}
		})
		for range 10 {
			_, err := revoke(t, client)
			require.Error(t, err, "the server knows another key")
		}
		require.Equal(t, 2, asked, "at the start and before the one request")
	})
}
