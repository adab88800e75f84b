package app_test

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server" //nolint:depguard // a cluster is not part of Sever
	"github.com/nats-io/nats.go/jetstream"     //nolint:depguard // reads what is on disk without Sever's own code
	"github.com/stretchr/testify/require"

	"sever/revocation"
)

// fill posts ever smaller deliveries until not even a small one is taken, and gives
// a mark of each that was. A busy disk may refuse one too; a full store refuses three.
func (r *rig) fill() (accepted []string) {
	r.t.Helper()
	sent := 0
	for size := 1 << 20; size >= 64; size /= 4 {
		for refused := 0; refused < 3; {
			sent++
			require.Less(r.t, sent, 500, "a store of this size is full long before")
			mark := fmt.Sprintf(`"mark":"%06d"`, sent)
			body := []byte(`{"data":{"events":[]},` + mark + `,"pad":"` + strings.Repeat("x", size-48) + `"}`)
			given, err := r.do(http.MethodPost, r.app.URL()+"/v1/hooks/okta", asOkta(hookSecret), body)
			if err == nil && given.status == http.StatusNoContent {
				accepted = append(accepted, mark)
				refused = 0
				continue
			}
			refused++
			if err == nil { // else the answer came too late to be sent
				require.Equal(r.t, http.StatusServiceUnavailable, given.status, given.body)
				require.NotEmpty(r.t, given.header.Get("Retry-After"))
			}
		}
	}
	return accepted
}

func (r *rig) ready() bool {
	status := r.admin(http.MethodGet, "/readyz", "").status
	require.Contains(r.t, []int{http.StatusOK, http.StatusServiceUnavailable}, status)
	return status == http.StatusOK
}

func TestAFullStoreIsAnsweredWith503AndLosesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, settings{store: "max_size: 192MiB"})
	require.True(t, r.ready())
	r.deliver(suspension(person(1), "before"))
	accepted := r.fill()
	require.Greater(t, len(accepted), 5)

	for i := range 5 {
		given := r.post(suspension(person(2+i), "too late"))
		require.Equal(t, http.StatusServiceUnavailable, given.status)
		require.NotEmpty(t, given.header.Get("Retry-After"))
	}
	// The probe itself is smaller than any delivery and finds room a while longer.
	require.Eventually(t, func() bool { return !r.ready() }, soon, 250*time.Millisecond)
	require.Equal(t, http.StatusOK, r.admin(http.MethodGet, "/livez", "").status)

	// What was accepted is all worked on, and all in the store. One that was answered
	// with 503 may be there too: the answer was given before the disk's.
	r.seen.await(t, audited(revocation.OutcomeRevoked), 1)
	r.seen.await(t, step(revocation.StepDispatched), 1+len(accepted))
	require.Equal(t, map[string]int{person(1): 1}, callsFor(r.calls()))
	r.mustStop()
	var stored strings.Builder
	r.inStore(func(js jetstream.JetStream) {
		for _, msg := range messages(t, js, "DELIVERIES") {
			stored.Write(msg.Data)
		}
	})
	for _, mark := range accepted {
		require.Contains(t, stored.String(), mark)
	}
}

func TestAStoreThatIsGoneIsAnsweredWith503(t *testing.T) {
	t.Parallel()
	r := newRig(t, settings{})
	require.True(t, r.ready())
	require.NoError(t, r.app.CloseQueue())
	for i := range 3 {
		given := r.post(suspension(person(i), "gone"))
		require.Equal(t, http.StatusServiceUnavailable, given.status)
		require.NotEmpty(t, given.header.Get("Retry-After"))
	}
	require.Eventually(t, func() bool { return !r.ready() }, soon, 100*time.Millisecond)
	require.Empty(t, r.seen.find(step(revocation.StepAccepted)))
}

// A NATS server that goes away and comes back: 503 meanwhile, and then everything
// goes on by itself.
func TestSeverOutlivesARestartOfItsNATSServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	srv := natsServer(t, dir, server.RANDOM_PORT)
	port := srv.Addr().(*net.TCPAddr).Port
	r := newRig(t, settings{nats: "{url: \"" + srv.ClientURL() + "\", replicas: 1}"})
	r.deliver(suspension(person(1), "before"))
	r.seen.await(t, audited(revocation.OutcomeRevoked), 1)

	stopServer(srv)
	require.Eventually(t, func() bool { return !r.ready() }, soon, 50*time.Millisecond)
	given := r.post(suspension(person(2), "during"))
	require.Equal(t, http.StatusServiceUnavailable, given.status)
	require.NotEmpty(t, given.header.Get("Retry-After"))

	natsServer(t, dir, port)
	require.Eventually(t, r.ready, soon, 100*time.Millisecond)
	r.deliver(suspension(person(2), "during"))
	r.seen.await(t, audited(revocation.OutcomeRevoked), 2)
	require.Equal(t, map[string]int{person(1): 1, person(2): 1}, callsFor(r.calls()))
}
