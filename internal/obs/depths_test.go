package obs_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/internal/obs"
)

func lanes(depth obs.LaneDepth, err error) func(context.Context) ([]obs.LaneDepth, error) {
	return func(context.Context) ([]obs.LaneDepth, error) { return []obs.LaneDepth{depth}, err }
}

func held(counts map[string]int, err error) func(context.Context) (map[string]int, error) {
	return func(context.Context) (map[string]int, error) { return counts, err }
}

func budgets(all ...obs.Budget) func() []obs.Budget {
	return func() []obs.Budget { return all }
}

func TestGauges(t *testing.T) {
	t.Parallel()
	metrics := obs.NewMetrics()
	depths := []obs.LaneDepth{
		{Org: "acme", Lane: "critical", Pending: 3, Oldest: 1500 * time.Millisecond},
		{Org: "acme", Lane: "bulk"},
		{Org: "globex", Lane: "critical", Pending: 1, Oldest: time.Minute},
	}
	metrics.RegisterGauges(func(context.Context) ([]obs.LaneDepth, error) { return depths, nil },
		held(map[string]int{"acme": 2, "globex": 0}, nil),
		budgets(obs.Budget{Org: "acme", Bucket: "DELETE /api/v1/users/{id}/sessions", Limit: 600, Remaining: 12}))
	want := map[string]string{
		"scrape_failed":                                                             "0",
		"jobs_pending{lane=critical,org=acme}":                                      "3",
		"jobs_pending{lane=bulk,org=acme}":                                          "0",
		"jobs_pending{lane=critical,org=globex}":                                    "1",
		"oldest_pending_job_seconds{lane=critical,org=acme}":                        "1.5",
		"oldest_pending_job_seconds{lane=bulk,org=acme}":                            "0",
		"oldest_pending_job_seconds{lane=critical,org=globex}":                      "60",
		"jobs_held{org=acme}":                                                       "2",
		"jobs_held{org=globex}":                                                     "0",
		"okta_budget_limit{bucket=DELETE /api/v1/users/{id}/sessions,org=acme}":     "600",
		"okta_budget_remaining{bucket=DELETE /api/v1/users/{id}/sessions,org=acme}": "12",
	}
	require.Equal(t, want, series(t, metrics))

	depths[0].Pending = 4
	want["jobs_pending{lane=critical,org=acme}"] = "4"
	require.Equal(t, want, series(t, metrics), "each scrape asks again")
}

// A queue that cannot be asked is told of by a gauge of its own. Depths of zero
// would look like an idle system; the other metrics must stay readable.
func TestGaugesWhenTheQueueDoesNotAnswer(t *testing.T) {
	t.Parallel()
	lane, down := obs.LaneDepth{Org: "acme", Lane: "high", Pending: 9}, errors.New("no responders")
	for name, failing := range map[string]struct{ lanes, held error }{"lanes": {down, nil}, "holds": {nil, down}} {
		metrics := obs.NewMetrics()
		metrics.RegisterGauges(lanes(lane, failing.lanes), held(map[string]int{"acme": 7}, failing.held),
			budgets(obs.Budget{Org: "acme", Bucket: "users", Limit: 5, Remaining: 5}))
		require.Equal(t, map[string]string{
			"scrape_failed": "1",
			"okta_budget_limit{bucket=users,org=acme}":     "5",
			"okta_budget_remaining{bucket=users,org=acme}": "5",
		}, series(t, metrics), name)
	}
}

func TestGaugesDoNotWaitForever(t *testing.T) {
	t.Parallel()
	metrics := obs.NewMetrics()
	metrics.RegisterGauges(func(ctx context.Context) ([]obs.LaneDepth, error) {
		deadline, bounded := ctx.Deadline()
		require.True(t, bounded, "a scrape is bounded")
		require.LessOrEqual(t, time.Until(deadline), 2*time.Second)
		return nil, nil
	}, held(nil, nil), budgets())
	require.Equal(t, "0", series(t, metrics)["scrape_failed"])
}
