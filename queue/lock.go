package queue

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// ErrStoreTaken says that another process works on the store folder. Two servers
// on one folder would overwrite each other's acknowledged messages, and
// nats-server takes no lock of its own.
var ErrStoreTaken = errors.New("store folder is in use by another process")

// lockFile is in the store folder.
const lockFile = "sever.lock"

// lockStore makes the folder where needed and takes it for this process. The
// kernel lets go of the lock when the process ends, however it ends.
func lockStore(dir string) (*flock.Flock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make store folder: %w", err)
	}
	lock := flock.New(filepath.Join(dir, lockFile))
	taken, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock store folder %s: %w", dir, err)
	}
	if !taken {
		return nil, fmt.Errorf("%w: %s; stop the other sever, or give this one its own store.dir", ErrStoreTaken, dir)
	}
	return lock, nil
}
