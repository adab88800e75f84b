package source_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/source"
)

const (
	newSecret = "s3cret-of-this-year"
	oldSecret = "s3cret-of-last-year"
)

func TestHeaderVerifier(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		configured string
		request    http.Header
		want       error
	}{
		"the secret":               {"Authorization", http.Header{"Authorization": {newSecret}}, nil},
		"the old secret":           {"Authorization", http.Header{"Authorization": {oldSecret}}, nil},
		"configured in lower case": {"authorization", http.Header{"Authorization": {newSecret}}, nil},
		"configured in upper case": {"AUTHORIZATION", http.Header{"Authorization": {newSecret}}, nil},
		"any header":               {"x-sever-KEY", http.Header{"X-Sever-Key": {newSecret}}, nil},
		"beside other headers":     {"X-Key", http.Header{"X-Key": {newSecret}, "Authorization": {"wrong"}}, nil},
		"no header at all":         {"Authorization", nil, source.ErrNoSecretGiven},
		"another header":           {"Authorization", http.Header{"X-Key": {newSecret}}, source.ErrNoSecretGiven},
		"header without values":    {"Authorization", http.Header{"Authorization": {}}, source.ErrNoSecretGiven},
		"empty value":              {"Authorization", http.Header{"Authorization": {""}}, source.ErrWrongSecret},
		"wrong":                    {"Authorization", http.Header{"Authorization": {"wrong"}}, source.ErrWrongSecret},
		"prefix of the secret":     {"Authorization", http.Header{"Authorization": {newSecret[:len(newSecret)-1]}}, source.ErrWrongSecret},
		"longer than the secret":   {"Authorization", http.Header{"Authorization": {newSecret + "x"}}, source.ErrWrongSecret},
		"trailing space":           {"Authorization", http.Header{"Authorization": {newSecret + " "}}, source.ErrWrongSecret},
		"leading space":            {"Authorization", http.Header{"Authorization": {" " + newSecret}}, source.ErrWrongSecret},
		"other case":               {"Authorization", http.Header{"Authorization": {strings.ToUpper(newSecret)}}, source.ErrWrongSecret},
		"with a scheme":            {"Authorization", http.Header{"Authorization": {"Bearer " + newSecret}}, source.ErrWrongSecret},
		"both, joined":             {"Authorization", http.Header{"Authorization": {newSecret + "," + oldSecret}}, source.ErrWrongSecret},
		"twice the same":           {"Authorization", http.Header{"Authorization": {newSecret, newSecret}}, source.ErrManySecrets},
		"right and wrong":          {"Authorization", http.Header{"Authorization": {newSecret, "wrong"}}, source.ErrManySecrets},
		"two wrong":                {"Authorization", http.Header{"Authorization": {"wrong", "wrong"}}, source.ErrManySecrets},
		"a very long one":          {"Authorization", http.Header{"Authorization": {strings.Repeat("x", 1<<20)}}, source.ErrWrongSecret},
		"the secret with a NUL":    {"Authorization", http.Header{"Authorization": {newSecret + "\x00"}}, source.ErrWrongSecret},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			verifier, err := source.NewHeaderVerifier(tt.configured, []string{newSecret, oldSecret})
			require.NoError(t, err)
			err = verifier.Verify(tt.request)
			require.ErrorIs(t, err, tt.want)
			if err != nil {
				require.NotContains(t, err.Error(), "s3cret")
				require.NotContains(t, err.Error(), "wrong", "nor what a stranger sent")
			}
		})
	}
}

func TestNewHeaderVerifierFailsClosed(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		header  string
		secrets []string
	}{
		"no header":           {"", []string{newSecret}},
		"no secrets":          {"Authorization", nil},
		"an empty list":       {"Authorization", []string{}},
		"an empty secret":     {"Authorization", []string{""}},
		"one empty of two":    {"Authorization", []string{newSecret, ""}},
		"the first of two":    {"Authorization", []string{"", newSecret}},
		"nothing whatsoever":  {"", nil},
		"no header, no value": {"", []string{""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			verifier, err := source.NewHeaderVerifier(tt.header, tt.secrets)
			require.Error(t, err)
			require.Nil(t, verifier)
			require.NotContains(t, err.Error(), "s3cret")
		})
	}
}

// A verifier keeps sums only: printed by mistake, it gives nothing away.
func TestHeaderVerifierHoldsNoSecret(t *testing.T) {
	t.Parallel()
	secrets := []string{newSecret}
	verifier, err := source.NewHeaderVerifier("Authorization", secrets)
	require.NoError(t, err)
	secrets[0] = "changed behind its back"
	require.NoError(t, verifier.Verify(http.Header{"Authorization": {newSecret}}))
	require.Error(t, verifier.Verify(http.Header{"Authorization": {"changed behind its back"}}))
}
