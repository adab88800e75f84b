package okta_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTwentyThousandUserIDs: whatever stands where a user id should, the client refuses it or sends exactly the one request.
// The strings are of every kind: text, ids, ids that were cut, joined, damaged or dressed up as a path, and plain bytes.
func TestTwentyThousandUserIDs(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(20, 7))
	sent := 0
	for n := range 20_000 {
		id := anyUserID(random)
		went, held := sendsOnlyItself(t, id)
		require.True(t, held, "string %d: %q", n, id)
		if went {
			sent++
			require.Regexp(t, `\A00u[0-9A-Za-z]{17}\z`, id)
		}
	}
	require.Greater(t, sent, 1_000, "or there were hardly any good ids among them")
	require.Less(t, sent, 10_000, "or there were hardly any bad ones among them")
}

func anyUserID(random *rand.Rand) string {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	pieces := []string{
		"/", "//", "..", "/..", "%2f", "%2F..", "?", "?oauthTokens=true&x=", "#", ";", "%", "%00", "\x00", "\r\n", " ", "me", "00u", "00U",
		"\u0430", "\u202e", "\uff10", "\u212a", "@", "/sessions", "\\", ":", "sessions?", "\xff", "+", "%252e",
	}
	id := []byte("00u")
	for range 17 {
		id = append(id, letters[random.IntN(len(letters))])
	}
	piece := pieces[random.IntN(len(pieces))]
	at := random.IntN(len(id) + 1)
	switch random.IntN(6) {
	case 0:
		return string(id)
	case 1:
		return string(id[:at]) + piece + string(id[at:])
	case 2:
		return string(id[:at]) + piece + string(id[min(at+len(piece), len(id)):]) // as long as a good one, most of the time
	case 3:
		return string(id[:at])
	case 4:
		return string(id) + piece + string(id)
	}
	plain := make([]byte, random.IntN(24))
	for i := range plain {
		plain[i] = byte(random.IntN(256))
	}
	return string(plain)
}
