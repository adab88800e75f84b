package app_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/okta/oktasim"
	"sever/revocation"
)

// newLeavers runs Sever with an HR system that says by when somebody leaves, and Ada in
// the simulated Okta.
func newLeavers(t *testing.T) *rig {
	t.Helper()
	r := newSources(t, yamlMap{
		"workday": yamlMap{
			"type": "workday", "org": "acme", "verify": yamlMap{"secrets": []string{"env:HR_SECRET"}},
			"map": yamlMap{
				"person":    yamlMap{"kind": "attribute", "attribute": "employeeNumber", "value": "employee_number"},
				"effective": yamlMap{"zone": "America/New_York"},
			},
		},
		"fence": fenceSource(),
	}, map[string]string{"HR_SECRET": "hr-secret-Tn8bZ2", "FENCE_SECRET": fenceSecret})
	r.hires("ACTIVE")
	return r
}

// hires puts Ada, whose number is 4711, into the simulated Okta with a status.
func (r *rig) hires(status string) {
	r.t.Helper()
	require.NoError(r.t, r.okta.PutUser(oktasim.User{
		ID: person(1), Login: "ada@acme.example", Status: status, Profile: map[string]any{"employeeNumber": "4711"},
	}))
}

// announces has the HR system say something of Ada, at a time of its own.
func (r *rig) announces(event, effective string, at time.Time) {
	r.t.Helper()
	r.says("workday", fmt.Sprintf(`{"event": %q, "employee_number": "4711", "effective_date": %q, "id": "%d", "time": %q}`,
		event, effective, at.UnixNano(), at.UTC().Format(time.RFC3339Nano)))
}

func (r *rig) awaitHold(due time.Time) revocation.Hold {
	r.t.Helper()
	var holds []revocation.Hold
	require.Eventually(r.t, func() bool {
		holds = r.holds()
		return len(holds) == 1 && holds[0].Due.Equal(due)
	}, soon, tick, "due %s; there is %+v", due, holds)
	return holds[0]
}

// endOf is the end of a day in New York.
func endOf(t *testing.T, day time.Time) (date string, end time.Time) {
	t.Helper()
	zone, err := time.LoadLocation("America/New_York")
	require.NoError(t, err)
	year, month, of := day.In(zone).Date()
	return day.In(zone).Format(time.DateOnly), time.Date(year, month, of+1, 0, 0, 0, 0, zone)
}

func TestATerminationWaitsIsCorrectedAndWithdrawn(t *testing.T) {
	t.Parallel()
	r := newLeavers(t)
	began := time.Now()
	date, end := endOf(t, began.AddDate(0, 0, 1))
	r.announces("termination", date, began)
	held := r.awaitHold(end)
	require.Equal(t, "workday", held.Job.Source)
	require.Equal(t, "4711", held.Job.Person.Value)
	r.restart()
	require.Equal(t, held.Key, r.awaitHold(end).Key, "a restart keeps it")

	corrected, newEnd := endOf(t, began.AddDate(0, 1, 0))
	r.announces("termination", corrected, began.Add(time.Second))
	require.Equal(t, held.Key, r.awaitHold(newEnd).Key, "a correction replaces it")
	r.announces("termination", date, began) // the first once more, late
	r.fence(person(98))
	r.awaitHold(newEnd)

	r.announces("termination_cancelled", "", began.Add(2*time.Second))
	require.Eventually(t, func() bool { return len(r.holds()) == 0 }, soon, tick)
	r.announces("termination", corrected, began.Add(time.Second)) // late again
	r.fence(person(99))
	require.Empty(t, r.holds())
	require.Equal(t, map[string]int{person(98): 1, person(99): 1}, deletes(r.okta.Calls()))

	// Another termination is a new one.
	r.announces("termination", date, began.Add(3*time.Second))
	r.awaitHold(end)
}

// dueSoon is a little ahead, and late enough for a busy machine to see the hold first.
func dueSoon() time.Time { return time.Now().Add(8 * time.Second).Truncate(time.Millisecond) }

func TestADateThatComesLeadsToTheCall(t *testing.T) {
	t.Parallel()
	r := newLeavers(t)
	due := dueSoon()
	r.announces("termination", due.Format(time.RFC3339Nano), time.Now())
	r.seen.await(t, step(revocation.StepHeld), 1)
	require.Empty(t, r.okta.Calls(), "nobody is looked up before")

	record := r.seen.await(t, finished, 1)[0].Record
	require.Equal(t, revocation.OutcomeRevoked, record.Outcome)
	require.False(t, record.Began.Before(due))
	require.Contains(t, record.Reason, "ACTIVE")
	require.Equal(t, map[string]int{person(1): 1}, deletes(r.okta.Calls()))
	require.Empty(t, r.holds())
}

// By the date the HR system has deactivated her: her status then counts, not the one of
// the day on which it was announced.
func TestWhoIsGoneByTheDateIsNotCalledFor(t *testing.T) {
	t.Parallel()
	r := newLeavers(t)
	r.announces("termination", dueSoon().Format(time.RFC3339Nano), time.Now())
	r.seen.await(t, step(revocation.StepHeld), 1)
	r.hires("DEPROVISIONED")

	record := r.seen.await(t, finished, 1)[0].Record
	require.Equal(t, revocation.OutcomeGone, record.Outcome)
	require.Contains(t, record.Reason, "DEPROVISIONED")
	require.Empty(t, deletes(r.okta.Calls()))
	require.Empty(t, r.holds())
}

// A date that came while Sever was away is kept on its return.
func TestADateThatCameWhileAwayIsKept(t *testing.T) {
	t.Parallel()
	r := newLeavers(t)
	due := dueSoon()
	r.announces("termination", due.Format(time.RFC3339Nano), time.Now())
	r.seen.await(t, step(revocation.StepHeld), 1)
	r.mustStop()
	<-time.After(time.Until(due))
	require.Empty(t, deletes(r.okta.Calls()))
	r.start()
	require.Equal(t, revocation.OutcomeRevoked, r.seen.await(t, finished, 1)[0].Record.Outcome)
	require.Equal(t, map[string]int{person(1): 1}, deletes(r.okta.Calls()))
}
