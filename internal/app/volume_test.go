package app_test

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// volumeEnv asks for the full size with "full"; a tenth of it is usual, for it takes long
// under the race detector.
const volumeEnv = "SEVER_VOLUME"

func volume(t *testing.T) (deliveries, people int) {
	t.Helper()
	if os.Getenv(volumeEnv) == "full" {
		return 10_000, 100
	}
	t.Log("a tenth of the full size; " + volumeEnv + "=full asks for all of it")
	return 1_000, 10
}

// stream delivers bodies by many connections at once, and each until it is accepted: on a
// busy disk an answer may come too late.
func (r *rig) stream(n int, body func(i int) []byte) {
	r.t.Helper()
	const tries = 10
	var senders errgroup.Group
	senders.SetLimit(32)
	for i := range n {
		senders.Go(func() error {
			for range tries {
				given, err := r.do(http.MethodPost, r.app.URL()+"/v1/hooks/okta", asOkta(hookSecret), body(i))
				if err == nil && given.status == http.StatusNoContent {
					return nil
				}
			}
			return fmt.Errorf("delivery %d was not accepted in %d tries", i, tries) //nolint:err113 // shown, not tested
		})
	}
	require.NoError(r.t, senders.Wait())
}

// awaitAllDone waits until a fence, an alert for one more person sent behind all others,
// is dispatched, and the lanes are empty. The evidence is then read from the store.
func (r *rig) awaitAllDone(fence string) {
	r.t.Helper()
	r.deliver(suspension(fence, "fence"))
	require.Eventually(r.t, func() bool {
		return deletes(r.okta.Calls())[fence] == 1 && idle(r.admin(http.MethodGet, "/metrics", "").body)
	}, 2*soon, 4*tick)
	r.mustStop()
}

// Ten thousand duplicates of a hundred alerts, or a tenth of both: one call for each
// alert, however the copies come.
func TestDuplicatesByTheThousandCostOneCallEach(t *testing.T) {
	t.Parallel()
	deliveries, people := volume(t)
	r := newRig(t, settings{})
	began := time.Now()
	r.stream(deliveries, func(i int) []byte { return suspension(person(i%people), fmt.Sprintf("alert %d", i%people)) })
	sent := time.Since(began)
	r.awaitAllDone(person(people))

	calls := callsFor(r.calls())
	require.Len(t, calls, people+1)
	for user, times := range calls {
		require.Equal(t, 1, times, user)
	}
	t.Logf("%d deliveries of %d alerts in %s: %d calls", deliveries, people, sent.Round(time.Millisecond), len(r.calls())-1)
}

// Ten thousand alerts for a hundred people in a burst, or a tenth of both: at most two
// calls for each, since nobody is called twice within work.spacing, and the second call
// covers all that came before it. The people come one after the other, so that the alerts
// of each are a burst; where the machine is so slow that they take longer to come than the
// spacing, one call more may follow for each spacing. Every alert has its end on record.
func TestAlertsByTheThousandCostTwoCallsEachAtMost(t *testing.T) {
	t.Parallel()
	deliveries, people := volume(t)
	const spacing = 2 * time.Second // the default
	r := newRig(t, settings{work: fmt.Sprintf("{concurrency: 8, spacing: %s}", spacing)})
	each := deliveries / people
	began := time.Now()
	r.stream(deliveries, func(i int) []byte { return suspension(person(i/each), fmt.Sprintf("alert %d", i)) })
	sent := time.Since(began)
	r.awaitAllDone(person(people))

	finishes, received := make(map[string]int), make(map[string][]time.Time)
	for _, record := range r.audit() {
		require.True(t, record.Outcome.Finishes(), "%s: %s", record.Outcome, record.Reason)
		finishes[record.Job.ID]++
		received[record.User] = append(received[record.User], record.Job.Received)
	}
	require.Len(t, finishes, deliveries+1)
	slow := 0
	for user, times := range callsFor(r.calls()) {
		lasted := slices.MaxFunc(received[user], time.Time.Compare).Sub(slices.MinFunc(received[user], time.Time.Compare))
		require.LessOrEqual(t, times, 2+int(lasted/spacing), "%s, whose alerts came within %s", user, lasted)
		slow += int(lasted / spacing)
	}
	require.LessOrEqual(t, len(r.calls())-1, 2*people+slow)
	t.Logf("%d alerts for %d people in %s: %d calls", deliveries, people, sent.Round(time.Millisecond), len(r.calls())-1)
}
