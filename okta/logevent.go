package okta

import (
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

// UnmarshalJSON reads an event as documented at [LogEvent]. b must be valid JSON, as encoding/json sees to.
func (e *LogEvent) UnmarshalJSON(b []byte) error {
	event, err := logEventOf(jsonValue(b))
	if err != nil {
		return err
	}
	*e = event
	return nil
}

func logEventOf(b jsonValue) (LogEvent, error) {
	var event LogEvent
	err := fields(b, func(key string, value jsonValue) error {
		name := fieldName(key, "uuid", "published", "eventType", "version", "displayMessage", "severity", "actor", "target", "outcome",
			"client", "request", "transaction", "debugContext", "securityContext", "authenticationContext")
		readIncidental(&event, name, value)
		return inField(name, readDecisive(&event, name, value))
	})
	if err != nil {
		return LogEvent{}, fmt.Errorf("log event: %w", err)
	}
	return event, nil
}

// readDecisive takes what says who did what to whom.
func readDecisive(e *LogEvent, name string, value jsonValue) (err error) {
	switch name {
	case "uuid":
		return value.string(&e.UUID)
	case "eventType":
		return value.string(&e.EventType)
	case "actor":
		e.Actor, err = actorOf(value)
	case "target":
		e.Target, err = list(value, entityOf)
	case "outcome":
		return e.Outcome.decode(value)
	}
	return err
}

// readIncidental takes what must never cost the event.
func readIncidental(e *LogEvent, name string, value jsonValue) {
	switch name {
	case "published":
		e.Published = value.time()
	case "version":
		e.Version = value.text()
	case "displayMessage":
		e.DisplayMessage = value.text()
	case "severity":
		e.Severity = value.text()
	case "client":
		e.Client = clientOf(value)
	case "request":
		e.Request = RequestInfo{IPChain: ipChainOf(value)}
	case "transaction":
		e.Transaction = transactionOf(value)
	case "debugContext":
		e.DebugContext = debugContextOf(value)
	case "securityContext":
		e.SecurityContext = securityContextOf(value)
	case "authenticationContext":
		e.AuthenticationContext = authenticationContextOf(value)
	}
}

func actorOf(value jsonValue) (*Entity, error) {
	if value.isNull() {
		return nil, nil //nolint:nilnil // nobody acted
	}
	actor, err := entityOf(value)
	return &actor, err
}

func (o *Outcome) decode(b jsonValue) error {
	if b.isNull() {
		return nil
	}
	return fields(b, func(key string, value jsonValue) error {
		switch fieldName(key, "result", "reason") {
		case "result":
			return inField("result", value.string(&o.Result))
		case "reason":
			o.Reason = value.text()
		}
		return nil
	})
}

// UnmarshalJSON takes an object whose id and type are texts; who someone is must not be guessed from anything else.
// b must be valid JSON, as encoding/json sees to.
func (e *Entity) UnmarshalJSON(b []byte) error {
	entity, err := entityOf(jsonValue(b))
	if err != nil {
		return err
	}
	*e = entity
	return nil
}

func entityOf(b jsonValue) (Entity, error) {
	var entity Entity
	err := fields(b, func(key string, value jsonValue) error {
		switch fieldName(key, "id", "type", "alternateId", "displayName") {
		case "id":
			return inField("id", value.string(&entity.ID))
		case "type":
			return inField("type", value.string(&entity.Type))
		case "alternateId":
			entity.AlternateID = value.text()
		case "displayName":
			entity.DisplayName = value.text()
		}
		return nil
	})
	if err != nil {
		return Entity{}, fmt.Errorf("actor or target: %w", err)
	}
	return entity, nil
}
