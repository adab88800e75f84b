package okta_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/okta"
)

func TestRetryAt(t *testing.T) {
	t.Parallel()
	server := time.Date(2027, 1, 15, 8, 0, 0, 0, time.UTC)
	now := server.Add(-17 * time.Hour) // our clock may be anywhere
	limited := func(reset, date time.Time) *okta.Error {
		return &okta.Error{Status: 429, Rate: okta.Rate{Limit: 600, Reset: reset, Date: date, Known: true}}
	}
	local := func(reset time.Time) *okta.Error {
		return &okta.Error{Status: 429, Local: true, Rate: okta.Rate{Limit: 600, Reset: reset, Date: server, Known: true}}
	}
	for _, tc := range []struct {
		name string
		err  error
		want time.Duration
	}{
		{"local", local(server.Add(30 * time.Second)), 30 * time.Second},
		{"local, over", local(server.Add(-time.Second)), 0},
		{"window", limited(server.Add(30*time.Second), server), 31 * time.Second},
		{"wrapped", fmt.Errorf("x: %w", limited(server.Add(30*time.Second), server)), 31 * time.Second},
		{"now", limited(server, server), time.Second},
		{"past", limited(server.Add(-time.Hour), server), time.Second},
		{"absurd", limited(server.Add(time.Hour), server), 90 * time.Second},
	} {
		at, ok := okta.RetryAt(tc.err, now)
		require.True(t, ok, tc.name)
		require.Equal(t, tc.want, at.Sub(now), tc.name)
	}

	concurrency := limited(server.Add(time.Minute), server)
	concurrency.Rate.Limit = 0
	noHeaders := limited(server, server)
	noHeaders.Rate = okta.Rate{Date: server}
	temporary := limited(server.Add(time.Minute), server)
	temporary.Status = 503
	for name, err := range map[string]error{
		"nil": nil, "other": errors.New("x"), "concurrency": concurrency, "no headers": noHeaders, "no date": limited(server, time.Time{}),
		"temporary": temporary,
	} {
		_, ok := okta.RetryAt(err, now)
		require.False(t, ok, name)
	}
}

func TestRateHeadersAreAllOrNothing(t *testing.T) {
	t.Parallel()
	good := rateHeaders("600", "7")
	receipt := revokeAgainst(t, canned{204, good, ""})
	require.Equal(t, okta.Rate{
		Limit: 600, Remaining: 7, Reset: time.Unix(1800000030, 0).UTC(), Date: time.Date(2027, 1, 15, 8, 0, 0, 0, time.UTC), Known: true,
	}, receipt.Rate)
	for _, name := range []string{"X-Rate-Limit-Limit", "X-Rate-Limit-Remaining", "X-Rate-Limit-Reset"} {
		for _, value := range []string{"", "x", "-1", "1.5", "99999999999999999999"} {
			header := rateHeaders("600", "7")
			header[name] = value
			require.False(t, revokeAgainst(t, canned{204, header, ""}).Rate.Known, "%s=%s", name, value)
		}
	}
}

func revokeAgainst(t *testing.T, answer canned) okta.Receipt {
	t.Helper()
	client := newClient(t, "https://acme.okta.com", func(c *okta.Config) { c.Transport = answer })
	receipt, err := client.RevokeUserSessions(t.Context(), alice, okta.RevokeOptions{})
	require.NoError(t, err)
	return receipt
}
