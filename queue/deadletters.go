package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"

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
	_, err := d.PutOnce(ctx, letter)
	return err
}

// PutOnce is Put, and says whether the letter is new.
func (d *DeadLetters) PutOnce(ctx context.Context, letter revocation.DeadLetter) (fresh bool, err error) {
	msg, err := letterMessage(letter)
	if err != nil {
		return false, err
	}
	return d.queue.publishMsg(ctx, streamDead, letter.ID, msg)
}

// List gives the newest dead letters first, without raw bytes.
func (d *DeadLetters) List(ctx context.Context, limit int) ([]revocation.DeadLetter, error) {
	cards, err := d.cards(ctx)
	if err != nil {
		return nil, err
	}
	letters := make([]revocation.DeadLetter, 0, min(limit, len(cards)))
	for _, card := range cards[:min(limit, len(cards))] {
		letters = append(letters, card.letter)
	}
	return letters, nil
}

// Show gives one dead letter whole.
func (d *DeadLetters) Show(ctx context.Context, id string) (revocation.DeadLetter, error) {
	stream, seq, err := d.find(ctx, id)
	if err != nil {
		return revocation.DeadLetter{}, err
	}
	return readLetter(ctx, stream, seq)
}

// Remove takes a dead letter out of the stream, its bytes erased.
func (d *DeadLetters) Remove(ctx context.Context, id string) error {
	stream, seq, err := d.find(ctx, id)
	if err != nil {
		return err
	}
	if err := stream.SecureDeleteMsg(ctx, seq); err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
		return fmt.Errorf("remove dead letter %s: %w", id, err)
	}
	return nil
}

func (d *DeadLetters) find(ctx context.Context, id string) (stream jetstream.Stream, seq uint64, err error) {
	cards, err := d.cards(ctx)
	if err != nil {
		return nil, 0, err
	}
	at := slices.IndexFunc(cards, func(card card) bool { return card.letter.ID == id })
	if at < 0 {
		return nil, 0, fmt.Errorf("dead letter %.64q: %w", id, revocation.ErrNotFound)
	}
	stream, err = d.queue.js.Stream(ctx, streamDead)
	if err != nil {
		return nil, 0, fmt.Errorf("open %s: %w", streamDead, err)
	}
	return stream, cards[at].seq, nil
}
