package okta

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// Callers that turn out to have no call to make do not hold up others for the time that
// is given to those who do.
func TestNoCallLetsTheNextPass(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		giveBack bool
		took     time.Duration
	}{
		"given back": {true, 0},
		"kept":       {false, 9 * passLife},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBudget(0, 2, time.Now)
				began := time.Now()
				for range 20 {
					require.NoError(t, b.pass(t.Context()))
					if c.giveBack {
						b.giveBack()
					}
				}
				require.Equal(t, c.took, time.Since(began))
			})
		})
	}
}

func TestNoCallWithoutAPass(t *testing.T) {
	t.Parallel()
	b := newBudget(0, 1, time.Now)
	b.giveBack()
	require.NoError(t, b.pass(t.Context()))
}
