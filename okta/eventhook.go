package okta

import (
	"fmt"
	"time"
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
// of a wrong shape, for that would lose them silently. b must be valid JSON, as encoding/json sees to.
func (h *EventHook) UnmarshalJSON(b []byte) error {
	var hook EventHook
	err := fields(jsonValue(b), func(key string, value jsonValue) error {
		switch fieldName(key, "eventType", "eventTypeVersion", "cloudEventsVersion", "source", "eventId", "data", "eventTime", "contentType") {
		case "eventType":
			hook.EventType = value.text()
		case "eventTypeVersion":
			hook.EventTypeVersion = value.text()
		case "cloudEventsVersion":
			hook.CloudEventsVersion = value.text()
		case "source":
			hook.Source = value.text()
		case "eventId":
			hook.EventID = value.text()
		case "data":
			return inField("data", hook.Data.decode(value))
		case "eventTime":
			hook.EventTime = value.time()
		case "contentType":
			hook.ContentType = value.text()
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("event hook: %w", err)
	}
	*h = hook
	return nil
}

func (d *EventHookData) decode(b jsonValue) error {
	if b.isNull() {
		return nil
	}
	return fields(b, func(key string, value jsonValue) (err error) {
		if fieldName(key, "events") == "" {
			return nil
		}
		d.Events, err = list(value, logEventOf)
		return inField("events", err)
	})
}
