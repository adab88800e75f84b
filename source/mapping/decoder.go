// Package mapping reads the deliveries of senders that Sever knows by configuration only:
// paths and CEL expressions say where in a body the persons are, what happened to them and
// when. Nothing is ever guessed: what is not where the settings say is not there.
package mapping

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"sever/revocation"
	"sever/source"
)

// Bounds of one delivery. Azure Event Grid's batches hold up to 5,000 events.
const (
	maxItems   = 5_000
	maxSignals = 10_000
	maxUnwraps = 4
	maxType    = 100 // bytes of a type, as in source
)

// Why an event of this package is no signal, beside the reasons that the settings give.
const skippedEmpty = "empty" // the list of events is

var (
	errNoList         = errors.New("each: body has no list there")
	errTooManyItems   = fmt.Errorf("body holds more than %d events", maxItems)
	errTooManySignals = fmt.Errorf("body names more than %d persons", maxSignals)
)

// Decoder decodes the deliveries of one source. It has no state: the same delivery
// gives the same signals wherever and whenever it is decoded.
type Decoder struct {
	settings

	source, org string
	keep        []string
}

// New makes the decoder that config describes, for the people of one org. It fails where
// Check finds a problem.
func New(config Config, sourceName, org string) (*Decoder, error) {
	compiled, problems := compile(config)
	if len(problems) > 0 {
		return nil, fmt.Errorf("map.%s: %s; %s", problems[0].Field, problems[0].Message, problems[0].Fix)
	}
	keep := map[string]bool{}
	for _, name := range config.keeps() {
		keep[name] = true
	}
	return &Decoder{settings: compiled, source: sourceName, org: org, keep: slices.Sorted(maps.Keys(keep))}, nil
}

// Keep names the headers, in canonical form, that a delivery must be stored with.
func (d *Decoder) Keep() []string { return slices.Clone(d.keep) }

// Decode finds one signal for each person that each event names, and one without a person
// for each event that names nobody, or somebody that cannot be read.
func (d *Decoder) Decode(delivery revocation.Delivery) (source.Decoded, error) {
	bodies, err := d.read(delivery)
	if err != nil {
		return source.Decoded{}, fmt.Errorf("decode %s: %w", d.form, err)
	}
	decoding := decoding{Decoder: d, delivery: delivery, cost: &budget{left: maxDeliveryCost}}
	for _, body := range bodies {
		if err := decoding.body(body); err != nil {
			return source.Decoded{}, fmt.Errorf("decode %s: %w", d.form, err)
		}
	}
	if decoding.items == 0 && len(decoding.decoded.Skipped) == 0 {
		decoding.skip("", skippedEmpty)
	}
	return decoding.decoded, nil
}

// decoding is the work on one delivery.
type decoding struct {
	*Decoder

	delivery revocation.Delivery
	cost     *budget
	items    int
	decoded  source.Decoded
}

func (d *decoding) body(body any) error {
	for _, text := range d.unwraps {
		if err := text.apply(body); err != nil {
			return err
		}
	}
	whole := &scope{item: body, body: body, header: d.delivery.Headers, cost: d.cost}
	items, err := d.list(whole)
	if err != nil {
		return d.withoutList(whole, err)
	}
	if d.items+len(items) > maxItems {
		return errTooManyItems
	}
	for _, item := range items {
		if err := d.item(&scope{item: item, body: body, header: d.delivery.Headers, cost: d.cost}); err != nil {
			return err
		}
		d.items++
	}
	return nil
}

// list gives the items of a body. The path's end must be one list; with [*] in it, what
// it finds are the items. Every part of it must be there, so that no event is lost.
func (d *decoding) list(whole *scope) ([]any, error) {
	if d.each == nil {
		return []any{whole.item}, nil
	}
	if d.each.expr == nil && d.each.path.branches() {
		return d.each.path.findAll(whole)
	}
	found, err := d.each.find(whole)
	if err != nil {
		return nil, fmt.Errorf("each: %w", err)
	}
	if len(found) == 0 {
		return nil, errNoList
	}
	items, ok := found[0].([]any)
	if !ok {
		return nil, errNoList
	}
	return items, nil
}

