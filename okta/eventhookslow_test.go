package okta

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The decoder of event hooks written with encoding/json: slow, and what the other is held against.

type slowHook EventHook

type slowEvent LogEvent

type slowEntity Entity

type slowText string

func (t *slowText) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		s = string(b)
	}
	*t = slowText(s)
	return nil
}

// UnmarshalJSON reads an envelope. Fields that nothing depends on may be missing or of a wrong type; the events may not be
// of a wrong shape, for that would lose them silently.
func (h *slowHook) UnmarshalJSON(b []byte) error {
	var wire struct {
		EventType          slowText `json:"eventType"`
		EventTypeVersion   slowText `json:"eventTypeVersion"`
		CloudEventsVersion slowText `json:"cloudEventsVersion"`
		Source             slowText `json:"source"`
		EventID            slowText `json:"eventId"`
		Data               struct {
			Events []slowEvent `json:"events"`
		} `json:"data"`
		EventTime   slowText `json:"eventTime"`
		ContentType slowText `json:"contentType"`
	}
	if err := slowStrict(b, &wire); err != nil {
		return fmt.Errorf("event hook: %w", err)
	}
	var events []LogEvent
	if wire.Data.Events != nil {
		events = make([]LogEvent, 0, len(wire.Data.Events))
	}
	for _, event := range wire.Data.Events {
		events = append(events, LogEvent(event))
	}
	*h = slowHook{
		EventType: string(wire.EventType), EventTypeVersion: string(wire.EventTypeVersion),
		CloudEventsVersion: string(wire.CloudEventsVersion), Source: string(wire.Source), EventID: string(wire.EventID),
		Data: EventHookData{Events: events}, EventTime: text(wire.EventTime).time(), ContentType: string(wire.ContentType),
	}
	return nil
}

// UnmarshalJSON reads an event as documented at [LogEvent].
func (e *slowEvent) UnmarshalJSON(b []byte) error {
	var wire struct {
		UUID                  string          `json:"uuid"`
		Published             slowText        `json:"published"`
		EventType             string          `json:"eventType"`
		Version               slowText        `json:"version"`
		DisplayMessage        slowText        `json:"displayMessage"`
		Severity              slowText        `json:"severity"`
		Actor                 *slowEntity     `json:"actor"`
		Target                []slowEntity    `json:"target"`
		Outcome               slowOutcome     `json:"outcome"`
		Client                json.RawMessage `json:"client"`
		Request               json.RawMessage `json:"request"`
		Transaction           json.RawMessage `json:"transaction"`
		DebugContext          json.RawMessage `json:"debugContext"`
		SecurityContext       json.RawMessage `json:"securityContext"`
		AuthenticationContext json.RawMessage `json:"authenticationContext"`
	}
	if err := slowStrict(b, &wire); err != nil {
		return fmt.Errorf("log event: %w", err)
	}
	var target []Entity
	if wire.Target != nil {
		target = make([]Entity, 0, len(wire.Target))
	}
	for _, entity := range wire.Target {
		target = append(target, Entity(entity))
	}
	*e = slowEvent{
		UUID: wire.UUID, Published: text(wire.Published).time(), EventType: wire.EventType, Version: string(wire.Version),
		DisplayMessage: string(wire.DisplayMessage), Severity: string(wire.Severity), Actor: (*Entity)(wire.Actor), Target: target,
		Outcome: Outcome{Result: wire.Outcome.Result, Reason: string(wire.Outcome.Reason)},
		Client:  slowClient(wire.Client), Request: RequestInfo{IPChain: slowIPChain(wire.Request)},
		Transaction: slowTransaction(wire.Transaction), DebugContext: slowDebug(wire.DebugContext),
		SecurityContext: slowSecurity(wire.SecurityContext), AuthenticationContext: slowAuthentication(wire.AuthenticationContext),
	}
	return nil
}

type slowOutcome struct {
	Result string   `json:"result"`
	Reason slowText `json:"reason"`
}

