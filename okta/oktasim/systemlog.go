package oktasim

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"
)

const (
	maxLogged     = 100_000
	timeLayout    = "2006-01-02T15:04:05.000Z"
	defaultSince  = 7 * 24 * time.Hour
	defaultLogged = 100
	maxLogPage    = 1000
)

// event is a LogEvent as JSON, in the form /api/v1/logs has it.
type event map[string]any

// systemLog keeps the newest events in the order they were logged.
type systemLog struct {
	now func() time.Time
	ids *ids

	mu      sync.Mutex
	last    uint64
	entries []logEntry
}

type logEntry struct {
	number    uint64
	published time.Time
	event     event
}

func newSystemLog(now func() time.Time, ids *ids) *systemLog {
	return &systemLog{now: now, ids: ids}
}

// add completes an event and logs it.
func (l *systemLog) add(e event) event {
	e = l.complete(e)
	published, err := time.Parse(time.RFC3339Nano, e.text("published"))
	if err != nil {
		published = l.now()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last++
	l.entries = append(l.entries, logEntry{number: l.last, published: published, event: e})
	if len(l.entries) > maxLogged {
		l.entries = l.entries[len(l.entries)-maxLogged:]
	}
	return e
}

// complete adds what is missing. What is there stays, nulls and oddities included: that is how to practise with them.
func (l *systemLog) complete(e event) event {
	requestID := l.ids.request()
	full := event{
		"uuid": l.ids.uuid(), "published": l.now().UTC().Format(timeLayout), "version": "0", "severity": "INFO",
		"displayMessage": e.text("eventType"), "legacyEventType": nil,
		"actor": map[string]any{
			"id": "okta.2b1959c8-bcc0-56eb-a589-cfcfb7422f26", "type": "SystemPrincipal", "alternateId": "system@okta.com", "displayName": "Okta System",
			"detailEntry": nil,
		},
		"client": map[string]any{"userAgent": nil, "zone": "null", "device": "Unknown", "id": nil, "ipAddress": "192.0.2.1", "geographicalContext": nil},
		"device": nil, "target": nil,
		"outcome":               map[string]any{"result": "SUCCESS", "reason": nil},
		"transaction":           map[string]any{"type": "WEB", "id": requestID, "detail": map[string]any{}},
		"debugContext":          map[string]any{"debugData": map[string]any{"requestId": requestID}},
		"authenticationContext": map[string]any{"authenticationStep": 0, "externalSessionId": "unknown"},
		"securityContext":       map[string]any{"asNumber": nil, "asOrg": nil, "isp": nil, "domain": nil, "isProxy": nil},
		"request":               map[string]any{"ipChain": []any{map[string]any{"ip": "192.0.2.1", "version": "V4", "source": nil}}},
	}
	maps.Copy(full, e)
	return full
}

func (l *systemLog) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = nil
}

// logQuery is what GET /api/v1/logs was asked.
type logQuery struct {
	since, until time.Time
	after        uint64
	limit        int
	polling      bool // without until: there is always a next page, empty or not
	filter       matcher
	words        []string // all of them must occur in an event's values
}

// page returns the matching events, where to go on after them, and whether there are more already.
func (l *systemLog) page(q logQuery) (events []event, last uint64, more bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	events, last = []event{}, q.after
	for _, entry := range l.entries {
		if entry.number <= q.after || entry.published.Before(q.since) || (!q.polling && !entry.published.Before(q.until)) {
			continue
		}
		if !q.filter(entry.event.lookup) || !holdsWords(entry.event, q.words) {
			continue
		}
		if len(events) == q.limit {
			return events, last, true
		}
		events, last = append(events, entry.event), entry.number
	}
	return events, last, false
}

// listLog answers in the order events were logged. DESCENDING is not simulated and refused.
// https://developer.okta.com/docs/reference/system-log-query/
func (s *Server) listLog(x exchange) reply {
	query := x.r.URL.Query()
	q, field := s.parseLogQuery(query)
	if field != "" {
		return s.invalid(field, "the value is not supported")
	}
	events, last, more := s.log.page(q)
	header := http.Header{"Link": {s.pageLink(x.r, query, "self")}}
	if q.polling || more {
		query.Set("after", strconv.FormatUint(last, 10))
		header.Add("Link", s.pageLink(x.r, query, "next"))
	}
	return reply{status: http.StatusOK, body: events, header: header}
}

// parseLogQuery returns the name of the first parameter it cannot take.
func (s *Server) parseLogQuery(query url.Values) (parsed logQuery, badField string) {
	now := s.opts.Now()
	q := logQuery{since: now.Add(-defaultSince), until: now, limit: defaultLogged, polling: !query.Has("until")}
	problems := []struct {
		field string
		err   error
	}{
		{"since", setTime(&q.since, query.Get("since"))},
		{"until", setTime(&q.until, query.Get("until"))},
		{"limit", setLimit(&q.limit, query.Get("limit"))},
		{"after", setCursor(&q.after, query.Get("after"))},
		{"filter", setFilter(&q.filter, query.Get("filter"))},
		{"q", setWords(&q.words, query.Get("q"))},
		{"sortOrder", setOrder(query.Get("sortOrder"))},
	}
	for _, problem := range problems {
		if problem.err != nil {
			return logQuery{}, problem.field
		}
	}
	return q, ""
}

func setTime(t *time.Time, s string) error {
	if s == "" {
		return nil
	}
	parsed, err := time.Parse(time.RFC3339Nano, s)
	*t = parsed
	return err //nolint:wrapcheck // only whether it is nil matters
}

func setLimit(limit *int, s string) error {
	if s == "" {
		return nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > maxLogPage {
		return errors.New("out of range")
	}
	*limit = n
	return nil
}

func setCursor(after *uint64, s string) error {
	if s == "" {
		return nil
	}
	n, err := strconv.ParseUint(s, 10, 63)
	*after = n
	return err //nolint:wrapcheck // only whether it is nil matters
}

func setOrder(s string) error {
	if s != "" && s != "ASCENDING" {
		return errors.New("not simulated")
	}
	return nil
}

func (e event) text(field string) string {
	s, _ := e[field].(string)
	return s
}

// hookForm is the event as an event hook carries it: the address chain is under client, and there is no request.
func (e event) hookForm() event {
	form := maps.Clone(e)
	delete(form, "request")
	request, _ := e["request"].(map[string]any)
	client, ok := e["client"].(map[string]any)
	if request == nil || !ok {
		return form
	}
	moved := map[string]any{"ipChain": request["ipChain"]}
	maps.Copy(moved, client)
	form["client"] = moved
	return form
}
