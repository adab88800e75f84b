package ssf

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestWellKnown has the examples of the framework, 7.2.1.
func TestWellKnown(t *testing.T) {
	t.Parallel()
	for issuer, want := range map[string]string{
		"https://tr.example.com":          "https://tr.example.com/.well-known/ssf-configuration",
		"https://tr.example.com/":         "https://tr.example.com/.well-known/ssf-configuration",
		"https://tr.example.com/issuer1":  "https://tr.example.com/.well-known/ssf-configuration/issuer1",
		"https://tr.example.com/issuer1/": "https://tr.example.com/.well-known/ssf-configuration/issuer1",
		"https://tr.example.com:8443/a/b": "https://tr.example.com:8443/.well-known/ssf-configuration/a/b",
		"https://tr.example.com/a%2Fb":    "https://tr.example.com/.well-known/ssf-configuration/a%2Fb",
	} {
		got, err := wellKnown(issuer)
		require.NoError(t, err)
		require.Equal(t, want, got.String())
	}
}

// TestNobodySendsTheTokenHere: only a transmitter on this machine may name this machine.
func TestNobodySendsTheTokenHere(t *testing.T) {
	t.Parallel()
	for _, endpoint := range []string{"http://localhost:8081/", "https://127.0.0.1/", "http://[::1]:80/", "http://[::ffff:127.0.0.1]/"} {
		_, err := readMetadata([]byte(`{"issuer":"https://tr.example.com","verification_endpoint":"`+endpoint+`"}`), "https://tr.example.com")
		require.ErrorContains(t, err, "verification_endpoint", endpoint)
	}
}
