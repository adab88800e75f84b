package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// recordFile is in the store folder.
const recordFile = "sever.contents.json"

// contents is what the streams held when the record was written: a damaged store is told
// from a whole one by what is missing of it at the next start.
type contents map[string]streamContents

type streamContents struct {
	First     uint64    `json:"first"`
	Last      uint64    `json:"last"`
	Messages  uint64    `json:"messages"`
	FirstTime time.Time `json:"first_time"`
	LastTime  time.Time `json:"last_time"`
	// Gaps are sequences within First and Last that are not stored, from and to. Only of
	// streams that keep everything; what was told of once is not told of again.
	Gaps [][2]uint64 `json:"gaps,omitempty"`
	// Done is how far the log was dispatched. Only of DELIVERIES.
	Done uint64 `json:"done,omitempty"`
}

// readContents gives what the record says; a store without one is new or from before.
func readContents(dir string) (contents, error) {
	data, err := os.ReadFile(filepath.Join(dir, recordFile))
	if errors.Is(err, fs.ErrNotExist) {
		return contents{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", recordFile, err)
	}
	var was contents
	if err := json.Unmarshal(data, &was); err != nil {
		return nil, fmt.Errorf("decode %s: %w", recordFile, err)
	}
	return was, nil
}

// writeContents replaces the record: a crash leaves the old one or the new one.
func writeContents(dir string, now contents) error {
	data, err := json.Marshal(now)
	if err != nil {
		return fmt.Errorf("encode %s: %w", recordFile, err)
	}
	path := filepath.Join(dir, recordFile)
	file, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write %s: %w", recordFile, err)
	}
	_, err = file.Write(data)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("write %s: %w", recordFile, err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("write %s: %w", recordFile, err)
	}
	return syncFolder(dir)
}

// watchStore says what the store lost, and keeps the record from here on.
func (q *Queue) watchStore(ctx context.Context) error {
	now, err := q.tellDamage(ctx)
	if err != nil {
		return err
	}
	// A disk that is full must not keep the jobs that are stored from being worked.
	if err := errors.Join(syncFolders(q.config.Dir), writeContents(q.config.Dir, now)); err != nil {
		q.config.Logger.WarnContext(ctx, "what the store holds was not recorded; a loss would not be noticed at the next start", "error", err)
	}
	recording, stop := context.WithCancel(context.WithoutCancel(ctx))
	q.stopped = stop
	q.recording.Go(func() { q.keepContents(recording, now) })
	return nil
}

// closeRecord writes the record for the last time. Nobody publishes any more, so that all
// it claims is fsynced.
func (q *Queue) closeRecord() {
	if q.stopped == nil {
		return
	}
	q.stopped()
	q.recording.Wait()
	q.stopped = nil
	if !q.embedded.server.Running() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), inspectTimeout)
	defer cancel()
	now, err := q.contents(ctx)
	if err == nil {
		err = writeContents(q.config.Dir, now)
	}
	if err != nil {
		q.config.Logger.Warn("what the store holds was not recorded; a loss of the newest messages would not be noticed", "error", err)
	}
}

// recordEvery is how old the record may be when a process is killed.
const recordEvery = 30 * time.Second

// keepContents writes the record again and again until ctx ends. It writes what it saw a
// round before: by then every message of it is fsynced, so that a power cut cannot make
// the record claim more than was acknowledged.
func (q *Queue) keepContents(ctx context.Context, seen contents) {
	ticker := time.NewTicker(recordEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := writeContents(q.config.Dir, seen); err != nil {
			q.config.Logger.WarnContext(ctx, "what the store holds was not recorded", "error", err)
		}
		seen = q.lookAgain(ctx, seen)
	}
}

// lookAgain gives what the store holds now, and says what it lost since. nats-server finds out
// that bytes do not fit their checksum when it reads them, and then cuts off all that
// stands behind them in that file.
func (q *Queue) lookAgain(ctx context.Context, seen contents) contents {
	now, err := q.contents(ctx)
	if err != nil {
		return seen // the log says elsewhere why JetStream does not answer
	}
	q.tellLosses(ctx, seen, now)
	return now
}
