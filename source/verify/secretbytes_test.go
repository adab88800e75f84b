package verify

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sever/internal/secret"
)

func TestSecretBytes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ encoding, text, want, problem string }{
		{"", "abc", "abc", ""},
		{"utf8", "YWJj", "YWJj", ""},
		{"", "whsec_abc", "abc", ""},
		{"", "whsec_whsec_abc", "whsec_abc", ""},
		{"", "abcwhsec_", "abcwhsec_", ""},
		{"base64", "YWJj", "abc", ""},
		{"base64", "whsec_YWI=", "ab", ""},
		{"base64", "YWI", "ab", ""},
		{"base64", "-_-_", "", "not base64"},
		{"base64", "whsec_==", "", "not base64"},
		{"hex", "6162", "ab", ""},
		{"hex", "sk_6162", "ab", ""},
		{"hex", "616", "", "not hex"},
		{"hex", "", "", "empty"},
		{"", "whsec_", "", "empty"},
	} {
		config := Config{SecretEncoding: tt.encoding, SecretPrefixes: []string{"whsec_", "sk_"}}
		got, err := config.secretBytes(secret.New(tt.text))
		if tt.problem != "" {
			require.ErrorContains(t, err, tt.problem, tt.text)
			continue
		}
		require.NoError(t, err, tt.text)
		require.Equal(t, tt.want, string(got))
	}
	_, err := Config{}.secretBytes(secret.Secret{})
	require.ErrorContains(t, err, "empty")
}
