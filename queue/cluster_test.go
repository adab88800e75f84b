package queue

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"sever/revocation"
)

type serverOptions = server.Options

// startServer runs a NATS server of its own on loopback, as an external one.
func startServer(tb testing.TB, changes ...func(*serverOptions)) *server.Server {
	tb.Helper()
	options := &serverOptions{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: tb.TempDir(),
		NoLog: true, NoSigs: true, MaxPayload: maxPayload, MaxPending: 4 * maxPayload,
	}
	for _, change := range changes {
		change(options)
	}
	srv, err := server.NewServer(options)
	require.NoError(tb, err)
	srv.Start()
	tb.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	require.True(tb, srv.ReadyForConnections(soon))
	return srv
}

// onCluster turns settings into those of an external server.
func onCluster(srv *server.Server, settings Config, changes ...func(*Config)) Config {
	settings.Dir = ""
	settings.Cluster = &Cluster{URL: "nats://" + srv.Addr().String(), Replicas: 1}
	for _, change := range changes {
		change(&settings)
	}
	return settings
}

func TestClusterHoldsEverything(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	q := openWith(t, onCluster(startServer(t), config(t)))
	require.Nil(t, q.embedded)

	log := writer(t, q)
	require.NoError(t, log.Append(ctx, delivery("one")))
	reader := logReader(t, q)
	entry, err := reader.Next(within(t, soon))
	require.NoError(t, err)
	require.Equal(t, []revocation.Delivery{delivery("one")}, entry.Deliveries)
	require.NoError(t, entry.Lease.Settle(ctx, revocation.Verdict{}))

	publishJobs(t, q, job("one", revocation.LaneHigh))
	task, err := taker(t, q, "acme").Take(within(t, soon))
	require.NoError(t, err)
	require.Equal(t, job("one", revocation.LaneHigh), task.Job)
	require.NoError(t, task.Lease.Settle(ctx, revocation.Verdict{}))

	record := finished(task.Job, "00uone", start)
	commit(t, ledger(t, q), record)
	putOnRecord(t, q, record)
	letter := revocation.DeadJob(record, start)
	require.NoError(t, q.DeadLetters().Put(ctx, letter))
	shown, err := q.DeadLetters().Show(ctx, letter.ID)
	require.NoError(t, err)
	require.Equal(t, letter, shown)
	state, err := q.Jobs(ledger(t, q)).Show(ctx, task.Job.ID)
	require.NoError(t, err)
	require.Equal(t, revocation.StateFinished, state.State)
}

func TestClusterOfTwoProcessesShares(t *testing.T) {
	t.Parallel()
	srv := startServer(t)
	settings := onCluster(srv, config(t))
	one, two := openWith(t, settings), openWith(t, settings)

	require.NoError(t, writer(t, one).Append(t.Context(), delivery("shared")))

	require.Equal(t, []revocation.Delivery{delivery("shared")}, stored(t, two))
}

func TestClusterWithTooSmallPayload(t *testing.T) {
	t.Parallel()
	srv := startServer(t, func(o *serverOptions) { o.MaxPayload = 1 << 20 })
	_, err := Open(t.Context(), onCluster(srv, config(t)))
	require.ErrorContains(t, err, "at most 1048576 bytes")
	require.ErrorContains(t, err, "raise max_payload")
	require.ErrorContains(t, err, "receive.max_body")
}

func TestClusterRefusesQuickly(t *testing.T) {
	t.Parallel()
	user, password := "sever", "right-password"
	guarded := startServer(t, func(o *serverOptions) { o.Username, o.Password = user, password })
	plain := startServer(t, func(o *serverOptions) { o.JetStream = false })
	garbage := filepath.Join(t.TempDir(), "nats.creds")
	require.NoError(t, os.WriteFile(garbage, []byte("no credentials in here"), 0o600))
	missing := filepath.Join(t.TempDir(), "none.creds")
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, closed.Close())

	for name, c := range map[string]struct {
		cluster Cluster
		says    []string
	}{
		"no credentials": {Cluster{URL: "nats://" + guarded.Addr().String(), Replicas: 1}, []string{"nats.url", "Authorization Violation"}},
		"wrong password": {
			Cluster{URL: "nats://sever:wrong-password@" + guarded.Addr().String(), Replicas: 1},
			[]string{"nats.url", "Authorization Violation"},
		},
		"garbage file":      {Cluster{URL: "nats://" + guarded.Addr().String(), Credentials: garbage, Replicas: 1}, []string{"nats.credentials"}},
		"missing file":      {Cluster{URL: "nats://" + guarded.Addr().String(), Credentials: missing, Replicas: 1}, []string{"nats.credentials", missing}},
		"nothing listening": {Cluster{URL: "nats://" + closed.Addr().String(), Replicas: 1}, []string{"nats.url", "no servers available"}},
		"no JetStream":      {Cluster{URL: "nats://" + plain.Addr().String(), Replicas: 1}, []string{"JetStream"}},
		"too many replicas": {Cluster{URL: "nats://" + startServer(t).Addr().String(), Replicas: 3}, []string{"DELIVERIES", "replicas"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			settings := config(t)
			settings.Cluster = &c.cluster
			began := time.Now()

			_, err := Open(t.Context(), settings)

			for _, words := range c.says {
				require.ErrorContains(t, err, words)
			}
			require.NotContains(t, err.Error(), "wrong-password")
			require.Less(t, time.Since(began), 10*time.Second)
		})
	}
}

func TestClusterComesBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := startServer(t, func(o *serverOptions) { o.StoreDir = dir })
	q := openWith(t, onCluster(first, config(t), ackWait(time.Second)))
	log := q.DeliveryLog(time.Second, 1<<20)
	defer log.Close()
	taker := taker(t, q, "acme")
	reader := logReader(t, q)
	require.NoError(t, log.Append(t.Context(), delivery("before")))
	_, port, err := net.SplitHostPort(first.Addr().String())
	require.NoError(t, err)

	first.Shutdown()
	first.WaitForShutdown()
	for i := range 5 {
		require.Error(t, log.Append(t.Context(), delivery("away"+strconv.Itoa(i))), "NATS is away")
	}
	startServer(t, func(o *serverOptions) {
		o.StoreDir = dir
		o.Port, err = strconv.Atoi(port)
		require.NoError(t, err)
	})

	require.Eventually(t, func() bool {
		return log.Append(t.Context(), delivery("after")) == nil
	}, soon, tick)
	require.Contains(t, stored(t, q), delivery("before"))
	require.Contains(t, stored(t, q), delivery("after"))

	// Those who read go on by themselves.
	publishJobs(t, q, job("after", revocation.LaneHigh))
	task, err := taker.Take(within(t, soon))
	require.NoError(t, err)
	require.Equal(t, job("after", revocation.LaneHigh), task.Job)
	require.Eventually(t, func() bool {
		entry, err := reader.Next(within(t, soon))
		return err == nil && errors.Join(entry.Lease.Settle(t.Context(), revocation.Verdict{})) == nil
	}, soon, tick)
	require.True(t, q.conn.IsConnected())
	require.Equal(t, nats.CONNECTED, q.conn.Status())
}
