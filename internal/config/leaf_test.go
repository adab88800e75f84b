package config

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDurationNotation(t *testing.T) {
	t.Parallel()

	for text, want := range map[string]time.Duration{
		"0s": 0, "90s": 90 * time.Second, "10m": 10 * time.Minute, "7d": 7 * day, "1500ms": 1500 * time.Millisecond,
		"1.5h": 90 * time.Minute, "1h30m": 90 * time.Minute, "1d12h": 36 * time.Hour, "0d1s": time.Second,
		"99999d": 99999 * day,
	} {
		var got time.Duration
		require.Nil(t, setDuration(&got, text), text)
		require.Equal(t, want, got, text)
	}

	for _, text := range []string{
		"", "0", "10", "s", "-1s", "+1s", "1 s", "1S", "1w", "1.5d", "1h2d", "1us", "1ns", "1s ", ".5s", "1.s", "1e3s",
		"100000d", "9999999999s", "99999d999999h", "999999999h",
	} {
		got := time.Minute
		require.NotNil(t, setDuration(&got, text), text)
		require.Equal(t, time.Minute, got, "%s must leave the value alone", text)
	}
}

func TestShowDuration(t *testing.T) {
	t.Parallel()

	for want, d := range map[string]time.Duration{
		"0s": 0, "1.5s": 1500 * time.Millisecond, "1m1s": 61 * time.Second, "10m": 10 * time.Minute, "20h": 20 * time.Hour,
		"1h10m": 70 * time.Minute, "1h0m10s": time.Hour + 10*time.Second, "1d": day, "90d": 90 * day, "36h": 36 * time.Hour,
	} {
		require.Equal(t, want, showDuration(d))
	}
}

func TestSizeNotation(t *testing.T) {
	t.Parallel()

	for text, want := range map[string]Size{
		"0": 0, "1": 1, "4096": 4096, "512KiB": 512 << 10, "4MiB": 4 << 20, "12GiB": 12 << 30, "3TiB": 3 << 40,
		"9223372036854775807": math.MaxInt64, "8388607TiB": 8388607 << 40,
	} {
		var got Size
		require.Nil(t, setSize(&got, text), text)
		require.Equal(t, want, got, text)
	}

	for _, text := range []string{
		"", "-1", "+1", "1.5MiB", "4MB", "4M", "4 MiB", "4mib", "4PiB", "MiB", "0x10", "1_000", "1e3", "4MiB ",
		"9223372036854775808", "8388608TiB", "99999999999999999999",
	} {
		got := Size(7)
		require.NotNil(t, setSize(&got, text), text)
		require.Equal(t, Size(7), got, "%s must leave the value alone", text)
	}
}

func TestSizeString(t *testing.T) {
	t.Parallel()

	for want, size := range map[string]Size{
		"0": 0, "1": 1, "1023": 1023, "1KiB": 1024, "1025": 1025, "1536KiB": 1536 << 10, "4MiB": 4 << 20, "12GiB": 12 << 30, "1TiB": 1 << 40,
	} {
		require.Equal(t, want, size.String())
	}
}