// UnmarshalJSON takes an object whose id and type are texts; who someone is must not be guessed from anything else.
func (e *slowEntity) UnmarshalJSON(b []byte) error {
	var wire struct {
		ID          string   `json:"id"`
		Type        string   `json:"type"`
		AlternateID slowText `json:"alternateId"`
		DisplayName slowText `json:"displayName"`
	}
	if err := slowStrict(b, &wire); err != nil {
		return fmt.Errorf("actor or target: %w", err)
	}
	*e = slowEntity{ID: wire.ID, Type: wire.Type, AlternateID: string(wire.AlternateID), DisplayName: string(wire.DisplayName)}
	return nil
}

func slowClient(raw json.RawMessage) ClientInfo {
	wire := slowLenient[struct {
		ID        slowText `json:"id"`
		IPAddress slowText `json:"ipAddress"`
	}](raw)
	return ClientInfo{ID: string(wire.ID), IPAddress: string(wire.IPAddress), IPChain: slowIPChain(raw)}
}

func slowIPChain(raw json.RawMessage) []IPAddress {
	wire := slowLenient[struct {
		IPChain []struct {
			IP      slowText `json:"ip"`
			Version slowText `json:"version"`
		} `json:"ipChain"`
	}](raw)
	var chain []IPAddress
	for _, step := range wire.IPChain {
		chain = append(chain, IPAddress{IP: string(step.IP), Version: string(step.Version)})
	}
	return chain
}

func slowTransaction(raw json.RawMessage) Transaction {
	wire := slowLenient[struct {
		ID   slowText `json:"id"`
		Type slowText `json:"type"`
	}](raw)
	return Transaction{ID: string(wire.ID), Type: string(wire.Type)}
}

func slowDebug(raw json.RawMessage) DebugContext {
	wire := slowLenient[struct {
		DebugData map[string]slowText `json:"debugData"`
	}](raw)
	if wire.DebugData == nil {
		return DebugContext{}
	}
	data := make(map[string]string, len(wire.DebugData))
	for key, value := range wire.DebugData {
		data[key] = string(value)
	}
	return DebugContext{DebugData: data}
}

func slowSecurity(raw json.RawMessage) SecurityContext {
	wire := slowLenient[struct {
		Risk struct {
			Level         slowText   `json:"level"`
			PreviousLevel slowText   `json:"previousLevel"`
			DetectionName slowText   `json:"detectionName"`
			Reasons       []slowText `json:"reasons"`
		} `json:"risk"`
	}](raw)
	risk := Risk{
		Level: string(wire.Risk.Level), PreviousLevel: string(wire.Risk.PreviousLevel), DetectionName: string(wire.Risk.DetectionName),
	}
	for _, reason := range wire.Risk.Reasons {
		risk.Reasons = append(risk.Reasons, string(reason))
	}
	return SecurityContext{Risk: risk}
}

func slowAuthentication(raw json.RawMessage) AuthenticationContext {
	wire := slowLenient[struct {
		ExternalSessionID slowText `json:"externalSessionId"`
		RootSessionID     slowText `json:"rootSessionId"`
	}](raw)
	return AuthenticationContext{ExternalSessionID: string(wire.ExternalSessionID), RootSessionID: string(wire.RootSessionID)}
}

// strict decodes an object and names a field of a wrong type without repeating its value, which may be anything.
func slowStrict(b []byte, object any) error {
	if string(b) == "null" {
		return errors.New("null in place of an object")
	}
	err := json.Unmarshal(b, object)
	if wrongType, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if wrongType.Field == "" {
			return errors.New("want " + slowKind(wrongType))
		}
		return fmt.Errorf("field %s: want %s", excerpt(wrongType.Field, 100), slowKind(wrongType))
	}
	return err
}

func slowKind(e *json.UnmarshalTypeError) string {
	switch e.Type.Kind().String() {
	case "slice":
		return "an array"
	case "struct", "map":
		return "an object"
	}
	return "a " + e.Type.Kind().String()
}

