package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
)

// start runs a real server on the shipped nats.conf, with what is in dir, on a free loopback port.
func start(t *testing.T, dir string) *server.Server {
	t.Helper()
	config, err := os.ReadFile("../../deployments/docker/nats.conf")
	require.NoError(t, err)
	path := filepath.Join(dir, "nats.conf")
	require.NoError(t, os.WriteFile(path, config, 0o600))

	opts, err := server.ProcessConfigFile(path)
	require.NoError(t, err)
	require.True(t, opts.SyncAlways, "an acknowledged alert must be on the disk")
	require.EqualValues(t, 8<<20, opts.MaxPayload)
	require.Equal(t, "127.0.0.1", opts.HTTPHost, "monitoring is open to whoever reaches it")

	opts.Host, opts.Port, opts.HTTPPort = "127.0.0.1", server.RANDOM_PORT, server.RANDOM_PORT
	opts.StoreDir = filepath.Join(dir, "data")
	opts.NoLog, opts.NoSigs = true, true
	s, err := server.NewServer(opts)
	require.NoError(t, err)
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	require.True(t, s.ReadyForConnections(10*time.Second))
	return s
}

func stop(s *server.Server) {
	s.Shutdown()
	s.WaitForShutdown()
}

func connect(t *testing.T, s *server.Server, options ...nats.Option) (jetstream.JetStream, error) {
	t.Helper()
	nc, err := nats.Connect(s.ClientURL(), options...)
	if err != nil {
		return nil, err
	}
	t.Cleanup(nc.Close)
	return jetstream.New(nc)
}

func TestOnlyTheHolderOfTheKeyGetsIn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, run(dir, time.Now()))
	s := start(t, dir)

	_, err := connect(t, s)
	require.ErrorIs(t, err, nats.ErrAuthorization)

	other := t.TempDir()
	require.NoError(t, run(other, time.Now()))
	_, err = connect(t, s, nats.UserCredentials(filepath.Join(other, "nats.creds")))
	require.ErrorIs(t, err, nats.ErrAuthorization)

	js, err := connect(t, s, nats.UserCredentials(filepath.Join(dir, "nats.creds")))
	require.NoError(t, err)
	_, err = js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "JOBS", Subjects: []string{"sever.jobs.>"}})
	require.NoError(t, err)
	_, err = js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: "LEDGER", LimitMarkerTTL: time.Second})
	require.NoError(t, err)
}

func TestRotationKeepsTheDataAndEndsTheOldKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	creds := filepath.Join(dir, "nats.creds")
	old := filepath.Join(dir, "old.creds")
	// A revocation reaches back in whole seconds, so the two keys are made well apart.
	now := time.Now()
	require.NoError(t, run(dir, now))
	s := start(t, dir)
	js, err := connect(t, s, nats.UserCredentials(creds))
	require.NoError(t, err)
	_, err = js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "JOBS", Subjects: []string{"sever.jobs.>"}})
	require.NoError(t, err)
	_, err = js.Publish(t.Context(), "sever.jobs.acme.high", []byte("x"))
	require.NoError(t, err)
	stop(s)

	require.NoError(t, os.Rename(creds, old))
	waitUntil(t, now.Add(2*time.Second))
	require.NoError(t, run(dir, time.Now()))
	s = start(t, dir)

	_, err = connect(t, s, nats.UserCredentials(old))
	require.ErrorIs(t, err, nats.ErrAuthorization)
	js, err = connect(t, s, nats.UserCredentials(creds))
	require.NoError(t, err)
	stream, err := js.Stream(t.Context(), "JOBS")
	require.NoError(t, err)
	require.EqualValues(t, 1, stream.CachedInfo().State.Msgs)
}

// waitUntil waits for a wall-clock second: the keys carry their time of issue, which nothing injects.
func waitUntil(t *testing.T, at time.Time) {
	t.Helper()
	ctx, cancel := context.WithDeadline(t.Context(), at)
	defer cancel()
	<-ctx.Done()
}

func TestSecretsAreForTheirOwnerOnly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, run(dir, time.Now()))
	for _, name := range []string{"nats.creds", "operator.nk", "account.nk", "system.nk"} {
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), name)
	}
}

func TestADamagedKeyIsNotReplaced(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "account.nk")
	require.NoError(t, os.WriteFile(path, []byte("damaged"), 0o600))

	require.ErrorContains(t, run(dir, time.Now()), "account.nk")
	kept, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "damaged", string(kept))
}
