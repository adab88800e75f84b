package source_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/source"
)

func TestOktaChallenge(t *testing.T) {
	t.Parallel()
	const header = "X-Okta-Verification-Challenge"
	for name, challenge := range map[string]string{
		"as Okta's":       "iSCUPS2XeYgBZCBx0NoKyD9JbDlMkrNS_Abcdefgh12",
		"JSON injection":  `x","admin":true,"y":"`,
		"markup":          `<script>alert(1)</script>&amp;`,
		"control":         "a\tb\\u0000",
		"other alphabets": "ключ 鍵",
		"the longest":     strings.Repeat("x", 1024),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer, err := source.OktaChallenge{}.Answer(http.Header{header: {challenge}})
			require.NoError(t, err)
			encoded, err := json.Marshal(answer)
			require.NoError(t, err)
			var decoded map[string]string
			require.NoError(t, json.Unmarshal(encoded, &decoded))
			require.Equal(t, map[string]string{"verification": challenge}, decoded)
		})
	}
	for name, request := range map[string]http.Header{
		"missing":  {},
		"none":     nil,
		"empty":    {header: {""}},
		"too long": {header: {strings.Repeat("secret", 200)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer, err := source.OktaChallenge{}.Answer(request)
			require.Error(t, err)
			require.Nil(t, answer)
			require.NotContains(t, err.Error(), "secret", "what a stranger sent is not repeated")
		})
	}
}

func TestOktaChallengeAsksForTheSecretByDefault(t *testing.T) {
	t.Parallel()
	require.False(t, source.OktaChallenge{}.Open())
	require.True(t, source.OktaChallenge{WithoutSecret: true}.Open())
}