// withoutList is for a message that carries no events because it is about something else,
// such as a recovery or a test: an ignore rule may know it. Else it stays an error.
func (d *decoding) withoutList(whole *scope, problem error) error {
	if errors.Is(problem, errTooCostly) {
		return problem
	}
	whole.kind, _, _ = d.kindText.text(whole) // what cannot be evaluated is not there
	reason, err := d.ignored(whole)
	if err != nil || reason == "" {
		return problem
	}
	d.skip(whole.kind, reason)
	return nil
}

// item decides about one event, in this order: its type, whether it is ignored, its
// kind, and then who, how bad and when. An expression that fails leaves the event
// undecided: a person has to look, nothing else is done.
func (d *decoding) item(s *scope) error {
	event, err := d.event(s)
	var failed evalError
	switch {
	case errors.As(err, &failed):
		return d.undecided(s, event, err)
	case err != nil:
		return err
	case event.skip != "":
		d.skip(s.kind, event.skip)
		return nil
	}
	return d.signals(s, event)
}

// event is what an item says, beside whom it is about.
type event struct {
	skip      string // why it is no signal
	kind      revocation.Kind
	severity  revocation.Severity
	id        string
	occurred  time.Time
	effective time.Time
	problem   string // why it cannot be acted on, whoever it names
}

func (d *decoding) event(s *scope) (e event, err error) {
	var typeErr error
	s.kind, _, typeErr = d.kindText.text(s)
	if e.skip, err = d.ignored(s); err != nil || e.skip != "" {
		return e, err
	}
	if typeErr != nil {
		return e, fmt.Errorf("type: %w", typeErr)
	}
	if e.kind, err = d.kind(s); err != nil {
		return e, err
	}
	if e.kind == "" {
		e.skip = source.SkippedUnknownType
		return e, nil
	}
	if e.severity, err = d.severity(s); err != nil {
		return e, err
	}
	if e.id, err = d.eventID(s); err != nil {
		return e, err
	}
	if e.occurred, err = d.occurred(s); err != nil {
		return e, err
	}
	if e.kind == revocation.KindTermination {
		e.effective, e.problem, err = d.due(s)
	}
	return e, err
}

// signals makes one signal for each person.
func (d *decoding) signals(s *scope, e event) error {
	found, problem, err := d.person.find(s)
	var failed evalError
	switch {
	case errors.As(err, &failed):
		problem = "person.value: " + err.Error()
	case err != nil:
		return err
	}
	if e.problem != "" {
		found, problem = nil, e.problem
	}
	for _, person := range found {
		if err := d.add(s, e, person, ""); err != nil {
			return err
		}
	}
	if problem != "" {
		return d.add(s, e, revocation.Person{}, problem)
	}
	return nil
}

// undecided makes a signal that every policy asks a revocation for unless it was written
// not to: nobody is named, so it becomes a dead letter and not a job.
func (d *decoding) undecided(s *scope, e event, problem error) error {
	e.kind, e.severity = revocation.KindAlert, ""
	return d.add(s, e, revocation.Person{}, problem.Error())
}

func (d *decoding) add(s *scope, e event, person revocation.Person, problem string) error {
	if len(d.decoded.Signals) == maxSignals {
		return errTooManySignals
	}
	d.decoded.Signals = append(d.decoded.Signals, revocation.Signal{
		ID:       d.signalID(e.id, s.kind, person),
		Delivery: d.delivery.ID, Source: d.source, Org: d.org, Received: d.delivery.Received,
		Type: printable(s.kind, maxType), Kind: e.kind, Severity: e.severity,
		Occurred: e.occurred, Effective: e.effective,
		Person: person, NoPerson: problem,
	})
	return nil
}

func (d *decoding) skip(kind, reason string) {
	d.decoded.Skipped = append(d.decoded.Skipped, source.Skipped{Type: printable(kind, maxType), Reason: reason})
}
