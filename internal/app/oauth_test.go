package app_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/okta/oktasim"
	"sever/revocation"
)

const clientID = "0oa1practice2client3"

// newKey makes a private key's file and the key set that Okta has of it.
func newKey(t *testing.T, path string) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
	keys, err := oktasim.JWKS("k1", key.Public())
	require.NoError(t, err)
	return keys
}

func putClient(t *testing.T, sim okta, keys []byte) {
	t.Helper()
	require.NoError(t, sim.PutClient(oktasim.Client{
		ID: clientID, JWKS: keys, DPoPRequired: true,
		Scopes: []string{"okta.users.manage", "okta.users.read"}, Roles: []string{"okta.users.lifecycle.clearSessions"},
	}))
}

// A service app with the least role there is suffices, and its key may change while Sever runs.
func TestAServiceAppRevokesAndItsKeyMayChange(t *testing.T) {
	t.Parallel()
	sim := newOkta(t)
	file := filepath.Join(t.TempDir(), "okta.pem")
	putClient(t, sim, newKey(t, file))
	r := prepareRig(t, sim, settings{
		auth: fmt.Sprintf("{type: private_key_jwt, client_id: %s, key: \"file:%s\", key_id: k1}", clientID, file),
	})
	r.start()

	r.deliver(suspension(person(1), "with the first key"))
	r.seen.await(t, audited(revocation.OutcomeRevoked), 1)

	putClient(t, sim, newKey(t, file))
	sim.RevokeTokens()
	r.deliver(suspension(person(2), "with the second"))
	r.seen.await(t, audited(revocation.OutcomeRevoked), 2)

	for _, call := range sim.Calls() {
		if call.User != "" {
			require.Equal(t, "DPoP ***", call.Auth)
		}
	}
}
