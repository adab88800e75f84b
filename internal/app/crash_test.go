package app_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/revocation"
)

// quick makes the jobs of a killed process come again soon.
const quick = "{concurrency: 4, ack_wait: 2s, attempt_timeout: 1500ms, spacing: 0s}"

// passed are the steps that an alert passes on its way to a revocation, in order.
func passed() []revocation.Step {
	return []revocation.Step{
		revocation.StepAccepted, revocation.StepDecided, revocation.StepEnqueued, revocation.StepDispatched,
		revocation.StepTaken, revocation.StepCalling, revocation.StepCalled, revocation.StepRecorded,
		revocation.StepAudited, revocation.StepSettled,
	}
}

// postTo delivers to a child; accepted says whether it answered 204. As at Okta, no
// answer is no acceptance.
func (r *rig) postTo(p *process, body []byte) (accepted bool) {
	given, err := r.do(http.MethodPost, p.url+"/v1/hooks/okta", asOkta(hookSecret), body)
	return err == nil && given.status == http.StatusNoContent
}

func (r *rig) finishedIn(p *process) []revocation.JobState {
	r.t.Helper()
	header := http.Header{"Authorization": {"Bearer " + adminToken}}
	given, err := r.do(http.MethodGet, p.admin+"/api/v1/jobs?state=finished&limit=1000", header, nil)
	require.NoError(r.t, err)
	return decode[struct {
		Jobs []revocation.JobState `json:"jobs"`
	}](r.t, given, http.StatusOK).Jobs
}

// However the process is killed, an accepted alert leads to a revocation; only a kill
// between the call and its record can make that two calls; and it is never a third.
func TestAKillAtAnyStepLosesAndRepeatsNothing(t *testing.T) {
	t.Parallel()
	for _, at := range passed() {
		t.Run(string(at), func(t *testing.T) {
			t.Parallel()
			r := prepareRig(t, newOkta(t), settings{work: quick})
			delivery := suspension(person(1), "crash")
			doomed := r.startChild(string(at) + ":1")
			accepted := r.postTo(doomed, delivery)
			doomed.awaitKill(t)
			if at == revocation.StepAccepted {
				require.False(t, accepted, "it died before it could answer")
			}
			most := r.mostCalls(at)

			revived := r.startChild("")
			if !accepted {
				require.True(t, r.postTo(revived, delivery), "Okta's one retry")
			}
			require.Eventually(t, func() bool { return len(r.finishedIn(revived)) == 1 }, soon, tick)
			finished := r.finishedIn(revived)[0]
			require.Equal(t, revocation.OutcomeRevoked, finished.Record.Outcome)
			require.Equal(t, person(1), finished.Record.User)

			known := len(r.seen.find(duplicate))
			require.True(t, r.postTo(revived, delivery), "the same once more")
			r.seen.await(t, duplicate, known+1)
			r.awaitIdle(revived)
			revived.end(t)

			require.NotEmpty(t, r.calls())
			require.LessOrEqual(t, len(r.calls()), most)
			r.requireAudited(map[string]bool{finished.Job.ID: true})
		})
	}
}

// mostCalls is two where the kill may have come between a call and its record: then
// Okta did it, and nobody had written it down. The worker runs beside the receiver
// and the dispatcher, so a kill at one of their steps may meet it there.
func (r *rig) mostCalls(at revocation.Step) int {
	calling, recorded := r.seen.find(step(revocation.StepCalling)), r.seen.find(step(revocation.StepRecorded))
	if len(calling) == 1 && len(recorded) == 0 && at != revocation.StepRecorded {
		return 2
	}
	return 1
}

// awaitIdle waits until no lane holds anything.
func (r *rig) awaitIdle(p *process) {
	r.t.Helper()
	require.Eventually(r.t, func() bool {
		given, err := r.do(http.MethodGet, p.admin+"/metrics", http.Header{}, nil)
		return err == nil && idle(given.body)
	}, soon, tick)
}

// requireAudited makes sure that the evidence of a stopped rig shows a revocation for
// each of the jobs, and nothing but finished jobs.
func (r *rig) requireAudited(jobs map[string]bool) {
	r.t.Helper()
	revoked := make(map[string]bool)
	for _, record := range r.audit() {
		require.True(r.t, record.Outcome.Finishes(), "%s", record.Outcome)
		if record.Outcome == revocation.OutcomeRevoked {
			revoked[record.Job.ID] = true
		}
	}
	require.Equal(r.t, jobs, revoked)
}

// Twenty people at once and a kill at a random moment, from a seed that names the run.
func TestAKillAmongManyLosesNobody(t *testing.T) {
	t.Parallel()
	const people, workers = 20, 4 + 1 // and the hand for critical jobs
	for seed := range uint64(4) {
		random := rand.New(rand.NewPCG(seed, seed))
		at := passed()[random.IntN(len(passed()))]
		kill := fmt.Sprintf("%s:%d", at, 1+random.IntN(people))
		t.Run(fmt.Sprintf("seed %d %s", seed, kill), func(t *testing.T) {
			t.Parallel()
			r := prepareRig(t, newOkta(t), settings{work: quick})
			deliveries := make([][]byte, people)
			for i := range deliveries {
				deliveries[i] = suspension(person(i), "crash")
			}
			doomed := r.startChild(kill)
			missing := r.postAll(doomed, deliveries)
			doomed.awaitKill(t)
			revived := r.startChild("")
			require.Empty(t, r.postAll(revived, missing), "Okta's one retry")

			require.Eventually(t, func() bool { return len(r.finishedIn(revived)) == people }, soon, tick)
			r.awaitIdle(revived)
			first := r.calls()
			known := len(r.seen.find(duplicate))
			require.Empty(t, r.postAll(revived, deliveries), "all of them once more")
			r.seen.await(t, duplicate, known+people)
			r.awaitIdle(revived)
			jobs := make(map[string]bool)
			for _, state := range r.finishedIn(revived) {
				jobs[state.Job.ID] = true
			}
			revived.end(t)

			require.Len(t, r.calls(), len(first))
			counts := callsFor(first)
			require.Len(t, counts, people)
			for user, calls := range counts {
				require.LessOrEqual(t, calls, 2, user)
			}
			require.LessOrEqual(t, len(first), people+workers, "no more than were in hand at the kill")
			r.requireAudited(jobs)
		})
	}
}

// postAll delivers all at once and gives back those that were not accepted.
func (r *rig) postAll(p *process, deliveries [][]byte) (missing [][]byte) {
	var mu sync.Mutex
	var senders sync.WaitGroup
	for _, delivery := range deliveries {
		senders.Go(func() {
			if !r.postTo(p, delivery) {
				mu.Lock()
				defer mu.Unlock()
				missing = append(missing, delivery)
			}
		})
	}
	senders.Wait()
	return missing
}