// lenient decodes what fits and leaves the rest zero: for parts of an event that must never cost the event.
func slowLenient[T any](raw json.RawMessage) T {
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

// Whatever comes, an event hook means the same as to encoding/json. Where a key is given twice it may not: that is
// refused before a delivery is decoded.
func FuzzEventHookAsByEncodingJSON(f *testing.F) {
	for _, seed := range []string{
		`{}`, `null`, `[]`, `{"data":{"events":[{"uuid":"u","actor":{"id":"a"},"target":[{"id":"b","type":"User"}]}]}}`, `{"data":{"events":[null]}}`,
		`{"data":{"events":[{"debugContext":{"debugData":{"risk":"{reasons=a, level=HIGH}","n":null,"o":{"a":[1,"}"]}}}}]}}`,
		`{ "DATA" : { "Events" : [ { "UUID" : "\u0061\"\\" , "outcome":{"result":null,"reason":5} , "target":null,"actor":null } ] } }`,
		`{"data":{"events":[{"client":{"ipChain":[{"ip":1},5,null,{"version":"V4"}],"id":null},"securityContext":{"risk":{"reasons":[1,null,"x"],"level":[]}}}]}}`,
		`{"data":{"events":[{"uuid":1}]}}`, `{"data":{"events":[{"target":[5]}]}}`, `{"data":{"events":[{"outcome":"x"}]}}`, `{"data":[]}`, `{"data":{"events":{}}}`,
		`{"eventTime":"2026-01-01T00:00:00Z","eventId":-1.5e3,"source":true}`, "{\"source\":\"\xff\",\"data\":{\"events\":[{\"transaction\":{\"\xff\":1,\"id\":\"\xff\"}}]}}",
		`{"data":{"events":[{"debugContext":null,"client":5,"request":{"ipChain":[]},"authenticationContext":{"rootSessionID":"s"}}]}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if !json.Valid(body) {
			_ = new(EventHook).UnmarshalJSON(body) // it must come back
			return
		}
		if keyTwice(json.NewDecoder(bytes.NewReader(body))) {
			return
		}
		var hook EventHook
		var slow slowHook
		err, slowErr := json.Unmarshal(body, &hook), json.Unmarshal(body, &slow)
		require.Equal(t, slowErr == nil, err == nil, "%v, not %v", err, slowErr)
		if err == nil {
			require.Equal(t, EventHook(slow), hook)
		} else {
			require.Less(t, len(err.Error()), 400)
		}
	})
}

// keyTwice reports whether an object of a valid value has a key twice, in any case.
func keyTwice(tokens *json.Decoder) bool {
	token, err := tokens.Token()
	if err != nil {
		return true
	}
	delim, opens := token.(json.Delim)
	if !opens {
		return false
	}
	var keys []string
	for tokens.More() {
		if delim == '{' {
			key, _ := tokens.Token()
			name, _ := key.(string)
			if slices.ContainsFunc(keys, func(other string) bool { return strings.EqualFold(other, name) }) {
				return true
			}
			keys = append(keys, name)
		}
		if keyTwice(tokens) {
			return true
		}
	}
	_, err = tokens.Token()
	return err != nil
}

func BenchmarkEventHook(b *testing.B) {
	body := []byte(`{"eventType":"com.okta.event_hook","eventId":"e","eventTime":"2026-01-01T00:00:00Z","data":{"events":[{"uuid":"u","published":"2026-01-01T00:00:00Z",` +
		`"eventType":"user.lifecycle.deactivate","version":"0","displayMessage":"` + strings.Repeat("x", 500) + `","severity":"INFO","actor":{"id":"a","type":"User","alternateId":"a@b.c","displayName":"d"},` +
		`"target":[{"id":"b","type":"User","alternateId":"a@b.c","displayName":"d"}],"outcome":{"result":"SUCCESS","reason":null},"client":{"ipAddress":"192.0.2.1","id":null},` +
		`"debugContext":{"debugData":{"requestUri":"/idp","filler":"` + strings.Repeat("x", 1000) + `"}}}]}}`)
	for name, decode := range map[string]func() error{
		"walk":          func() error { return new(EventHook).UnmarshalJSON(body) },
		"encoding_json": func() error { return new(slowHook).UnmarshalJSON(body) },
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				require.NoError(b, decode())
			}
		})
	}
}
