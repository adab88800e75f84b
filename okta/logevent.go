package okta

import (
	"encoding/json"
	"fmt"
	"time"
)

// LogEvent is one System Log event, from an event hook or from /api/v1/logs. Only fields with a use for ending sessions are
// kept. An absent, null or oddly typed incidental field is empty; an event type, actor, target or outcome of a wrong shape
// is an error, because reading it as nobody would lose a revocation silently.
//
// https://developer.okta.com/docs/api/openapi/okta-management/management/tag/SystemLog/
type LogEvent struct {
	UUID                  string // the event, however often and by whatever way it arrives
	Published             time.Time
	EventType             string
	Version               string
	DisplayMessage        string
	Severity              string // DEBUG, INFO, WARN or ERROR
	Actor                 *Entity
	Target                []Entity // search by Type; positions mean nothing
	Outcome               Outcome
	Client                ClientInfo
	Request               RequestInfo
	Transaction           Transaction
	DebugContext          DebugContext
	SecurityContext       SecurityContext
	AuthenticationContext AuthenticationContext
}

// Entity is an actor or a target.
type Entity struct {
	ID          string
	Type        string // User, AppInstance, PublicClientAppEntity, SystemPrincipal, "IP address" and more
	AlternateID string // the login of a User; can be "unknown"
	DisplayName string
}

// Outcome is how the logged action ended.
type Outcome struct {
	Result string // SUCCESS, FAILURE and others
	Reason string
}

// ClientInfo is where a request came from. Event hooks carry the chain of addresses here, /api/v1/logs in RequestInfo.
type ClientInfo struct {
	ID        string
	IPAddress string
	IPChain   []IPAddress
}

// RequestInfo is the chain of addresses a request came through.
type RequestInfo struct {
	IPChain []IPAddress
}

// IPAddress is one step of such a chain.
type IPAddress struct {
	IP      string
	Version string // V4 or V6
}

// Transaction ties together events of one cause.
type Transaction struct {
	ID   string
	Type string // WEB or JOB
}

// DebugContext holds details that Okta does not promise to keep. Nested values are text in Java's map form, not JSON.
type DebugContext struct {
	DebugData map[string]string
}

// SecurityContext holds Okta's judgement of the request.
type SecurityContext struct {
	Risk Risk
}

// Risk is Okta's risk assessment. Use [LogEvent.RiskLevel] for the level: older events carry it elsewhere.
type Risk struct {
	Level         string
	PreviousLevel string
	DetectionName string
	Reasons       []string
}

// AuthenticationContext names the sessions an event belongs to.
type AuthenticationContext struct {
	ExternalSessionID string
	RootSessionID     string
}

// UnmarshalJSON reads an event as documented at [LogEvent].
func (e *LogEvent) UnmarshalJSON(b []byte) error {
	var wire struct {
		UUID                  string          `json:"uuid"`
		Published             text            `json:"published"`
		EventType             string          `json:"eventType"`
		Version               text            `json:"version"`
		DisplayMessage        text            `json:"displayMessage"`
		Severity              text            `json:"severity"`
		Actor                 *Entity         `json:"actor"`
		Target                []Entity        `json:"target"`
		Outcome               outcome         `json:"outcome"`
		Client                json.RawMessage `json:"client"`
		Request               json.RawMessage `json:"request"`
		Transaction           json.RawMessage `json:"transaction"`
		DebugContext          json.RawMessage `json:"debugContext"`
		SecurityContext       json.RawMessage `json:"securityContext"`
		AuthenticationContext json.RawMessage `json:"authenticationContext"`
	}
	if err := strict(b, &wire); err != nil {
		return fmt.Errorf("log event: %w", err)
	}
	*e = LogEvent{
		UUID: wire.UUID, Published: wire.Published.time(), EventType: wire.EventType, Version: string(wire.Version),
		DisplayMessage: string(wire.DisplayMessage), Severity: string(wire.Severity), Actor: wire.Actor, Target: wire.Target,
		Outcome: Outcome{Result: wire.Outcome.Result, Reason: string(wire.Outcome.Reason)},
		Client:  decodeClient(wire.Client), Request: RequestInfo{IPChain: decodeIPChain(wire.Request)},
		Transaction: decodeTransaction(wire.Transaction), DebugContext: decodeDebug(wire.DebugContext),
		SecurityContext: decodeSecurity(wire.SecurityContext), AuthenticationContext: decodeAuthentication(wire.AuthenticationContext),
	}
	return nil
}

type outcome struct {
	Result string `json:"result"`
	Reason text   `json:"reason"`
}

// UnmarshalJSON takes an object whose id and type are texts; who someone is must not be guessed from anything else.
func (e *Entity) UnmarshalJSON(b []byte) error {
	var wire struct {
		ID          string `json:"id"`
		Type        string `json:"type"`
		AlternateID text   `json:"alternateId"`
		DisplayName text   `json:"displayName"`
	}
	if err := strict(b, &wire); err != nil {
		return fmt.Errorf("actor or target: %w", err)
	}
	*e = Entity{ID: wire.ID, Type: wire.Type, AlternateID: string(wire.AlternateID), DisplayName: string(wire.DisplayName)}
	return nil
}

func decodeClient(raw json.RawMessage) ClientInfo {
	wire := lenient[struct {
		ID        text `json:"id"`
		IPAddress text `json:"ipAddress"`
	}](raw)
	return ClientInfo{ID: string(wire.ID), IPAddress: string(wire.IPAddress), IPChain: decodeIPChain(raw)}
}

func decodeIPChain(raw json.RawMessage) []IPAddress {
	wire := lenient[struct {
		IPChain []struct {
			IP      text `json:"ip"`
			Version text `json:"version"`
		} `json:"ipChain"`
	}](raw)
	var chain []IPAddress
	for _, step := range wire.IPChain {
		chain = append(chain, IPAddress{IP: string(step.IP), Version: string(step.Version)})
	}
	return chain
}

func decodeTransaction(raw json.RawMessage) Transaction {
	wire := lenient[struct {
		ID   text `json:"id"`
		Type text `json:"type"`
	}](raw)
	return Transaction{ID: string(wire.ID), Type: string(wire.Type)}
}

func decodeDebug(raw json.RawMessage) DebugContext {
	wire := lenient[struct {
		DebugData map[string]text `json:"debugData"`
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

func decodeSecurity(raw json.RawMessage) SecurityContext {
	wire := lenient[struct {
		Risk struct {
			Level         text   `json:"level"`
			PreviousLevel text   `json:"previousLevel"`
			DetectionName text   `json:"detectionName"`
			Reasons       []text `json:"reasons"`
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

func decodeAuthentication(raw json.RawMessage) AuthenticationContext {
	wire := lenient[struct {
		ExternalSessionID text `json:"externalSessionId"`
		RootSessionID     text `json:"rootSessionId"`
	}](raw)
	return AuthenticationContext{ExternalSessionID: string(wire.ExternalSessionID), RootSessionID: string(wire.RootSessionID)}
}
