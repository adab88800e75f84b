package app_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server" //nolint:depguard // a cluster is not part of Sever
	"github.com/stretchr/testify/require"

	"sever/revocation"
)

// farRig runs Sever on a NATS server that is reached through a faulty network.
func farRig(t *testing.T, receive string) (*rig, *faultProxy) {
	t.Helper()
	srv := natsServer(t, t.TempDir(), server.RANDOM_PORT)
	p := newFaultProxy(t, srv.Addr().String())
	return newRig(t, settings{nats: "{url: \"nats://" + p.address() + "\", replicas: 1}", receive: receive}), p
}

// requireAskedAgain checks an answer that makes a sender send once more.
func requireAskedAgain(t *testing.T, given answer) {
	t.Helper()
	require.Equal(t, http.StatusServiceUnavailable, given.status, given.body)
	require.NotEmpty(t, given.header.Get("Retry-After"))
}

// eventuallyDelivered sends until it is accepted, as a sender that retries does.
func (r *rig) eventuallyDelivered(body []byte) {
	r.t.Helper()
	require.Eventually(r.t, func() bool {
		given := r.post(body)
		if given.status != http.StatusNoContent {
			requireAskedAgain(r.t, given)
		}
		return given.status == http.StatusNoContent
	}, soon, 250*time.Millisecond)
}

// A NATS that answers later than a sender waits: 503 in time. What was stored all the
// same and is sent again is one event.
func TestASlowNATSIsAnsweredInTimeAndCostsNoSecondCall(t *testing.T) {
	t.Parallel()
	r, p := farRig(t, "{timeout: 1s, append_timeout: 500ms}")
	r.eventuallyDelivered(suspension(person(1), "before"))
	r.seen.await(t, audited(revocation.OutcomeRevoked), 1)

	p.delay.Store(int64(1500 * time.Millisecond))
	for range 3 {
		requireAskedAgain(t, r.post(suspension(person(2), "during")))
	}
	p.delay.Store(0)
	r.eventuallyDelivered(suspension(person(2), "during"))
	r.eventuallyDelivered(suspension(person(3), "after"))
	r.seen.await(t, audited(revocation.OutcomeRevoked), 3)
	require.Eventually(t, r.ready, soon, tick)
	require.Eventually(t, func() bool { return idle(r.admin(http.MethodGet, "/metrics", "").body) }, soon, tick)
	require.Equal(t, map[string]int{person(1): 1, person(2): 1, person(3): 1}, callsFor(r.calls()))
}

// A connection to NATS that is dead without a word, as behind a firewall that forgot it:
// a new one must be made well before anybody's patience ends.
func TestADeadConnectionToNATSIsReplaced(t *testing.T) {
	t.Parallel()
	r, p := farRig(t, "{timeout: 1s, append_timeout: 500ms}")
	r.eventuallyDelivered(suspension(person(1), "before"))
	r.seen.await(t, audited(revocation.OutcomeRevoked), 1)

	require.Positive(t, p.blackHole())
	requireAskedAgain(t, r.post(suspension(person(2), "during")))
	require.Eventually(t, func() bool { return !r.ready() }, soon, tick)

	r.eventuallyDelivered(suspension(person(2), "during"))
	r.seen.await(t, audited(revocation.OutcomeRevoked), 2)
	require.Eventually(t, r.ready, soon, tick)
	require.Equal(t, map[string]int{person(1): 1, person(2): 1}, callsFor(r.calls()))
	require.Contains(t, r.logs.String(), "lost the connection to NATS")
}

// Connections that are cut again and again lose nothing that was accepted.
func TestAFlappingConnectionToNATSLosesNothing(t *testing.T) {
	t.Parallel()
	const people = 12
	r, p := farRig(t, "")
	for n := range people {
		if n%3 == 1 {
			p.cut()
		}
		r.eventuallyDelivered(suspension(person(n), "flapping"))
	}
	r.seen.await(t, finished, people)
	calls := callsFor(r.calls())
	require.Len(t, calls, people)
	for user, times := range calls {
		require.LessOrEqual(t, times, 2, user) // one more for a call whose record was on its way when it was cut
	}
}
