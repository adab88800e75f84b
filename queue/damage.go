package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sever/revocation"
)

// keepsAll are the streams from whose middle nothing is ever removed: a gap is damage.
func keepsAll(stream string) bool {
	return stream == streamDeliveries || stream == streamJobs || stream == streamAudit
}

func streamNames() []string {
	return []string{
		streamDeliveries, streamJobs, streamDead, streamAudit, streamWakes,
		streamOf(bucketLedger), streamOf(bucketHeld), streamOf(bucketBrake),
	}
}

// contents looks at every stream.
func (q *Queue) contents(ctx context.Context) (contents, error) {
	now := contents{}
	for _, name := range streamNames() {
		stream, err := q.js.Stream(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("look at %s: %w", name, err)
		}
		info, err := stream.Info(ctx, jetstream.WithDeletedDetails(keepsAll(name)))
		if err != nil {
			return nil, fmt.Errorf("look at %s: %w", name, err)
		}
		state := info.State
		held := streamContents{First: state.FirstSeq, Last: state.LastSeq, Messages: state.Msgs, FirstTime: state.FirstTime, LastTime: state.LastTime}
		if state.Msgs > 0 {
			held.Gaps = ranges(state.Deleted)
		}
		now[name] = held
	}
	dispatch, err := q.js.Consumer(ctx, streamDeliveries, consumerDispatch)
	if err != nil {
		return nil, fmt.Errorf("look at consumer %s: %w", consumerDispatch, err)
	}
	log := now[streamDeliveries]
	log.Done = dispatch.CachedInfo().AckFloor.Stream
	now[streamDeliveries] = log
	return now, nil
}

// ranges shortens a rising list.
func ranges(sequences []uint64) (found [][2]uint64) {
	for _, seq := range sequences {
		if n := len(found); n > 0 && found[n-1][1]+1 == seq {
			found[n-1][1] = seq
			continue
		}
		found = append(found, [2]uint64{seq, seq})
	}
	return found
}

// loss is what a stream should hold and does not.
type loss struct {
	From, To uint64 // sequences; zero when only the number is known
	Messages uint64
	// The lost messages were stored between these; zero when not known.
	After, Before time.Time
}

// losses compares a stream with its record. Age removes from the front alone: what is
// gone there is damage only when nothing was old enough to go, or when all is gone.
func losses(name string, was, now streamContents, maxAge time.Duration, at time.Time) []loss {
	due := func(t time.Time) bool { return maxAge > 0 && at.Sub(t) >= maxAge }
	switch {
	case was.Messages == 0:
		return nil
	case now.Last < was.Last: // its numbers are given out a second time now
		cut := loss{From: now.Last + 1, To: was.Last, Messages: was.Last - now.Last, After: now.LastTime, Before: was.LastTime}
		return append([]loss{cut}, newGaps(was, now)...)
	case keepsAll(name):
		return missingOf(was, now, due)
	case name == streamOf(bucketLedger) && now.Messages < was.Messages && !due(was.FirstTime):
		return []loss{{Messages: was.Messages - now.Messages}}
	default:
		return nil // it removes what it wants
	}
}

func missingOf(was, now streamContents, due func(time.Time) bool) []loss {
	switch {
	case now.Messages == 0 && !due(was.LastTime):
		return []loss{{From: was.First, To: was.Last, Messages: was.Messages, After: was.FirstTime, Before: was.LastTime}}
	case now.First > was.First && now.Messages > 0 && !due(was.FirstTime):
		front := loss{From: was.First, To: now.First - 1, Messages: now.First - was.First, After: was.FirstTime, Before: now.FirstTime}
		return append([]loss{front}, newGaps(was, now)...)
	default:
		return newGaps(was, now)
	}
}

func newGaps(was, now streamContents) (lost []loss) {
	for _, gap := range now.Gaps {
		known := false
		for _, old := range was.Gaps {
			known = known || old[0] <= gap[0] && gap[1] <= old[1]
		}
		if !known && gap[0] <= was.Last {
			lost = append(lost, loss{From: gap[0], To: gap[1], Messages: gap[1] - gap[0] + 1})
		}
	}
	return lost
}

// tellDamage compares the store with its record and says what is missing. It gives what
// the store holds.
func (q *Queue) tellDamage(ctx context.Context) (contents, error) {
	was, err := readContents(q.config.Dir)
	if err != nil {
		q.config.Logger.ErrorContext(ctx, "the record of what the store held is damaged; messages lost since the last start cannot be told", "error", err)
		was = contents{}
	}
	now, err := q.contents(ctx)
	if err != nil {
		return nil, err
	}
	q.tellLosses(ctx, was, now)
	return now, nil
}

// tellLosses says what the store held and does not hold any more.
func (q *Queue) tellLosses(ctx context.Context, was, now contents) {
	for name, held := range was {
		for _, lost := range losses(name, held, now[name], q.maxAge(name), time.Now()) {
			q.bound(ctx, name, &lost)
			q.config.Logger.ErrorContext(ctx, "messages are missing from the store; the rest is kept and worked", lost.words(name, held.Done)...)
		}
	}
}

