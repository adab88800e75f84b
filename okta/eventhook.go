package okta

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"
)

// EventHook is one delivery of an event hook: POST to the hook's URI, one or more events in it.
//
// https://developer.okta.com/docs/concepts/event-hooks/
type EventHook struct {
	EventType          string // always "com.okta.event_hook"
	EventTypeVersion   string // "1.0"
	CloudEventsVersion string // "0.1"
	Source             string // https://{org}/api/v1/eventHooks/{hook id}
	EventID            string // per delivery: the same event sent by two hooks has two; LogEvent.UUID tells events apart
	Data               EventHookData
	EventTime          time.Time // when it was sent; zero when unreadable
	ContentType        string
}

// EventHookData holds the events of a delivery.
type EventHookData struct {
	Events []LogEvent
}

// UnmarshalJSON reads an envelope. Fields that nothing depends on may be missing or of a wrong type; the events may not be
// of a wrong shape, for that would lose them silently.
func (h *EventHook) UnmarshalJSON(b []byte) error {
	var wire struct {
		EventType          text `json:"eventType"`
		EventTypeVersion   text `json:"eventTypeVersion"`
		CloudEventsVersion text `json:"cloudEventsVersion"`
		Source             text `json:"source"`
		EventID            text `json:"eventId"`
		Data               struct {
			Events []LogEvent `json:"events"`
		} `json:"data"`
		EventTime   text `json:"eventTime"`
		ContentType text `json:"contentType"`
	}
	if err := strict(b, &wire); err != nil {
		return fmt.Errorf("event hook: %w", err)
	}
	*h = EventHook{
		EventType: string(wire.EventType), EventTypeVersion: string(wire.EventTypeVersion),
		CloudEventsVersion: string(wire.CloudEventsVersion), Source: string(wire.Source), EventID: string(wire.EventID),
		Data: EventHookData{Events: wire.Data.Events}, EventTime: wire.EventTime.time(), ContentType: string(wire.ContentType),
	}
	return nil
}

// text takes any JSON value, because Okta's own examples disagree about types: a string as it is, null as empty, anything
// else as its JSON.
type text string

func (t *text) UnmarshalJSON(b []byte) error {
	if plain(b) {
		*t = text(b[1 : len(b)-1])
		return nil
	}
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		s = string(b)
	}
	*t = text(s)
	return nil
}

// plain reports whether a JSON value is a string that says what it looks like.
func plain(b []byte) bool {
	return len(b) >= 2 && b[0] == '"' && bytes.IndexByte(b, '\\') < 0 && utf8.Valid(b)
}

// time reads RFC 3339. A time nobody can read is no reason to lose an event: it is zero.
func (t text) time() time.Time {
	at, err := time.Parse(time.RFC3339Nano, string(t))
	if err != nil {
		return time.Time{}
	}
	return at
}

// strict decodes an object and names a field of a wrong type without repeating its value, which may be anything.
func strict(b []byte, object any) error {
	if string(b) == "null" {
		return errors.New("null in place of an object")
	}
	err := json.Unmarshal(b, object)
	if wrongType, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if wrongType.Field == "" {
			return errors.New("want " + kindName(wrongType))
		}
		return fmt.Errorf("field %s: want %s", excerpt(wrongType.Field, 100), kindName(wrongType))
	}
	return err //nolint:wrapcheck // the callers name the object
}

func kindName(e *json.UnmarshalTypeError) string {
	switch e.Type.Kind().String() {
	case "slice":
		return "an array"
	case "struct", "map":
		return "an object"
	}
	return "a " + e.Type.Kind().String()
}

// lenient decodes what fits and leaves the rest zero: for parts of an event that must never cost the event.
func lenient[T any](raw json.RawMessage) T {
	var v T
	if len(raw) == 0 {
		return v
	}
	if err := json.Unmarshal(raw, &v); err != nil && !isTypeError(err) {
		var zero T
		return zero
	}
	return v
}
