package okta

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
)

// maxHookEvents is how many event types one hook may have.
// https://developer.okta.com/docs/concepts/event-hooks/
const maxHookEvents = 300

// EventHookSpec is what an event hook is to be. Name, URI and Events are required; without a Secret anyone can send what
// looks like an event.
type EventHookSpec struct {
	Name        string
	Description string
	URI         string   // https, or http for a loopback host, which only the simulated Okta takes
	Events      []string // event types such as "user.lifecycle.suspend", at most 300
	// Filters narrow an event type by an Okta Expression Language condition.
	// https://developer.okta.com/docs/guides/event-hook-filtering/
	Filters map[string]string
	// SecretHeader carries Secret on every delivery; empty means Authorization.
	SecretHeader string
	Secret       HookSecret
	// Headers are sent too, as they are. They are no secrets: Okta shows them.
	Headers map[string]string
}

// HookSecret is the value by which a receiver knows that a delivery comes from Okta. The zero value is no secret.
type HookSecret struct {
	value func() string
}

// NewHookSecret takes the value exactly as it is to stand in the header, with a scheme such as "Basic " if there is one.
func NewHookSecret(value string) (HookSecret, error) {
	if strings.TrimSpace(value) == "" || !printable(value) {
		return HookSecret{}, errors.New("okta event hook secret: empty, or holds a character that a header cannot carry")
	}
	return HookSecret{value: func() string { return value }}, nil
}

