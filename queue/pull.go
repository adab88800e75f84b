package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A request for a message stays open for about pullWait and is then renewed. When
// JetStream loses it, at a change of leader perhaps, the heartbeats cease.
const (
	pullWait      = 10 * time.Second
	pullHeartbeat = 2 * time.Second
)

// pull waits for the consumer's next message. It asks for one at a time: a buffered
// message would age towards its AckWait unseen.
//
// Consumer.Messages is not for this: in nats.go 1.55 an iterator of one message
// that is read again at once may find its last request still marked as under way,
// make no new one, and hang until it misses heartbeats, half a minute later.
func pull(ctx context.Context, consumer jetstream.Consumer) (jetstream.Msg, error) {
	for ctx.Err() == nil { // not one request more: its message would go to nobody, until its AckWait is over
		msg, err := pullOnce(ctx, consumer)
		if err == nil {
			return msg, nil
		}
		if ctx.Err() == nil && !errors.Is(err, nats.ErrTimeout) && !errors.Is(err, context.DeadlineExceeded) {
			return nil, fmt.Errorf("pull: %w", err)
		}
	}
	return nil, context.Cause(ctx)
}

// pullOnce makes one request. How long it stays open is not for the caller's
// deadline to say: JetStream wants it to be longer than two heartbeats.
func pullOnce(ctx context.Context, consumer jetstream.Consumer) (jetstream.Msg, error) {
	open, cancel := context.WithTimeout(context.WithoutCancel(ctx), pullWait)
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	return consumer.Next(jetstream.FetchContext(open), jetstream.FetchHeartbeat(pullHeartbeat)) //nolint:wrapcheck // pull does
}
