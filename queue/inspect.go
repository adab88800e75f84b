package queue

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// inspectTimeout bounds the connection of an inspection.
const inspectTimeout = 5 * time.Second

// ErrNotAllowed says that NATS does not let this user in.
var ErrNotAllowed = errors.New("not allowed")

// Inspection is what a look at a cluster found. Nothing is created by looking.
type Inspection struct {
	ServerVersion string
	TooOld        bool // lacks what Sever needs
	MaxPayload    int64
	NeedsPayload  int64 // for a dead letter of the largest delivery

	NoJetStream error    // why JetStream does not answer; the rest is then unknown
	Streams     []string // those Sever makes at its first start
	Missing     []string // of them
	Thin        []string // have fewer copies than asked for
}

// Inspect looks at a cluster. An error says why it could not be reached; it is
// ErrNotAllowed where the credentials are the reason.
func Inspect(ctx context.Context, cluster Cluster, maxBody int64) (Inspection, error) {
	options := []nats.Option{nats.Name("sever doctor"), nats.Timeout(inspectTimeout), nats.NoReconnect()}
	if cluster.Credentials != "" {
		options = append(options, nats.UserCredentials(cluster.Credentials))
	}
	conn, err := nats.Connect(cluster.URL, options...)
	if errors.Is(err, nats.ErrAuthorization) || errors.Is(err, nats.ErrAuthExpired) {
		return Inspection{}, fmt.Errorf("%w: %w", ErrNotAllowed, err)
	}
	if err != nil {
		return Inspection{}, fmt.Errorf("connect: %w", err)
	}
	defer conn.Close()
	found := Inspection{
		ServerVersion: conn.ConnectedServerVersion(), TooOld: tooOld(conn.ConnectedServerVersion()), MaxPayload: conn.MaxPayload(), NeedsPayload: needsPayload(maxBody),
	}
	js, err := jetstream.New(conn)
	if err == nil {
		_, err = js.AccountInfo(ctx)
	}
	if err != nil {
		found.NoJetStream = err
		return found, nil
	}
	err = found.look(ctx, js, cluster.Replicas)
	return found, err
}

func (i *Inspection) look(ctx context.Context, js jetstream.JetStream, replicas int) error {
	i.Streams = []string{streamAudit, streamDead, streamDeliveries, streamJobs, streamOf(bucketHeld), streamOf(bucketLedger), streamWakes}
	for _, name := range i.Streams {
		stream, err := js.Stream(ctx, name)
		switch {
		case errors.Is(err, jetstream.ErrStreamNotFound):
			i.Missing = append(i.Missing, name)
		case err != nil:
			return fmt.Errorf("look at stream %s: %w", name, err)
		case stream.CachedInfo().Config.Replicas < replicas:
			i.Thin = append(i.Thin, name)
		}
	}
	return nil
}

// StoreTaken reports whether a process works on the store folder. It makes no file,
// and holds others off for the moment of looking only.
func StoreTaken(dir string) (bool, error) {
	path := filepath.Join(dir, lockFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	lock := flock.New(path)
	free, err := lock.TryRLock()
	if err != nil {
		return false, fmt.Errorf("try the lock: %w", err)
	}
	if !free {
		return true, nil
	}
	if err := lock.Unlock(); err != nil {
		return false, fmt.Errorf("let go of the lock: %w", err)
	}
	return false, nil
}
