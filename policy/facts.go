package policy

import (
	"fmt"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/ext"

	"sever/revocation"
)

// Bounds of a rule's condition. One unit of cost is roughly one step of the interpreter,
// tens of nanoseconds: a condition has some milliseconds at the very most.
const (
	maxCondition    = 4000    // characters
	maxCost         = 100_000 // of one evaluation
	maxRegexProgram = 2000    // instructions of a compiled regular expression
)

// fact is one thing that a rule may ask about. Every fact has a value for every signal.
type fact struct {
	name string
	kind *cel.Type
}

// signalFacts lists what a rule may ask about.
func signalFacts() []fact {
	return []fact{
		{"signal.id", cel.StringType},
		{"signal.source", cel.StringType},
		{"signal.org", cel.StringType},
		{"signal.type", cel.StringType},
		{"signal.kind", cel.StringType},
		{"signal.severity", cel.StringType},
		{"signal.risk", cel.StringType},
		{"signal.person.kind", cel.StringType},
		{"signal.person.attribute", cel.StringType},
		{"signal.person.value", cel.StringType},
		{"signal.occurred", cel.TimestampType},
		{"signal.received", cel.TimestampType},
		{"signal.effective", cel.TimestampType},
		{"source", cel.StringType},
		{"now", cel.TimestampType},
	}
}

// facts shows one signal to rules.
type facts struct{ signal revocation.Signal }

var _ cel.Activation = (*facts)(nil)

// Parent is part of cel-go's interface.
func (*facts) Parent() cel.Activation { return nil } //nolint:ireturn // cel-go's interface

// ResolveName gives a fact. The clock is the signal's own, so that a delivery that is
// dispatched again is decided alike; times that a sender left out are the time of receipt.
func (f *facts) ResolveName(name string) (any, bool) {
	switch name {
	case "now", "signal.received":
		return f.signal.Received, true
	case "signal.occurred":
		return f.orReceived(f.signal.Occurred), true
	case "signal.effective":
		return f.orReceived(f.signal.Effective), true
	default:
		return f.text(name)
	}
}

func (f *facts) text(name string) (any, bool) {
	switch name {
	case "signal.type":
		return f.signal.Type, true
	case "signal.kind":
		return string(f.signal.Kind), true
	case "signal.severity":
		return string(f.signal.Severity), true
	case "signal.risk":
		return f.signal.Risk, true
	case "source", "signal.source":
		return f.signal.Source, true
	case "signal.org":
		return f.signal.Org, true
	case "signal.id":
		return f.signal.ID, true
	default:
		return f.person(name)
	}
}

func (f *facts) person(name string) (any, bool) {
	switch name {
	case "signal.person.kind":
		return string(f.signal.Person.Kind), true
	case "signal.person.attribute":
		return f.signal.Person.Attribute, true
	case "signal.person.value":
		return f.signal.Person.Value, true
	default:
		return nil, false
	}
}

func (f *facts) orReceived(at time.Time) time.Time {
	if at.IsZero() {
		return f.signal.Received
	}
	return at
}

// newEnv is what conditions may use. The facts are variables with dots in their names, so
// that the checker knows each and its type, and none can be missing.
func newEnv() (*cel.Env, error) {
	options := []cel.EnvOption{
		ext.Strings(ext.StringsVersion(4)), // pinned: a later version must not change a policy's meaning
		cel.DefaultUTCTimeZone(true),
		cel.EnableMacroCallTracking(), // so that parts can be printed
		cel.ParserExpressionSizeLimit(maxCondition),
		cel.RegexProgramSizeLimit(maxRegexProgram),
	}
	for _, fact := range signalFacts() {
		options = append(options, cel.Variable(fact.name, fact.kind))
	}
	env, err := cel.NewEnv(options...)
	if err != nil {
		return nil, fmt.Errorf("prepare rules: %w", err)
	}
	return env, nil
}

// whyFailed says in fixed words why a condition could not be evaluated: what cel-go says may
// quote the signal.
func whyFailed(err error) string {
	if strings.Contains(err.Error(), "cost limit exceeded") {
		return "its condition costs too much to evaluate"
	}
	return "its condition does with a value of the signal what cannot be done with it"
}
