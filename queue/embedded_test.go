package queue

import (
	"bytes"
	"log/slog"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/revocation"
)

func skipWithoutProc(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("/proc/self/net/tcp"); err != nil {
		t.Skip("this system does not list its sockets under /proc")
	}
}

// In a process of its own: other tests here do open ports.
func TestEmbeddedOpensNoPort(t *testing.T) {
	t.Parallel()
	skipWithoutProc(t)
	other := startChild(t, t.TempDir())

	require.Equal(t, "0 <nil>", other.say(t, "listening"))

	require.NoError(t, other.stdin.Close())
	require.Contains(t, other.rest(), "closed: <nil>")
}

func TestEmbeddedHasNoAddress(t *testing.T) {
	t.Parallel()
	q := open(t)
	require.Nil(t, q.embedded.server.Addr())
	require.Nil(t, q.embedded.server.ClusterAddr())
	require.Nil(t, q.embedded.server.MonitorAddr())
}

func TestEmbeddedSyncsEveryWrite(t *testing.T) {
	t.Parallel()
	q := open(t)
	require.True(t, q.embedded.server.JetStreamConfig().SyncAlways)
	for _, config := range q.topology.streams() {
		require.Zero(t, config.PersistMode, "%s: an asynchronous stream would not sync", config.Name)
	}
}

func TestEmbeddedRestartKeepsEverything(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	q := open(t)
	log := q.DeliveryLog(soon, 1<<20)
	require.NoError(t, log.Append(ctx, delivery("kept")))
	log.Close()
	publishJobs(t, q, job("kept", revocation.LaneHigh))
	letter := revocation.DeadRaw([]byte("kept"), "a reason", start)
	require.NoError(t, q.DeadLetters().Put(ctx, letter))
	record := finished(job("done", revocation.LaneBulk), "00ukept", start)
	putOnRecord(t, q, record)
	commit(t, ledger(t, q), record)

	q = reopen(t, q)

	require.Equal(t, []revocation.Delivery{delivery("kept")}, stored(t, q))
	jobs, err := q.Jobs(ledger(t, q)).List(ctx, "", "", 10)
	require.NoError(t, err)
	require.Equal(t, []revocation.JobState{{Job: job("kept", revocation.LaneHigh), State: revocation.StatePending}}, jobs)
	shown, err := q.DeadLetters().Show(ctx, letter.ID)
	require.NoError(t, err)
	require.Equal(t, letter, shown)
	require.Len(t, messages(t, q, streamAudit), 1)
	newest, found, err := ledger(t, q).Newest(ctx, "acme", "00ukept")
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, record, newest)
}

func TestEmbeddedStopsTwice(t *testing.T) {
	t.Parallel()
	q := open(t)
	require.NoError(t, q.embedded.stop())
	require.NoError(t, q.embedded.stop())
	require.NoError(t, q.Close())
	require.NoError(t, q.Close())
}

// Each stream reserves its share when it is made; together they must fit at both
// ends of what store.max_size allows.
func TestEmbeddedReservesEverySize(t *testing.T) {
	t.Parallel()
	for _, size := range []int64{64 << 20, 64<<20 + 1, 1 << 30, 12 << 30} {
		t.Run(strconv.FormatInt(size, 10), func(t *testing.T) {
			t.Parallel()
			q := open(t, func(c *Config) { c.MaxSize = size })
			var total int64
			for _, name := range allStreams {
				total += streamInfo(t, q, name).Config.MaxBytes
			}
			require.LessOrEqual(t, total, size)
			require.Greater(t, total, size*99/100)
		})
	}
}

// An operator may change store.max_size between two starts, either way.
func TestEmbeddedSizeCanChange(t *testing.T) {
	t.Parallel()
	q := open(t, func(c *Config) { c.MaxSize = 1 << 30 })
	log := q.DeliveryLog(soon, 1<<20)
	require.NoError(t, log.Append(t.Context(), delivery("kept")))
	log.Close()

	for _, size := range []int64{64 << 20, 12 << 30, 64 << 20} {
		q = reopen(t, q, func(c *Config) { c.MaxSize = size })
		require.Equal(t, size/192*55, streamInfo(t, q, streamDeliveries).Config.MaxBytes)
		require.Equal(t, []revocation.Delivery{delivery("kept")}, stored(t, q))
	}
}

// What is stored already stays when the new size is too small for it.
func TestEmbeddedSizeLoweredBelowWhatIsStored(t *testing.T) {
	t.Parallel()
	q := open(t, func(c *Config) { c.MaxSize = 12 << 20 })
	log := q.DeliveryLog(soon, 64<<20)
	var want []string
	for i := range byte(10) {
		big := revocation.NewDelivery("okta", "", bytes.Repeat([]byte{i}, 300<<10), start)
		require.NoError(t, log.Append(t.Context(), big))
		want = append(want, big.ID)
	}
	log.Close()

	q = reopen(t, q, func(c *Config) { c.MaxSize = 6 << 20 })

	var got []string
	for _, delivery := range stored(t, q) {
		got = append(got, delivery.ID)
	}
	require.Equal(t, want, got)
	log = q.DeliveryLog(soon, 64<<20)
	defer log.Close()
	require.Error(t, log.Append(t.Context(), delivery("one more")), "there is no room for more")
}

func TestEmbeddedServerLogLevels(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := serverLog{slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	for _, c := range []struct {
		level string
		write func(string, ...any)
	}{
		{"DEBUG", log.Noticef},
		{"WARN", log.Warnf},
		{"ERROR", log.Fatalf},
		{"ERROR", log.Errorf},
		{"DEBUG", log.Debugf},
		{"DEBUG", log.Tracef},
	} {
		out.Reset()
		c.write("disk is %d%% full", 90)
		require.Contains(t, out.String(), "level="+c.level)
		require.Contains(t, out.String(), `msg="disk is 90% full"`)
	}
}
