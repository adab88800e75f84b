package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// maxPayload is the largest message of the embedded server: a dead letter holds a
// delivery of up to 5 MiB as base64. nats-server advises against more.
const maxPayload = 8 << 20

// serverStore is out of the way: what bounds the disk is that each stream has its
// share of store.max_size. A bound here would count what the streams reserved
// before, and so refuse to start after store.max_size was lowered.
const serverStore = 1 << 50

// startTimeout bounds how long the embedded server may take to recover its store.
const startTimeout = 2 * time.Minute

// embedded is nats-server inside this process: no port, every write fsynced.
type embedded struct {
	server *server.Server
	lock   *flock.Flock
}

func startEmbedded(dir string, logger *slog.Logger) (*embedded, error) {
	if err := makeFolders(filepath.Clean(dir)); err != nil {
		return nil, err
	}
	lock, err := lockStore(dir)
	if err != nil {
		return nil, err
	}
	srv, err := newServer(dir, logger)
	if err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	srv.Start()
	e := &embedded{server: srv, lock: lock}
	if !srv.ReadyForConnections(startTimeout) {
		return nil, errors.Join(
			fmt.Errorf("embedded NATS did not come up within %s; its own log lines say why", startTimeout), e.stop())
	}
	return e, nil
}

func newServer(dir string, logger *slog.Logger) (*server.Server, error) {
	srv, err := server.NewServer(&server.Options{
		ServerName: "sever",
		DontListen: true, // no port: only this process can connect
		NoSigs:     true, // or nats-server would exit on SIGTERM before we have drained
		NoLog:      true,

		JetStream:              true,
		StoreDir:               filepath.Clean(dir),
		SyncAlways:             true, // an acknowledgement means fsynced
		JetStreamMaxStore:      serverStore,
		JetStreamMaxMemory:     16 << 20, // no stream of ours lives in memory
		DisableJetStreamBanner: true,
		MaxPayload:             maxPayload,
		MaxPending:             4 * maxPayload,
	})
	if err != nil {
		return nil, fmt.Errorf("configure embedded NATS: %w", err)
	}
	srv.SetLoggerV2(serverLog{logger.With("component", "nats")}, false, false, false)
	return srv, nil
}

func (e *embedded) connect(options ...nats.Option) (*nats.Conn, error) {
	conn, err := nats.Connect("", append(options, nats.InProcessServer(e.server))...)
	if err != nil {
		return nil, fmt.Errorf("connect to embedded NATS: %w", err)
	}
	return conn, nil
}

// stop waits for the server, or its last index would stay unwritten, and only then
// gives the folder free.
func (e *embedded) stop() error {
	e.server.Shutdown()
	e.server.WaitForShutdown()
	if err := e.lock.Unlock(); err != nil {
		return fmt.Errorf("unlock store folder: %w", err)
	}
	return nil
}

// serverLog passes nats-server's own lines on. Its notices are of interest to
// developers only.
type serverLog struct{ logger *slog.Logger }

func (l serverLog) Noticef(format string, v ...any) { l.logger.Debug(fmt.Sprintf(format, v...)) } //nolint:sloglint // its own words
func (l serverLog) Warnf(format string, v ...any) {
	level := slog.LevelWarn
	if tellsOfDamage(format) {
		level = slog.LevelError
	}
	l.logger.Log(context.Background(), level, fmt.Sprintf(format, v...)) //nolint:sloglint // its own words
}
func (l serverLog) Fatalf(format string, v ...any) { l.logger.Error(fmt.Sprintf(format, v...)) } //nolint:sloglint // its own words
func (l serverLog) Errorf(format string, v ...any) { l.logger.Error(fmt.Sprintf(format, v...)) } //nolint:sloglint // its own words
func (l serverLog) Debugf(format string, v ...any) { l.logger.Debug(fmt.Sprintf(format, v...)) } //nolint:sloglint // its own words
func (l serverLog) Tracef(format string, v ...any) { l.logger.Debug(fmt.Sprintf(format, v...)) } //nolint:sloglint // its own words

// tellsOfDamage reports whether one of nats-server's warnings says that a file of the
// store is damaged or gone. Those of its index ("Stream state ...") come after every kill:
// it reads the messages instead, and what is missing of them tellDamage says.
func tellsOfDamage(format string) bool {
	for _, words := range []string{
		"checksums do not match", "Missing stream metafile", "Missing stream checksum", "Missing consumer metafile",
		"Missing consumer checksum", "Error reading metafile", "Error reading Stream metafile", "Error reading consumer metafile",
		"Error unmarshalling", "Error recreating stream", "Error adding consumer", "past last stream sequence",
	} {
		if strings.Contains(format, words) {
			return true
		}
	}
	return false
}