// Format answers every verb alike, so that no secret can be printed by mistake.
func (HookSecret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue keeps the secret out of structured logs.
func (HookSecret) LogValue() slog.Value { return slog.StringValue(redacted) }

// InvalidEventHookError says what is wrong with an EventHookSpec. Nothing was sent.
type InvalidEventHookError struct {
	Field  string
	Reason string
}

func (e *InvalidEventHookError) Error() string { return "okta event hook: " + e.Field + " " + e.Reason }

// RegisteredEventHook is an event hook as Okta shows it. The secret is never shown.
type RegisteredEventHook struct {
	ID           EventHookID
	Status       string // ACTIVE or INACTIVE
	Verification string // VERIFIED or UNVERIFIED
	Name         string
	Description  string
	URI          string
	Events       []string
	Filters      map[string]string
	SecretHeader string // in lower case; empty when there is no secret
	Headers      map[string]string
	Created      time.Time
	LastUpdated  time.Time
}

// The wire forms of https://developer.okta.com/docs/api/openapi/okta-management/management/tag/EventHook/.
type (
	wireEventHook struct {
		Name        string      `json:"name"`
		Description *string     `json:"description,omitempty"`
		Events      wireEvents  `json:"events"`
		Channel     wireChannel `json:"channel"`
	}
	wireEvents struct {
		Type   string      `json:"type"`
		Items  []string    `json:"items"`
		Filter *wireFilter `json:"filter,omitempty"`
	}
	wireFilter struct {
		Type string            `json:"type"`
		Map  []wireEventFilter `json:"eventFilterMap"`
	}
	wireEventFilter struct {
		Event     string        `json:"event"`
		Condition wireCondition `json:"condition"`
	}
	wireCondition struct {
		Expression string `json:"expression"`
	}
	wireChannel struct {
		Type    string     `json:"type"`
		Version string     `json:"version"`
		Config  wireConfig `json:"config"`
	}
	wireConfig struct {
		URI     string       `json:"uri"`
		Headers []wireHeader `json:"headers,omitempty"`
		Auth    *wireAuth    `json:"authScheme,omitempty"`
	}
	wireHeader struct {
		Key   string `json:"key"`
		Value string `json:"value"`
	}
	wireAuth struct {
		Type  string `json:"type"`
		Key   string `json:"key"`
		Value string `json:"value,omitempty"`
	}
)

func (s *EventHookSpec) encode() ([]byte, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	wire := wireEventHook{
		Name: s.Name, Events: wireEvents{Type: "EVENT_TYPE", Items: s.Events},
		Channel: wireChannel{Type: "HTTP", Version: "1.0.0", Config: wireConfig{URI: s.URI}},
	}
	if s.Description != "" {
		wire.Description = &s.Description
	}
	if len(s.Filters) > 0 {
		wire.Events.Filter = &wireFilter{Type: "EXPRESSION_LANGUAGE"}
		for _, event := range slices.Sorted(maps.Keys(s.Filters)) {
			filter := wireEventFilter{Event: event, Condition: wireCondition{Expression: s.Filters[event]}}
			wire.Events.Filter.Map = append(wire.Events.Filter.Map, filter)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(s.Headers)) {
		wire.Channel.Config.Headers = append(wire.Channel.Config.Headers, wireHeader{Key: key, Value: s.Headers[key]})
	}
	if s.Secret.value != nil {
		wire.Channel.Config.Auth = &wireAuth{Type: "HEADER", Key: s.secretHeader(), Value: s.Secret.value()}
	}
	body, err := json.Marshal(wire)
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return body, nil
}

func (s *EventHookSpec) secretHeader() string {
	if s.SecretHeader == "" {
		return "Authorization"
	}
	return s.SecretHeader
}

func (s *EventHookSpec) secrets() []string {
	if s.Secret.value == nil {
		return nil
	}
	return []string{s.Secret.value()}
}

func (s *EventHookSpec) check() error {
	switch {
	case s.Name == "" || len(s.Name) > 255:
		return &InvalidEventHookError{Field: "Name", Reason: "must be 1 to 255 bytes"}
	case !hookURI(s.URI):
		return &InvalidEventHookError{Field: "URI", Reason: "must be an https URL without user name, password or fragment"}
	case len(s.Events) == 0 || len(s.Events) > maxHookEvents:
		return &InvalidEventHookError{Field: "Events", Reason: fmt.Sprintf("must be 1 to %d event types", maxHookEvents)}
	case s.SecretHeader != "" && !allVisibleASCII(s.SecretHeader):
		return &InvalidEventHookError{Field: "SecretHeader", Reason: "must be a header name"}
	}
	for event := range s.Filters {
		if !slices.Contains(s.Events, event) {
			return &InvalidEventHookError{Field: "Filters", Reason: "names an event type that is not in Events: " + excerpt(event, 64)}
		}
	}
	return nil
}

func hookURI(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname())
}

func decodeEventHook(body []byte) (RegisteredEventHook, error) {
	var answer struct {
		wireEventHook

		ID           string `json:"id"`
		Status       string `json:"status"`
		Verification string `json:"verificationStatus"`
		Created      text   `json:"created"`
		LastUpdated  text   `json:"lastUpdated"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return RegisteredEventHook{}, errors.New("body is not an event hook")
	}
	id, err := ParseEventHookID(answer.ID)
	if err != nil {
		return RegisteredEventHook{}, err
	}
	hook := RegisteredEventHook{
		ID: id, Status: answer.Status, Verification: answer.Verification, Name: answer.Name, URI: answer.Channel.Config.URI,
		Events: answer.Events.Items, Created: answer.Created.time(), LastUpdated: answer.LastUpdated.time(),
	}
	if answer.Description != nil {
		hook.Description = *answer.Description
	}
	if filter := answer.Events.Filter; filter != nil && len(filter.Map) > 0 {
		hook.Filters = map[string]string{}
		for _, f := range filter.Map {
			hook.Filters[f.Event] = f.Condition.Expression
		}
	}
	if auth := answer.Channel.Config.Auth; auth != nil {
		hook.SecretHeader = strings.ToLower(auth.Key)
	}
	if headers := answer.Channel.Config.Headers; len(headers) > 0 {
		hook.Headers = map[string]string{}
		for _, h := range headers {
			hook.Headers[h.Key] = h.Value
		}
	}
	return hook, nil
}
