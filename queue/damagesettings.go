package queue

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/nats-io/nats.go/jetstream"
)

// makeWay sets the settings of streams and readers aside that are on the disk and that nats-server does not
// know. It keeps settings in two files, one the checksum of the other: a kill between the two, while a stream
// is made at the first start say, leaves what it refuses at every start, since it makes the stream again on
// the same folder and writes settings only where there are none. What the stream holds is not touched.
func (q *Queue) makeWay(ctx context.Context) error {
	for _, name := range streamNames() {
		stream, err := q.js.Stream(ctx, name)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			if err := q.setSettingsAside(name); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return fmt.Errorf("look at %s: %w", name, err)
		}
		for _, reader := range q.topology.consumers()[name] {
			_, err := stream.Consumer(ctx, reader.Durable)
			if !errors.Is(err, jetstream.ErrConsumerNotFound) {
				continue // any other trouble comes up again
			}
			if err := q.setSettingsAside(name, "obs", reader.Durable); err != nil {
				return err
			}
		}
	}
	return nil
}

func (q *Queue) setSettingsAside(stream string, below ...string) error {
	path := filepath.Join(append(append([]string{q.config.Dir, "jetstream", "$G", "streams", stream}, below...), "meta.inf")...)
	err := os.Rename(path, path+".damaged")
	if errors.Is(err, fs.ErrNotExist) {
		return nil // there is none: it is made now
	}
	if err != nil {
		return fmt.Errorf("settings of %s are damaged; move this file away and start again: %w", stream, err)
	}
	q.config.Logger.Error("the settings of a stream or of its reader are damaged, or were being written when Sever was killed; they are written again, and nothing is lost",
		"stream", stream, "set_aside", path+".damaged", "do", "nothing; delete the file when you have looked at it")
	return nil
}
