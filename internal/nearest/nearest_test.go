package nearest_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/internal/nearest"
)

func TestDistance(t *testing.T) {
	t.Parallel()

	for _, test := range []struct {
		a, b string
		want int
	}{
		{"", "", 0},
		{"a", "", 1},
		{"", "ab", 2},
		{"receive", "receive", 0},
		{"abcd", "bacd", 2},
		{"kitten", "sitting", 3},
		{"flaw", "lawn", 2},
	} {
		require.Equal(t, test.want, nearest.Distance(test.a, test.b), "%s %s", test.a, test.b)
		require.Equal(t, test.want, nearest.Distance(test.b, test.a), "%s %s", test.b, test.a)
	}
}

func TestSuggest(t *testing.T) {
	t.Parallel()
	words := []string{"header", "hmac", "", "hash"}
	for text, want := range map[string]string{
		"hmak": "did you mean hmac?", "headr": "did you mean header?", "unlike": "use one of: header, hmac, hash", "": "use one of: header, hmac, hash",
		strings.Repeat("h", 65): "use one of: header, hmac, hash",
	} {
		require.Equal(t, want, nearest.Suggest(text, words), text)
	}
	require.Equal(t, []string{"header", "hmac", "", "hash"}, words, "they are only read")
}
