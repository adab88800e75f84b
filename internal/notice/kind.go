package notice

import (
	"errors"
	"fmt"

	"sever/revocation"
)

// Kind is what a notice is about.
type Kind string

// The kinds of notices, as a channel's `on` names them.
const (
	KindHeld       Kind = "held"        // jobs wait for an operator
	KindBrake      Kind = "brake"       // too many people at once
	KindDeadLetter Kind = "dead_letter" // something could not be carried through
	KindCredential Kind = "credential"  // Okta does not accept our credential, or is not where we call
	KindRecovered  Kind = "recovered"   // Okta accepts our calls again
	KindPolicy     Kind = "policy"      // a changed policy could not be taken

	kindTest Kind = "test"
)

// Kinds lists what a channel can be told of.
func Kinds() []Kind {
	return []Kind{KindHeld, KindBrake, KindDeadLetter, KindCredential, KindRecovered, KindPolicy}
}

// Steps of other stages, by their words.
const (
	stepBraked  revocation.Step = "braked"
	stepPaused  revocation.Step = "paused"
	stepResumed revocation.Step = "resumed"

	stagePolicy = "policy"
)

// Reasons to hold a job that ends by itself: nobody is asked for anything.
const (
	heldForDelay      = "delay"
	heldForSecondLook = "second_look"
)

// incident is one event that people are told of. It holds more than they may see; see
// incident.example.
type incident struct {
	kind   Kind
	org    string
	source string
	rule   string
	typ    string // the sender's word
	reason string
	id     string           // of the hold, the letter, the job or the delivery
	hold   *revocation.Hold // if there is one to approve
	look   string           // the command that shows more
	person string
	raw    bool // reason is made of a sender's words
	pause  bool // the org waits until a later incident says that it goes on
}

// incidentOf sorts an event; most are of no kind.
func incidentOf(event revocation.Event) (incident, bool) {
	in := incident{org: event.Org, source: event.Source, typ: event.Type, reason: event.Reason}
	in.fillFrom(event.Job)
	switch event.Step {
	case revocation.StepHeld:
		told := in.held(event)
		return in, told
	case stepBraked:
		in.kind, in.look = KindBrake, "sever holds list"
	case revocation.StepDeadLetter:
		in.deadLetter(event)
	case stepPaused:
		in.paused(event)
	case stepResumed:
		in.kind, in.look = KindRecovered, "sever jobs list"
	case revocation.StepTrouble:
		told := in.trouble(event)
		return in, told
	default:
		return incident{}, false
	}
	return in, true
}

func (in *incident) fillFrom(job *revocation.Job) {
	if job == nil {
		return
	}
	in.id, in.rule, in.typ, in.person = job.ID, job.Rule, job.Type, job.Person.Value
}

// held leaves out what will be released by itself.
func (in *incident) held(event revocation.Event) (told bool) {
	in.kind, in.look = KindHeld, "sever holds list"
	if event.Hold == nil || event.Hold.Hold == nil {
		return true
	}
	hold := event.Hold.Hold
	switch hold.Why {
	case revocation.HeldForDate, heldForDelay, heldForSecondLook:
		return false
	}
	in.fillFrom(&hold.Job)
	in.id, in.hold, in.reason = hold.Key, hold, hold.Reason
	in.org, in.source = hold.Job.Org, hold.Job.Source
	return true
}

// deadLetter names the letter where its id follows from the event, which it does for jobs.
func (in *incident) deadLetter(event revocation.Event) {
	in.kind, in.look = KindDeadLetter, "sever dead list"
	switch {
	case event.Record != nil:
		letter := revocation.DeadJob(*event.Record, event.At)
		in.fillFrom(&event.Record.Job)
		in.id, in.look = letter.ID, "sever dead show "+letter.ID
	case event.Job == nil:
		in.id, in.raw = event.Delivery, true
	}
}

// trouble is about credentials, or about the policy; all other trouble is for the log.
func (in *incident) trouble(event revocation.Event) (told bool) {
	call, _ := errors.AsType[*revocation.CallError](event.Err)
	switch {
	case event.Stage == stagePolicy:
		in.kind, in.look, in.reason = KindPolicy, "sever policy check", "the log says what is wrong with it"
	case call != nil && (call.Failure == revocation.FailureCredential || call.Failure == revocation.FailureWrongURL):
		in.kind, in.look, in.reason = KindCredential, "sever doctor", reasonOf(call)
	default:
		return false
	}
	return true
}

// paused says why an org waits.
func (in *incident) paused(event revocation.Event) {
	in.kind, in.look, in.pause = KindCredential, "sever doctor", true
	in.reason = "Okta refuses Sever's calls"
	if call, ok := errors.AsType[*revocation.CallError](event.Err); ok {
		in.reason = reasonOf(call)
	}
}

// reasonOf says it in our words: Okta's could be anything.
func reasonOf(call *revocation.CallError) string {
	reason := "Okta does not accept Sever's credential"
	switch call.Failure {
	case revocation.FailureWrongURL:
		reason = "the answer is not that of Okta's API: is the org's url right?"
	case revocation.FailureForbidden:
		reason = "Okta forbids Sever's calls: is its role or a scope gone?"
	default:
	}
	if call.Call.Status != 0 {
		reason += fmt.Sprintf(" (status %d)", call.Call.Status)
	}
	return reason
}
