package verify

import (
	"strconv"
	"strings"
	"time"
)

const (
	maxTimestampDigits = 15
	maxTimestampText   = 64
)

// within refuses a timestamp that is no time in the configured unit, or is off by more
// than the tolerance. What is signed is the text itself, never the time read from it.
func (t Timestamp) within(text string, now time.Time) error {
	if text == "" {
		return ErrMissing
	}
	at, err := t.parse(text)
	if err != nil {
		return err
	}
	if t.Tolerance == 0 {
		return nil
	}
	if at.Before(now.Add(-t.Tolerance)) || at.After(now.Add(t.Tolerance)) {
		return ErrStale
	}
	return nil
}

func (t Timestamp) parse(text string) (time.Time, error) {
	if len(text) > maxTimestampText {
		return time.Time{}, ErrMalformed
	}
	var at time.Time
	var err error
	switch t.Unit {
	case "rfc3339":
		at, err = time.Parse(time.RFC3339, text)
	case "layout":
		at, err = time.Parse(t.Layout, text)
	default:
		return t.parseUnix(text)
	}
	if err != nil {
		return time.Time{}, ErrMalformed // the error would quote the text
	}
	return at, nil
}

// parseUnix takes digits only: no sign, fraction, exponent, Infinity or space.
func (t Timestamp) parseUnix(text string) (time.Time, error) {
	if len(text) > maxTimestampDigits || strings.Trim(text, "0123456789") != "" {
		return time.Time{}, ErrMalformed
	}
	number, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, ErrMalformed
	}
	if t.Unit == "ms" {
		return time.UnixMilli(number), nil
	}
	return time.Unix(number, 0), nil
}

// format writes now as a sender would.
func (t Timestamp) format(now time.Time) string {
	switch t.Unit {
	case "ms":
		return strconv.FormatInt(now.UnixMilli(), 10)
	case "rfc3339":
		return now.UTC().Format(time.RFC3339)
	case "layout":
		return now.UTC().Format(t.Layout)
	default:
		return strconv.FormatInt(now.Unix(), 10)
	}
}

// completeLayout reports whether a layout tells a moment: what it writes can be read back.
func completeLayout(layout string) bool {
	moment := time.Date(2031, time.November, 23, 14, 35, 48, 0, time.UTC)
	back, err := time.Parse(layout, moment.Format(layout))
	return err == nil && back.Equal(moment)
}
