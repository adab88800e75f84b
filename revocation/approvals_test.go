package revocation_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/revocation"
)

func heldJob(redrives int) revocation.Job {
	return revocation.Job{
		ID: "job_a", Org: "acme", Source: "siem", Signal: "sig_a", Received: monday, Mode: revocation.ModeApprove, Redrives: redrives,
		Person: revocation.Person{Kind: revocation.PersonOktaID, Value: "00u1"},
	}
}

func putJob(e revocation.HoldEntry, why string, redrives int) (revocation.HoldEntry, revocation.HoldOutcome) {
	job := heldJob(redrives)
	hold := revocation.Hold{Key: revocation.JobHoldKey(job.ID), Why: why, Reason: "r", Job: job, Expires: monday.Add(day), Held: monday}
	return e.Put(hold, revocation.Notice{Signal: job.Signal, Received: job.Received}, monday)
}

// Every reason to hold a job, with and without an operator's word, to what is released.
func TestRelease(t *testing.T) {
	t.Parallel()
	due, now := monday.Add(time.Hour), monday.Add(2*time.Hour)
	for why, tt := range map[string]struct {
		received time.Time
		redrives int
		mode     revocation.Mode // when time alone lets it go
	}{
		revocation.HeldForDate:       {due, 0, revocation.ModeApprove},
		revocation.HeldForSecondLook: {due, 0, revocation.ModeApprove},
		revocation.HeldForDelay:      {monday, 1, revocation.ModeApprove},
		revocation.HeldForBrake:      {monday, 1, revocation.ModeApprove},
		revocation.HeldForProtected:  {monday, 1, revocation.ModeApprove},
		revocation.HeldForApproval:   {monday, 1, revocation.ModeEnforce},
	} {
		for people := range 3 {
			for approvals := range 3 {
				name := fmt.Sprintf("%s, %d of %d", why, approvals, people)
				hold := revocation.Hold{Why: why, Job: heldJob(0), Due: due, Held: monday, People: people, Approvals: make([]revocation.Approval, approvals)}
				job := hold.Release(now)
				approved := approvals >= max(people, 1)
				require.Equal(t, approved, job.Approved, name)
				require.Equal(t, tt.received, job.Received, name)
				require.Equal(t, now, job.Enqueued, name)
				require.Equal(t, tt.redrives, job.Redrives, name)
				if approved {
					require.Equal(t, revocation.ModeApprove, job.Mode, name)
				} else {
					require.Equal(t, tt.mode, job.Mode, name)
				}
			}
		}
	}
}

func TestWhatOperatorsAreAskedFor(t *testing.T) {
	t.Parallel()
	due := monday.Add(time.Hour)
	for _, why := range []string{
		revocation.HeldForDate, revocation.HeldForDelay, revocation.HeldForSecondLook,
		revocation.HeldForApproval, revocation.HeldForBrake, revocation.HeldForProtected,
	} {
		waits := why == revocation.HeldForApproval || why == revocation.HeldForBrake || why == revocation.HeldForProtected
		for _, expire := range []time.Duration{0, day} {
			for _, release := range []bool{false, true} {
				settings := revocation.Approvals{People: 2, Expire: expire, Release: release}
				name := fmt.Sprintf("%s %+v", why, settings)
				timed := revocation.Hold{Why: why, Held: monday, Due: due}
				got := settings.Apply(timed)
				require.Equal(t, []any{due, time.Time{}}, []any{got.Due, got.Expires}, "it has its time: %s", name)

				got = settings.Apply(revocation.Hold{Why: why, Held: monday})
				want := revocation.Hold{Why: why, Held: monday, People: 2}
				switch {
				case !waits || expire == 0:
				case release && why != revocation.HeldForProtected:
					want.Due = monday.Add(day)
				default:
					want.Expires = monday.Add(day)
				}
				require.Equal(t, want, got, name)
			}
		}
	}
}

// A job is held once for each time that it was put back, whatever became of it.
func TestJobsAreHeldOnceEachTime(t *testing.T) {
	t.Parallel()
	waits, outcome := putJob(revocation.HoldEntry{}, revocation.HeldForApproval, 0)
	require.Equal(t, revocation.HoldChanged, outcome)
	require.Contains(t, waits.Action.Reason, "is held for approval, to be decided before 2026-11-24T09:00:00Z")
	approved, err := waits.Approve("ada", monday)
	require.NoError(t, err)
	released, outcome := approved.Wake(monday, monday)
	require.Equal(t, revocation.HoldChanged, outcome)
	rejected, err := waits.Reject()
	require.NoError(t, err)
	expired, outcome := waits.Wake(monday.Add(day), monday.Add(day))
	require.Equal(t, revocation.HoldChanged, outcome)
	require.Equal(t, []string{"expire", waits.Key}, []string{expired.Action.Verb, expired.Action.Target})
	for state, entry := range map[revocation.HoldState]revocation.HoldEntry{
		revocation.HoldWaits: waits, revocation.HoldReleased: released, revocation.HoldRejected: rejected, revocation.HoldExpired: expired,
	} {
		require.Equal(t, state, entry.State)
		again, outcome := putJob(entry, revocation.HeldForBrake, 0)
		require.Equal(t, revocation.HoldRepeated, outcome, state)
		require.Equal(t, entry, again, state)
		again, outcome = putJob(entry, revocation.HeldForBrake, 1)
		require.Equal(t, revocation.HoldChanged, outcome, "put back since: %s", state)
		require.Equal(t, []any{revocation.HoldWaits, revocation.HeldForBrake, 1}, []any{again.State, again.Hold.Why, again.Hold.Job.Redrives})
		require.NotEqual(t, waits.Action.ID, again.Action.ID, "evidence of its own: %s", state)
		require.Empty(t, again.Hold.Approvals)
		_, outcome = putJob(again, revocation.HeldForApproval, 0)
		require.Equal(t, revocation.HoldStale, outcome, "a copy from before: %s", state)
	}
	_, outcome = expired.Wake(monday.Add(day), monday.Add(day))
	require.Equal(t, revocation.HoldRepeated, outcome)
	_, outcome = waits.Wake(monday.Add(day), monday.Add(day-1))
	require.Equal(t, revocation.HoldEarly, outcome)
	_, outcome = approved.Wake(monday.Add(day), monday.Add(day))
	require.Equal(t, revocation.HoldStale, outcome, "approved, it does not expire")
}

func TestApprovalsByName(t *testing.T) {
	t.Parallel()
	entry, _ := putJob(revocation.HoldEntry{}, revocation.HeldForBrake, 0)
	entry.Hold.People = 2
	_, err := entry.Approve("", monday)
	require.ErrorIs(t, err, revocation.ErrInvalid)
	one, err := entry.Approve("ada", monday)
	require.NoError(t, err)
	require.Empty(t, entry.Hold.Approvals, "the entry before is another")
	require.Equal(t, []any{1, entry.Hold.Wakes(), false}, []any{one.Hold.Missing(), one.Hold.Wakes(), one.Decided})
	_, err = one.Approve("ADA", monday)
	require.ErrorContains(t, err, "somebody else must")
	two, err := one.Approve("bob", monday.Add(time.Hour))
	require.NoError(t, err)
	require.Equal(t, []any{0, monday.Add(time.Hour), true}, []any{two.Hold.Missing(), two.Hold.Wakes(), two.Decided})
	_, err = two.Approve("eve", monday)
	require.ErrorIs(t, err, revocation.ErrInvalid)
	rejected, err := one.Reject()
	require.NoError(t, err)
	require.Equal(t, revocation.HoldRejected, rejected.State, "one is enough to say no")
}
