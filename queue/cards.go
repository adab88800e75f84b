package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

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

// cardsAtOnce is how many cards are asked for in one request.
const cardsAtOnce = 500

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
	reader, err := stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
		AckPolicy: jetstream.AckNonePolicy, HeadersOnly: true, MemoryStorage: true, InactiveThreshold: time.Minute,
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:   max(state.FirstSeq, state.LastSeq-min(state.LastSeq, scanMost)+1),
	})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", streamDead, err)
	}
	cards, err := d.readCards(ctx, stream, reader)
	if deleteErr := stream.DeleteConsumer(ctx, reader.CachedInfo().Name); err == nil && deleteErr != nil {
		err = fmt.Errorf("end reading %s: %w", streamDead, deleteErr)
	}
	slices.Reverse(cards)
	return cards, err
}

func (d *DeadLetters) readCards(ctx context.Context, stream jetstream.Stream, reader jetstream.Consumer) ([]card, error) {
	var cards []card
	for pending := reader.CachedInfo().NumPending; pending > 0; {
		batch, err := reader.FetchNoWait(cardsAtOnce)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", streamDead, err)
		}
		pending = 0 // unless a message says that there is more behind it
		for msg := range batch.Messages() {
			meta, err := msg.Metadata()
			if err != nil {
				return nil, fmt.Errorf("read %s: %w", streamDead, err)
			}
			letter, err := readCard(ctx, stream, msg.Headers().Get(cardHeader), meta.Sequence.Stream)
			if err != nil {
				return nil, err
			}
			cards = append(cards, card{letter, meta.Sequence.Stream})
			pending = meta.NumPending
		}
		if err := batch.Error(); err != nil {
			return nil, fmt.Errorf("read %s: %w", streamDead, err)
		}
	}
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
