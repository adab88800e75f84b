package notice

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/revocation"
)

func heldFor(why string) revocation.Event {
	event := held("hold_1")
	event.Hold.Hold.Why = why
	return event
}

func failing(step revocation.Step, failure revocation.Failure) revocation.Event {
	return revocation.Event{Step: step, Stage: "work", Org: "acme", Err: &revocation.CallError{Failure: failure, Err: errDown}}
}

func TestWhichEventsAreTold(t *testing.T) {
	t.Parallel()
	all := job()
	record := revocation.Record{Job: all, Outcome: revocation.OutcomeDead, Reason: "given up"}
	for name, test := range map[string]struct {
		event revocation.Event
		kind  Kind // "" for none
		id    string
		look  string
	}{
		"for approval":              {held("hold_1"), KindHeld, "hold_1", "sever holds list"},
		"for the brake":             {heldFor("brake"), KindHeld, "hold_1", "sever holds list"},
		"for a protected person":    {heldFor("protected"), KindHeld, "hold_1", "sever holds list"},
		"for a date":                {heldFor(revocation.HeldForDate), "", "", ""},
		"for a delay":               {heldFor("delay"), "", "", ""},
		"for a second look":         {heldFor("second_look"), "", "", ""},
		"held, without the hold":    {revocation.Event{Step: revocation.StepHeld, Job: &all}, KindHeld, "job_1", "sever holds list"},
		"braked":                    {revocation.Event{Step: "braked", Job: &all}, KindBrake, "job_1", "sever holds list"},
		"a dead job":                {revocation.Event{Step: revocation.StepDeadLetter, Job: &all, Record: &record}, KindDeadLetter, revocation.DeadJob(record, time.Time{}).ID, "sever dead show " + revocation.DeadJob(record, time.Time{}).ID},
		"a dead delivery":           {revocation.Event{Step: revocation.StepDeadLetter, Delivery: "del_1"}, KindDeadLetter, "del_1", "sever dead list"},
		"paused":                    {paused(), KindCredential, "", "sever doctor"},
		"resumed":                   {revocation.Event{Step: "resumed", Org: "acme"}, KindRecovered, "", "sever jobs list"},
		"trouble with a credential": {failing(revocation.StepTrouble, revocation.FailureCredential), KindCredential, "", "sever doctor"},
		"trouble with the url":      {failing(revocation.StepTrouble, revocation.FailureWrongURL), KindCredential, "", "sever doctor"},
		"trouble with Okta":         {failing(revocation.StepTrouble, revocation.FailureTemporary), "", "", ""},
		"trouble with the store":    {revocation.Event{Step: revocation.StepTrouble, Stage: "work", Err: errDown}, "", "", ""},
		"trouble with the policy":   {revocation.Event{Step: revocation.StepTrouble, Stage: "policy", Err: errDown}, KindPolicy, "", "sever policy check"},
		"a call that failed":        {failing(revocation.StepCalled, revocation.FailureCredential), "", "", ""},
		"a job done":                {revocation.Event{Step: revocation.StepAudited, Job: &all, Record: &record}, "", "", ""},
		"a hold released":           {revocation.Event{Step: revocation.StepReleased, Job: &all}, "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in, ok := incidentOf(test.event)
			require.Equal(t, test.kind != "", ok)
			if ok {
				require.Equal(t, test.kind, in.kind)
				require.Equal(t, test.id, in.id)
				require.Equal(t, test.look, in.look)
			}
		})
	}
}
