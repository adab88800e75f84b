package revocation

import "time"

// Step names a point on the way of one alert.
type Step string

// The steps, in the order in which an alert passes them.
const (
	StepRefused    Step = "refused"    // receive: the request was answered with an error
	StepAccepted   Step = "accepted"   // receive: the delivery is durable, the answer comes next
	StepIgnored    Step = "ignored"    // dispatch: a signal deserves nothing
	StepDecided    Step = "decided"    // dispatch: a signal deserves a job, not yet published
	StepEnqueued   Step = "enqueued"   // dispatch: the job is durable on its lane
	StepHeld       Step = "held"       // dispatch: the job waits for its date; Reason is hold or replace
	StepWithdrawn  Step = "withdrawn"  // dispatch: a source called a termination off
	StepReleased   Step = "released"   // dispatch: a hold ended because its date, or an operator, let the job go
	StepDispatched Step = "dispatched" // dispatch: everything of a delivery is done
	StepDeadLetter Step = "deadletter" // any stage: something was put aside
	StepTaken      Step = "taken"      // work: a worker has the job in hand
	StepBraked     Step = "braked"     // work: the brake holds its first job in a while: told once, however many follow
	StepDeferred   Step = "deferred"   // work: handed back untried: its person was just revoked, or the budget is spent
	StepCalling    Step = "calling"    // work: the call to Okta is about to be sent
	StepCalled     Step = "called"     // work: Okta answered, or did not
	StepRecorded   Step = "recorded"   // work: the ledger has it
	StepAudited    Step = "audited"    // work: the audit has it
	StepSettled    Step = "settled"    // work: acknowledged, handed back or ended
	StepPaused     Step = "paused"     // work: Okta does not accept our credential; the org's jobs wait
	StepResumed    Step = "resumed"    // work: it does again
	StepTrouble    Step = "trouble"    // any stage: our own store or loop failed and will try again
)

// Event is one step of one alert. Only the fields that the step knows are set.
type Event struct {
	Step     Step
	Stage    string // receive, dispatch or work
	At       time.Time
	Source   string
	Org      string
	Request  string // the X-Request-Id
	Delivery string
	Type     string // the signal's type
	Job      *Job
	Record   *Record
	Hold     *HoldEntry
	Call     *Call         // what is known of the call, for StepCalled
	Reason   string        // printable and bounded
	Took     time.Duration // how long the step took, where it is timed
	Bytes    int           // size of the delivery
	Err      error
}

// Observer is told of every step, synchronously, by many goroutines at once: it
// must be quick and must not block. Logs, metrics and the demo's timeline are
// observers, so that no stage knows of them.
type Observer func(Event)

// Observe calls the observer; a nil Observer hears nothing.
func (o Observer) Observe(event Event) {
	if o != nil {
		o(event)
	}
}

// Observers joins several into one.
func Observers(observers ...Observer) Observer {
	return func(event Event) {
		for _, observer := range observers {
			observer.Observe(event)
		}
	}
}
