package source

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sever/okta"
	"sever/revocation"
	"sever/source/strictjson"
)

// Why an event is no signal.
const (
	SkippedUnknownType = "unknown_type" // Sever does not know whom this type affects
	SkippedEcho        = "echo"         // our own revocation, as Okta logs it
	SkippedOutcome     = "outcome"      // what the event tells of did not happen
)

// maxTypeText caps an event type in logs and errors; Okta's longest has 70 characters.
const maxTypeText = 100

// OktaEventHook decodes the deliveries of Okta's event hooks.
type OktaEventHook struct {
	org    string
	types  map[string]oktaType
	echoes map[string]bool
}

// NewOktaEventHook makes a decoder for the people of one org.
func NewOktaEventHook(org string) *OktaEventHook {
	return &OktaEventHook{org: org, types: oktaTypes(), echoes: oktaEchoes()}
}

// Decode finds one signal for each person that each event affects.
func (d *OktaEventHook) Decode(delivery revocation.Delivery) (Decoded, error) {
	if err := strictjson.Check(delivery.Body, oktaKeys()...); err != nil {
		return Decoded{}, err
	}
	var hook okta.EventHook
	// Not by json.Unmarshal, which would look once more whether all of it is JSON.
	if err := hook.UnmarshalJSON(delivery.Body); err != nil {
		return Decoded{}, fmt.Errorf("decode event hook: %w", err)
	}
	if hook.Data.Events == nil {
		return Decoded{}, errors.New("decode event hook: data.events is missing")
	}
	var decoded Decoded
	for i, event := range hook.Data.Events {
		if reason := d.skip(event); reason != "" {
			decoded.Skipped = append(decoded.Skipped, Skipped{Type: bounded(event.EventType), Reason: reason})
			continue
		}
		decoded.Signals = append(decoded.Signals, d.signals(delivery, i, event)...)
	}
	return decoded, nil
}

// oktaKeys are the keys that settle who is affected by what. encoding/json takes
// "ID" for "id", so for these a key differing by case only is the same key.
// Elsewhere, as in Okta's debugData, such keys are a sender's own affair.
func oktaKeys() []string {
	return []string{
		"data", "events", "uuid", "eventType", "actor", "target", "id", "type", "outcome", "result",
		"securityContext", "risk", "level",
	}
}

func (d *OktaEventHook) skip(event okta.LogEvent) string {
	kind, known := d.types[event.EventType]
	switch {
	case d.echoes[event.EventType]:
		return SkippedEcho
	case !known:
		return SkippedUnknownType
	case len(kind.outcomes) > 0 && !slices.Contains(kind.outcomes, event.Outcome.Result):
		return SkippedOutcome
	default:
		return ""
	}
}

// signals makes one signal per affected person; or a single one without a person,
// that says why, so that the policy can decide whether that matters.
func (d *OktaEventHook) signals(delivery revocation.Delivery, index int, event okta.LogEvent) []revocation.Signal {
	kind := d.types[event.EventType]
	base := revocation.Signal{
		Delivery: delivery.ID, Source: delivery.Source, Org: d.org, Type: event.EventType,
		Occurred: event.Published, Received: delivery.Received,
	}
	if kind.riskIsPersons {
		base.Risk = event.RiskLevel()
	}
	var signals []revocation.Signal
	for _, entity := range affected(event, kind.person) {
		signal := base
		signal.Person, signal.NoPerson = person(entity)
		signal.ID = d.signalID(delivery, index, event, entity.ID)
		signals = append(signals, signal)
	}
	if len(signals) == 0 {
		base.NoPerson = "no " + kind.person.String() + " of type User"
		base.ID = d.signalID(delivery, index, event, "")
		return []revocation.Signal{base}
	}
	return signals
}

// signalID is made from the event's uuid, which is the same for the same event
// however often and by whichever hook it comes. A delivery's eventId is not.
func (d *OktaEventHook) signalID(delivery revocation.Delivery, index int, event okta.LogEvent, entity string) string {
	if event.UUID == "" {
		return revocation.DeriveID("sig", d.org, delivery.ID, strconv.Itoa(index), entity)
	}
	return revocation.DeriveID("sig", d.org, "okta", event.UUID, entity)
}

// affected gives the entities of type User at the position that the type's row
// names. There is no falling back from the targets to the actor: in an admin's
// action that would sign out the admin.
func affected(event okta.LogEvent, at position) []okta.Entity {
	entities := event.Target
	if at == inActor {
		entities = nil
		if event.Actor != nil {
			entities = []okta.Entity{*event.Actor}
		}
	}
	return slices.DeleteFunc(slices.Clone(entities), func(entity okta.Entity) bool { return entity.Type != "User" })
}

// person names the entity, or says why it cannot.
func person(entity okta.Entity) (named revocation.Person, problem string) {
	id, err := okta.ParseUserID(entity.ID)
	if err != nil {
		return revocation.Person{}, err.Error()
	}
	return revocation.Person{Kind: revocation.PersonOktaID, Value: string(id)}, ""
}

func (p position) String() string {
	if p == inActor {
		return "actor"
	}
	return "target"
}

// bounded caps a text without leaving half a rune at its end.
func bounded(text string) string {
	if len(text) > maxTypeText {
		return strings.ToValidUTF8(text[:maxTypeText], "")
	}
	return text
}
