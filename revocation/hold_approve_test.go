package revocation_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sever/revocation"
)

// Whoever lets a job go before its time approves it, so as many must as are asked for.
func TestOneOfTwoPeopleCannotLetAJobGoBeforeItsTime(t *testing.T) {
	t.Parallel()
	settings := revocation.Approvals{People: 2, Expire: day}
	for _, why := range []string{
		revocation.HeldForDate, revocation.HeldForDelay, revocation.HeldForSecondLook,
		revocation.HeldForApproval, revocation.HeldForBrake, revocation.HeldForProtected,
	} {
		hold := settings.Apply(revocation.Hold{Key: "hold_a", Why: why, Job: heldJob(0), Held: monday, Due: monday.Add(day)})
		entry := revocation.HoldEntry{Key: hold.Key, State: revocation.HoldWaits, Hold: &hold}
		entry, err := entry.Approve("ada", monday)
		require.NoError(t, err)
		require.Equal(t, 1, entry.Hold.Missing(), why)
		require.Equal(t, monday.Add(day), entry.Hold.Due, "%s: it still waits", why)
		require.False(t, entry.Hold.Release(monday.Add(day)).Approved, "%s: time has let it go", why)
		entry, err = entry.Approve("bob", monday)
		require.NoError(t, err)
		require.Equal(t, monday, entry.Hold.Due, why)
		require.True(t, entry.Hold.Release(monday).Approved, why)
	}
}

// What operators say of one hold is not said of the next that has its key.
func TestHoldsOfOneKeyAreToldApart(t *testing.T) {
	t.Parallel()
	hold := revocation.Hold{Key: "hold_a", Why: revocation.HeldForProtected, Job: heldJob(1)}
	for name, change := range map[string]func(*revocation.Hold){
		"of another alert":               func(h *revocation.Hold) { h.Job.ID = "job_b" },
		"for another reason":             func(h *revocation.Hold) { h.Why = revocation.HeldForBrake },
		"approved, and held once more":   func(h *revocation.Hold) { h.Job.Approved = true },
		"approved twice, and held again": func(h *revocation.Hold) { h.Job.Approved, h.Job.Redrives = true, 2 },
	} {
		other := hold
		change(&other)
		require.NotEqual(t, hold.Case(), other.Case(), name)
		again := other
		again.Job.Approved, again.Job.Redrives = true, other.Job.Redrives+1
		require.NotEqual(t, other.Case(), again.Case(), name)
	}
	same := hold
	same.Approvals, same.Due, same.Job.Redrives = []revocation.Approval{{By: "ada"}}, monday, 2
	require.Equal(t, hold.Case(), same.Case(), "time let it go, and it is held for the same")
}
