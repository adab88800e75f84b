package oktasim_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/okta"
	"sever/okta/oktasim"
)

var linkPattern = regexp.MustCompile(`^<([^>]+)>; rel="([a-z]+)"$`)

func links(t *testing.T, a answer) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, link := range a.header.Values("Link") {
		match := linkPattern.FindStringSubmatch(link)
		require.NotNil(t, match, link)
		found[match[2]] = match[1]
	}
	return found
}

func TestLogPages(t *testing.T) {
	t.Parallel()
	o := start(t, oktasim.Options{})
	for i := range 5 {
		o.publish(`{"eventType":"e` + strconv.Itoa(i) + `"}`)
	}
	var seen []string
	path := "/api/v1/logs?limit=2&since=2020-01-01T00:00:00Z"
	for range 4 {
		a := o.send(http.MethodGet, path, "")
		var events []okta.LogEvent
		a.json(t, &events)
		for _, e := range events {
			seen = append(seen, e.EventType)
		}
		require.NotEmpty(t, links(t, a)["self"])
		next, err := url.Parse(links(t, a)["next"])
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(links(t, a)["next"], o.url+"/api/v1/logs?"))
		require.Equal(t, "2", next.Query().Get("limit"))
		path = next.RequestURI()
	}
	require.Equal(t, []string{"e0", "e1", "e2", "e3", "e4"}, seen)
	o.publish(`{"eventType":"late"}`)
	require.Contains(t, string(o.send(http.MethodGet, path, "").body), `"late"`, "polling goes on where it ended")
}

func TestLogBounds(t *testing.T) {
	t.Parallel()
	now := time.Date(2027, 1, 15, 8, 0, 0, 0, time.UTC)
	o := start(t, oktasim.Options{Now: func() time.Time { return now }, Org: "https://acme.okta.com"})
	for _, published := range []string{"2027-01-01T00:00:00.000Z", "2027-01-14T00:00:00.000Z", "2027-01-15T00:00:00.000Z", "nonsense"} {
		o.publish(`{"eventType":"x","uuid":"` + published + `","published":"` + published + `"}`)
	}
	for query, want := range map[string][]string{
		"":                            {"2027-01-14T00:00:00.000Z", "2027-01-15T00:00:00.000Z", "nonsense"},
		"?since=2026-01-01T00:00:00Z": {"2027-01-01T00:00:00.000Z", "2027-01-14T00:00:00.000Z", "2027-01-15T00:00:00.000Z", "nonsense"},
		"?since=2027-01-14T12:00:00Z&until=2027-01-15T08:00:00Z": {"2027-01-15T00:00:00.000Z"},
		"?limit=0":                     {},
		"?limit=1&sortOrder=ASCENDING": {"2027-01-14T00:00:00.000Z"},
	} {
		a := o.send(http.MethodGet, "/api/v1/logs"+query, "")
		var events []okta.LogEvent
		a.json(t, &events)
		got := []string{}
		for _, e := range events {
			got = append(got, e.UUID)
		}
		require.Equal(t, want, got, query)
		_, more := links(t, a)["next"]
		require.Equal(t, !strings.Contains(query, "until"), more, "a bounded query ends")
		require.True(t, strings.HasPrefix(links(t, a)["self"], "https://acme.okta.com/api/v1/logs"))
	}
	for _, query := range []string{
		"since=yesterday", "until=x", "limit=-1", "limit=1001", "limit=x", "after=x", "filter=eventType", "filter=eventType+eq+x", "q=a+b+c+d+e+f+g+h+i+j+k", "sortOrder=DESCENDING",
	} {
		requireError(t, o.send(http.MethodGet, "/api/v1/logs?"+query, ""), 400, "E0000001")
	}
}
