package policy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sever/policy"
	"sever/revocation"
)

func TestExplain(t *testing.T) {
	t.Parallel()
	made := compiled(t, policy.Options{},
		revoking("urgent", `signal.kind == "alert" && signal.severity == "critical" && source != "lab"`),
		ignoring("lab", `source == "lab"`),
		ignoring("also_lab", `source.startsWith("la")`),
		revoking("bad", `int(signal.id) > 1`),
		ignoring("night", `now.getHours() > 20`))
	signal := revocation.Signal{ID: "x", Source: "lab", Kind: "alert", Severity: "critical", Received: received}
	decision, steps := made.Explain(signal)
	require.Equal(t, made.Decide(signal), decision)
	require.Equal(t, []policy.Step{
		{Rule: "urgent", Why: `source != "lab" is not true: source is "lab"`},
		{Rule: "lab", Matches: true, Decides: true},
		{Rule: "also_lab", Matches: true},
		{Rule: "bad", Error: "policy rule bad could not be evaluated: its condition does with a value of the signal what cannot be done with it"},
		{Rule: "night", Why: `now.getHours() > 20 is not true: now is 2026-11-23T09:00:00Z`},
	}, steps)
	_, steps = policy.BuiltIn().Explain(signal)
	for _, step := range steps {
		require.True(t, step.BuiltIn)
		require.Equal(t, step.Rule == "alert_critical", step.Decides)
	}
}

// The rule that failed decides where nothing else asks for a revocation.
func TestExplainFailure(t *testing.T) {
	t.Parallel()
	made := compiled(t, policy.Options{}, revoking("bad", `int(signal.id) > 1`), ignoring("rest", "true"))
	decision, steps := made.Explain(revocation.Signal{ID: "x", Received: received})
	require.Equal(t, "bad", decision.Rule)
	require.True(t, steps[0].Decides)
	require.False(t, steps[1].Decides)
}
