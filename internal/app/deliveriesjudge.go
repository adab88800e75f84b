package app

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"sever/handlers"
	"sever/policy"
	"sever/queue"
	"sever/revocation"
	"sever/source"
)

// judge says of deliveries what they would lead to now, and what they have led to.
type judge struct {
	policy   policy.Policy
	sources  map[string]source.Source
	standing *queue.Standing
	holds    *queue.Holds
	now      time.Time
}

func (d *deliveries) judge(ctx context.Context, since time.Time) (*judge, error) {
	standing, err := d.jobs.Standing(ctx, since)
	if err != nil {
		return nil, err
	}
	return &judge{policy: d.policy(), sources: d.sources, standing: standing, holds: d.holds, now: d.now()}, nil
}

// reading is what a delivery says, or why that is not to be known.
type reading struct {
	source.Decoded

	problem string
}

func (j *judge) read(delivery revocation.Delivery) (read reading) {
	src, known := j.sources[delivery.Source]
	if !known {
		return reading{problem: "its source is not configured any more"}
	}
	defer func() {
		if recover() != nil { // as in dispatch, one delivery must not keep the others from being looked at
			read = reading{problem: "the decoder panicked: this is a bug in Sever, please report it"}
		}
	}()
	decoded, err := src.Decoder.Decode(delivery)
	if err != nil {
		return reading{problem: err.Error()}
	}
	return reading{Decoded: decoded}
}

// verdict is what dispatch would do with a signal now, beside what is on record of it.
func (j *judge) verdict(ctx context.Context, signal revocation.Signal) (handlers.Verdict, error) {
	if signal.Kind == revocation.KindWithdrawal {
		return handlers.Verdict{Does: handlers.DoesWithdraw, Record: handlers.RecordNone}, nil
	}
	decision := j.policy.Decide(signal)
	verdict := handlers.Verdict{Rule: decision.Rule, Does: j.does(signal, decision), Lane: decision.Lane}
	if decision.Revoke {
		verdict.Job = revocation.JobID(signal.Org, signal.ID, decision.Scope)
	}
	job, onRecord, err := j.onRecord(ctx, signal, decision.Scope)
	if err != nil {
		return verdict, err
	}
	verdict.Record, verdict.Job = onRecord, cmp.Or(job, verdict.Job)
	verdict.Differs = acts(verdict.Does) != acted(onRecord)
	return verdict, nil
}

func (j *judge) does(signal revocation.Signal, decision policy.Decision) string {
	switch {
	case !decision.Revoke:
		return handlers.DoesIgnore
	case signal.Person.IsZero():
		return handlers.DoesNobody
	case decision.Mode == revocation.ModeDryRun:
		return handlers.DoesDryRun
	case decision.Mode == revocation.ModeApprove, decision.Delay > 0,
		signal.Kind == revocation.KindTermination && signal.Effective.After(j.now):
		return handlers.DoesHold
	default:
		return handlers.DoesRevoke
	}
}

func acts(does string) bool { return does == handlers.DoesRevoke || does == handlers.DoesHold }

// acted reports whether what is on record ended a person's sessions, or is about to.
func acted(onRecord string) bool {
	return onRecord != handlers.RecordNone && onRecord != string(revocation.OutcomeRefused)
}

// onRecord looks for the job that there was on account of a signal. Another policy may have
// asked for another scope, which is part of a job's id.
func (j *judge) onRecord(ctx context.Context, signal revocation.Signal, first revocation.Scope) (job, record string, err error) {
	scopes := []revocation.Scope{first}
	for _, scope := range []revocation.Scope{{OAuthTokens: true, ForgetDevices: true}, {OAuthTokens: true}, {ForgetDevices: true}, {}} {
		if scope != first {
			scopes = append(scopes, scope)
		}
	}
	for _, scope := range scopes {
		id := revocation.JobID(signal.Org, signal.ID, scope)
		record, err = j.became(ctx, id)
		if err != nil || record != handlers.RecordNone {
			return id, record, err
		}
	}
	waits, err := j.waits(ctx, revocation.HoldKey(signal.Org, signal.Source, signal.Person))
	if err != nil || !waits || signal.Kind != revocation.KindTermination {
		return "", handlers.RecordNone, err
	}
	return "", string(revocation.OutcomeHeld), nil
}

// became says what became of a job.
func (j *judge) became(ctx context.Context, id string) (string, error) {
	state, record, err := j.standing.Of(ctx, id)
	if err != nil {
		return "", err
	}
	if state == revocation.StateFinished {
		return string(record.Outcome), nil
	}
	waits, err := j.waits(ctx, revocation.JobHoldKey(id))
	if err != nil {
		return "", err
	}
	if waits {
		return string(revocation.OutcomeHeld), nil
	}
	return cmp.Or(state, handlers.RecordNone), nil
}

func (j *judge) waits(ctx context.Context, key string) (bool, error) {
	_, err := j.holds.Show(ctx, key)
	if errors.Is(err, revocation.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// maxExamples bounds the differing signals that one part of a replay names.
const maxExamples = 20

// tally adds up what a dry run finds.
type tally struct {
	judge  *judge
	replay handlers.Replay
	counts map[handlers.ReplayCount]int
	people map[string]bool
}

func newTally(judge *judge) *tally {
	return &tally{
		judge: judge, replay: handlers.Replay{Policy: judge.policy.Version()},
		counts: make(map[handlers.ReplayCount]int), people: make(map[string]bool),
	}
}

func (t *tally) add(ctx context.Context, delivery revocation.Delivery) error {
	t.replay.Deliveries++
	read := t.judge.read(delivery)
	t.replay.Skipped += len(read.Skipped)
	if read.problem != "" {
		t.counts[handlers.ReplayCount{Does: handlers.DoesFail, Record: handlers.RecordNone}]++
		return nil
	}
	for _, signal := range read.Signals {
		verdict, err := t.judge.verdict(ctx, signal)
		if err != nil {
			return err
		}
		t.note(signal, verdict)
	}
	return nil
}

func (t *tally) note(signal revocation.Signal, verdict handlers.Verdict) {
	t.replay.Signals++
	t.counts[handlers.ReplayCount{Rule: verdict.Rule, Does: verdict.Does, Record: verdict.Record, Differs: verdict.Differs}]++
	if acts(verdict.Does) {
		person := signal.Person
		t.people[revocation.DeriveID("per", signal.Org, string(person.Kind), person.Attribute, person.Value)] = true
	}
	if verdict.Differs && len(t.replay.Examples) < maxExamples {
		t.replay.Examples = append(t.replay.Examples, handlers.ReplayDiff{
			Delivery: signal.Delivery, Source: signal.Source, Type: signal.Type, Verdict: verdict,
		})
	}
}

func (t *tally) sum() handlers.Replay {
	for count, signals := range t.counts {
		count.Signals = signals
		t.replay.Counts = append(t.replay.Counts, count)
	}
	slices.SortFunc(t.replay.Counts, func(a, b handlers.ReplayCount) int {
		return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Does, b.Does), cmp.Compare(a.Record, b.Record))
	})
	for person := range t.people {
		t.replay.People = append(t.replay.People, person)
	}
	slices.Sort(t.replay.People)
	return t.replay
}
