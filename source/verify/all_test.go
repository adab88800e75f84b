package verify_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/source"
	"sever/source/verify"
)

// says always says the same.
type says struct {
	verified source.Verified
	err      error
}

func (says) Early(source.Request) error { return nil }

func (s says) Verify(context.Context, source.Request) (source.Verified, error) {
	return s.verified, s.err
}

// Who finds a delivery stale has not said that the others find it genuine.
func TestAllAreAskedAboutWhatIsStale(t *testing.T) {
	t.Parallel()
	yesterday, tomorrow := errors.New("yesterday"), errors.New("tomorrow")
	stale := func(cause error, id string) says {
		return says{err: &source.StaleError{Verified: source.Verified{ID: id}, Cause: cause}}
	}
	good := says{verified: source.Verified{ID: "3", Body: []byte("stripped")}}
	ask := func(all ...source.Verifier) (source.Verified, error) {
		return verify.All(all).Verify(t.Context(), source.Request{})
	}
	for _, all := range []verify.All{{stale(yesterday, "1"), good}, {stale(yesterday, "1"), stale(tomorrow, "2"), good}} {
		verified, err := ask(all...)
		require.Zero(t, verified)
		require.ErrorIs(t, err, yesterday)
		var late *source.StaleError
		require.ErrorAs(t, err, &late)
		require.Equal(t, source.Verified{ID: "1", Body: []byte("stripped")}, late.Verified)
	}
	forged := says{err: errors.New("forged")}
	for _, all := range []verify.All{{stale(yesterday, "1"), forged}, {forged, stale(yesterday, "1")}} {
		_, err := ask(all...)
		require.EqualError(t, err, "forged")
	}
}
