package revocation_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sever/revocation"
)

// A credential that Okta refuses when the guard asks pauses the org, however long the jobs
// have waited: it is not theirs to be held for an operator.
func TestGuardsLookupPausesForTheCredential(t *testing.T) {
	t.Parallel()
	for _, failure := range []revocation.Failure{revocation.FailureCredential, revocation.FailureWrongURL} {
		t.Run(string(failure), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const count = 20
				w := newWorld()
				var mended atomic.Bool
				w.fault = func(op string) error {
					if op == opJudge && !mended.Load() {
						return refusal(failure)
					}
					return nil
				}
				jobs := publishSuspended(w, 0, count)
				p := w.start(t, 4)
				pass(72 * time.Hour)                                 // for longer than a job's time
				require.Zero(t, len(w.waiting()), "nothing is held") //nolint:testifylint // the holds say nothing
				require.Equal(t, 1, w.steps()[revocation.StepPaused])
				require.Equal(t, count, w.lane.open())
				mended.Store(true)
				pass(2 * time.Minute)
				w.finish(t, p)
				for _, job := range jobs {
					requireRevokedOnce(t, w, job)
				}
			})
		})
	}
}

// The time of a pause does not count where the guard then is in other trouble.
func TestGuardsTroubleAfterAPauseIsNotHeldAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		var now atomic.Value
		now.Store(revocation.FailureCredential)
		w.fault = func(op string) error {
			if failure, _ := now.Load().(revocation.Failure); op == opJudge && failure != "" {
				return refusal(failure)
			}
			return nil
		}
		job := publishSuspended(w, 0, 1)[0]
		p := w.start(t, 1)
		pass(72 * time.Hour)
		now.Store(revocation.FailureTemporary)
		pass(10 * time.Minute)
		require.Zero(t, len(w.waiting())) //nolint:testifylint // the holds say nothing
		now.Store(revocation.Failure(""))
		w.finish(t, p)
		requireRevokedOnce(t, w, job)
	})
}
