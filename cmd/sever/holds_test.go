package main

import (
	"fmt"
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
		{Key: "hold_1", Why: revocation.HeldForDate, Reason: "employee.terminated takes effect", Job: job, Due: due, Held: due.Add(-time.Hour)},
		{Key: "hold_2", Why: hostile, Reason: hostile, Job: job, Held: due},
		{
			Key: "hold_3", Why: revocation.HeldForApproval, Reason: "r", Job: job, Expires: due, Held: due, People: 2,
			Approvals: []revocation.Approval{{By: hostile}},
		},
		{Key: "hold_4", Why: revocation.HeldForBrake, Reason: "r", Job: job, Held: due, People: 2},
	}
	url := serveJSON(t, map[string][]any{"/api/v1/holds": {map[string]any{"holds": holds}}, "/api/v1/holds/hold_3": {holds[2]}})
	got := shell{}.run(t, "holds", "list", "--admin", url)
	require.Equal(t, exitDone, got.code, got.err)
	rows := strings.Split(strings.TrimSuffix(got.out, "\n"), "\n")
	require.Len(t, rows, 5, got.out)
	require.Regexp(t, `^HOLD +WHY +ENDS +APPROVED +ORG +SOURCE +PERSON +REASON +SINCE$`, rows[0])
	require.Regexp(t, `^hold_1 +effective_date +released 2026-03-14T09:00:00Z +- +acme +hr +"\\x1b.* +employee.terminated takes effect +2026-03-14T08:00:00Z$`, rows[1])
	require.Regexp(t, `^hold_2 +"\\x1b.* +- +- +acme +hr +"`, rows[2])
	require.Regexp(t, `^hold_3 +approval +expires 2026-03-14T09:00:00Z +1/2 "\\x1b`, rows[3])
	require.Regexp(t, `^hold_4 +brake +- +0/2 +acme`, rows[4])
	require.NotRegexp(t, control, got.out)

	got = shell{}.run(t, "holds", "list", "--json", "--admin", url)
	require.Equal(t, exitDone, got.code, got.err)
	require.Contains(t, got.out, `"key": "hold_1"`)
	require.NotContains(t, got.out, "\x1b")
	got = shell{}.run(t, "holds", "show", "hold_3", "--admin", url)
	require.Equal(t, exitDone, got.code, got.err)
	require.Contains(t, got.out, `"people": 2`)
}

func TestHoldsDecide(t *testing.T) {
	t.Parallel()
	url := serveJSON(t, map[string][]any{
		"/api/v1/holds/hold_1/approve": {map[string]string{}}, "/api/v1/holds/hold_2/approve": {map[string]any{"missing": 1}},
		"/api/v1/holds/hold_3/reject": {map[string]string{}},
	})
	got := shell{}.run(t, "holds", "approve", "hold_1", "hold_2", "--reason", "left early", "--admin", url)
	require.Equal(t, result{exitDone, "hold_1: on its way\nhold_2: approved, and 1 more must approve, by another name\n", ""}, got)
	got = shell{}.run(t, "holds", "reject", "hold_3", "--reason", "a mistake", "--admin", url)
	require.Equal(t, result{exitDone, "hold_3: dropped\n", ""}, got)
	got = shell{}.run(t, "holds", "reject", "hold_4", "hold_3", "--reason", "a mistake", "--admin", url)
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.err, "hold_4: ")
	require.Empty(t, got.out)
}

func TestHoldsDecideAboutMany(t *testing.T) {
	t.Parallel()
	many := make([]revocation.Hold, 3)
	answers := map[string][]any{"/api/v1/holds": {map[string]any{"holds": many}}}
	for i := range many {
		many[i].Key = fmt.Sprintf("hold_%d", i)
		answers["/api/v1/holds/"+many[i].Key+"/approve"] = []any{map[string]string{}}
	}
	delete(answers, "/api/v1/holds/hold_1/approve") // has ended meanwhile
	url := serveJSON(t, answers)
	all := []string{"holds", "approve", "--all", "--why", "brake", "--reason", "a drill", "--admin", url}
	got := shell{}.run(t, all...)
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.err, "3 holds for brake: add --yes to approve them")
	require.Empty(t, got.out)
	got = shell{}.run(t, append(all, "--yes")...)
	require.Equal(t, exitFailed, got.code)
	require.Equal(t, "hold_0: on its way\nhold_2: on its way\n", got.out, "the others are done all the same")
	require.Contains(t, got.err, "hold_1: ")
	require.Contains(t, got.err, "1 of 3 failed")

	none := serveJSON(t, map[string][]any{"/api/v1/holds": {map[string]any{"holds": many[:0]}}})
	got = shell{}.run(t, "holds", "reject", "--all", "--why", "brake", "--reason", "r", "--admin", none)
	require.Equal(t, result{exitDone, "nothing is held for brake\n", ""}, got)
}

func TestHoldsDecideUsage(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"hold_1":                              "--reason is missing",
		"--reason r":                          "name holds",
		"--reason r --all":                    "--all takes no holds, but --why",
		"--reason r --all --why brake hold_1": "--all takes no holds, but --why",
		"--reason r --why brake hold_1":       "--why and --yes go with --all",
		"--reason r --yes hold_1":             "--why and --yes go with --all",
	} {
		got := shell{}.run(t, append(strings.Fields("holds reject --admin http://"+nobody), strings.Fields(line)...)...)
		require.Equal(t, exitUsage, got.code, line)
		require.Contains(t, got.err, want, line)
	}
}
