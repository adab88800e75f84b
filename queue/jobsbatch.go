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

// PublishAll stores jobs durably on their lanes: many of them for little more than the price of one
// fsync, in their order, but that jobs published lately come last: they are duplicates, most likely, and
// JetStream refuses a batch for one of those. stored tells of each whether it was stored, as Publish
// does. On an error some of them may be stored.
func (j *Jobs) PublishAll(ctx context.Context, jobs []revocation.Job) (stored []bool, err error) {
	stored = make([]bool, len(jobs))
	fresh, again := make([]int, 0, len(jobs)), []int(nil)
	for i, job := range jobs {
		if j.lately.has(messageID(job)) {
			again = append(again, i)
		} else {
			fresh = append(fresh, i)
		}
	}
	for chunk := range slices.Chunk(fresh, mostBatch) {
		refused := true
		if len(chunk) >= leastBatch {
			if refused, err = j.publishBatch(ctx, jobs, chunk, stored); err != nil {
				return nil, err
			}
		}
		if !refused {
			continue
		}
		if err := j.publishEach(ctx, jobs, chunk, stored); err != nil {
			return nil, err
		}
	}
	if err := j.publishEach(ctx, jobs, again, stored); err != nil {
		return nil, err
	}
	return stored, nil
}

// publishEach stores some of the jobs one by one.
func (j *Jobs) publishEach(ctx context.Context, jobs []revocation.Job, which []int, stored []bool) (err error) {
	for _, i := range which {
		if stored[i], err = j.Publish(ctx, jobs[i]); err != nil {
			return err
		}
	}
	return nil
}

// publishBatch stores all of some jobs or none. It is refused where even one is a duplicate or finds no
// room, or where the servers do not know batches: one by one will tell.
func (j *Jobs) publishBatch(ctx context.Context, jobs []revocation.Job, which []int, stored []bool) (refused bool, err error) {
	messages := make([]*nats.Msg, 0, len(which))
	ids := make(map[string]int, len(which)) // JetStream refuses a batch that holds an id twice
	for _, i := range which {
		data, err := json.Marshal(jobs[i])
		if err != nil {
			return false, fmt.Errorf("encode job %s: %w", jobs[i].ID, err)
		}
		id := messageID(jobs[i])
		if _, twice := ids[id]; twice {
			continue
		}
		ids[id] = i
		messages = append(messages, &nats.Msg{
			Subject: jobsSubject(jobs[i].Org, jobs[i].Lane), Data: data,
			Header: nats.Header{jetstream.MsgIDHeader: {id}, jetstream.ExpectedStreamHeader: {streamJobs}},
		})
	}
	_, err = jetstreamext.PublishMsgBatch(ctx, j.queue.js, messages)
	if _, answered := errors.AsType[*jetstream.APIError](err); answered {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("publish %d jobs to %s: %w", len(messages), streamJobs, err)
	}
	for id, i := range ids {
		stored[i] = true
		j.lately.add(id)
	}
	return false, nil
}

// messageID tells JetStream what is the same: a job that an operator put back is another one.
func messageID(job revocation.Job) string { return job.ID + "/" + strconv.Itoa(job.Redrives) }
