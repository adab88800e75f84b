package app_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"sever/internal/app"
	"sever/okta/oktasim"
	"sever/revocation"
)

// Not parallel: it looks at the goroutines of the whole process.
//
//nolint:paralleltest // see above
func TestStoppingLetsTheCallInHandEndAndLeavesNothingBehind(t *testing.T) {
	r := prepareRig(t, newOkta(t), settings{})
	r.okta.AddFaults(oktasim.Fault{Latency: time.Second})
	before := goleak.IgnoreCurrent()
	r.start()
	r.deliver(suspension(person(1), "in hand"))
	r.seen.await(t, step(revocation.StepCalling), 1)
	require.Empty(t, r.seen.find(step(revocation.StepCalled)))
	r.mustStop()

	require.Len(t, r.seen.find(audited(revocation.OutcomeRevoked)), 1)
	require.Len(t, r.seen.find(step(revocation.StepSettled)), 1)
	require.NoError(t, goleak.Find(before))

	r.start()
	require.Equal(t, revocation.StateFinished, r.jobs("")[0].State)
	r.mustStop()
	require.Len(t, r.calls(), 1)
	require.Len(t, r.audit(), 1)
}

// Stopped right behind the last answer, with most of it not yet dispatched or worked
// on: nothing is lost, and nothing done twice.
func TestWhatWasAcceptedBeforeAStopIsDoneAfterIt(t *testing.T) {
	t.Parallel()
	const people = 40
	r := newRig(t, settings{})
	// Four hands are busy for ten seconds, lest all be done before the stop, and everybody sends at once.
	r.okta.AddFaults(oktasim.Fault{Count: people, Latency: time.Second})
	var senders sync.WaitGroup
	for i := range people {
		senders.Go(func() {
			given, err := r.do(http.MethodPost, r.app.URL()+"/v1/hooks/okta", asOkta(hookSecret), suspension(person(i), "before the stop"))
			assert.Equal(t, http.StatusNoContent, given.status, "%v", err)
		})
	}
	senders.Wait()
	r.mustStop()
	done := len(r.seen.find(audited(revocation.OutcomeRevoked)))
	require.Less(t, done, people)
	r.start()
	r.seen.await(t, audited(revocation.OutcomeRevoked), people)
	r.mustStop()
	counts := callsFor(r.calls())
	require.Len(t, counts, people)
	require.Len(t, r.calls(), people)
	require.Len(t, r.audit(), people)
}

// Every place where New fails gives back what it took before.
func TestAnAppThatIsNeverRunGivesEverythingBack(t *testing.T) {
	t.Parallel()
	r := prepareRig(t, newOkta(t), settings{})
	for range 2 {
		unused, err := app.New(t.Context(), r.load(), r.options())
		require.NoError(t, err)
		require.NoError(t, unused.Close())
	}
}

// Whoever is told to stop while it still starts has not failed.
func TestAStopWhileStartingIsNoFailure(t *testing.T) {
	t.Parallel()
	r := prepareRig(t, newOkta(t), settings{})
	starting, err := app.New(t.Context(), r.load(), r.options())
	require.NoError(t, err)
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, starting.Run(stopped))
	r.start() // and the store is free again
}
