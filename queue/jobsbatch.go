package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"sever/revocation"
)

const (
	// Below leastBatch, jobs are stored one by one: a batch has a price of its own
	// (BenchmarkPublish, docs/performance.md).
	leastBatch = 10
	// mostBatch is what JetStream takes in one.
	// https://docs.nats.io/reference/config/jetstream/limits/batch
	mostBatch = 1000
)

// PublishAll stores jobs durably on their lanes, in their order: many of them for little more than
// the price of one fsync. stored tells of each whether it was stored, as Publish does. On an
// error some of them may be stored.
func (j *Jobs) PublishAll(ctx context.Context, jobs []revocation.Job) (stored []bool, err error) {
	stored = make([]bool, 0, len(jobs))
	for batch := range slices.Chunk(jobs, mostBatch) {
		if len(batch) >= leastBatch {
			flags, refused, err := j.publishBatch(ctx, batch)
			if err != nil {
				return nil, err
			}
			if !refused {
				stored = append(stored, flags...)
				continue
			}
		}
		for _, job := range batch {
			fresh, err := j.Publish(ctx, job)
			if err != nil {
				return nil, err
			}
			stored = append(stored, fresh)
		}
	}
	return stored, nil
}

// publishBatch stores all of the jobs or none. It is refused where even one is a duplicate or finds no
// room, or where the servers do not know batches: one by one will tell.
func (j *Jobs) publishBatch(ctx context.Context, jobs []revocation.Job) (stored []bool, refused bool, err error) {
	stored = make([]bool, len(jobs))
	messages := make([]*nats.Msg, 0, len(jobs))
	seen := make(map[string]bool, len(jobs)) // JetStream refuses a batch that holds an id twice
	for i, job := range jobs {
		data, err := json.Marshal(job)
		if err != nil {
			return nil, false, fmt.Errorf("encode job %s: %w", job.ID, err)
		}
		id := messageID(job)
		if seen[id] {
			continue
		}
		seen[id], stored[i] = true, true
		messages = append(messages, &nats.Msg{
			Subject: jobsSubject(job.Org, job.Lane), Data: data,
			Header: nats.Header{jetstream.MsgIDHeader: {id}, jetstream.ExpectedStreamHeader: {streamJobs}},
		})
	}
	_, err = jetstreamext.PublishMsgBatch(ctx, j.queue.js, messages)
	if _, answered := errors.AsType[*jetstream.APIError](err); answered {
		return nil, true, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("publish %d jobs to %s: %w", len(messages), streamJobs, err)
	}
	return stored, false, nil
}

// messageID tells JetStream what is the same: a job that an operator put back is another one.
func messageID(job revocation.Job) string { return job.ID + "/" + strconv.Itoa(job.Redrives) }
