package revocation_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sever/revocation"
)

// gate is an Okta whose limits are used up until it opens.
type gate struct {
	revocation.Okta

	open chan struct{}
}

func (g gate) Ready(ctx context.Context) error {
	select {
	case <-g.open:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func TestWorkerLeavesJobsOnTheirLanesWhileTheBudgetIsSpent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		closed := gate{open: make(chan struct{})}
		w.config = func(_ *revocation.Config, deps *revocation.Deps) {
			closed.Okta = deps.Okta
			deps.Okta = closed
		}
		w.lane.publish(suspended("sig_1", ada))
		p := w.start(t, 2)
		pass(time.Minute)
		require.Zero(t, w.steps()[revocation.StepTaken])
		close(closed.open)
		w.finish(t, p)
		calls, _, _ := w.seen()
		require.Len(t, calls, 1)
	})
}

// urgentGate lets critical work through: it may spend what is reserved.
type urgentGate struct {
	gate

	revoked chan bool // whether each call was marked as urgent
}

func (g urgentGate) Ready(ctx context.Context) error {
	if revocation.IsUrgent(ctx) {
		return nil
	}
	return g.gate.Ready(ctx)
}

func (g urgentGate) Revoke(ctx context.Context, user string, scope revocation.Scope) (revocation.Call, error) {
	g.revoked <- revocation.IsUrgent(ctx)
	return g.Okta.Revoke(ctx, user, scope)
}

func TestACriticalJobMaySpendTheReserve(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		closed := urgentGate{gate: gate{open: make(chan struct{})}, revoked: make(chan bool, 2)}
		w.config = func(_ *revocation.Config, deps *revocation.Deps) {
			closed.Okta = deps.Okta
			deps.Okta = closed
		}
		w.lane.publish(suspended("sig_1", ada))
		critical := suspended("sig_2", grace)
		critical.Lane = revocation.LaneCritical
		w.urgent.publish(critical)
		p := w.start(t, 2)
		pass(time.Second)
		calls, _, _ := w.seen()
		require.Len(t, calls, 1, "the other one waits")
		require.True(t, <-closed.revoked)
		close(closed.open)
		w.finish(t, p)
		calls, _, _ = w.seen()
		require.Len(t, calls, 2)
	})
}

func TestWorkerStopsWhileItWaitsForTheBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.config = func(_ *revocation.Config, deps *revocation.Deps) {
			deps.Okta = gate{Okta: deps.Okta, open: make(chan struct{})}
		}
		p := w.start(t, 2)
		pass(time.Second)
		began := time.Now()
		p.end()
		require.Zero(t, time.Since(began))
		require.Zero(t, w.steps()[revocation.StepTrouble])
	})
}
