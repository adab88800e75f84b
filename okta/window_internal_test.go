package okta

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// seen is an answer's headers of a window that ends a time after the answer, as a server with a clock of whole hours has it.
func seen(reset time.Time, remaining int, left time.Duration) Rate {
	return Rate{Limit: 100, Remaining: remaining, Reset: reset, Date: reset.Add(-left), Known: true}
}

func TestWindowGuessesARoundLength(t *testing.T) {
	t.Parallel()
	start := time.Unix(1_800_000_000, 0)
	for left, want := range map[int]int{61: 60, 60: 60, 59: 59, 62: 62, 6: 5, 5: 5, 4: 4, 1: 1, 300: 90} {
		var w window
		headers := time.Duration(left) * time.Second
		w.note(seen(time.Unix(1_900_000_000, 0), 99, headers), headers, start, start)
		require.Equal(t, time.Duration(want)*time.Second, w.end.Sub(start))
	}
}

func TestWindowGuessesASecondEarlyAndLearns(t *testing.T) {
	t.Parallel()
	start := time.Unix(1_800_000_000, 0)
	at := start.Add
	reset := time.Unix(1_900_000_000, 0)
	var w window
	require.False(t, w.live(start))

	require.True(t, w.note(seen(reset, 99, 6*time.Second), 6*time.Second, at(0), at(0)))
	require.Equal(t, at(5*time.Second), w.end, "the headers round up")
	require.False(t, w.note(seen(reset, 0, time.Second), time.Second, at(time.Second), at(time.Second)), "a call of the window's own time")
	require.Equal(t, at(5*time.Second), w.end)

	require.False(t, w.note(seen(reset, 0, time.Second), time.Second, at(5*time.Second), at(5100*time.Millisecond)), "a call that came too soon")
	require.Equal(t, at(6*time.Second), w.end)
	require.True(t, w.live(at(5500*time.Millisecond)))

	next := reset.Add(6 * time.Second)
	require.True(t, w.note(seen(next, 99, 6*time.Second), 6*time.Second, at(6*time.Second), at(6010*time.Millisecond)))
	require.Equal(t, 6*time.Second, w.end.Sub(w.opened), "it does not try so soon again")
	require.Equal(t, 6*time.Second, w.length)

	require.True(t, w.note(seen(next.Add(time.Minute), 99, 61*time.Second), 61*time.Second, at(12*time.Second), at(12*time.Second)))
	require.Equal(t, time.Minute, w.end.Sub(w.opened), "windows are longer now")
}

func TestWindowTakesUpWhereItCameIn(t *testing.T) {
	t.Parallel()
	start := time.Unix(1_800_000_000, 0)
	reset := time.Unix(1_900_000_000, 0)
	var w window
	w.note(seen(reset, 40, 30*time.Second), 30*time.Second, start, start)
	require.Equal(t, start.Add(30*time.Second), w.end, "it began long ago: the headers are all there is")
	late := start.Add(30 * time.Second)
	w.note(seen(reset, 0, time.Second), time.Second, late, late)
	require.Equal(t, start.Add(31*time.Second), w.end)
	require.Zero(t, w.tooSoon, "that says nothing about how long windows last")
}

func TestWindowForgetsALengthThatWasWrong(t *testing.T) {
	t.Parallel()
	start := time.Unix(1_800_000_000, 0)
	reset := time.Unix(1_900_000_000, 0)
	w := window{length: 5 * time.Second}
	w.note(seen(reset, 99, 6*time.Second), 6*time.Second, start, start)
	require.Equal(t, start.Add(5*time.Second), w.end)
	sent := start.Add(5 * time.Second)
	w.note(seen(reset, 0, time.Second), time.Second, sent, sent)
	require.Equal(t, start.Add(6*time.Second), w.end)

	w = window{tooSoon: 59 * time.Second}
	w.note(seen(reset, 99, 6*time.Second), 6*time.Second, start, start)
	require.Equal(t, start.Add(5*time.Second), w.end, "windows are shorter now")
}
