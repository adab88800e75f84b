package queue

import (
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"

	"sever/revocation"
)

// startCluster runs three servers that form a cluster, and gives the config of a
// store on it that is replicated to all of them.
func startCluster(t *testing.T) ([]*server.Server, Config) {
	t.Helper()
	const size = 3
	var ports []int
	var routes, urls []string
	for range size {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		ports = append(ports, listener.Addr().(*net.TCPAddr).Port)
		routes = append(routes, "nats://"+listener.Addr().String())
		require.NoError(t, listener.Close())
	}
	var servers []*server.Server
	for i := range size {
		srv := startServer(t, func(o *serverOptions) {
			o.ServerName = "node" + strconv.Itoa(i)
			o.Cluster.Name, o.Cluster.Host, o.Cluster.Port = "sever", "127.0.0.1", ports[i]
			o.Routes = server.RoutesFromStr(strings.Join(routes, ","))
		})
		servers = append(servers, srv)
		urls = append(urls, "nats://"+srv.Addr().String())
	}
	settings := config(t)
	settings.Dir = ""
	settings.Cluster = &Cluster{URL: strings.Join(urls, ","), Replicas: size}
	return servers, settings
}

func TestReplicatedStore(t *testing.T) {
	t.Parallel()
	servers, settings := startCluster(t)
	var q *Queue
	var err error
	require.Eventually(t, func() bool { // until the cluster has found together
		q, err = Open(t.Context(), settings)
		return err == nil
	}, 2*soon, 100*time.Millisecond)
	t.Cleanup(func() { require.NoError(t, q.Close()) })
	for _, name := range allStreams {
		require.Equal(t, 3, streamInfo(t, q, name).Config.Replicas, name)
	}
	log := writer(t, q)
	require.NoError(t, log.Append(t.Context(), delivery("one")))

	raceForNewest(t, ledger(t, q), ledger(t, openWith(t, settings)))

	publishJobs(t, q, job("one", revocation.LaneHigh))
	task := take(t, taker(t, q, "acme"))
	require.Equal(t, job("one", revocation.LaneHigh), task.Job)
	settle(t, task.Lease, revocation.Verdict{})

	// One server of three may go, even a leader: what was stored stays, and writes go on.
	leader := streamInfo(t, q, streamDeliveries).Cluster.Leader
	for _, srv := range servers {
		if srv.Name() == leader {
			srv.Shutdown()
		}
	}
	require.Eventually(t, func() bool {
		return log.Append(within(t, soon), delivery("two")) == nil
	}, 2*soon, tick)
	require.Contains(t, readUntil(t, logReader(t, q), "two"), delivery("one").ID)
}
