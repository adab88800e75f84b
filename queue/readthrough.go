package queue

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// readAtOnce is how many messages are asked for in one request.
const readAtOnce = 500

// found is a message that was read from a stream, and what the stream says of it.
type found struct {
	jetstream.Msg

	meta *jetstream.MsgMetadata
}

// readThrough gives the messages that a stream has now, oldest first, and the error that ended that, if one
// did. config says which messages, and what of them.
func readThrough(ctx context.Context, stream jetstream.Stream, config jetstream.ConsumerConfig) iter.Seq2[found, error] {
	config.AckPolicy, config.MemoryStorage, config.InactiveThreshold = jetstream.AckNonePolicy, true, time.Minute
	name := stream.CachedInfo().Config.Name
	return func(yield func(found, error) bool) {
		reader, err := stream.CreateConsumer(ctx, config)
		if err != nil {
			yield(found{}, fmt.Errorf("read %s: %w", name, err))
			return
		}
		goOn, err := readBatches(reader, yield)
		if deleteErr := stream.DeleteConsumer(ctx, reader.CachedInfo().Name); err == nil {
			err = deleteErr
		}
		if goOn && err != nil {
			yield(found{}, fmt.Errorf("read %s: %w", name, err))
		}
	}
}

// readBatches reads until nothing is left, or nobody wants more.
func readBatches(reader jetstream.Consumer, yield func(found, error) bool) (goOn bool, err error) {
	for pending := reader.CachedInfo().NumPending; pending > 0; {
		batch, err := reader.FetchNoWait(readAtOnce)
		if err != nil {
			return true, err //nolint:wrapcheck // readThrough does
		}
		pending = 0 // unless a message says that there is more behind it
		for msg := range batch.Messages() {
			meta, err := msg.Metadata()
			if err != nil {
				return true, err //nolint:wrapcheck // readThrough does
			}
			if !yield(found{msg, meta}, nil) {
				return false, nil
			}
			pending = meta.NumPending
		}
		if err := batch.Error(); err != nil {
			return true, err //nolint:wrapcheck // readThrough does
		}
	}
	return true, nil
}
