package limit

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// longest is more than any fsync here takes.
const longest = 10 * time.Second

// RestedFsync is how long so many fsyncs of a body of that size take, in microseconds, each after a pause: a disk and a
// processor at rest take several times as long as busy ones.
func RestedFsync(ctx context.Context, dir string, size int, count uint64, pause time.Duration) (*hdrhistogram.Histogram, error) {
	file, err := os.Create(filepath.Join(dir, "fsync"))
	if err != nil {
		return nil, fmt.Errorf("make the file: %w", err)
	}
	defer func() { _ = file.Close() }() // what it holds is of no use
	body, times := make([]byte, size), hdrhistogram.New(1, longest.Microseconds(), 3)
	rest := time.NewTicker(pause)
	defer rest.Stop()
	for range count {
		select {
		case <-rest.C:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		began := time.Now()
		if _, err := file.Write(body); err != nil {
			return nil, fmt.Errorf("write: %w", err)
		}
		if err := file.Sync(); err != nil {
			return nil, fmt.Errorf("fsync: %w", err)
		}
		if err := times.RecordValue(max(time.Since(began).Microseconds(), 1)); err != nil {
			return nil, fmt.Errorf("an fsync of more than %s: %w", longest, err)
		}
	}
	return times, nil
}
