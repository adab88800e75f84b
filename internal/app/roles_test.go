package app_test

import (
	"testing"

	"github.com/nats-io/nats-server/v2/server" //nolint:depguard // a cluster is not part of Sever
	"github.com/stretchr/testify/require"

	"sever/internal/app"
	"sever/internal/config"
	"sever/queue"
	"sever/revocation"
)

// onCluster prepares a process with some of the roles, which reads no secrets but theirs.
func onCluster(t *testing.T, okta okta, url string, roles app.Roles, needs ...config.Needs) *rig {
	t.Helper()
	r := prepareRig(t, okta, settings{nats: "{url: \"" + url + "\", replicas: 1}"})
	needs = append(needs, config.AdminSecrets, config.QueueSecrets)
	r.roles, r.needs = roles, needs
	return r
}

func TestRolesWorkTogetherOverACluster(t *testing.T) {
	t.Parallel()
	srv := natsServer(t, t.TempDir(), server.RANDOM_PORT)
	okta := newOkta(t)
	front := onCluster(t, okta, srv.ClientURL(), app.Roles{Receive: true, Dispatch: true}, config.SenderSecrets)
	back := onCluster(t, okta, srv.ClientURL(), app.Roles{Work: true}, config.OktaSecrets)
	front.start()
	back.start()
	require.Empty(t, back.app.URL(), "the worker faces no sender")

	front.deliver(suspension(person(1), "split"))
	back.seen.await(t, audited(revocation.OutcomeRevoked), 1)
	require.Equal(t, map[string]int{person(1): 1}, callsFor(front.calls()))
	require.Empty(t, front.seen.find(step(revocation.StepTaken)))
	require.Empty(t, back.seen.find(step(revocation.StepEnqueued)))
}

// What a receiver accepted waits for a dispatcher, and what that enqueued for a
// worker, each started only after the one before has gone.
func TestStagesNeedNotRunAtTheSameTime(t *testing.T) {
	t.Parallel()
	srv := natsServer(t, t.TempDir(), server.RANDOM_PORT)
	okta := newOkta(t)
	receive := onCluster(t, okta, srv.ClientURL(), app.Roles{Receive: true}, config.SenderSecrets)
	receive.start()
	delivery := suspension(person(1), "stage by stage")
	receive.deliver(delivery)
	receive.deliver(delivery) // the same again
	receive.deliver(suspension(person(2), "another"))
	receive.mustStop()

	dispatch := onCluster(t, okta, srv.ClientURL(), app.Roles{Dispatch: true})
	dispatch.start()
	dispatch.seen.await(t, step(revocation.StepDispatched), 3)
	dispatch.mustStop()
	require.Empty(t, okta.Calls())

	work := onCluster(t, okta, srv.ClientURL(), app.Roles{Work: true}, config.OktaSecrets)
	work.start()
	work.seen.await(t, audited(revocation.OutcomeRevoked), 2)
	require.Equal(t, map[string]int{person(1): 1, person(2): 1}, callsFor(work.calls()))
}

// Two workers share the jobs; no job is done twice.
func TestTwoWorkersShareTheJobs(t *testing.T) {
	t.Parallel()
	const people = 30
	srv := natsServer(t, t.TempDir(), server.RANDOM_PORT)
	okta := newOkta(t)
	front := onCluster(t, okta, srv.ClientURL(), app.Roles{Receive: true, Dispatch: true}, config.SenderSecrets)
	front.start()
	seen := newRecorder()
	for range 2 {
		worker := onCluster(t, okta, srv.ClientURL(), app.Roles{Work: true}, config.OktaSecrets)
		worker.seen = seen
		worker.start()
	}
	for i := range people {
		front.deliver(suspension(person(i), "shared"))
	}
	seen.await(t, audited(revocation.OutcomeRevoked), people)
	counts := callsFor(front.calls())
	require.Len(t, counts, people)
	for user, calls := range counts {
		require.Equal(t, 1, calls, user)
	}
}

func TestRolesCannotBeSplitWithoutACluster(t *testing.T) {
	t.Parallel()
	for _, roles := range []string{"receive", "receive,dispatch", "dispatch", "work", "work,receive"} {
		r := prepareRig(t, newOkta(t), settings{})
		var err error
		r.roles, err = app.ParseRoles(roles)
		require.NoError(t, err)
		_, err = app.New(t.Context(), r.load(), r.options())
		require.ErrorContains(t, err, "nats.url", roles)
	}
}

func TestParseRoles(t *testing.T) {
	t.Parallel()
	all, err := app.ParseRoles(" work, receive ,dispatch")
	require.NoError(t, err)
	require.Equal(t, app.AllRoles(), all)
	for _, bad := range []string{"", "receive,", "Work", "worker", "receive;work"} {
		_, err := app.ParseRoles(bad)
		require.ErrorContains(t, err, "receive, dispatch, work", bad)
	}
}

func TestAClusterThatIsNotThereOrTooSmallIsAClearError(t *testing.T) {
	t.Parallel()
	small := natsServer(t, t.TempDir(), server.RANDOM_PORT, func(o *server.Options) { o.MaxPayload = 1 << 20 })
	gone := natsServer(t, t.TempDir(), server.RANDOM_PORT)
	stopServer(gone)
	for url, words := range map[string]string{small.ClientURL(): "max_payload", gone.ClientURL(): "nats.url"} {
		r := prepareRig(t, newOkta(t), settings{nats: "{url: \"" + url + "\", replicas: 1}"})
		_, err := app.New(t.Context(), r.load(), r.options())
		require.ErrorContains(t, err, words)
	}
}

func TestAStoreHasOneSeverAtATime(t *testing.T) {
	t.Parallel()
	r := newRig(t, settings{})
	_, err := app.New(t.Context(), r.load(), r.options())
	require.ErrorIs(t, err, queue.ErrStoreTaken)
	require.ErrorContains(t, err, "store.dir")
	require.ErrorContains(t, err, r.dir)

	r.deliver(suspension(person(1), "unharmed"))
	r.seen.await(t, audited(revocation.OutcomeRevoked), 1)
	r.restart() // and once stopped, the folder is free again
}
