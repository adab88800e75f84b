package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sever/dispatch"
	"sever/revocation"
)

var began = time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC)

var errOfTheStore = errors.New("the store failed")

func TestTimelineLines(t *testing.T) {
	t.Parallel()
	job := revocation.Job{
		ID: "job_1", Lane: revocation.LaneHigh, Person: revocation.Person{Value: "00uada00000000000001"},
	}
	event := revocation.Event{
		Delivery: "dlv_1", Type: "user.x", Job: &job, Reason: "why", Took: 1234567 * time.Nanosecond, Err: errOfTheStore,
	}
	record := func(outcome revocation.Outcome, call *revocation.Call) *revocation.Record {
		return &revocation.Record{Outcome: outcome, Reason: "because", Call: call, Ended: began, Retry: began.Add(2500 * time.Millisecond)}
	}
	answered := &revocation.Call{Status: 429, RequestID: "req\x1b1"}
	for _, tt := range []struct {
		step   revocation.Step
		change func(*revocation.Event)
		want   string
	}{
		{revocation.StepAccepted, nil, "delivery  dlv_1 is on disk (fsync); the sender gets its 204"},
		{revocation.StepRefused, nil, "refused   why; nothing was stored"},
		{revocation.StepIgnored, nil, "ignored   user.x (why)"},
		{revocation.StepIgnored, func(e *revocation.Event) { e.Type = "\x1b[2J" }, `ignored   "\x1b[2J" (why)`},
		{
			revocation.StepIgnored, func(e *revocation.Event) { e.Reason = dispatch.IgnoredDuplicate },
			"duplicate this job is on its lane, or done: nothing more to do",
		},
		{revocation.StepDecided, nil, "job       job_1 on lane high: user.x, rule why"},
		{revocation.StepDeferred, nil, "deferred  for 1ms: why"},
		{revocation.StepCalling, nil, "calling   DELETE /api/v1/users/00uada00000000000001/sessions"},
		{revocation.StepDeadLetter, nil, "dead      why"},
		{revocation.StepDeadLetter, func(e *revocation.Event) { e.Reason = "\a" }, `dead      "\a"`},
		{revocation.StepTrouble, nil, "trouble   the store failed"},
		{
			revocation.StepAudited, func(e *revocation.Event) { e.Record = record(revocation.OutcomeCovered, nil) },
			"covered   because",
		},
		{
			revocation.StepAudited, func(e *revocation.Event) { e.Record = record(revocation.OutcomeGone, answered) },
			`gone      because; Okta answered 429, request id "req\x1b1"`,
		},
		{
			revocation.StepAudited, func(e *revocation.Event) { e.Record = record(revocation.OutcomeFailed, answered) },
			`waits     until +2.5 s; Okta answered 429, request id "req\x1b1"`,
		},
		{revocation.StepEnqueued, nil, ""},
		{revocation.StepDispatched, nil, ""},
		{revocation.StepTaken, nil, ""},
		{revocation.StepCalled, nil, ""},
		{revocation.StepRecorded, nil, ""},
		{revocation.StepSettled, nil, ""},
		{"of a later version", nil, ""},
	} {
		changed := event
		changed.Step = tt.step
		if tt.change != nil {
			tt.change(&changed)
		}
		require.Equal(t, tt.want, describe(changed), tt.step)
	}
}

func TestTimelinePrints(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	line := newTimeline(&out)
	accepted := func(after time.Duration) revocation.Event {
		return revocation.Event{Step: revocation.StepAccepted, Delivery: "dlv_1", At: began.Add(after)}
	}
	line.begin(1, "Loud", false)
	line.observe(accepted(0))
	line.observe(accepted(1234567 * time.Microsecond))
	line.observe(revocation.Event{Step: revocation.StepTaken, At: began})
	line.begin(2, "Quiet", true)
	line.observe(accepted(time.Hour))
	line.begin(0, "Last", false)
	line.observe(accepted(2 * time.Hour))
	line.printf("%d words\n", 2)
	const told = "ms  delivery  dlv_1 is on disk (fsync); the sender gets its 204"
	require.Equal(t, []string{
		"", "1. Loud", "        +0.0 " + told, "     +1234.6 " + told, "", "2. Quiet", "", "Last", "        +0.0 " + told, "2 words", "",
	}, strings.Split(out.String(), "\n"))
}

// An end is a finished job, a dead letter or an ignored signal; an attempt that is
// tried again is none, and what a dead job leaves behind is its letter.
func TestTimelineAwaitsEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		line := newTimeline(&bytes.Buffer{})
		line.begin(1, "", false)
		seen := make(chan tally, 1)
		go func() {
			counted, err := line.await(t.Context(), 3)
			if err == nil {
				seen <- counted
			}
		}()
		audited := func(outcome revocation.Outcome) {
			line.observe(revocation.Event{Step: revocation.StepAudited, At: began, Record: &revocation.Record{Outcome: outcome}})
		}
		line.observe(revocation.Event{Step: revocation.StepAccepted, At: began})
		audited(revocation.OutcomeFailed)
		audited(revocation.OutcomeDead)
		line.observe(revocation.Event{Step: revocation.StepDeadLetter, At: began})
		audited(revocation.OutcomeRevoked)
		synctest.Wait()
		require.Empty(t, seen, "two of three")
		line.observe(revocation.Event{Step: revocation.StepIgnored, At: began})
		require.Equal(t, tally{accepted: 1, dead: 1, ignored: 1, outcomes: map[revocation.Outcome]int{
			revocation.OutcomeFailed: 1, revocation.OutcomeDead: 1, revocation.OutcomeRevoked: 1,
		}}, <-seen)
	})
}

func TestTimelineGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		line := newTimeline(&bytes.Buffer{})
		line.observe(revocation.Event{Step: revocation.StepIgnored, At: began})
		ctx, cancel := context.WithTimeout(t.Context(), sceneTimeout)
		defer cancel()
		_, err := line.await(ctx, 2)
		require.EqualError(t, err, "only 1 of 2 came to an end: context deadline exceeded")
	})
}
