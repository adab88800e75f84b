package okta

import (
	"errors"
	"net/http"
	"strconv"
	"time"
)

const (
	// resetSlack makes up for Reset and Date being whole seconds.
	resetSlack = time.Second
	minWait    = time.Second
	// maxWait is one window and a half; a longer wait is a wrong header, not a limit.
	maxWait = 90 * time.Second
)

// Rate is what the X-Rate-Limit headers of an answer say.
//
// https://developer.okta.com/docs/reference/rl-best-practices/
type Rate struct {
	Limit     int       // calls per window; 0 on a 429 for too many calls at once
	Remaining int       // calls left in the window
	Reset     time.Time // end of the window by Okta's clock
	Date      time.Time // Okta's clock at the answer; zero without a Date header
	Known     bool      // all three rate headers were there and readable
}

// window is how long the window lasts from the moment of the answer, whatever our own clock says.
func (r Rate) window() (time.Duration, bool) {
	if !r.Known || r.Date.IsZero() {
		return 0, false
	}
	return r.Reset.Sub(r.Date), true
}

func parseRate(h http.Header) Rate {
	var rate Rate
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		rate.Date = date
	}
	limit, errLimit := strconv.ParseUint(h.Get("X-Rate-Limit-Limit"), 10, 31)
	remaining, errRemaining := strconv.ParseUint(h.Get("X-Rate-Limit-Remaining"), 10, 31)
	reset, errReset := strconv.ParseUint(h.Get("X-Rate-Limit-Reset"), 10, 40)
	if errLimit != nil || errRemaining != nil || errReset != nil {
		return rate
	}
	rate.Limit, rate.Remaining, rate.Known = int(limit), int(remaining), true
	rate.Reset = time.Unix(int64(reset), 0).UTC()
	return rate
}

// RetryAt says when a call refused by the rate limit is worth another try: Okta's reset minus Okta's own Date plus a second
// after now, between 1 and 90 seconds; without that second for a refusal by the client's own budget. It is false for every
// other error, the concurrency limit included, and when the headers are missing.
func RetryAt(err error, now time.Time) (time.Time, bool) {
	if refused, ok := errors.AsType[*OAuthError](err); ok {
		return refused.RetryAt, !refused.RetryAt.IsZero()
	}
	var e *Error
	if !errors.As(err, &e) || e.Class() != ClassRateLimited {
		return time.Time{}, false
	}
	window, known := e.Rate.window()
	if !known {
		return time.Time{}, false
	}
	if e.Local {
		return now.Add(max(window, 0)), true // by our own clock, from what was learned: no slack needed
	}
	wait := min(max(window+resetSlack, minWait), maxWait)
	return now.Add(wait), true
}
