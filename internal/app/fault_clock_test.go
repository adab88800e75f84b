package app_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/okta/oktasim"
	"sever/revocation"
)

// clockSteps are what a wrong clock, or the mending of one, does to a running process. Sever's
// own clock steps here, and not that of NATS and Okta: the hardest case.
func clockSteps() map[string]time.Duration {
	return map[string]time.Duration{"an hour ahead": time.Hour, "an hour back": -time.Hour}
}

func TestAStepOfTheClockLosesAndRepeatsNothing(t *testing.T) {
	t.Parallel()
	for name, by := range clockSteps() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, settings{})
			first := suspension(person(1), "before the step")
			r.deliver(first)
			r.seen.await(t, audited(revocation.OutcomeRevoked), 1)

			r.clock.jump(by)
			r.deliver(first)                                     // late: this person may have signed in again
			r.deliver(suspension(person(2), "somebody else"))    // and is not held up
			r.deliver(suspension(person(1), "new, and another")) // must not seem covered
			r.seen.await(t, duplicate, 1)
			r.seen.await(t, audited(revocation.OutcomeRevoked), 3)
			require.Equal(t, map[string]int{person(1): 2, person(2): 1}, callsFor(r.calls()))

			r.restart()
			r.deliver(first)
			r.clock.jump(-by) // and mended
			r.deliver(first)
			r.deliver(suspension(person(3), "after all of it"))
			r.seen.await(t, audited(revocation.OutcomeRevoked), 4)
			r.seen.await(t, duplicate, 3)
			require.Equal(t, map[string]int{person(1): 2, person(2): 1, person(3): 1}, callsFor(r.calls()))
			require.Empty(t, r.letters())
		})
	}
}

// What failed before the step is tried again after it, and given up no sooner.
func TestAStepOfTheClockGivesNobodyUp(t *testing.T) {
	t.Parallel()
	for name, by := range clockSteps() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, p := farOkta(t, brisk)
			p.swallow.Store(true)
			r.deliver(suspension(person(1), "fails"))
			r.seen.await(t, audited(revocation.OutcomeFailed), 1)
			r.clock.jump(by)
			r.seen.await(t, audited(revocation.OutcomeFailed), 2)
			p.swallow.Store(false)
			r.seen.await(t, audited(revocation.OutcomeRevoked), 1)
			require.Empty(t, r.letters())
		})
	}
}

// Okta takes neither assertions nor DPoP proofs of so wrong a clock: the org is paused,
// its jobs wait, and when the clock is right again they are done without a restart.
func TestAStepOfTheClockCostsNoJobItsToken(t *testing.T) {
	t.Parallel()
	for name, by := range clockSteps() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := newOkta(t)
			file := filepath.Join(t.TempDir(), "okta.pem")
			putClient(t, sim, newKey(t, file))
			r := prepareRig(t, sim, settings{
				auth: fmt.Sprintf("{type: private_key_jwt, client_id: %s, key: \"file:%s\", key_id: k1}", clientID, file),
			})
			r.start()
			r.deliver(suspension(person(1), "before"))
			r.seen.await(t, audited(revocation.OutcomeRevoked), 1)

			r.clock.jump(by)
			r.deliver(suspension(person(2), "meanwhile"))
			r.seen.await(t, step(revocation.StepPaused), 1)
			r.clock.jump(-by)
			r.seen.await(t, audited(revocation.OutcomeRevoked), 2)
			taken := slices.DeleteFunc(revocations(sim.Calls()), func(call oktasim.Call) bool { return call.Status != http.StatusNoContent })
			require.Equal(t, map[string]int{person(1): 1, person(2): 1}, callsFor(taken))
			require.Empty(t, r.letters())
		})
	}
}

// A hold is let go when both clocks, Sever's and JetStream's, say that it is due.
func TestAStepOfTheClockFiresNoHoldEarly(t *testing.T) {
	t.Parallel()
	for name, by := range clockSteps() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, settings{})
			due := time.Now().Add(6 * time.Second).Truncate(time.Second)
			r.leaver(person(1), due)
			r.clock.jump(by)
			if by < 0 {
				<-time.After(time.Until(due.Add(3 * time.Second))) // JetStream's time has come and gone
				require.Len(t, r.holds(), 1)
				require.Empty(t, r.okta.Calls())
				r.clock.jump(-by)
			}
			r.seen.await(t, finished, 1)
			require.False(t, time.Now().Before(due))
			require.Len(t, deletes(r.okta.Calls()), 1)
		})
	}
}

// The brake counts by the clock: an hour ahead empties a window of an hour early, an hour
// back keeps it full for longer. What it holds is held, not lost.
func TestAStepOfTheClockAndTheBrake(t *testing.T) {
	t.Parallel()
	r := newRig(t, settings{policy: "{brake: {max: 2, per: 30m}}"})
	for n := range 3 {
		r.deliver(suspension(person(n), "flood"))
	}
	r.seen.await(t, audited(revocation.OutcomeRevoked), 2)
	r.seen.await(t, audited(revocation.OutcomeHeld), 1)
	r.clock.jump(-time.Hour)
	r.deliver(suspension(person(3), "back"))
	r.seen.await(t, audited(revocation.OutcomeHeld), 2)
	r.clock.jump(2 * time.Hour)
	r.deliver(suspension(person(4), "ahead"))
	r.seen.await(t, audited(revocation.OutcomeRevoked), 3)
	require.Len(t, r.holds(), 2)
}
