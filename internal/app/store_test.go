package app_test

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	//nolint:depguard // what Sever left on disk is read without Sever's own code, and a cluster is not part of Sever
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"           //nolint:depguard // as above
	"github.com/nats-io/nats.go/jetstream" //nolint:depguard // as above
	"github.com/stretchr/testify/require"

	"sever/revocation"
)

// natsServer runs a NATS server that is not Sever's own, on a folder. Port 0 takes
// no port at all, -1 any.
func natsServer(t *testing.T, dir string, port int, change ...func(*server.Options)) *server.Server {
	t.Helper()
	options := &server.Options{
		ServerName: "elsewhere", Host: "127.0.0.1", Port: port, DontListen: port == 0, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: dir, MaxPayload: 8 << 20, MaxPending: 64 << 20, JetStreamMaxStore: 1 << 50,
		JetStreamMaxMemory: 16 << 20, DisableJetStreamBanner: true, SyncAlways: true,
	}
	for _, apply := range change {
		apply(options)
	}
	srv, err := server.NewServer(options)
	require.NoError(t, err)
	srv.Start()
	require.True(t, srv.ReadyForConnections(soon))
	t.Cleanup(func() { stopServer(srv) })
	return srv
}

func stopServer(srv *server.Server) {
	srv.Shutdown()
	srv.WaitForShutdown()
}

// inStore opens the store of a stopped rig beside Sever.
func (r *rig) inStore(use func(jetstream.JetStream)) {
	r.t.Helper()
	srv := natsServer(r.t, filepath.Join(r.dir, "store"), 0)
	defer stopServer(srv)
	conn, err := nats.Connect("", nats.InProcessServer(srv))
	require.NoError(r.t, err)
	defer conn.Close()
	js, err := jetstream.New(conn)
	require.NoError(r.t, err)
	use(js)
}

func messages(t *testing.T, js jetstream.JetStream, name string) []*jetstream.RawStreamMsg {
	t.Helper()
	stream, err := js.Stream(t.Context(), name)
	require.NoError(t, err)
	state := stream.CachedInfo().State
	var all []*jetstream.RawStreamMsg
	for seq := max(state.FirstSeq, 1); seq <= state.LastSeq; seq++ {
		msg, err := stream.GetMsg(t.Context(), seq)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue // removed since
		}
		require.NoError(t, err)
		all = append(all, msg)
	}
	return all
}

// audit reads the evidence of a stopped rig: the records of attempts, by their ids.
func (r *rig) audit() map[string]revocation.Record {
	r.t.Helper()
	records := make(map[string]revocation.Record)
	r.inStore(func(js jetstream.JetStream) {
		for _, msg := range messages(r.t, js, "AUDIT") {
			if !strings.HasPrefix(msg.Subject, "sever.audit.record.") {
				continue
			}
			var record revocation.Record
			require.NoError(r.t, json.Unmarshal(msg.Data, &record))
			records[record.ID] = record
		}
	})
	return records
}

// outlive does to the lanes what their retention does in a week: the jobs are gone,
// and with them JetStream's own memory of their ids. The ledger is kept longer.
func (r *rig) outlive(age time.Duration) {
	r.t.Helper()
	r.inStore(func(js jetstream.JetStream) {
		for _, name := range []string{"JOBS", "DELIVERIES"} {
			stream, err := js.Stream(r.t.Context(), name)
			require.NoError(r.t, err)
			require.NoError(r.t, stream.Purge(r.t.Context()))
		}
	})
	r.clock.jump(age)
}

// actions are those on record. Sever must have stopped.
func (r *rig) actions() []revocation.Action {
	r.t.Helper()
	var actions []revocation.Action
	r.inStore(func(js jetstream.JetStream) {
		for _, msg := range messages(r.t, js, "AUDIT") {
			if msg.Subject != "sever.audit.action" {
				continue
			}
			var action revocation.Action
			require.NoError(r.t, json.Unmarshal(msg.Data, &action))
			actions = append(actions, action)
		}
	})
	return actions
}

// deadLetters counts those that wait. Sever must have stopped.
func (r *rig) deadLetters() (count int) {
	r.t.Helper()
	r.inStore(func(js jetstream.JetStream) { count = len(messages(r.t, js, "DEAD")) })
	return count
}
