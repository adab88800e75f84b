package mapping_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/revocation"
	"sever/source/mapping"
)

func terminations(effective *mapping.Effective) mapping.Config {
	return mapping.Config{
		Kind: "termination", Time: "t", Effective: effective,
		Person: mapping.Person{Kind: "attribute", Attribute: "employeeNumber", Value: "id"},
	}
}

// Each value is JSON. "" stands for now, "?" for a date that cannot be read.
func TestEffective(t *testing.T) {
	t.Parallel()
	newYork := mapping.Effective{At: "d", Zone: "America/New_York"}
	for _, tt := range []struct {
		effective mapping.Effective
		value     string
		want      string
	}{
		{mapping.Effective{At: "d"}, `"2026-11-30"`, "2026-12-01T00:00:00Z"},
		{mapping.Effective{At: "d", TimeOfDay: "24:00"}, `"2026-12-31"`, "2027-01-01T00:00:00Z"},
		{mapping.Effective{At: "d", TimeOfDay: "17:30", Zone: "Europe/Berlin"}, `"2026-11-30"`, "2026-11-30T16:30:00Z"},
		{mapping.Effective{At: "d", TimeOfDay: "00:00"}, `"2026-11-30"`, "2026-11-30T00:00:00Z"},
		{newYork, `"2026-11-30"`, "2026-12-01T05:00:00Z"},
		{newYork, `["2026-11-30"]`, "2026-12-01T05:00:00Z"},
		{newYork, `{"value":"2026-11-30"}`, "2026-12-01T05:00:00Z"},
		// Days of 23 and of 25 hours end when the next begins.
		{newYork, `"2026-03-08"`, "2026-03-09T04:00:00Z"},
		{newYork, `"2026-11-01"`, "2026-11-02T05:00:00Z"},
		// Clocks skip this midnight, and show that one twice.
		{mapping.Effective{At: "d", Zone: "America/Havana"}, `"2026-03-07"`, "2026-03-08T05:00:00Z"},
		{mapping.Effective{At: "d", Zone: "America/Havana"}, `"2026-10-31"`, "2026-11-01T04:00:00Z"},
		{mapping.Effective{At: "d", Zone: "America/New_York", TimeOfDay: "02:30"}, `"2026-03-08"`, "2026-03-08T07:00:00Z"},
		{mapping.Effective{At: "d", Zone: "America/New_York", TimeOfDay: "01:30"}, `"2026-11-01"`, "2026-11-01T05:30:00Z"},

		{mapping.Effective{At: "d", Zone: "Europe/Berlin", TimeOfDay: "02:30"}, `"2026-03-29"`, "2026-03-29T01:00:00Z"},
		{mapping.Effective{At: "d", Zone: "Europe/Berlin", TimeOfDay: "02:30"}, `"2026-10-25"`, "2026-10-25T00:30:00Z"},
		{mapping.Effective{At: "d", Zone: "Pacific/Auckland", TimeOfDay: "02:30"}, `"2026-04-05"`, "2026-04-04T13:30:00Z"},

		{newYork, `"2026-11-30T09:00:00Z"`, "2026-11-30T09:00:00Z"},
		{newYork, `"2026-11-30T09:00:00.123456+01:00"`, "2026-11-30T08:00:00.123456Z"},
		{newYork, `"2026-11-30T09:00:00+0000"`, "2026-11-30T09:00:00Z"},
		{newYork, `"2026-11-30T09:00:00-0500"`, "2026-11-30T14:00:00Z"},
		{newYork, `"2026-11-30T09:00:00"`, "2026-11-30T14:00:00Z"},
		{newYork, `"2026-11-30T09:00:00.955603"`, "2026-11-30T14:00:00.955603Z"},
		{newYork, `"2026-11-30 09:00:00"`, "2026-11-30T14:00:00Z"},
		{newYork, `" 2026-11-30 09:00:00 UTC "`, "2026-11-30T09:00:00Z"},

		{newYork, `null`, ""},
		{newYork, `""`, ""},
		{newYork, `{"value":null}`, ""},
		{newYork, `[]`, ""},

		{newYork, `"01/02/2027"`, "?"},
		{newYork, `"2026-13-01"`, "?"},
		{newYork, `"2026-02-30"`, "?"},
		{newYork, `"20261130"`, "?"},
		{newYork, `20261130`, "?"},
		{newYork, `1795996800`, "?"},
		{newYork, `"2026-11-30 09:00:00 EST"`, "?"}, // which of several
		{newYork, `"0001-01-01"`, "?"},
		{newYork, `"9999-12-31"`, "?"},
		{newYork, `"0001-01-01T00:00:00Z"`, "?"},
		{newYork, `"next Friday"`, "?"},
		{newYork, `"N/A"`, "?"},
		{newYork, `{}`, "?"},
		{newYork, `["2026-11-30","2026-12-30"]`, "?"},
		{mapping.Effective{At: "d", Immediately: true}, `"2099-11-30"`, ""},
		{mapping.Effective{Immediately: true}, `"next Friday"`, ""},
	} {
		t.Run(tt.effective.Zone+" "+tt.value, func(t *testing.T) {
			t.Parallel()
			decoded := decode(t, terminations(&tt.effective), `{"id":"7","d":`+tt.value+`}`)
			require.Len(t, decoded.Signals, 1)
			signal := decoded.Signals[0]
			require.Equal(t, revocation.KindTermination, signal.Kind)
			switch tt.want {
			case "?": // neither now nor never: somebody has to look
				require.True(t, signal.Person.IsZero())
				require.Equal(t, "its effective date cannot be read", signal.NoPerson)
			case "":
				require.Equal(t, "7", signal.Person.Value)
				require.True(t, signal.Effective.IsZero())
			default:
				require.Equal(t, "7", signal.Person.Value)
				require.Equal(t, tt.want, signal.Effective.Format(time.RFC3339Nano))
			}
		})
	}
}

