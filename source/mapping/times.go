package mapping

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // zones are named in the configuration; a container has no zone files
)

// Years that a date of a living sender can be in. 0001-01-01 and 9999-12-31 are how
// databases write that there is no date.
const (
	minYear = 1990
	maxYear = 2199
)

// zoned are layouts with a zone, tried in turn; Go takes fractions of a second with each.
func zoned() []string {
	return []string{time.RFC3339, "2006-01-02T15:04:05-0700", "2006-01-02T15:04:05Z0700", "2006-01-02 15:04:05 MST", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05 -0700 MST"}
}

// unzoned are layouts without one.
func unzoned() []string {
	return []string{"2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04"}
}

// parseClock reads a date with a time. Other orders, such as 01/02/2006, are not tried:
// which is the month would be a guess.
func parseClock(text string, zone *time.Location) (time.Time, error) {
	for _, layout := range zoned() {
		at, err := time.ParseInLocation(layout, text, time.UTC) // not as this machine's zone reads it
		if err == nil && knownZone(at) {
			return inYears(at)
		}
	}
	for _, layout := range unzoned() {
		if at, err := time.Parse(layout, text); err == nil {
			return inYears(wallClock(at, zone))
		}
	}
	return time.Time{}, errors.New("cannot be read")
}

// knownZone refuses abbreviations such as EST, of which there are several: Go would take
// them all for UTC.
func knownZone(at time.Time) bool {
	name, offset := at.Zone()
	return offset != 0 || name == "UTC" || name == "" || name == "GMT"
}

func inYears(at time.Time) (time.Time, error) {
	if at.Year() < minYear || at.Year() > maxYear {
		return time.Time{}, errors.New("is not in a year that can be meant")
	}
	return at.UTC(), nil
}

// parseTime reads when something happened; the zero time if it cannot be read, since
// nothing depends on it but the order of events.
func parseTime(text string, zone *time.Location) time.Time {
	if at, err := parseClock(text, zone); err == nil {
		return at
	}
	if at, err := time.Parse(time.DateOnly, text); err == nil {
		at, _ = inYears(wallClock(at, zone))
		return at
	}
	return unixTime(text)
}

// unixTime reads seconds, milliseconds or microseconds since 1970; which, the number's
// size says: as seconds, 1e11 is in the year 5138.
func unixTime(text string) time.Time {
	whole, fraction, _ := strings.Cut(text, ".")
	if strings.Trim(fraction, "0123456789") != "" {
		return time.Time{}
	}
	count, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || count <= 0 {
		return time.Time{}
	}
	var at time.Time
	switch {
	case count > 1e14:
		at = time.UnixMicro(count)
	case count > 1e11:
		at = time.UnixMilli(count)
	default:
		at = time.Unix(count, 0)
	}
	at, _ = inYears(at.UTC())
	return at
}

// wallClock gives the moment when the clocks in zone show what at shows. A time that
// clocks skip is the moment they skip it; of a time they show twice, the first.
func wallClock(at time.Time, zone *time.Location) time.Time {
	moment := time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), at.Nanosecond(), zone)
	start, end := moment.ZoneBounds()
	switch shown := shownBy(moment); {
	case shown.After(at):
		return start
	case shown.Before(at):
		return end
	case start.IsZero():
		return moment
	}
	_, before := start.Add(-time.Nanosecond).Zone()
	_, now := moment.Zone()
	if earlier := moment.Add(time.Duration(now-before) * time.Second); earlier.Before(start) && shownBy(earlier).Equal(at) {
		return earlier
	}
	return moment
}

// shownBy is what a clock shows, as if it were in UTC.
func shownBy(moment time.Time) time.Time {
	_, offset := moment.Zone()
	return moment.UTC().Add(time.Duration(offset) * time.Second)
}

// effective says when a termination takes effect.
type effective struct {
	at          *value
	zone        *time.Location
	hour, min   int // 24:00 is the start of the next day, however long this one is
	immediately bool
}

// due reads the moment from the text; a date is due at the configured time of that day.
func (e effective) due(text string) (time.Time, error) {
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return parseClock(text, e.zone)
	}
	moment := time.Date(day.Year(), day.Month(), day.Day(), e.hour, e.min, 0, 0, time.UTC)
	if _, err := inYears(day); err != nil {
		return time.Time{}, err
	}
	return wallClock(moment, e.zone).UTC(), nil
}

// parseTimeOfDay reads 17:30; 24:00 is the end of the day and the default.
func parseTimeOfDay(text string) (hour, minute int, err error) {
	if text == "" || text == "24:00" {
		return 24, 0, nil
	}
	at, err := time.Parse("15:04", text)
	if err != nil || at.Format("15:04") != text {
		return 0, 0, fmt.Errorf("%s is no time of day", printable(text, 20))
	}
	return at.Hour(), at.Minute(), nil
}
