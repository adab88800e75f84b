// Package alert makes the requests that the lab sends: an Okta event hook of 2.5 KB, each with an event id of its
// own. It must not know how or when they are sent.
package alert

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"sever/source"
)

// Path is where every system in the lab takes alerts.
const Path = "/v1/hooks/okta"

const (
	blankEvent  = "lab-event-0000000000000000"
	blankPerson = "00uLabPerson00000000"
	filler      = 1400 // makes the body about 2.5 KB, as Okta's own example is
)

// Request is a whole HTTP request as it goes over the wire. Set makes the next alert of it, in place.
type Request struct {
	bytes   []byte
	events  []int // where the event id stands
	persons []int // where the person stands
}

// Deactivated is a type of event that Sever's built-in policy revokes for.
const Deactivated = "user.lifecycle.deactivate"

// New prepares POSTs to address, host:port, of events of that type, authenticated by secret in the header Authorization.
func New(address, secret, eventType string) (*Request, error) {
	body, err := hook(eventType)
	if err != nil {
		return nil, err
	}
	header := http.Header{"Authorization": {secret}, "Content-Type": {"application/json"}}
	var whole bytes.Buffer
	fmt.Fprintf(&whole, "POST %s HTTP/1.1\r\nHost: %s\r\n", Path, address)
	if err := header.Write(&whole); err != nil {
		return nil, fmt.Errorf("write the headers: %w", err)
	}
	fmt.Fprintf(&whole, "Content-Length: %d\r\n\r\n", len(body))
	whole.Write(body)
	return &Request{
		bytes: whole.Bytes(), events: places(whole.Bytes(), blankEvent), persons: places(whole.Bytes(), blankPerson),
	}, nil
}

func hook(eventType string) ([]byte, error) {
	sample := source.OktaSample{Type: eventType, User: blankPerson, UUID: blankEvent, Published: time.Now()}
	var whole struct {
		Data struct {
			Events []map[string]any `json:"events"`
		} `json:"data"`
	}
	rest := map[string]any{}
	if err := json.Unmarshal(sample.Body(), &whole); err != nil {
		return nil, fmt.Errorf("read the sample: %w", err)
	}
	if err := json.Unmarshal(sample.Body(), &rest); err != nil {
		return nil, fmt.Errorf("read the sample: %w", err)
	}
	whole.Data.Events[0]["debugContext"] = map[string]any{
		"debugData": map[string]any{"requestUri": "/idp/idx/identify", "filler": strings.Repeat("x", filler)},
	}
	rest["data"] = whole.Data
	body, err := json.Marshal(rest)
	if err != nil {
		return nil, fmt.Errorf("write the hook: %w", err)
	}
	return body, nil
}

func places(in []byte, blank string) []int {
	var found []int
	for at := 0; ; {
		next := bytes.Index(in[at:], []byte(blank))
		if next < 0 {
			return found
		}
		found = append(found, at+next)
		at += next + len(blank)
	}
}

// Clone is for another connection.
func (r *Request) Clone() *Request {
	return &Request{bytes: bytes.Clone(r.bytes), events: r.events, persons: r.persons}
}

// Set gives the request of this event about this person. It is good until the next Set.
func (r *Request) Set(event, person uint64) []byte {
	for _, at := range r.events {
		digits(r.bytes[at:at+len(blankEvent)], event)
	}
	for _, at := range r.persons {
		digits(r.bytes[at:at+len(blankPerson)], person)
	}
	return r.bytes
}

// Person is the Okta user id of a person by number, up to 99,999,999.
func Person(number uint64) string {
	id := []byte(blankPerson)
	digits(id, number)
	return string(id)
}

// digits writes a number over the eight last characters, which leaves the words before it alone.
func digits(into []byte, number uint64) {
	for i := range 8 {
		into[len(into)-1-i] = byte('0' + number%10)
		number /= 10
	}
}
