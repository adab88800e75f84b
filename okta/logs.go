package okta

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const (
	bucketLogs  = "logs"
	logsPath    = "/api/v1/logs"
	maxLogLimit = 1000
	maxLogBody  = 32 << 20 // a thousand events of a few kilobytes each
	// logTime is RFC 3339 with milliseconds, as the documentation has it.
	logTime = "2006-01-02T15:04:05.000Z07:00"
)

// LogCursor says where in the System Log the next poll begins. It is opaque, and a plain string so that it can be stored.
type LogCursor string

// LogPoll says what to ask for.
type LogPoll struct {
	After LogCursor // where the last poll ended; empty for the first one
	Since time.Time // where the first one begins; not used with After; zero is Okta's own default, seven days back
	Limit int       // events at most, 1 to 1000; zero is 100
}

// LogPage is one poll's worth of events, oldest first, and the cursor for the next poll. With nothing new it has no events
// and a cursor that asks again later.
type LogPage struct {
	Events     []LogEvent
	Unreadable []UnreadableEvent // what to keep for a person to look at: to skip it silently would be to lose it
	Next       LogCursor
	More       bool // the page is full: poll again at once
}

// UnreadableEvent is an event that does not decode as a [LogEvent].
type UnreadableEvent struct {
	Raw []byte
	Err error
}

// ListLogs polls the System Log: GET /api/v1/logs in ascending order and without an end, which is the one mode in which Okta
// orders events by when they were stored, so that none is missed however late it arrives. Store the cursor after
// handling the events; the same cursor gives the same events again. The log keeps 90 days.
//
// Scope: okta.logs.read. Errors: those of [Client.RevokeUserSessions], and [*InvalidPollError] before anything is sent.
//
// https://developer.okta.com/docs/api/openapi/okta-management/management/tag/SystemLog/ and
// https://developer.okta.com/docs/reference/system-log-query/
func (c *Client) ListLogs(ctx context.Context, poll LogPoll) (LogPage, Receipt, error) {
	const op = "list logs"
	query, limit, err := poll.query()
	if err != nil {
		return LogPage{}, c.unsent(), fmt.Errorf("%s: %w", op, err)
	}
	body, receipt, err := c.do(ctx, operation{
		name: op, bucket: bucketLogs, want: http.StatusOK, maxBody: maxLogBody,
		target: target{method: http.MethodGet, path: logsPath, query: query.Encode()},
	})
	if err != nil {
		return LogPage{}, receipt, err
	}
	page, err := decodeLogs(body)
	if err != nil {
		return LogPage{}, receipt, unexpectedAnswer(op, receipt, err)
	}
	if page.Next, err = c.logCursor(receipt.next); err != nil {
		return LogPage{}, receipt, unexpectedAnswer(op, receipt, err)
	}
	page.More = len(page.Events)+len(page.Unreadable) >= limit
	return page, receipt, nil
}

// logCursor takes from a next link what says where it goes on. The link has since as well as after; without it Okta would
// skip what is older than seven days, after an outage of ours that was longer.
func (c *Client) logCursor(link string) (LogCursor, error) {
	query, err := c.nextQuery(link, logsPath)
	if err != nil {
		return "", err
	}
	if query == nil {
		// A poll always has a next page; without its link we would begin again at the start, or never again.
		return "", errors.New("poll without a next link")
	}
	query.Del("limit")
	query.Del("sortOrder")
	cursor := LogCursor(query.Encode())
	if _, err := cursor.query(); err != nil {
		return "", errNextLink
	}
	return cursor, nil
}

// query is what a cursor stands for: after and perhaps since, nothing else, each once.
func (l LogCursor) query() (url.Values, error) {
	query, err := url.ParseQuery(string(l))
	if err != nil || len(l) > maxLink {
		return nil, errors.New("is not a cursor of ListLogs")
	}
	for name, values := range query {
		if (name != "after" && name != "since") || len(values) != 1 || !allVisibleASCII(values[0]) {
			return nil, errors.New("is not a cursor of ListLogs")
		}
	}
	if query.Get("after") == "" {
		return nil, errors.New("is not a cursor of ListLogs")
	}
	return query, nil
}

// InvalidPollError says that a poll asks for what cannot be asked. Nothing was sent.
type InvalidPollError struct {
	Field  string
	Reason string
}

func (e *InvalidPollError) Error() string { return "okta log poll: " + e.Field + " " + e.Reason }

func (p LogPoll) query() (query url.Values, limit int, err error) {
	limit = p.Limit
	if limit == 0 {
		limit = 100
	}
	if limit < 1 || limit > maxLogLimit {
		return nil, 0, &InvalidPollError{Field: "Limit", Reason: fmt.Sprintf("must be 1 to %d", maxLogLimit)}
	}
	query = url.Values{}
	switch {
	case p.After != "":
		if query, err = p.After.query(); err != nil {
			return nil, 0, &InvalidPollError{Field: "After", Reason: err.Error()}
		}
	case !p.Since.IsZero():
		query.Set("since", p.Since.UTC().Format(logTime))
	}
	query.Set("limit", strconv.Itoa(limit))
	query.Set("sortOrder", "ASCENDING")
	return query, limit, nil
}

func decodeLogs(body []byte) (LogPage, error) {
	var raw []json.RawMessage
	if err := json.Unmarshal(body, &raw); err != nil {
		return LogPage{}, errors.New("body is not a list of events")
	}
	var page LogPage
	for _, r := range raw {
		var event LogEvent
		if err := json.Unmarshal(r, &event); err != nil {
			page.Unreadable = append(page.Unreadable, UnreadableEvent{Raw: r, Err: err})
			continue
		}
		page.Events = append(page.Events, event)
	}
	return page, nil
}
