package okta

import (
	"math"
	"time"
)

const (
	// A client that is alone may spend a window at once; one that is not must leave something for whoever calls at a steady
	// pace through the window. The headers show what others use only while we are silent, so once in a while the second half
	// of a window waits until we have listened for a tenth of it.
	atOnce         = 0.45
	listenFraction = 10
	listenEvery    = 8 // windows
	// minListenLimit is the smallest limit that has anything to share out.
	minListenLimit = 40
	// sampleFraction of a window without a call of ours makes the next one due, to hear whether the others are still there.
	sampleFraction = 4
	// generosity is by how much more than their pace we leave to others, for pace is never quite even.
	generosity = 1.1
)

// others is what we know about the other callers that share a bucket. It does nothing to the reserve, which is kept always;
// it is about being fair with the rest.
type others struct {
	pace    float64 // their calls per second; zero when nobody calls steadily
	windows int     // since we last listened; a new client has never

	// The mark: when we fell silent in this window, how much was left, and how many answers we have had since.
	since     time.Time
	remaining int
	own       int
}

func newOthers() others { return others{windows: listenEvery} }

// nextWindow starts over, but for what was learned.
func (o *others) nextWindow() {
	o.windows++
	o.since, o.own = time.Time{}, 0
}

// held is how many calls of this window to leave untouched for now, and when that is worth another look. A held window may
// still be asked for one call: that is the sample.
func (o *others) held(w *window, floor int, idle bool, now time.Time) (calls int, sample bool, again time.Duration) {
	switch {
	case o.pace > 0:
		return o.heldForPace(w, idle, now)
	case o.windows < listenEvery, w.limit < minListenLimit, 2*floor >= w.limit:
		return 0, false, 0
	}
	half := int(math.Ceil(float64(w.limit) * (1 - atOnce)))
	if w.remaining > half {
		return half, false, 0
	}
	o.mark(w, idle, now)
	quiet := o.since.Add(w.span() / listenFraction).Sub(now)
	return w.remaining, !o.since.IsZero() && quiet <= 0, quiet
}

// heldForPace leaves what the others will use until the window ends. What they used since the last answer is not there
// either.
func (o *others) heldForPace(w *window, idle bool, now time.Time) (calls int, sample bool, again time.Duration) {
	used := o.pace * now.Sub(w.heard).Seconds()
	needed := o.pace*w.end.Sub(now).Seconds()*generosity + 2
	calls = int(math.Ceil(used + needed))
	if calls >= w.remaining {
		o.mark(w, idle, now)
		sample = now.Sub(w.heard) >= w.span()/sampleFraction
	}
	return calls, sample, max(w.span()/100, time.Millisecond)
}

// mark notes when we fell silent. With calls in flight there is no telling which of ours are counted already.
func (o *others) mark(w *window, idle bool, now time.Time) {
	if o.since.IsZero() && idle {
		o.since, o.remaining, o.own = now, w.remaining, 0
	}
}

// answered counts an answer of ours in the window.
func (o *others) answered() { o.own++ }

// listen works out what the others used since the mark, when no call of ours is in flight.
func (o *others) listen(w *window, now time.Time) {
	silence := w.span() / listenFraction
	elapsed := now.Sub(o.since)
	if o.since.IsZero() || o.own == 0 || elapsed < silence {
		return
	}
	theirs := o.remaining - w.remaining - o.own
	pace := float64(theirs) / elapsed.Seconds()
	o.windows = 0
	switch few := float64(max(4, w.limit/100)) / silence.Seconds(); {
	case pace*w.span().Seconds() >= float64(w.limit):
		// Whoever calls faster than the whole limit allows is no steady caller but bursts as we do. That drowned whoever else
		// there is, so what was known of them fades only.
		o.pace /= 2
	case pace < few:
		o.pace = 0 // a handful may be another client like us that takes its samples
	default:
		o.pace = pace
	}
}
