package ssf_test

import (
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/source"
	"sever/source/ssf"
)

func verified(tb testing.TB, states *ssf.States, state string) error {
	tb.Helper()
	body := set(fram+"verification", claims{"state": state})
	_, done, err := ssf.NewVerification(states, "").Answer(tb.Context(), source.Request{Method: "POST", Body: unsigned(tb, body)})
	require.True(tb, done)
	return err
}

func TestStates(t *testing.T) {
	t.Parallel()
	now := received
	states := ssf.NewStates(func() time.Time { return now })
	require.False(t, states.Seen("a"))
	require.NoError(t, states.Expect("a"))
	require.False(t, states.Seen("a"), "expected is not seen")
	require.NoError(t, verified(t, states, "a"))
	require.True(t, states.Seen("a"))
	require.NoError(t, verified(t, states, "a"), "the transmitter may send it again")

	require.NoError(t, states.Expect("a"))
	require.False(t, states.Seen("a"), "asked for anew")

	now = now.Add(10*time.Minute - 1)
	require.NoError(t, verified(t, states, "a"))
	now = now.Add(1)
	require.Error(t, verified(t, states, "a"))
	require.False(t, states.Seen("a"))
}

func TestStatesAreBounded(t *testing.T) {
	t.Parallel()
	now := received
	states := ssf.NewStates(func() time.Time { return now })
	require.ErrorIs(t, states.Expect(""), ssf.ErrStates)
	require.ErrorIs(t, states.Expect(strings.Repeat("x", 513)), ssf.ErrStates)
	for i := range 100 {
		require.NoError(t, states.Expect(strconv.Itoa(i)))
	}
	require.ErrorIs(t, states.Expect("100"), ssf.ErrStates)
	require.NoError(t, states.Expect("7"), "one that is expected already")
	now = now.Add(10 * time.Minute)
	require.NoError(t, states.Expect("100"))
}

func TestStatesConcurrently(t *testing.T) {
	t.Parallel()
	states := ssf.NewStates(time.Now)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			state := strconv.Itoa(i)
			_ = states.Expect(state)
			_ = verified(t, states, state)
			if !states.Seen(state) {
				t.Error("not seen")
			}
		})
	}
	group.Wait()
}
