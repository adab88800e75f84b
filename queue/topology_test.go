package queue

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"sever/revocation"
)

var allStreams = []string{streamDeliveries, streamJobs, streamDead, streamAudit, streamOf(bucketLedger), streamOf(bucketHeld), streamOf(bucketBrake), streamWakes}

func TestEnsureIsIdempotent(t *testing.T) {
	t.Parallel()
	q := open(t)
	before := map[string]jetstream.StreamConfig{}
	for _, name := range allStreams {
		before[name] = streamInfo(t, q, name).Config
	}
	appendEach(t, q, "kept")
	publishJobs(t, q, job("kept", revocation.LaneHigh))

	for range 2 {
		require.NoError(t, q.topology.ensure(t.Context(), q.js))
	}

	for _, name := range allStreams {
		require.Equal(t, before[name], streamInfo(t, q, name).Config, name)
	}
	require.Len(t, stored(t, q), 1)
	require.Len(t, messages(t, q, streamJobs), 1)
}

func TestStreamsNeverDropTheOldest(t *testing.T) {
	t.Parallel()
	q := open(t)
	for _, name := range allStreams {
		config := streamInfo(t, q, name).Config
		if name == streamWakes { // see topology.wakes
			require.Equal(t, jetstream.DiscardOld, config.Discard, name)
		} else {
			require.Equal(t, jetstream.DiscardNew, config.Discard, name)
		}
		require.Equal(t, jetstream.FileStorage, config.Storage, name)
		require.Equal(t, jetstream.LimitsPolicy, config.Retention, name)
		require.Positive(t, config.MaxBytes, name)
		require.Equal(t, int64(-1), config.MaxMsgs, name)
	}
	for _, name := range []string{streamAudit, streamOf(bucketHeld), streamWakes} {
		require.Zero(t, streamInfo(t, q, name).Config.MaxAge, "evidence has no age, nor have dates to come")
	}
}

func TestConsumersNeverGiveUp(t *testing.T) {
	t.Parallel()
	q := open(t)
	check := func(stream, name string) {
		info := consumerInfo(t, q, stream, name)
		require.Equal(t, jetstream.AckExplicitPolicy, info.Config.AckPolicy, name)
		require.Equal(t, -1, info.Config.MaxDeliver, name)
		require.Equal(t, time.Minute, info.Config.AckWait, name)
		require.Empty(t, info.Config.BackOff, "%s: it would add to the delays we ask for", name)
	}
	check(streamDeliveries, consumerDispatch)
	check(streamWakes, consumerRelease)
	for _, org := range q.topology.orgs {
		for _, lane := range revocation.Lanes() {
			check(streamJobs, workConsumer(org, lane))
		}
	}
}

func TestReopenAppliesWhatChanged(t *testing.T) {
	t.Parallel()
	q := open(t)
	appendEach(t, q, "kept")

	q = reopen(t, q, func(c *Config) {
		c.Retention = Retention{Deliveries: 72 * time.Hour, Jobs: 73 * time.Hour, Ledger: 74 * time.Hour, Dead: 75 * time.Hour}
		c.AckWait = 42 * time.Second
		c.Orgs = append(c.Orgs, "initech")
	})

	for name, age := range map[string]time.Duration{
		streamDeliveries: 72 * time.Hour, streamJobs: 73 * time.Hour,
		"KV_" + bucketLedger: 74 * time.Hour, streamDead: 75 * time.Hour, streamAudit: 0,
	} {
		require.Equal(t, age, streamInfo(t, q, name).Config.MaxAge, name)
	}
	require.Equal(t, 42*time.Second, consumerInfo(t, q, streamDeliveries, consumerDispatch).Config.AckWait)
	require.Equal(t, 42*time.Second, consumerInfo(t, q, streamJobs, workConsumer("acme", revocation.LaneBulk)).Config.AckWait)
	require.Zero(t, consumerInfo(t, q, streamJobs, workConsumer("initech", revocation.LaneHigh)).NumPending)
	require.Len(t, stored(t, q), 1)
}

// The shortest retention that the configuration allows must not be below the window
// of duplicates, which JetStream refuses.
func TestShortestRetention(t *testing.T) {
	t.Parallel()
	const shortest = time.Hour
	q := open(t, func(c *Config) {
		c.Retention = Retention{Deliveries: shortest, Jobs: shortest, Ledger: shortest, Dead: shortest}
	})
	require.Equal(t, shortest, streamInfo(t, q, streamJobs).Config.MaxAge)
}

func TestPublishToTheWrongStream(t *testing.T) {
	t.Parallel()
	q := open(t)
	_, err := q.publish(within(t, soon), streamAudit, subjectDead, "", []byte("{}"))
	require.ErrorContains(t, err, "publish to AUDIT")
	require.Empty(t, messages(t, q, streamDead))
}
