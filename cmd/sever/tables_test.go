package main

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/revocation"
)

func TestPrintable(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                         "-",
		"ada@example.com":          "ada@example.com",
		"Zoë 日本 ✓":                 "Zoë 日本 ✓",
		`okta user id "00u1/.."`:   `okta user id "00u1/.."`,
		`back\slash`:               `back\slash`,
		"\x1b[2Jgone":              `"\x1b[2Jgone"`,
		"\x1b]0;title\a":           `"\x1b]0;title\a"`,
		"two\nlines\tand a tab":    `"two\nlines\tand a tab"`,
		"over\rwritten":            `"over\rwritten"`,
		"a\u009b31mb":              `"a\u009b31mb"`,
		"right\u202eleft":          `"right\u202eleft"`,
		"zero\u200bwidth":          `"zero\u200bwidth"`,
		"null\x00":                 `"null\x00"`,
		"not utf-8 \xff":           `"not utf-8 \xff"`,
		"both \" and \x1b":         `"both \" and \x1b"`,
		"backspace\b\b\b\b\x7f":    `"backspace\b\b\b\b\x7f"`,
		"line\u2028separator":      `"line\u2028separator"`,
		"replacement \ufffd is ok": "replacement \ufffd is ok",
	} {
		require.Equal(t, want, printable(text), "%q", text)
	}
}

// hostile is text of strangers that would clear the screen, or forge a row.
const hostile = "\x1b[2J\x1b]0;owned\a\r\nforged\u202e\u009b\xff"

// control is what no table may hold: control characters but the line end, and
// what turns the direction of writing.
var control = regexp.MustCompile(`[\x00-\x09\x0b-\x1f\x7f-\x{9f}\x{202a}-\x{202e}]`)

func TestJobsTable(t *testing.T) {
	t.Parallel()
	received := time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC)
	job := revocation.Job{
		ID: "job_1", Org: "acme", Lane: revocation.LaneHigh, Rule: "suspended", Received: received,
		Person: revocation.Person{Kind: revocation.PersonLogin, Value: "ada@example.com"}, Reason: hostile, Type: hostile,
	}
	strange := job
	strange.ID, strange.Person.Value = "job_2", hostile
	url := serveJSON(t, map[string][]any{"/api/v1/jobs": {map[string]any{"jobs": []revocation.JobState{
		{Job: job, State: revocation.StatePending},
		{Job: strange, State: revocation.StateFinished, Record: &revocation.Record{Outcome: revocation.OutcomeGone, Reason: hostile}},
	}}}})
	got := shell{}.run(t, "jobs", "list", "--admin", url)
	require.Equal(t, exitDone, got.code, got.err)
	rows := strings.Split(strings.TrimSuffix(got.out, "\n"), "\n")
	require.Len(t, rows, 3, got.out)
	require.Equal(t, []string{"JOB", "STATE", "OUTCOME", "ORG", "LANE", "PERSON", "RULE", "RECEIVED"}, strings.Fields(rows[0]))
	require.Equal(t, []string{"job_1", "pending", "-", "acme", "high", "ada@example.com", "suspended", "2026-03-14T09:00:00Z"}, strings.Fields(rows[1]))
	require.Regexp(t, `^job_2  finished  gone `, rows[2])
	require.NotRegexp(t, control, got.out)
}

func TestDeadTable(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC)
	job := revocation.Job{ID: "job_1"}
	delivery := revocation.Delivery{ID: "dlv_1", Body: []byte(hostile)}
	url := serveJSON(t, map[string][]any{"/api/v1/dead": {map[string]any{"dead": []revocation.DeadLetter{
		{ID: "dead_1", At: at, Source: "okta", Reason: hostile, Job: &job},
		{ID: "dead_2", At: at, Source: "okta", Reason: `user id "x": want 00u`, Delivery: &delivery},
		{ID: "dead_3", At: at, Reason: "damaged", Raw: []byte(hostile)},
	}}}})
	got := shell{}.run(t, "dead", "list", "--admin", url)
	require.Equal(t, exitDone, got.code, got.err)
	rows := strings.Split(strings.TrimSuffix(got.out, "\n"), "\n")
	require.Len(t, rows, 4, got.out)
	require.Regexp(t, `^DEAD LETTER +SINCE +SOURCE +WHAT +REASON$`, rows[0])
	require.Regexp(t, `^dead_1 +2026-03-14T09:00:00Z +okta +job job_1 +"\\x1b\[2J`, rows[1])
	require.Regexp(t, `^dead_2 +2026-03-14T09:00:00Z +okta +delivery dlv_1 +user id "x": want 00u$`, rows[2])
	require.Regexp(t, `^dead_3 +2026-03-14T09:00:00Z +bytes +damaged$`, rows[3])
	require.NotRegexp(t, control, got.out)
}

// Listings in JSON are arrays, empty ones too, and escape what a terminal would obey.
func TestListsInJSON(t *testing.T) {
	t.Parallel()
	url := serveJSON(t, map[string][]any{
		"/api/v1/jobs": {map[string]any{"jobs": []any{}}},
		"/api/v1/dead": {map[string]any{"dead": []revocation.DeadLetter{{ID: "dead_1", Reason: "\x1b[2J\a"}}}},
	})
	got := shell{}.run(t, "jobs", "list", "--json", "--admin", url)
	require.Equal(t, result{exitDone, "[]\n", ""}, got)
	got = shell{}.run(t, "dead", "list", "--json", "--admin", url)
	require.Equal(t, exitDone, got.code)
	require.Contains(t, got.out, `"reason": "\u001b[2J\u0007"`)
}

// --raw gives the bytes as they came: they are for a file or a pipe.
func TestDeadShowRaw(t *testing.T) {
	t.Parallel()
	bytes := "\x00\xff\x1b not JSON \r\n"
	job := revocation.Job{ID: "job_1"}
	for name, tt := range map[string]struct {
		letter revocation.DeadLetter
		want   string
	}{
		"delivery":  {revocation.DeadLetter{Delivery: &revocation.Delivery{Body: []byte(bytes)}}, bytes},
		"log entry": {revocation.DeadLetter{Raw: []byte(bytes)}, bytes},
		"job":       {revocation.DeadLetter{Job: &job}, ""},
	} {
		url := serveJSON(t, map[string][]any{"/api/v1/dead/dead_1": {tt.letter}})
		got := shell{}.run(t, "dead", "show", "dead_1", "--raw", "--admin", url)
		require.Equal(t, result{exitDone, tt.want, ""}, got, name)
	}
}

func TestJobsCancel(t *testing.T) {
	t.Parallel()
	url := serveJSON(t, map[string][]any{"/api/v1/jobs/job_1": {revocation.JobState{Job: revocation.Job{ID: "job_1"}}}})
	got := shell{}.run(t, "jobs", "cancel", "job_1", "--admin", url)
	require.Equal(t, result{exitDone, "job_1: cancelled\n", ""}, got)
}