func (q *Queue) maxAge(stream string) time.Duration {
	switch stream {
	case streamDeliveries:
		return q.config.Retention.Deliveries
	case streamJobs:
		return q.config.Retention.Jobs
	case streamOf(bucketLedger):
		return q.config.Retention.Ledger
	default:
		return 0
	}
}

// bound finds between which messages a gap lies.
func (q *Queue) bound(ctx context.Context, name string, lost *loss) {
	stream, err := q.js.Stream(ctx, name)
	if err != nil || lost.From == 0 {
		return
	}
	if before, err := stream.GetMsg(ctx, lost.From-1); err == nil && lost.From > 1 {
		lost.After = before.Time
	}
	if after, err := stream.GetMsg(ctx, lost.To+1); err == nil {
		lost.Before = after.Time
	}
}

// words is a loss as the log says it.
func (l loss) words(stream string, dispatched uint64) []any {
	words := []any{"stream", stream, "missing", l.Messages}
	if l.From != 0 {
		words = append(words, "from", l.From, "to", l.To)
	}
	if !l.After.IsZero() {
		words = append(words, "stored_after", l.After.UTC().Format(time.RFC3339))
	}
	if !l.Before.IsZero() {
		words = append(words, "stored_before", l.Before.UTC().Format(time.RFC3339))
	}
	return append(words, "do", l.remedy(stream, dispatched))
}

// remedy says what an operator should do. Nothing is dispatched again by itself: the
// policy may be another by now, and an operator may have dropped what would come back.
func (l loss) remedy(stream string, dispatched uint64) string {
	switch stream {
	case streamDeliveries:
		if l.To <= dispatched && l.From != 0 {
			return "nothing: they were dispatched, but can be shown and replayed no more"
		}
		return "ask the senders to send again what they sent in this time; each message holds up to " + strconv.Itoa(packDeliveries) + " deliveries"
	case streamJobs:
		since := "7d"
		if !l.After.IsZero() {
			since = l.After.Add(-time.Hour).UTC().Format(time.RFC3339)
		}
		return "sever deliveries replay --since " + since + " --dry-run, then with --yes: finished jobs are recognised by the ledger. " +
			"Jobs of sever revoke, of released holds and of redriven dead letters do not come back: see sever audit list"
	case streamOf(bucketLedger):
		return "replay no deliveries from before this start: people whose records are missing would be called again"
	case streamAudit:
		return "keep a copy of the store folder as it is: evidence is missing"
	case streamOf(bucketHeld), streamWakes:
		return "compare sever holds list with the source of the terminations"
	default:
		return "sever dead list; what is missing can be replayed with sever deliveries replay"
	}
}

// ensureMended makes sure of every stream. nats-server refuses a consumer whose state
// file is damaged, and would for ever: such a file is set aside, and the consumer starts
// from the oldest message. That is harmless: the ledger knows the finished jobs.
func (q *Queue) ensureMended(ctx context.Context) error {
	if q.embedded != nil {
		if err := q.makeWay(ctx); err != nil {
			return err
		}
	}
	err := q.topology.ensure(ctx, q.js)
	if q.embedded == nil || !errors.Is(err, jetstream.ErrConsumerCreate) {
		return err
	}
	for stream, consumers := range q.topology.consumers() {
		for _, config := range consumers {
			if _, err := q.js.CreateOrUpdateConsumer(ctx, stream, config); !errors.Is(err, jetstream.ErrConsumerCreate) {
				continue // any other trouble comes up again below
			}
			if err := putAway(q.config.Dir, stream, config.Durable, q.config.Logger); err != nil {
				return err
			}
		}
	}
	return q.topology.ensure(ctx, q.js)
}

func putAway(dir, stream, consumer string, logger *slog.Logger) error {
	path := filepath.Join(dir, "jetstream", "$G", "streams", stream, "obs", consumer, "o.dat")
	if err := os.Rename(path, path+".damaged"); err != nil {
		return fmt.Errorf("the state of consumer %s is damaged; move this file away and start again: %w", consumer, err)
	}
	logger.Error("the place of a reader is damaged; it reads again from the oldest message, and finished jobs are recognised by the ledger",
		"stream", stream, "consumer", consumer, "set_aside", path+".damaged", "do", "nothing; delete the file when you have looked at it")
	return nil
}

// consumers is every consumer, by its stream.
func (t topology) consumers() map[string][]jetstream.ConsumerConfig {
	all := map[string][]jetstream.ConsumerConfig{
		streamDeliveries: {t.dispatchConsumer()},
		streamWakes:      {t.releaseConsumer()},
	}
	for _, org := range t.orgs {
		for _, lane := range revocation.Lanes() {
			all[streamJobs] = append(all[streamJobs], t.jobsConsumer(org, lane))
		}
	}
	return all
}
