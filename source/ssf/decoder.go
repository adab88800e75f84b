package ssf

import (
	"cmp"
	"fmt"
	"time"

	"sever/revocation"
	"sever/source"
)

// Decoder reads deliveries whose body is a SET.
type Decoder struct {
	source   string
	org      string
	own      map[string]bool
	subjects subjects
	meanings map[string]func(object) meaning
}

var _ source.Decoder = (*Decoder)(nil)

// NewDecoder makes a decoder for the source of that name and the people of one org. Events of ownIssuers that tell of
// ended sessions are echoes of Sever's own calls. Subjects of oktaIssuers, the org's own
// URLs, are its Okta user ids.
func NewDecoder(name, org string, ownIssuers, oktaIssuers []string) *Decoder {
	return &Decoder{
		source: name, org: org, own: issuerSet(ownIssuers), subjects: subjects{issuerSet(oktaIssuers)}, meanings: meanings(),
	}
}

// Decode reads the SET in the delivery's body, whose signature was verified when it came.
func (d *Decoder) Decode(delivery revocation.Delivery) (source.Decoded, error) {
	set, err := readToken(delivery.Body)
	if err != nil {
		return source.Decoded{}, fmt.Errorf("decode security event token: %w", err)
	}
	var decoded source.Decoded
	for _, event := range set.events {
		said := d.meaning(set, event)
		if said.skip != "" {
			decoded.Skipped = append(decoded.Skipped, source.Skipped{Type: shortType(event.uri), Reason: said.skip})
			continue
		}
		decoded.Signals = append(decoded.Signals, d.signal(delivery, set, event, said))
	}
	return decoded, nil
}

func (d *Decoder) meaning(set token, event event) meaning {
	read, known := d.meanings[event.uri]
	if !known {
		return meaning{skip: source.SkippedUnknownType}
	}
	said := read(event.payload)
	if said.kind == revocation.KindSessionRevoked && d.own[issuerKey(set.issuer)] {
		return meaning{skip: source.SkippedEcho}
	}
	return said
}

func (d *Decoder) signal(delivery revocation.Delivery, set token, event event, said meaning) revocation.Signal {
	signal := revocation.Signal{
		Delivery: delivery.ID, Source: d.source, Org: d.org, Type: shortType(event.uri),
		Kind: said.kind, Severity: said.severity, Risk: said.risk,
		Occurred: occurred(set, event), Received: delivery.Received, NoPerson: said.nobody,
	}
	if said.nobody == "" {
		signal.Person, signal.NoPerson = d.whom(set, event)
	}
	// A jti is unique within its issuer (RFC 8417, 2.2): the same one again is the same event.
	signal.ID = revocation.DeriveID("sig", d.org, "ssf", set.issuer, set.id, event.uri,
		string(signal.Person.Kind), signal.Person.Value)
	return signal
}

// whom reads the SET's sub_id, or else the subject inside the event, which drafts of the
// framework had and Okta sends. Where there are both, they must agree.
func (d *Decoder) whom(set token, event event) (named revocation.Person, nobody string) {
	_, inEvent := event.payload["subject"]
	switch {
	case !inEvent:
		return d.subjects.person(set.subject)
	case set.subject == nil:
		return d.subjects.person(event.payload.object("subject"))
	}
	outer, nobody := d.subjects.person(set.subject)
	inner, problem := d.subjects.person(event.payload.object("subject"))
	if nobody = cmp.Or(nobody, problem); nobody != "" {
		return revocation.Person{}, nobody
	}
	if outer != inner {
		return revocation.Person{}, "sub_id and the event's subject name different people"
	}
	return outer, ""
}

func occurred(set token, event event) time.Time {
	for _, at := range []time.Time{moment(event.payload["event_timestamp"]), set.occurred} {
		if !at.IsZero() {
			return at
		}
	}
	return set.issued
}
