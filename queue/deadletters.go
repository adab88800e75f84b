package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"sever/revocation"
)

// DeadLetters keeps what waits for an operator.
type DeadLetters struct{ queue *Queue }

var _ revocation.DeadLetters = (*DeadLetters)(nil)

// DeadLetters opens the dead letters.
func (q *Queue) DeadLetters() *DeadLetters { return &DeadLetters{queue: q} }

// Put stores a dead letter durably; the same letter is stored once within dedupWindow.
func (d *DeadLetters) Put(ctx context.Context, letter revocation.DeadLetter) error {
	data, err := json.Marshal(letter)
	if err != nil {
		return fmt.Errorf("encode dead letter %s: %w", letter.ID, err)
	}
	_, err = d.queue.publish(ctx, streamDead, subjectDead, letter.ID, data)
	return err
}

// List gives the newest dead letters first, without raw bytes.
func (d *DeadLetters) List(ctx context.Context, limit int) ([]revocation.DeadLetter, error) {
	letters := []revocation.DeadLetter{}
	err := d.scan(ctx, func(letter revocation.DeadLetter, _ uint64) (bool, error) {
		letter.Raw = nil
		if letter.Delivery != nil {
			letter.Delivery.Body = nil
		}
		letters = append(letters, letter)
		return len(letters) < limit, nil
	})
	return letters, err
}

// Show gives one dead letter whole.
func (d *DeadLetters) Show(ctx context.Context, id string) (revocation.DeadLetter, error) {
	letter, _, err := d.find(ctx, id)
	return letter, err
}

// Remove takes a dead letter out of the stream, its bytes erased.
func (d *DeadLetters) Remove(ctx context.Context, id string) error {
	_, seq, err := d.find(ctx, id)
	if err != nil {
		return err
	}
	stream, err := d.queue.js.Stream(ctx, streamDead)
	if err != nil {
		return fmt.Errorf("open %s: %w", streamDead, err)
	}
	if err := stream.SecureDeleteMsg(ctx, seq); err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
		return fmt.Errorf("remove dead letter %s: %w", id, err)
	}
	return nil
}

func (d *DeadLetters) find(ctx context.Context, id string) (found revocation.DeadLetter, seq uint64, err error) {
	err = d.scan(ctx, func(letter revocation.DeadLetter, at uint64) (bool, error) {
		if letter.ID == id {
			found, seq = letter, at
		}
		return seq == 0, nil
	})
	if err == nil && seq == 0 {
		err = fmt.Errorf("dead letter %.64q: %w", id, revocation.ErrNotFound)
	}
	return found, seq, err
}

func (d *DeadLetters) scan(ctx context.Context, visit func(revocation.DeadLetter, uint64) (bool, error)) error {
	return d.queue.scanBack(ctx, streamDead, scanMost, func(msg *jetstream.RawStreamMsg) (bool, error) {
		var letter revocation.DeadLetter
		if err := json.Unmarshal(msg.Data, &letter); err != nil {
			// Shown as it is, so that it can be looked at and dropped.
			letter = revocation.DeadRaw(msg.Data, "this dead letter could not be read back", msg.Time)
		}
		return visit(letter, msg.Sequence)
	})
}
