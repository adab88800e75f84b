package verify

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTimestampText(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, time.March, 4, 5, 6, 7, 0, time.UTC)
	for _, tt := range []struct {
		unit, text string
		err        error
	}{
		{"", "1772600767", nil},
		{"s", "1772600767", nil},
		{"s", "01772600767", nil}, // the text is what is signed
		{"s", "1772600767000", ErrStale},
		{"s", "999999999999999", ErrStale},
		{"s", "0", ErrStale},
		{"s", "0001772600767000", ErrMalformed},
		{"s", "", ErrMissing},
		{"s", "+1772600767", ErrMalformed},
		{"s", "-1772600767", ErrMalformed},
		{"s", " 1772600767", ErrMalformed},
		{"s", "1772600767 ", ErrMalformed},
		{"s", "177260 0767", ErrMalformed},
		{"s", "1772600767.0", ErrMalformed},
		{"s", "1.772600767e9", ErrMalformed},
		{"s", "0x69A7BF3F", ErrMalformed},
		{"s", "1_772_600_767", ErrMalformed},
		{"s", "Infinity", ErrMalformed},
		{"s", "NaN", ErrMalformed},
		{"s", "١٧٧٢٦٠٠٧٦٧", ErrMalformed},
		{"s", "2026-03-04T05:06:07Z", ErrMalformed},
		{"ms", "1772600767000", nil},
		{"ms", "1772600767", ErrStale},
		{"rfc3339", "2026-03-04T05:06:07Z", nil},
		{"rfc3339", "2026-03-04T06:06:07.5+01:00", nil},
		{"rfc3339", "2026-03-04T05:06:07", ErrMalformed},
		{"rfc3339", "1772600767", ErrMalformed},
		{"rfc3339", "2026-03-04T05:06:07." + strings.Repeat("0", 64) + "Z", ErrMalformed},
		{"layout", "04 Mar 26 05:06:07 +0000", nil},
		{"layout", "2026-03-04T05:06:07Z", ErrMalformed},
	} {
		timestamp := Timestamp{Unit: tt.unit, Tolerance: 5 * time.Minute}
		if tt.unit == "layout" {
			timestamp.Layout = "02 Jan 06 15:04:05 -0700"
		}
		err := timestamp.within(tt.text, now)
		if tt.err == nil {
			require.NoError(t, err, "%s %q", tt.unit, tt.text)
			require.NoError(t, timestamp.within(timestamp.format(now), now))
			continue
		}
		require.ErrorIs(t, err, tt.err, "%s %q", tt.unit, tt.text)
	}
}

func TestNoToleranceStillReadsTheTimestamp(t *testing.T) {
	t.Parallel()
	require.NoError(t, Timestamp{}.within("1", time.Now()))
	require.ErrorIs(t, Timestamp{}.within("Infinity", time.Now()), ErrMalformed)
	require.ErrorIs(t, Timestamp{}.within("", time.Now()), ErrMissing)
}
