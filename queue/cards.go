package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"sever/revocation"
)

// A dead letter travels with its card: the letter without raw bytes, as JSON in a
// header. Listings read the cards alone, so that many large letters cost little.
const cardHeader = "Sever-Letter"

// withoutBytes is what a listing shows of a letter.
func withoutBytes(letter revocation.DeadLetter) revocation.DeadLetter {
	letter.Raw = nil
	if letter.Delivery != nil {
		delivery := *letter.Delivery
		delivery.Body = nil
		letter.Delivery = &delivery
	}
	return letter
}

func letterMessage(letter revocation.DeadLetter) (*nats.Msg, error) {
	whole, err := json.Marshal(letter)
	if err != nil {
		return nil, fmt.Errorf("encode dead letter %s: %w", letter.ID, err)
	}
	card, err := json.Marshal(withoutBytes(letter))
	if err != nil {
		return nil, fmt.Errorf("encode the card of dead letter %s: %w", letter.ID, err)
	}
	return &nats.Msg{Subject: subjectDead, Data: whole, Header: nats.Header{cardHeader: {string(card)}}}, nil
}

// card is one dead letter in a listing.
type card struct {
	letter revocation.DeadLetter
	seq    uint64
}

// cards reads the cards of the newest scanMost dead letters, newest first.
func (d *DeadLetters) cards(ctx context.Context) ([]card, error) {
	stream, err := d.queue.js.Stream(ctx, streamDead)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", streamDead, err)
	}
	state := stream.CachedInfo().State
	if state.Msgs == 0 {
		return nil, nil
	}
	var cards []card
	for msg, err := range readThrough(ctx, stream, jetstream.ConsumerConfig{
		HeadersOnly: true, DeliverPolicy: jetstream.DeliverByStartSequencePolicy,
		OptStartSeq: max(state.FirstSeq, state.LastSeq-min(state.LastSeq, scanMost)+1),
	}) {
		if err != nil {
			return nil, err
		}
		letter, err := readCard(ctx, stream, msg.Headers().Get(cardHeader), msg.meta.Sequence.Stream)
		if err != nil {
			return nil, err
		}
		cards = append(cards, card{letter, msg.meta.Sequence.Stream})
	}
	slices.Reverse(cards)
	return cards, nil
}

// readCard reads a card; or the letter itself, where its card cannot be read.
func readCard(ctx context.Context, stream jetstream.Stream, text string, seq uint64) (revocation.DeadLetter, error) {
	var letter revocation.DeadLetter
	if err := json.Unmarshal([]byte(text), &letter); err == nil {
		return letter, nil
	}
	letter, err := readLetter(ctx, stream, seq)
	return withoutBytes(letter), err
}

// readLetter reads a letter whole. One that cannot be read is shown as it is, so that
// it can be looked at and dropped.
func readLetter(ctx context.Context, stream jetstream.Stream, seq uint64) (revocation.DeadLetter, error) {
	msg, err := stream.GetMsg(ctx, seq)
	if err != nil {
		return revocation.DeadLetter{}, fmt.Errorf("read %s at %d: %w", streamDead, seq, err)
	}
	var letter revocation.DeadLetter
	if err := json.Unmarshal(msg.Data, &letter); err != nil {
		letter = revocation.DeadRaw(msg.Data, "this dead letter could not be read back", msg.Time)
	}
	return letter, nil
}
