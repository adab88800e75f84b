package queue

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// ErrFrozen says that a stream of the embedded server takes no writes any more. Since
// nats-server 2.14 a stream refuses all writes after one that the disk refused, with room
// again or without, until the server is started anew.
var ErrFrozen = errors.New("a disk error stopped the store")

// Frozen is nil, or an ErrFrozen that names the stream and what the disk said. Of a
// cluster it knows nothing: its servers have health checks of their own.
func (q *Queue) Frozen() error {
	if q.embedded == nil {
		return nil
	}
	return q.embedded.frozen()
}

func (e *embedded) frozen() error {
	if !e.server.Running() {
		return nil // we have stopped it ourselves
	}
	if !e.server.JetStreamEnabled() { // what nats-server does when the disk denies permission
		return fmt.Errorf("%w: JetStream is shut down", ErrFrozen)
	}
	health := e.server.Healthz(&server.HealthzOptions{Details: true})
	for _, trouble := range health.Errors {
		if trouble.Type == server.HealthzErrorStream && strings.Contains(trouble.Error, "write error") {
			return fmt.Errorf("%w: %s", ErrFrozen, trouble.Error)
		}
	}
	return nil
}

const (
	thawLook  = 2 * time.Second // how often a frozen store is looked for
	trialFile = "sever.trial"   // in the store folder
	trialSize = 4 << 20
)

// WaitThaw blocks until ctx ends, or until the store is frozen and its disk takes writes
// again: then it returns an ErrFrozen, and a restart mends it. Until the disk does, a
// restart would mend nothing, and senders had better be answered with 503 than not at all.
func (q *Queue) WaitThaw(ctx context.Context) error {
	look := time.NewTicker(thawLook)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
		}
		if err := q.Frozen(); err != nil && tryDisk(q.config.Dir) == nil {
			return fmt.Errorf("%w; the disk takes writes again: start Sever anew", err)
		}
	}
}

// tryDisk writes some bytes for good, and removes them.
func tryDisk(dir string) error {
	name := filepath.Join(dir, trialFile)
	defer func() { _ = os.Remove(name) }()
	file, err := os.OpenFile(filepath.Clean(name), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("try the disk: %w", err)
	}
	_, err = file.Write(make([]byte, trialSize))
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("try the disk: %w", err)
	}
	return nil
}
