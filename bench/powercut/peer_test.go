package powercut

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
)

// TestPeersUnderTheSameCut says what a JetStream that is used as its defaults are, as Watermill's users do, loses of what it
// acknowledged, beside one that syncs always. Only the latter is a promise that can be broken here.
func TestPeersUnderTheSameCut(t *testing.T) { //nolint:paralleltest // how much is acknowledged is for a machine with one lab on it
	for seed := range seeds(t) {
		for name, always := range map[string]bool{"default": false, "sync always": true} {
			t.Run(fmt.Sprintf("%s/SEED=%d", name, seed), func(t *testing.T) {
				acked, lost := cutPeer(t, seed, always)
				t.Logf("%s, %s: %d acknowledged, %d lost", promise(), name, acked, lost)
				if always && promise() == Ext4 {
					require.Zero(t, lost)
				}
			})
		}
	}
}

func cutPeer(t *testing.T, seed uint64, always bool) (acked, lost int) {
	t.Helper()
	disk, dir := NewDisk(promise()), t.TempDir()
	unmount, err := Mount(disk, dir)
	if errors.Is(err, ErrNotPermitted) {
		t.Skip(err)
	}
	require.NoError(t, err)
	t.Cleanup(func() { _ = unmount() }) // of a round that failed, after its server was stopped
	running := startPeer(t, dir, always)
	_, err = running.js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "ALERTS", Subjects: []string{"alerts"}})
	require.NoError(t, err)
	var off atomic.Bool
	acks := make([]int, 8)
	var publishers sync.WaitGroup
	for i := range acks {
		publishers.Go(func() {
			for !off.Load() {
				id := fmt.Sprintf("%d-%d", i, acks[i])
				if _, err := running.js.Publish(t.Context(), "alerts", []byte(id), jetstream.WithMsgID(id)); err != nil {
					return // the power is off
				}
				acks[i]++
			}
		})
	}
	random := rand.New(rand.NewPCG(seed, 0))
	<-time.After(500*time.Millisecond + time.Duration(random.Int64N(int64(time.Second)))) // not for a result: when the cut comes
	left, _ := disk.Cut(nil)
	off.Store(true)
	running.stop() // which ends publishers that wait for an answer
	publishers.Wait()
	require.NoError(t, unmount())

	dir = t.TempDir()
	unmountLeft, err := Mount(left, dir)
	require.NoError(t, err)
	t.Cleanup(func() { _ = unmountLeft() })
	revived := startPeer(t, dir, always)
	stored := storedBy(t, revived)
	revived.stop()
	require.NoError(t, unmountLeft())
	for i, count := range acks {
		acked += count
		for n := range count {
			if !stored[fmt.Sprintf("%d-%d", i, n)] {
				lost++
			}
		}
	}
	return acked, lost
}

// storedBy gives what is in the stream, if there still is one.
func storedBy(t *testing.T, p *peer) map[string]bool {
	t.Helper()
	stored := make(map[string]bool)
	stream, err := p.js.Stream(t.Context(), "ALERTS")
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return stored
	}
	require.NoError(t, err)
	state := stream.CachedInfo().State
	for seq := state.FirstSeq; seq <= state.LastSeq && state.Msgs > 0; seq++ {
		msg, err := stream.GetMsg(t.Context(), seq)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue
		}
		require.NoError(t, err)
		stored[string(msg.Data)] = true
	}
	return stored
}

type peer struct {
	js   jetstream.JetStream
	stop func()
}

func startPeer(t *testing.T, dir string, always bool) *peer {
	t.Helper()
	srv, err := server.NewServer(&server.Options{
		DontListen: true, NoSigs: true, NoLog: true, JetStream: true, StoreDir: dir, SyncAlways: always, // all else as it is by default
	})
	require.NoError(t, err)
	srv.Start()
	require.True(t, srv.ReadyForConnections(soon))
	conn, err := nats.Connect("", nats.InProcessServer(srv))
	require.NoError(t, err)
	js, err := jetstream.New(conn)
	require.NoError(t, err)
	stop := sync.OnceFunc(func() {
		conn.Close()
		srv.Shutdown()
		srv.WaitForShutdown()
	})
	t.Cleanup(stop)
	return &peer{js, stop}
}
