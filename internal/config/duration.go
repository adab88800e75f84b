package config

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// durationPattern is Go's notation plus d for 24 hours, as in 90s, 1h30m or 7d. Days come first. No unit, no
// duration: 10 could be seconds or minutes.
const durationPattern = `^(?:[0-9]{1,5}d)?(?:[0-9]{1,9}(?:\.[0-9]{1,9})?(?:ms|s|m|h))*$`

const day = 24 * time.Hour

var durationForm = regexp.MustCompile(durationPattern)

func setDuration(into *time.Duration, text string) *Problem {
	problem := &Problem{
		Message: quote(text) + " is not a duration",
		Fix:     "write a number with its unit ms, s, m, h or d, such as 90s, 10m or 7d",
	}
	if text == "" || !durationForm.MatchString(text) {
		return problem
	}

	days, rest, found := strings.Cut(text, "d")
	if !found {
		days, rest = "0", text
	}
	// Five digits of days are below the 292 years that fit.
	count, err := strconv.ParseInt(days, 10, 64)
	if err != nil {
		return problem
	}
	whole := time.Duration(count) * day
	var part time.Duration
	if rest != "" {
		if part, err = time.ParseDuration(rest); err != nil {
			return problem
		}
	}
	if whole+part < whole {
		return problem
	}
	*into = whole + part

	return nil
}

// showDuration prints whole days as such and leaves out zero units: 7d, 24h30m, 2s.
func showDuration(d time.Duration) string {
	if d >= day && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	text := d.String()
	if d >= time.Minute && d%time.Minute == 0 {
		text = strings.TrimSuffix(text, "0s")
	}
	if d >= time.Hour && d%time.Hour == 0 {
		text = strings.TrimSuffix(text, "0m")
	}

	return text
}
