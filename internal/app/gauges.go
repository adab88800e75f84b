package app

import (
	"context"

	"sever/internal/obs"
)

func (a *App) depths(ctx context.Context) ([]obs.LaneDepth, error) {
	depths, err := a.jobs.Depths(ctx)
	if err != nil {
		return nil, err
	}
	lanes := make([]obs.LaneDepth, 0, len(depths))
	for _, depth := range depths {
		lanes = append(lanes, obs.LaneDepth{
			Org: depth.Org, Lane: string(depth.Lane), Pending: depth.Pending, Oldest: depth.Oldest,
		})
	}
	return lanes, nil
}

func (a *App) budgets() []obs.Budget {
	var budgets []obs.Budget
	for _, target := range a.orgs {
		for _, state := range target.client.Budget() {
			budgets = append(budgets, obs.Budget{
				Org: target.name, Bucket: state.Bucket, Limit: state.Limit, Remaining: state.Remaining,
			})
		}
	}
	return budgets
}
