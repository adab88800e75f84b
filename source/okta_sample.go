package source

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"
)

// OktaSample is a made-up event, for practice: in the envelope and with the fields
// that Okta's page on event hooks shows (https://developer.okta.com/docs/concepts/event-hooks/).
type OktaSample struct {
	Type      string // the event type
	User      string // who is affected: both as actor and as target, so that any type finds them
	Risk      string // LOW, MEDIUM, HIGH or empty
	UUID      string // the event's own; made up when empty
	Published time.Time
}

// Body is the delivery's body.
func (s OktaSample) Body() []byte {
	if s.UUID == "" {
		s.UUID = newUUID()
	}
	person := map[string]any{
		"id": s.User, "type": "User", "alternateId": "practice@example.com", "displayName": "Practice Person", "detailEntry": nil,
	}
	security := map[string]any{"asNumber": nil, "asOrg": nil, "isp": nil, "domain": nil, "isProxy": nil}
	if s.Risk != "" {
		security["risk"] = map[string]any{"level": s.Risk, "reasons": []string{"Anomalous Device"}}
	}
	event := map[string]any{
		"uuid": s.UUID, "published": oktaTime(s.Published), "eventType": s.Type, "version": "0",
		"displayMessage": "Made up by sever", "severity": "INFO",
		"actor": person, "target": []any{person},
		"outcome":         map[string]any{"result": "SUCCESS", "reason": nil},
		"client":          map[string]any{"ipAddress": "192.0.2.10", "ipChain": []any{}},
		"transaction":     map[string]any{"type": "WEB", "id": s.UUID, "detail": map[string]any{}},
		"securityContext": security,
	}
	body, err := json.Marshal(map[string]any{
		"eventType": "com.okta.event_hook", "eventTypeVersion": "1.0", "cloudEventsVersion": "0.1",
		"source":  "https://practice.example.com/api/v1/eventHooks/who1practice2hook3x4y",
		"eventId": newUUID(), "data": map[string]any{"events": []any{event}},
		"eventTime": oktaTime(time.Now()), "contentType": "application/json",
	})
	if err != nil {
		panic("encode a sample of plain values: " + err.Error())
	}
	return body
}

func oktaTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func newUUID() string {
	var b [16]byte
	rand.Read(b[:])
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
