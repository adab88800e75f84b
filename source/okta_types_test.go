package source

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEchoesAreNoSignals(t *testing.T) {
	t.Parallel()
	require.Len(t, oktaEchoes(), 4)
	for echo := range oktaEchoes() {
		require.NotContains(t, oktaTypes(), echo)
	}
}

// A new row needs its line in TestDecodeEveryType.
func TestTypesAreAllTested(t *testing.T) {
	t.Parallel()
	require.Len(t, oktaTypes(), 26)
}
