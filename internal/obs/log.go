// Package obs shows what Sever does: logs and metrics. Both are observers of the
// steps of each alert, so that no stage knows of them.
package obs

import (
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"sever/revocation"
)

// NewLogger writes text to a terminal and JSON elsewhere, unless format says which.
func NewLogger(out io.Writer, level slog.Level, format string) *slog.Logger {
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: omitEmpty}
	if format == "text" || (format != "json" && isTerminal(out)) {
		return slog.New(slog.NewTextHandler(out, options))
	}
	return slog.New(slog.NewJSONHandler(out, options))
}

// omitEmpty leaves out what a line has nothing to say about, and gives durations in
// milliseconds, which JSON would show as a bare number of nanoseconds.
func omitEmpty(_ []string, attr slog.Attr) slog.Attr {
	switch value := attr.Value; {
	case value.Kind() == slog.KindString && value.String() == "",
		value.Kind() == slog.KindAny && value.Any() == nil:
		return slog.Attr{}
	case value.Kind() == slog.KindDuration:
		return slog.Float64(attr.Key+"_ms", float64(value.Duration().Microseconds())/1000)
	default:
		return attr
	}
}

func isTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// logger writes one line for each step worth one. The delivery's id runs through
// all lines of one alert, up to Okta's request id.
type logger struct {
	log *slog.Logger

	mu sync.Mutex
	// refusals are rare lines about frequent strangers: a flood of requests must not
	// become a flood of lines.
	refusals map[string]*rate.Sometimes
}

// LogObserver logs the steps.
func LogObserver(log *slog.Logger) revocation.Observer {
	l := &logger{log: log, refusals: make(map[string]*rate.Sometimes)}
	return l.observe
}

func (l *logger) observe(event revocation.Event) {
	switch event.Step {
	case revocation.StepRefused:
		l.refused(event)
	case revocation.StepAccepted:
		l.log.Debug("delivery accepted", "source", event.Source, "delivery", event.Delivery,
			"request_id", event.Request, "bytes", event.Bytes, "took", event.Took)
	case revocation.StepIgnored:
		l.log.Debug("signal ignored", "source", event.Source, "delivery", event.Delivery, "type", event.Type, "reason", event.Reason)
	case revocation.StepEnqueued:
		l.log.Info("job enqueued", "source", event.Source, "delivery", event.Delivery, "type", event.Type,
			"rule", event.Reason, "job", event.Job.ID, "org", event.Job.Org, "lane", event.Job.Lane, "person", event.Job.Person.Value)
	case revocation.StepHeld, revocation.StepWithdrawn, revocation.StepReleased:
		l.log.Info("hold changed", "change", event.Reason, "reason", event.Hold.Action.Reason, "hold", event.Hold.Key, "source", event.Source,
			"org", event.Org, "delivery", event.Delivery, "type", event.Type)
	case revocation.StepBraked, revocation.StepPaused, revocation.StepResumed:
		l.stopped(event)
	case revocation.StepDeferred:
		l.log.Debug("job deferred", "job", event.Job.ID, "delivery", event.Delivery, "reason", event.Reason, "for", event.Took)
	case revocation.StepAudited:
		l.audited(event)
	case revocation.StepDeadLetter:
		l.log.Error("dead letter: see `sever dead list`", "stage", event.Stage, "source", event.Source,
			"org", event.Org, "delivery", event.Delivery, "reason", event.Reason)
	case revocation.StepTrouble:
		l.log.Error("trouble; will try again", "stage", event.Stage, "org", event.Org, "delivery", event.Delivery, "error", event.Err)
	case revocation.StepDecided, revocation.StepDispatched, revocation.StepTaken, revocation.StepCalling,
		revocation.StepCalled, revocation.StepRecorded, revocation.StepSettled:
		// Told by the lines above, or of use to tests and the demo only.
	}
}

// stopped tells of what keeps many jobs back at once.
func (l *logger) stopped(event revocation.Event) {
	switch event.Step {
	case revocation.StepBraked:
		l.log.Error("the brake holds jobs: see `sever holds list`", "org", event.Org, "source", event.Source, "job", event.Job.ID,
			"rule", event.Job.Rule, "reason", event.Reason)
	case revocation.StepPaused:
		l.log.Error("org paused: its jobs wait until Okta accepts our credential; see `sever doctor`", "org", event.Org, "error", event.Err)
	default:
		l.log.Info("org resumed", "org", event.Org, "paused", event.Took)
	}
}

func (l *logger) refused(event revocation.Event) {
	l.mu.Lock()
	sometimes, known := l.refusals[event.Reason]
	if !known {
		sometimes = &rate.Sometimes{First: 10, Interval: time.Second}
		l.refusals[event.Reason] = sometimes
	}
	l.mu.Unlock()
	sometimes.Do(func() {
		l.log.Warn("delivery refused", "source", event.Source, "reason", event.Reason,
			"request_id", event.Request, "delivery", event.Delivery, "error", event.Err)
	})
}

func (l *logger) audited(event revocation.Event) {
	record := event.Record
	fields := []any{
		"outcome", record.Outcome, "reason", record.Reason, "org", record.Job.Org, "user", record.User,
		"job", record.Job.ID, "delivery", record.Job.Delivery, "source", record.Job.Source, "attempt", record.Attempt,
		"alert_to_end", record.Ended.Sub(record.Job.Received),
	}
	if record.Call != nil {
		fields = append(fields, "okta_status", record.Call.Status, "okta_code", record.Call.Code, "okta_request_id", record.Call.RequestID)
	}
	switch record.Outcome {
	case revocation.OutcomeFailed:
		l.log.Warn("attempt failed; will try again", append(fields, "retry", record.Retry)...)
	case revocation.OutcomeDead:
		l.log.Error("job given up", fields...)
	case revocation.OutcomeHeld:
		l.log.Info("job held", fields...)
	case revocation.OutcomeRevoked, revocation.OutcomeCovered, revocation.OutcomeGone, revocation.OutcomeRefused:
		l.log.Info("job finished", fields...)
	}
}
