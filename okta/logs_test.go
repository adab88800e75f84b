package okta_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/okta"
	"sever/okta/oktasim"
)

func TestListLogsPolls(t *testing.T) {
	t.Parallel()
	client, _ := startSim(t, oktasim.Options{})
	for range 3 {
		_, err := client.RevokeUserSessions(t.Context(), alice, okta.RevokeOptions{})
		require.NoError(t, err)
	}
	first, receipt, err := client.ListLogs(t.Context(), okta.LogPoll{Since: time.Now().Add(-time.Hour), Limit: 2})
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, receipt.Status)
	require.Len(t, first.Events, 2)
	require.True(t, first.More)
	require.NotEmpty(t, first.Next)

	second, _, err := client.ListLogs(t.Context(), okta.LogPoll{After: first.Next, Limit: 1000})
	require.NoError(t, err)
	require.NotEmpty(t, second.Events)
	require.False(t, second.More)
	seen := map[string]bool{}
	for _, e := range append(first.Events, second.Events...) {
		require.False(t, seen[e.UUID], "each event once")
		seen[e.UUID] = true
	}

	again, _, err := client.ListLogs(t.Context(), okta.LogPoll{After: first.Next, Limit: 1000})
	require.NoError(t, err)
	require.Equal(t, second.Events, again.Events, "the same cursor gives the same events")

	empty, _, err := client.ListLogs(t.Context(), okta.LogPoll{After: second.Next})
	require.NoError(t, err)
	require.Empty(t, empty.Events)
	require.NotEmpty(t, empty.Next, "there is always a next poll")

	revoked, err := client.RevokeUserSessions(t.Context(), bob, okta.RevokeOptions{})
	require.NoError(t, err)
	news, _, err := client.ListLogs(t.Context(), okta.LogPoll{After: empty.Next})
	require.NoError(t, err)
	require.NotEmpty(t, news.Events)
	require.Equal(t, "user.session.clear", news.Events[0].EventType)
	require.Equal(t, revoked.RequestID, news.Events[0].DebugContext.DebugData["requestId"])
}

// logServer answers with a page and a next link, and keeps the queries it was asked.
func logServer(t *testing.T, body string, link func(origin string) string) (client *okta.Client, asked *[]string) {
	t.Helper()
	var queries []string
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		queries = append(queries, r.URL.RawQuery)
		w.Header().Set("Link", link(server.URL))
		_, _ = fmt.Fprint(w, body)
	}))
	t.Cleanup(server.Close)
	return newClient(t, server.URL), &queries
}

func TestListLogsKeepsWhereItWas(t *testing.T) {
	t.Parallel()
	client, queries := logServer(t, "[]", func(o string) string {
		return `<` + o + `/api/v1/logs?since=2027-01-01T00%3A00%3A00.000Z&limit=7&sortOrder=ASCENDING&after=16%2B_1>; rel="next"`
	})
	page, _, err := client.ListLogs(t.Context(), okta.LogPoll{Since: time.Date(2027, 1, 1, 0, 0, 0, 5e6, time.FixedZone("", 3600))})
	require.NoError(t, err)
	_, _, err = client.ListLogs(t.Context(), okta.LogPoll{After: page.Next, Since: time.Now(), Limit: 9})
	require.NoError(t, err)
	require.Equal(t, []string{
		url.Values{"limit": {"100"}, "sortOrder": {"ASCENDING"}, "since": {"2026-12-31T23:00:00.005Z"}}.Encode(),
		url.Values{"limit": {"9"}, "sortOrder": {"ASCENDING"}, "since": {"2027-01-01T00:00:00.000Z"}, "after": {"16+_1"}}.Encode(),
	}, *queries)
}

func TestListLogsKeepsWhatItCannotRead(t *testing.T) {
	t.Parallel()
	client, _ := logServer(t, `[{"uuid":"1","eventType":"a"},{"uuid":"2","target":"x"},{"uuid":"3","eventType":"b"}]`, func(o string) string {
		return `<` + o + `/api/v1/logs?after=1>; rel="next"`
	})
	page, _, err := client.ListLogs(t.Context(), okta.LogPoll{Limit: 3})
	require.NoError(t, err)
	require.Len(t, page.Events, 2)
	require.Len(t, page.Unreadable, 1)
	require.JSONEq(t, `{"uuid":"2","target":"x"}`, string(page.Unreadable[0].Raw))
	require.ErrorContains(t, page.Unreadable[0].Err, "target")
	require.True(t, page.More, "a full page, whatever is in it")
}

func TestListLogsRefusesStrangeAnswers(t *testing.T) {
	t.Parallel()
	good := func(o string) string { return `<` + o + `/api/v1/logs?after=1>; rel="next"` }
	for name, tc := range map[string]struct {
		body string
		link func(string) string
	}{
		"page":         {"<html>", good},
		"object":       {"{}", good},
		"no next":      {"[]", func(string) string { return "" }},
		"other host":   {"[]", func(string) string { return `<https://evil.example/api/v1/logs?after=1>; rel="next"` }},
		"other path":   {"[]", func(o string) string { return `<` + o + `/api/v1/users?after=1>; rel="next"` }},
		"bounded":      {"[]", func(o string) string { return `<` + o + `/api/v1/logs?after=1&until=2027-01-01T00:00:00Z>; rel="next"` }},
		"two cursors":  {"[]", func(o string) string { return `<` + o + `/api/v1/logs?after=1&after=2>; rel="next"` }},
		"empty cursor": {"[]", func(o string) string { return `<` + o + `/api/v1/logs?after=>; rel="next"` }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, _ := logServer(t, tc.body, tc.link)
			page, _, err := client.ListLogs(t.Context(), okta.LogPoll{})
			require.Equal(t, okta.ClassWrongURL, okta.ClassOf(err))
			require.Zero(t, page)
		})
	}
}

func TestListLogsRefusesLocally(t *testing.T) {
	t.Parallel()
	for _, poll := range []okta.LogPoll{
		{Limit: -1},
		{Limit: 1001},
		{After: "x"},
		{After: "after="},
		{After: "after=1&until=2"},
		{After: "after=1&after=2"},
		{After: "after=%0A"},
		{After: "%zz"},
		{After: okta.LogCursor("after=" + strings.Repeat("x", 5000))},
	} {
		sent := &recorder{}
		client := newClient(t, "https://acme.okta.com", func(c *okta.Config) { c.Transport = sent })
		_, _, err := client.ListLogs(t.Context(), poll)
		var invalid *okta.InvalidPollError
		require.ErrorAs(t, err, &invalid, "%+v", poll)
		require.Equal(t, okta.ClassInvalid, okta.ClassOf(err))
		require.Empty(t, sent.seen)
	}
}
