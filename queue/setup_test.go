package queue

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"sever/revocation"
)

const (
	// soon bounds every wait for something that is about to happen.
	soon = 20 * time.Second
	tick = 5 * time.Millisecond
)

// start is when every test delivery and job begins to count.
var start = time.Date(2026, 11, 23, 9, 0, 0, 123456789, time.UTC)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		os.Exit(child(dir))
	}
	goleak.VerifyTestMain(m)
}

// config is a store of small sizes in a folder of its own.
func config(tb testing.TB) Config {
	tb.Helper()
	return Config{
		Dir:     tb.TempDir(),
		MaxSize: 192 << 20,
		Retention: Retention{
			Deliveries: 24 * time.Hour, Jobs: 24 * time.Hour, Ledger: 48 * time.Hour, Dead: 48 * time.Hour,
		},
		AckWait: time.Minute,
		Orgs:    []string{"acme", "globex"},
		MaxBody: 4 << 20,
		Logger:  slog.New(slog.DiscardHandler),
	}
}

// open starts a store of its own for the test, and stops it at the end.
func open(tb testing.TB, changes ...func(*Config)) *Queue {
	tb.Helper()
	settings := config(tb)
	for _, change := range changes {
		change(&settings)
	}
	return openWith(tb, settings)
}

func openWith(tb testing.TB, settings Config) *Queue {
	tb.Helper()
	q, err := Open(tb.Context(), settings)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, q.Close()) })
	return q
}

// reopen stops a store in order and starts it again on the same folder.
func reopen(tb testing.TB, q *Queue, changes ...func(*Config)) *Queue {
	tb.Helper()
	require.NoError(tb, q.Close())
	settings := q.config
	for _, change := range changes {
		change(&settings)
	}
	return openWith(tb, settings)
}

func ackWait(d time.Duration) func(*Config) { return func(c *Config) { c.AckWait = d } }

// delivery makes one that differs from all others by its name.
func delivery(name string) revocation.Delivery {
	return revocation.NewDelivery("okta", "application/json", []byte(`{"event":"`+name+`"}`), start)
}

// job makes one that differs from all others by its name.
func job(name string, lane revocation.Lane) revocation.Job {
	return revocation.NewJob(revocation.Signal{
		ID: revocation.DeriveID("sig", name), Source: "okta", Org: "acme", Type: "user.lifecycle.suspend",
		Person:   revocation.Person{Kind: revocation.PersonLogin, Value: name + "@acme.example"},
		Received: start,
	}, "suspended", lane, revocation.Scope{OAuthTokens: true})
}

func publishJobs(t *testing.T, q *Queue, jobs ...revocation.Job) {
	t.Helper()
	for _, job := range jobs {
		stored, err := q.Jobs(nil).Publish(t.Context(), job)
		require.NoError(t, err)
		require.True(t, stored)
	}
}

// packs reads what the DELIVERIES stream holds, one element per message.
func packs(tb testing.TB, q *Queue) [][]revocation.Delivery {
	tb.Helper()
	var all [][]revocation.Delivery
	for _, raw := range messages(tb, q, streamDeliveries) {
		pack, err := unpack(raw.Data)
		require.NoError(tb, err)
		all = append(all, pack)
	}
	return all
}

// stored reads every delivery the DELIVERIES stream holds, in order.
func stored(tb testing.TB, q *Queue) []revocation.Delivery {
	tb.Helper()
	var all []revocation.Delivery
	for _, pack := range packs(tb, q) {
		all = append(all, pack...)
	}
	return all
}

func messages(tb testing.TB, q *Queue, name string) []*jetstream.RawStreamMsg {
	tb.Helper()
	stream, err := q.js.Stream(tb.Context(), name)
	require.NoError(tb, err)
	state := stream.CachedInfo().State
	var all []*jetstream.RawStreamMsg
	for seq := max(state.FirstSeq, 1); seq <= state.LastSeq; seq++ {
		msg, err := stream.GetMsg(tb.Context(), seq)
		require.NoError(tb, err)
		all = append(all, msg)
	}
	return all
}

func streamInfo(tb testing.TB, q *Queue, name string) *jetstream.StreamInfo {
	tb.Helper()
	stream, err := q.js.Stream(tb.Context(), name)
	require.NoError(tb, err)
	return stream.CachedInfo()
}

// inHand counts the messages that a consumer has handed out and not seen settled.
func inHand(tb testing.TB, q *Queue, stream, consumer string) int {
	tb.Helper()
	return consumerInfo(tb, q, stream, consumer).NumAckPending
}

// staysOne watches for a while that a consumer has one message in hand and no more.
func staysOne(tb testing.TB, q *Queue, stream, consumer string) {
	tb.Helper()
	watched := time.After(200 * time.Millisecond)
	for {
		require.Equal(tb, 1, inHand(tb, q, stream, consumer))
		select {
		case <-watched:
			return
		case <-time.After(tick):
		}
	}
}

func consumerInfo(tb testing.TB, q *Queue, stream, name string) *jetstream.ConsumerInfo {
	tb.Helper()
	consumer, err := q.js.Consumer(tb.Context(), stream, name)
	require.NoError(tb, err)
	return consumer.CachedInfo()
}

// within bounds a wait by a context.
func within(tb testing.TB, d time.Duration) context.Context {
	tb.Helper()
	ctx, cancel := context.WithTimeoutCause(tb.Context(), d, fmt.Errorf("nothing came within %s", d))
	tb.Cleanup(cancel)
	return ctx
}
