package queue

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"sever/revocation"
)

// lease is the hold on one JetStream message.
type lease struct{ msg jetstream.Msg }

var _ revocation.Lease = lease{}

func (l lease) Extend() error {
	if err := l.msg.InProgress(); err != nil {
		return fmt.Errorf("signal progress: %w", err)
	}
	return nil
}

func (l lease) Settle(ctx context.Context, verdict revocation.Verdict) error {
	switch {
	case verdict.Again:
		if err := l.msg.NakWithDelay(verdict.Delay); err != nil {
			return fmt.Errorf("hand back: %w", err)
		}
	case verdict.Ended:
		if err := l.msg.TermWithReason(verdict.Reason); err != nil {
			return fmt.Errorf("end: %w", err)
		}
	default:
		if err := l.msg.DoubleAck(ctx); err != nil {
			return fmt.Errorf("acknowledge: %w", err)
		}
	}
	return nil
}
