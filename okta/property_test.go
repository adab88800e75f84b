package okta_test

import (
	"math/rand/v2"
	"testing"
	"testing/quick"

	"github.com/stretchr/testify/require"

	"sever/okta"
)

// sendsOnlyItself reports whether the client refused an id, or sent exactly the sessions call of that id and nothing else.
func sendsOnlyItself(t *testing.T, id string) (sent, held bool) {
	t.Helper()
	wire := &recorder{}
	client := newClient(t, "https://acme.okta.com", func(c *okta.Config) { c.Transport = wire })
	_, err := client.RevokeUserSessions(t.Context(), okta.UserID(id), okta.RevokeOptions{OAuthTokens: true})
	if err != nil {
		return false, len(wire.seen) == 0 && okta.ClassOf(err) == okta.ClassInvalid
	}
	want := "DELETE https://acme.okta.com /api/v1/users/" + id + "/sessions?forgetDevices=false&oauthTokens=true"
	return true, len(wire.seen) == 1 && wire.seen[0] == want
}

func TestAnyStringAsUserIDIsRefusedOrSentAsItIs(t *testing.T) {
	t.Parallel()
	require.NoError(t, quick.Check(func(id string) bool {
		_, held := sendsOnlyItself(t, id)
		return held
	}, &quick.Config{MaxCount: 2000}))
}

// TestDamagedUserIDs starts from a good id, because random strings hardly ever come near one.
func TestDamagedUserIDs(t *testing.T) {
	t.Parallel()
	const good = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	const bad = "/?#%;:@&=+$,.\\ \x00\n\"'<>{}|^`~\u0430\u202e\uff10"
	sent := 0
	for seed := range uint64(3000) {
		random := rand.New(rand.NewPCG(seed, 7))
		id := []rune("00u")
		for range 17 {
			id = append(id, rune(good[random.IntN(len(good))]))
		}
		want := seed%3 == 0
		if !want {
			letters := []rune(bad)
			damage := letters[random.IntN(len(letters))]
			at := random.IntN(len(id) + 1)
			if seed%3 == 1 && at < len(id) {
				id[at] = damage
			} else {
				id = append(id[:at], append([]rune{damage}, id[at:]...)...)
			}
		}
		went, held := sendsOnlyItself(t, string(id))
		require.True(t, held, "%q", string(id))
		require.Equal(t, want, went, "%q", string(id))
		if went {
			sent++
		}
	}
	require.Equal(t, 1000, sent)
}
