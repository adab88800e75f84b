package obs_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"sever/internal/obs"
	"sever/revocation"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// received is when the test's delivery came in.
var received = time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC)

// steps reads the Step constants from their source, so that a new one is in every
// test that goes over all of them.
func steps(tb testing.TB) []revocation.Step {
	tb.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../revocation/observe.go", nil, parser.SkipObjectResolution)
	require.NoError(tb, err)
	var found []revocation.Step
	ast.Inspect(file, func(node ast.Node) bool {
		constant, ok := node.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := constant.Type.(*ast.Ident); ok && kind.Name == "Step" {
			value, err := strconv.Unquote(constant.Values[0].(*ast.BasicLit).Value)
			require.NoError(tb, err)
			found = append(found, revocation.Step(value))
		}
		return true
	})
	require.Contains(tb, found, revocation.StepRefused)
	require.Contains(tb, found, revocation.StepTrouble)
	return found
}

// event is a step with every field set; no stage sets that many.
func event(step revocation.Step) revocation.Event {
	job := job()
	call := revocation.Call{Status: 204, RequestID: "req-of-okta"}
	return revocation.Event{
		Step: step, Stage: "work", At: received, Source: "okta", Org: "acme", Request: "req-of-sender", Delivery: "dlv_1",
		Type: "user.lifecycle.suspend", Job: &job, Record: record(revocation.OutcomeRevoked), Call: &call,
		Hold:   &revocation.HoldEntry{Key: "hold_1", Action: revocation.Action{Verb: "hold", Reason: "source hr: takes effect"}},
		Reason: "a_reason", Took: 1500 * time.Microsecond, Bytes: 42, Err: errors.New("an error"),
	}
}

func job() revocation.Job {
	return revocation.Job{
		ID: "job_1", Org: "acme", Lane: revocation.LaneHigh, Source: "okta", Delivery: "dlv_1", Rule: "suspended",
		Person: revocation.Person{Kind: revocation.PersonOktaID, Value: "00uada00000000000001"}, Received: received,
	}
}

func record(outcome revocation.Outcome) *revocation.Record {
	return &revocation.Record{
		Job: job(), Attempt: 2, Outcome: outcome, Reason: "because", User: "00uada00000000000001",
		Began: received.Add(time.Second), Ended: received.Add(1250 * time.Millisecond),
		Call: &revocation.Call{Status: 204, RequestID: "req-of-okta"},
	}
}

// line is one line of a JSON log.
type line map[string]any

// logged gives what an observer wrote about events, at every level, without times.
func logged(tb testing.TB, events ...revocation.Event) []line {
	tb.Helper()
	var out bytes.Buffer
	observe := obs.LogObserver(obs.NewLogger(&out, slog.LevelDebug, "json"))
	for _, event := range events {
		observe(event)
	}
	return lines(tb, out.String())
}

func lines(tb testing.TB, text string) []line {
	tb.Helper()
	var found []line
	for raw := range strings.Lines(text) {
		var one line
		require.NoError(tb, json.Unmarshal([]byte(raw), &one), "%s", raw)
		require.NotEmpty(tb, one["time"])
		delete(one, "time")
		found = append(found, one)
	}
	return found
}
