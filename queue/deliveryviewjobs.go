package queue

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sever/revocation"
)

// Standing tells of many jobs what became of them. It reads the lanes once, when it is first
// asked about a job that neither finished nor died.
type Standing struct {
	jobs   *Jobs
	since  time.Time
	dead   map[string]revocation.DeadLetter
	stored map[string]bool // nil until the lanes were read
}

// Standing is about jobs that were put on their lanes since a time.
func (j *Jobs) Standing(ctx context.Context, since time.Time) (*Standing, error) {
	dead, err := j.dead(ctx)
	if err != nil {
		return nil, err
	}
	return &Standing{jobs: j, since: since.Add(-storedLate), dead: dead}, nil
}

// Of gives a job's state, "" where there is no such job, and the record that finished it.
func (s *Standing) Of(ctx context.Context, id string) (state string, record revocation.Record, err error) {
	record, finished, err := s.jobs.ledger.Finished(ctx, id)
	switch {
	case err != nil:
		return "", record, err
	case finished:
		return revocation.StateFinished, record, nil
	}
	if _, died := s.dead[id]; died {
		return revocation.StateDead, record, nil
	}
	if s.stored == nil {
		if s.stored, err = s.jobs.storedSince(ctx, s.since); err != nil {
			return "", record, err
		}
	}
	if s.stored[id] {
		return revocation.StatePending, record, nil
	}
	return "", record, nil
}

// standingMost bounds how many jobs are kept in mind: about 10 MB of ids.
const standingMost = 100_000

// storedSince gives the ids of the jobs put on their lanes since a time, the first
// standingMost. They are in the messages' headers, so no job itself is read.
func (j *Jobs) storedSince(ctx context.Context, since time.Time) (map[string]bool, error) {
	stream, err := j.queue.js.Stream(ctx, streamJobs)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", streamJobs, err)
	}
	ids := make(map[string]bool)
	for msg, err := range readThrough(ctx, stream, jetstream.ConsumerConfig{
		HeadersOnly: true, DeliverPolicy: jetstream.DeliverByStartTimePolicy, OptStartTime: &since,
	}) {
		if err != nil {
			return nil, err
		}
		id, _, _ := strings.Cut(msg.Headers().Get(jetstream.MsgIDHeader), "/") // the rest counts redrives
		if ids[id] = true; len(ids) >= standingMost {
			break
		}
	}
	return ids, nil
}