func TestEffectiveIsForTerminationsOnly(t *testing.T) {
	t.Parallel()
	config := terminations(&mapping.Effective{At: "d"})
	config.Kind = "withdrawal"
	signal := decode(t, config, `{"id":"7","d":"2026-11-30"}`).Signals[0]
	require.True(t, signal.Effective.IsZero())
	require.Equal(t, "7", signal.Person.Value)
	require.Empty(t, decode(t, config, `{"id":"7","d":"whenever"}`).Signals[0].NoPerson)
}

func TestMissingDateIsNow(t *testing.T) {
	t.Parallel()
	signal := decode(t, terminations(&mapping.Effective{At: "d"}), `{"id":"7"}`).Signals[0]
	require.Equal(t, "7", signal.Person.Value)
	require.True(t, signal.Effective.IsZero())
}

func TestOccurred(t *testing.T) {
	t.Parallel()
	berlin := &mapping.Effective{At: "d", Zone: "Europe/Berlin"}
	for value, want := range map[string]string{
		`"2026-11-23T10:00:00Z"`:           "2026-11-23T10:00:00Z",
		`"2026-11-23T10:00:00.123456789Z"`: "2026-11-23T10:00:00.123456789Z",
		`"2026-01-31T18:42:00+0000"`:       "2026-01-31T18:42:00Z",
		`"2026-01-31T18:42:00+0100"`:       "2026-01-31T17:42:00Z",
		`"2024-12-30T12:56:18.955603"`:     "2024-12-30T11:56:18.955603Z",
		`"2026-11-23 10:00:00 UTC"`:        "2026-11-23T10:00:00Z",
		`"2026-11-23 10:00:00 +0000 UTC"`:  "2026-11-23T10:00:00Z",
		`"2026-11-23 10:00:00"`:            "2026-11-23T09:00:00Z",
		`"2026-11-23"`:                     "2026-11-22T23:00:00Z",
		`1671058841`:                       "2022-12-14T23:00:41Z",
		`"1671058841"`:                     "2022-12-14T23:00:41Z",
		`1671058841.5`:                     "2022-12-14T23:00:41Z",
		`1671058841123`:                    "2022-12-14T23:00:41.123Z",
		`1671058841123456`:                 "2022-12-14T23:00:41.123456Z",
		`{"value":1671058841}`:             "2022-12-14T23:00:41Z",
		`"2026-11-23 10:00:00 PST"`:        "",
		`1e9`:                              "",
		`-1`:                               "",
		`0`:                                "",
		`99999999999999999999999`:          "",
		`"yesterday"`:                      "",
		`"9999-12-31T00:00:00Z"`:           "",
		`null`:                             "",
		`{}`:                               "",
		`["2026-11-23","2026-11-24"]`:      "",
	} {
		signal := decode(t, terminations(berlin), `{"id":"7","t":`+value+`}`).Signals[0]
		if want == "" {
			require.True(t, signal.Occurred.IsZero(), value)
			continue
		}
		require.Equal(t, want, signal.Occurred.Format(time.RFC3339Nano), value)
	}
}
