package verify_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/source"
	"sever/source/verify"
)

// signedChangesRefused proves of a genuine request that no byte of its body, signature,
// timestamp or id can be changed.
func signedChangesRefused(t *testing.T, verifier source.Verifier, req source.Request, config verify.Config) {
	t.Helper()
	step := max(1, len(req.Body)/64) // a sample of a long body, and every byte of a short one
	for i := 0; i < len(req.Body); i += step {
		if config.Signed == "{url}{form}" {
			break // what insecure: true is for
		}
		changed := req
		changed.Body = bytes.Clone(req.Body)
		changed.Body[i] ^= 1
		_, err := verifier.Verify(t.Context(), changed)
		require.Error(t, err, "body byte %d", i)
	}
	longer := req
	longer.Body = append(bytes.Clone(req.Body), 'x')
	_, err := verifier.Verify(t.Context(), longer)
	require.Error(t, err)

	for _, name := range signedHeaders(config) {
		value := req.Header.Get(name)
		for i := range len(value) {
			changed := req
			changed.Header = req.Header.Clone()
			changed.Header.Set(name, value[:i]+string(value[i]^1)+value[i+1:])
			_, err := verifier.Verify(t.Context(), changed)
			require.Error(t, err, "%s byte %d", name, i)
		}
		requireRefusedWithout(t, verifier, req, name)
	}
}

// signedHeaders are the headers of which no byte may change. A list may hold pairs that
// mean nothing, so it is left to tests of its own.
func signedHeaders(config verify.Config) []string {
	var names []string
	if config.List == nil {
		names = append(names, config.Header)
	}
	if config.Timestamp != nil && config.Timestamp.Header != "" {
		names = append(names, config.Timestamp.Header)
	}
	if config.ID != nil && config.ID.Header != "" && strings.Contains(config.Signed, "{id}") {
		names = append(names, config.ID.Header)
	}
	return names
}

func requireRefusedWithout(t *testing.T, verifier source.Verifier, req source.Request, name string) {
	t.Helper()
	for _, lines := range [][]string{nil, {}, {""}, {req.Header.Get(name), req.Header.Get(name)}} {
		changed := req
		changed.Header = req.Header.Clone()
		delete(changed.Header, http.CanonicalHeaderKey(name))
		if lines != nil {
			changed.Header[http.CanonicalHeaderKey(name)] = lines
		}
		_, err := verifier.Verify(t.Context(), changed)
		require.Error(t, err, "%s: %d lines", name, len(lines))
		require.Error(t, verifier.Early(changed), "%s: %d lines", name, len(lines))
	}
}
