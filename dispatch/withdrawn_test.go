package dispatch_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sever/policy"
	"sever/revocation"
)

// aside holds the only job on its lane as the work stage does, and gives the hold's key.
func (s *stores) aside(t *testing.T, why string) string {
	t.Helper()
	require.Len(t, s.jobs, 1)
	job := s.jobs[0]
	hold := revocation.Hold{Key: revocation.JobHoldKey(job.ID), Why: why, Reason: "r", Job: job, Due: time.Now().Add(24 * time.Hour), Held: time.Now()}
	require.NoError(t, s.holds.Change(t.Context(), hold.Key, func(e revocation.HoldEntry) (revocation.HoldEntry, bool) {
		next, outcome := e.Put(hold, revocation.Notice{Signal: job.Signal, Received: job.Received}, hold.Held)
		return next, outcome.Writes()
	}))
	return hold.Key
}

// A termination whose date has come, and which the work stage then holds, is called off like
// one whose date is to come: it must not be let go later, when the person is back.
func TestAWithdrawalEndsWhatTheWorkStageHolds(t *testing.T) {
	t.Parallel()
	for _, why := range []string{revocation.HeldForBrake, revocation.HeldForApproval, revocation.HeldForProtected} {
		for name, tt := range map[string]struct {
			older bool
			state revocation.HoldState
		}{
			"newer": {false, revocation.HoldWithdrawn},
			"older": {true, revocation.HoldWaits},
		} {
			t.Run(why+", "+name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := newStores()
					before := stays("b")
					pass(time.Minute)
					s.say(t, leaves("a", time.Hour))
					s.wake(t)
					key := s.aside(t, why)
					off := stays("b")
					if tt.older {
						off = before
					}
					s.say(t, off, off)
					require.Equal(t, tt.state, s.holds.known[key].State)
					s.say(t, off) // once more, after a restart
					require.Equal(t, tt.state, s.holds.known[key].State)
					if !tt.older {
						require.Nil(t, s.holds.known[key].Hold)
						require.Contains(t, s.holds.known[key].Action.Reason, "source hr: called off; it was held for "+why)
						require.Contains(t, s.actions, s.holds.known[key].Action, "it is on record")
					}
				})
			})
		}
	}
}

// Where two must approve, one cannot let a termination or a delay go before its time: that
// would be an approval, which neither the brake nor the mode asks for once more.
func TestTwoPeopleLetAJobGoBeforeItsTime(t *testing.T) {
	t.Parallel()
	for name, signalOf := range map[string]func() revocation.Signal{
		"date":  func() revocation.Signal { return leaves("a", 10*time.Hour) },
		"delay": func() revocation.Signal { return alerts("a") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newStores()
				s.rules, s.approvals = ruled(t, "", policy.Action{Delay: 5 * time.Hour}), revocation.Approvals{People: 2, Expire: time.Hour}
				s.say(t, signalOf())
				require.NoError(t, s.approve(t, "ada"))
				require.ErrorContains(t, s.approve(t, "ADA"), "somebody else")
				require.Greater(t, time.Until(s.holds.one(t).Hold.Due), time.Hour, "it waits as before")
				require.NoError(t, s.approve(t, "bob"))
				s.wake(t)
				require.Len(t, s.jobs, 1)
				require.True(t, s.jobs[0].Approved)
			})
		})
	}
}
