package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/bench/report"
)

// TestMain is the lab itself where a test's lab starts one as its child.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == childWatermill || os.Args[1] == childBare) {
		main()
	}
	os.Exit(m.Run())
}

// One short round of everything: each system takes alerts and revokes for them.
func TestCompare(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	results, plots := filepath.Join(dir, "results.json"), filepath.Join(dir, "plots")
	lab(t, "-sever", build(t), "-dir", dir, "-rounds", "1", "-length", "1s", "-warmup", "100ms", "-connections", "4",
		"-alerts", "5", "-sync", "-json", results, "-plot", plots)
	text, err := os.ReadFile(results)
	require.NoError(t, err)
	var measured report.Report
	require.NoError(t, json.Unmarshal(text, &measured))
	kinds := map[string][]string{}
	for _, m := range measured.Measurements {
		kinds[m.Kind] = append(kinds[m.Kind], m.System)
		if m.Kind != report.Limit {
			require.Positive(t, m.Accepted, "%s, %s", m.System, m.Kind)
		}
		if m.Kind != report.Open { // which a slow machine may not keep up with
			require.Empty(t, m.Refused, "%s, %s", m.System, m.Kind)
		}
		if m.Kind == report.Closed && m.System != nameBare {
			require.Positive(t, m.Calls, m.System)
		}
	}
	pipelines := []string{nameWatermill, nameSever, nameWatermillSync}
	require.ElementsMatch(t, append(pipelines, nameBare), kinds[report.Closed])
	require.ElementsMatch(t, append(pipelines, nameBare), kinds[report.Open])
	require.ElementsMatch(t, append(pipelines, nameDisk), kinds[report.Idle])
	require.Len(t, kinds[report.Limit], 2)
	for _, name := range []string{"accepted.svg", "latency.svg", "idle.svg"} {
		drawn, err := os.ReadFile(filepath.Join(plots, name))
		require.NoError(t, err)
		require.Contains(t, string(drawn), "<svg")
	}
}

func TestBacklog(t *testing.T) {
	t.Parallel()
	said := lab(t, "backlog", "-sever", build(t), "-dir", t.TempDir(), "-jobs", "200", "-watch", "1s", "-okta-limit", "100000")
	require.Contains(t, said, "200 jobs about 200 people put on their lane")
	require.Regexp(t, `working for 1s: [1-9][0-9.]* calls a second, of 10000.0 that Okta allows`, said)
	require.Contains(t, said, "started after SIGKILL: ready after")
}

func lab(t *testing.T, args ...string) string {
	t.Helper()
	var out, notes bytes.Buffer
	require.Zero(t, run(t.Context(), args, &out, &notes), notes.String())
	return out.String()
}

// build makes the real sever; its module is two folders up.
func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "sever")
	command := exec.Command("go", "build", "-o", binary, "./cmd/sever")
	command.Dir = filepath.Join("..", "..", "..")
	said, err := command.CombinedOutput()
	require.NoError(t, err, string(said))
	return binary
}
