package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/revocation"
)

func TestHoldsTable(t *testing.T) {
	t.Parallel()
	due := time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC)
	job := revocation.Job{ID: "job_1", Org: "acme", Source: "hr", Person: revocation.Person{Kind: revocation.PersonEmail, Value: hostile}}
	holds := []revocation.Hold{
		{Key: "hold_1", Reason: "employee.terminated takes effect", Job: job, Due: due, Held: due.Add(-time.Hour)},
		{Key: "hold_2", Reason: hostile, Job: job, Held: due},
	}
	url := serveJSON(t, map[string][]any{"/api/v1/holds": {map[string]any{"holds": holds}}})
	got := shell{}.run(t, "holds", "list", "--admin", url)
	require.Equal(t, exitDone, got.code, got.err)
	rows := strings.Split(strings.TrimSuffix(got.out, "\n"), "\n")
	require.Len(t, rows, 3, got.out)
	require.Regexp(t, `^HOLD +DUE +ORG +SOURCE +PERSON +REASON +SINCE$`, rows[0])
	require.Regexp(t, `^hold_1 +2026-03-14T09:00:00Z +acme +hr +"\\x1b.* +employee.terminated takes effect +2026-03-14T08:00:00Z$`, rows[1])
	require.Regexp(t, `^hold_2 +- +acme +hr +"`, rows[2])
	require.NotRegexp(t, control, got.out)

	got = shell{}.run(t, "holds", "list", "--json", "--admin", url)
	require.Equal(t, exitDone, got.code, got.err)
	require.Contains(t, got.out, `"key": "hold_1"`)
	require.NotContains(t, got.out, "\x1b")
}

func TestHoldsDecide(t *testing.T) {
	t.Parallel()
	url := serveJSON(t, map[string][]any{
		"/api/v1/holds/hold_1/approve": {map[string]string{}}, "/api/v1/holds/hold_2/approve": {map[string]string{}},
		"/api/v1/holds/hold_3/reject": {map[string]string{}},
	})
	got := shell{}.run(t, "holds", "approve", "hold_1", "hold_2", "--reason", "left early", "--admin", url)
	require.Equal(t, result{exitDone, "hold_1: on its way\nhold_2: on its way\n", ""}, got)
	got = shell{}.run(t, "holds", "reject", "hold_3", "--reason", "a mistake", "--admin", url)
	require.Equal(t, result{exitDone, "hold_3: dropped\n", ""}, got)
	got = shell{}.run(t, "holds", "reject", "hold_4", "hold_3", "--reason", "a mistake", "--admin", url)
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.err, "hold_4: ")
	require.Empty(t, got.out)
}
