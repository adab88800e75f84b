package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"sync"
	"time"

	"sever/dispatch"
	"sever/revocation"
)

// timeline prints the steps of each alert as they happen, with milliseconds since
// the scene's first step, and counts them.
type timeline struct {
	out io.Writer

	mu    sync.Mutex
	quiet bool
	start time.Time // of the scene's first step
	seen  tally
	moved chan struct{} // closed and replaced at every end
}

// tally is what came of a scene so far.
type tally struct {
	accepted int
	dead     int
	ignored  int
	outcomes map[revocation.Outcome]int // of finished jobs
}

func (t tally) ends() int {
	ends := t.dead + t.ignored
	for outcome, count := range t.outcomes {
		if outcome.Finishes() {
			ends += count
		}
	}
	return ends
}

func newTimeline(out io.Writer) *timeline {
	return &timeline{out: out, moved: make(chan struct{}), seen: tally{outcomes: map[revocation.Outcome]int{}}}
}

// begin starts a scene. A quiet one prints no steps.
func (t *timeline) begin(number int, title string, quiet bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.quiet, t.start, t.seen = quiet, time.Time{}, tally{outcomes: map[revocation.Outcome]int{}}
	if number > 0 {
		title = fmt.Sprintf("%d. %s", number, title)
	}
	fmt.Fprintf(t.out, "\n%s\n", title)
}

func (t *timeline) printf(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintf(t.out, format, args...)
}

// await waits until so many jobs have finished or become dead letters.
func (t *timeline) await(ctx context.Context, ends int) (tally, error) {
	for {
		t.mu.Lock()
		seen, moved := t.seen, t.moved
		seen.outcomes = maps.Clone(t.seen.outcomes)
		t.mu.Unlock()
		if seen.ends() >= ends {
			return seen, nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return seen, fmt.Errorf("only %d of %d came to an end: %w", seen.ends(), ends, context.Cause(ctx))
		}
	}
}

// observe is the timeline's revocation.Observer.
func (t *timeline) observe(event revocation.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.start.IsZero() {
		t.start = event.At
	}
	t.count(event)
	if line := describe(event); line != "" && !t.quiet {
		fmt.Fprintf(t.out, "   %+9.1f ms  %s\n", float64(event.At.Sub(t.start).Microseconds())/1000, line)
	}
}

func (t *timeline) count(event revocation.Event) {
	switch event.Step {
	case revocation.StepAccepted:
		t.seen.accepted++
	case revocation.StepDeadLetter:
		t.seen.dead++
	case revocation.StepIgnored:
		t.seen.ignored++
	case revocation.StepAudited:
		t.seen.outcomes[event.Record.Outcome]++
	default:
		return
	}
	close(t.moved)
	t.moved = make(chan struct{})
}

func describe(event revocation.Event) string {
	switch event.Step {
	case revocation.StepAccepted:
		return fmt.Sprintf("delivery  %s is on disk (fsync); the sender gets its 204", event.Delivery)
	case revocation.StepRefused:
		return fmt.Sprintf("refused   %s; nothing was stored", event.Reason)
	case revocation.StepIgnored:
		return describeIgnored(event)
	case revocation.StepDecided:
		return fmt.Sprintf("job       %s on lane %s: %s, rule %s", event.Job.ID, event.Job.Lane, event.Type, event.Reason)
	case revocation.StepDeferred:
		return fmt.Sprintf("deferred  for %s: %s", event.Took.Round(time.Millisecond), event.Reason)
	case revocation.StepCalling:
		return fmt.Sprintf("calling   DELETE /api/v1/users/%s/sessions", event.Job.Person.Value)
	case revocation.StepAudited:
		return describeRecord(*event.Record)
	case revocation.StepDeadLetter:
		return "dead      " + printable(event.Reason)
	case revocation.StepTrouble:
		return fmt.Sprintf("trouble   %v", event.Err)
	default:
		return ""
	}
}

func describeIgnored(event revocation.Event) string {
	if event.Reason == dispatch.IgnoredDuplicate {
		return "duplicate this job is on its lane, or done: nothing more to do"
	}
	return fmt.Sprintf("ignored   %s (%s)", printable(event.Type), event.Reason)
}

func describeRecord(record revocation.Record) string {
	answer := ""
	if record.Call != nil {
		answer = fmt.Sprintf("; Okta answered %d, request id %s", record.Call.Status, printable(record.Call.RequestID))
	}
	if record.Outcome == revocation.OutcomeFailed {
		return fmt.Sprintf("waits     until +%.1f s%s", record.Retry.Sub(record.Ended).Seconds(), answer)
	}
	return fmt.Sprintf("%-9s %s%s", record.Outcome, record.Reason, answer)
}
