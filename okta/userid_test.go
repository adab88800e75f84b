package okta_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/okta"
)

const (
	alice = "00u2di94bAMSEPvAY1d6"
	bob   = "00u3m90rxKjGQ0G6L1d6"
)

func TestParseUserID(t *testing.T) {
	t.Parallel()
	for _, good := range []string{alice, bob, "00u00000000000000000", "00uzzzzzzzzzzzzzzzzz", "00uZZZZZZZZZZZZZZZZZ"} {
		id, err := okta.ParseUserID(good)
		require.NoError(t, err)
		require.Equal(t, okta.UserID(good), id)
	}
	for _, bad := range []string{
		"", "00u", alice[:19], alice + "0", " " + alice, alice + "\n", alice + "\x00", "00U2di94bAMSEPvAY1d6", "0oa2di94bAMSEPvAY1d6",
		"00u2di94bAMSEPvAY1d/", "00u2di94bAMSEPvAY1d?", "00u2di94bAMSEPvAY1%2", "00u/../../../../../..", "00u2di94bAMSEPvAY-d6", "00u2di94bAMSEPvAY_d6",
		"00u2di94bАMSEPvAY1d", // a Cyrillic letter: 20 bytes with it
		"оо" + alice[2:], strings.Repeat("a", 5000), "\xff0u2di94bAMSEPvAY1d6", "alice@example.com",
	} {
		_, err := okta.ParseUserID(bad)
		var invalid *okta.InvalidUserIDError
		require.ErrorAs(t, err, &invalid, "%q", bad)
		requirePrintable(t, err.Error())
		require.Less(t, len(err.Error()), 260)
	}
}

// requirePrintable holds for every text that may reach a log.
func requirePrintable(t *testing.T, s string) {
	t.Helper()
	for _, r := range s {
		require.True(t, r >= ' ' && r < 0x7f, "%q holds %q", s, r)
	}
}
