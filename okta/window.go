package okta

import "time"

const (
	// guessMargin is how far a new guess must be from one that was wrong: less is the same guess with another delay.
	guessMargin = 50 * time.Millisecond
	// minWindow is the shortest time a window is taken to last from an answer that was counted in it.
	minWindow = time.Second
	// roundWindow divides the length of every window we know of.
	roundWindow = 5 * time.Second
)

// window is the newest rate limit window of a bucket, and what the ones before taught about when a window ends.
//
// The headers tell the end in whole seconds of Okta's clock, and Okta's clock in whole seconds too, so they are right to
// about a second either way. Waiting that second out in every window is a waste; calling too soon is a 429. But a window
// begins with its first call and always lasts as long, so the time from our own first call in a window to the first call
// that finds the next one is worth learning. And it lasts a round time, Okta's a minute: when the headers of its first call
// say 61 seconds it is 60, and it is worth trying then, but never again so soon if that was too soon.
type window struct {
	limit, remaining int

	reset  time.Time     // the end by Okta's clock: tells windows apart, whatever order answers come in
	opened time.Time     // when its first answer came, by our clock
	left   time.Duration // from then on, as the headers tell it
	fresh  bool          // hardly anything was used then, so it had only just begun
	heard  time.Time     // when remaining was last true
	end    time.Time     // our best guess, by our clock

	mine   int // answers of ours that were counted in it
	shared int // for how many windows others are taken to spend this limit too

	length  time.Duration // how long a fresh window lasts; zero while not known
	tooSoon time.Duration // a fresh window was still there after so long
}

func (w *window) live(now time.Time) bool { return now.Before(w.end) }

// note takes in what the answer to a call sent at a time said, and reports whether it tells of a new window.
func (w *window) note(rate Rate, left time.Duration, sent, now time.Time) (opened bool) {
	switch {
	case rate.Reset.Equal(w.reset):
		w.limit = rate.Limit
		w.mine++
		// Within a window the count only falls, so the smallest is the newest.
		if rate.Remaining <= w.remaining {
			w.remaining, w.heard = rate.Remaining, now
		}
		w.stillThere(sent, now)
	case rate.Reset.After(w.reset), !w.live(now):
		w.open(rate, left, now)
		return true
	}
	return false
}

func (w *window) open(rate Rate, left time.Duration, now time.Time) {
	if w.fresh {
		w.length = min(w.end.Sub(w.opened), now.Sub(w.opened))
	}
	w.limit, w.remaining, w.heard = rate.Limit, rate.Remaining, now
	w.mine, w.shared = 1, max(0, w.shared-1)
	w.reset, w.opened, w.left = rate.Reset, now, min(left, maxWait)
	w.fresh = rate.Limit-rate.Remaining <= max(2, rate.Limit/10)
	if w.tooSoon > w.left+time.Second {
		w.tooSoon = 0 // windows are shorter than they were
	}
	w.end = w.opened.Add(w.guess(0))
}

// sharedWindows is for how many windows others are expected back once they were seen.
const sharedWindows = 8

// compare sees whether more was spent of the window than we can have: our answers and our calls in flight.
func (w *window) compare(inFlight int) {
	if w.limit-w.remaining > w.mine+inFlight {
		w.shared = sharedWindows
	}
}

// stillThere learns from a call that went out after the end we had guessed and yet was counted in this window.
func (w *window) stillThere(sent, now time.Time) {
	if sent.Before(w.end) {
		return
	}
	lasted := sent.Sub(w.opened)
	if w.fresh {
		w.tooSoon = max(w.tooSoon, lasted)
	}
	w.end = w.opened.Add(w.guess(max(lasted, now.Sub(w.opened))))
}

// guess is how long this window lasts from its opening, given that it lasted at least so long.
func (w *window) guess(atLeast time.Duration) time.Duration {
	g := w.left
	if w.fresh {
		atLeast = max(atLeast, w.tooSoon)
		if w.length > atLeast && (w.length-w.left).Abs() <= time.Second {
			return w.length
		}
		if early := w.left - time.Second; early >= minWindow && early%roundWindow == 0 {
			g = early
		}
	}
	for g < atLeast+guessMargin {
		g += time.Second
	}
	return g
}

// span is how long windows of this bucket last, as well as we know.
func (w *window) span() time.Duration {
	if w.length > 0 {
		return w.length
	}
	return w.left
}
