package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sever/revocation"
)

// Jobs puts jobs on their lanes and looks them up.
type Jobs struct {
	queue  *Queue
	ledger *Ledger
	lately lately // published by this process
}

// Jobs gives access to the lanes of all orgs.
func (q *Queue) Jobs(ledger *Ledger) *Jobs { return &Jobs{queue: q, ledger: ledger} }

// Publish stores a job durably on its lane. It is not stored when it was published
// within dedupWindow already, unless an operator put it back in between.
func (j *Jobs) Publish(ctx context.Context, job revocation.Job) (stored bool, err error) {
	data, err := json.Marshal(job)
	if err != nil {
		return false, fmt.Errorf("encode job %s: %w", job.ID, err)
	}
	id := messageID(job)
	if stored, err = j.queue.publish(ctx, streamJobs, jobsSubject(job.Org, job.Lane), id, data); err != nil {
		return false, err
	}
	j.lately.add(id)
	return stored, nil
}

// scanMost bounds how many stored jobs one listing looks at.
const scanMost = 20_000

// List gives the newest jobs first. Empty org or state means any. It looks at the
// newest scanMost jobs only.
func (j *Jobs) List(ctx context.Context, org, state string, limit int) ([]revocation.JobState, error) {
	aside, err := j.aside(ctx)
	if err != nil {
		return nil, err
	}
	found := []revocation.JobState{}
	seen := map[string]bool{}
	err = j.scan(ctx, func(job revocation.Job) (bool, error) {
		if org != "" && job.Org != org || seen[job.ID] { // it may have been put on its lane more than once
			return true, nil
		}
		seen[job.ID] = true
		view, err := j.state(ctx, job, aside)
		if err != nil {
			return false, err
		}
		if state == "" || view.State == state {
			found = append(found, view)
		}
		return len(found) < limit, nil
	})
	return found, err
}

// Show finds one job: in the ledger when it is finished, else among the newest
// scanMost jobs.
func (j *Jobs) Show(ctx context.Context, id string) (revocation.JobState, error) {
	record, finished, err := j.ledger.Finished(ctx, id)
	if errors.Is(err, jetstream.ErrInvalidKey) {
		return revocation.JobState{}, fmt.Errorf("no job can be called %.64q: %w", id, revocation.ErrNotFound)
	}
	if err != nil {
		return revocation.JobState{}, err
	}
	if finished {
		return revocation.JobState{Job: record.Job, State: revocation.StateFinished, Record: &record}, nil
	}
	var found *revocation.Job
	err = j.scan(ctx, func(job revocation.Job) (bool, error) {
		if job.ID == id {
			found = &job
		}
		return found == nil, nil
	})
	if err != nil {
		return revocation.JobState{}, err
	}
	if found == nil {
		return revocation.JobState{}, fmt.Errorf("job %.64q is not among the newest %d: %w", id, scanMost, revocation.ErrNotFound)
	}
	aside, err := j.aside(ctx)
	if err != nil {
		return revocation.JobState{}, err
	}
	return j.state(ctx, *found, aside)
}

// setAside are the jobs that are neither on their lane nor finished.
type setAside struct {
	dead map[string]revocation.DeadLetter
	held map[string]bool
}

func (j *Jobs) aside(ctx context.Context) (setAside, error) {
	dead, err := j.dead(ctx)
	if err != nil {
		return setAside{}, err
	}
	holds, err := j.queue.Holds(ctx)
	if err != nil {
		return setAside{}, err
	}
	waiting, err := holds.List(ctx, "", scanMost)
	if err != nil {
		return setAside{}, err
	}
	held := make(map[string]bool, len(waiting))
	for _, hold := range waiting {
		held[hold.Job.ID] = true
	}
	return setAside{dead, held}, nil
}

// state says how far a job has come.
func (j *Jobs) state(ctx context.Context, job revocation.Job, aside setAside) (revocation.JobState, error) {
	record, finished, err := j.ledger.Finished(ctx, job.ID)
	if err != nil {
		return revocation.JobState{}, err
	}
	letter, putAside := aside.dead[job.ID]
	switch {
	case finished:
		return revocation.JobState{Job: job, State: revocation.StateFinished, Record: &record}, nil
	case putAside:
		return revocation.JobState{Job: *letter.Job, State: revocation.StateDead, Record: letter.Last}, nil
	case aside.held[job.ID]:
		return revocation.JobState{Job: job, State: revocation.StateHeld}, nil
	default:
		return revocation.JobState{Job: job, State: revocation.StatePending}, nil
	}
}

// deadMost is how many of the newest dead letters are searched for jobs.
const deadMost = 1000

func (j *Jobs) dead(ctx context.Context) (map[string]revocation.DeadLetter, error) {
	letters, err := j.queue.DeadLetters().List(ctx, deadMost)
	if err != nil {
		return nil, err
	}
	dead := make(map[string]revocation.DeadLetter)
	for _, letter := range letters {
		if letter.Job == nil {
			continue
		}
		if _, newer := dead[letter.Job.ID]; !newer { // it may have died more than once
			dead[letter.Job.ID] = letter
		}
	}
	return dead, nil
}

// scan shows the stored jobs to visit, newest first, until it has enough.
func (j *Jobs) scan(ctx context.Context, visit func(revocation.Job) (more bool, err error)) error {
	return j.queue.scanBack(ctx, streamJobs, scanMost, func(msg *jetstream.RawStreamMsg) (bool, error) {
		var job revocation.Job
		if err := json.Unmarshal(msg.Data, &job); err != nil {
			return true, nil //nolint:nilerr // the taker makes a dead letter of it; a listing goes on
		}
		return visit(job)
	})
}

// scanBack shows the messages of a stream to visit, newest first.
func (q *Queue) scanBack(ctx context.Context, name string, most int, visit func(*jetstream.RawStreamMsg) (bool, error)) error {
	stream, err := q.js.Stream(ctx, name)
	if err != nil {
		return fmt.Errorf("open %s: %w", name, err)
	}
	state := stream.CachedInfo().State
	for seq := state.LastSeq; seq >= max(state.FirstSeq, 1) && most > 0; seq-- {
		most--
		msg, err := stream.GetMsg(ctx, seq)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		more, err := visit(msg)
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// LaneDepth is how much one lane holds that is not finished.
type LaneDepth struct {
	Org     string
	Lane    revocation.Lane
	Pending uint64        // waiting, or in hand
	Oldest  time.Duration // age of the oldest of them

	// What JetStream makes Pending of, for whoever wonders why it is not zero.
	Waiting uint64 // not handed out yet
	InHand  int    // handed out, and not acknowledged
	Last    uint64 // the last that was handed out
	Floor   uint64 // all up to here are acknowledged
}

// Depths measures every lane of every org.
func (j *Jobs) Depths(ctx context.Context) ([]LaneDepth, error) {
	var depths []LaneDepth
	for _, org := range j.queue.topology.orgs {
		for _, lane := range revocation.Lanes() {
			depth, err := j.depth(ctx, org, lane)
			if err != nil {
				return nil, err
			}
			depths = append(depths, depth)
		}
	}
	return depths, nil
}

func (j *Jobs) depth(ctx context.Context, org string, lane revocation.Lane) (LaneDepth, error) {
	depth := LaneDepth{Org: org, Lane: lane}
	consumer, err := j.queue.js.Consumer(ctx, streamJobs, workConsumer(org, lane))
	if err != nil {
		return depth, fmt.Errorf("open consumer %s: %w", workConsumer(org, lane), err)
	}
	info := consumer.CachedInfo()
	depth.Waiting, depth.InHand, depth.Last, depth.Floor = info.NumPending, info.NumAckPending, info.Delivered.Stream, info.AckFloor.Stream
	depth.Pending = info.NumPending + uint64(max(info.NumAckPending, 0))
	if depth.Pending == 0 {
		return depth, nil
	}
	stream, err := j.queue.js.Stream(ctx, streamJobs)
	if err != nil {
		return depth, fmt.Errorf("open %s: %w", streamJobs, err)
	}
	oldest, err := stream.GetMsg(ctx, info.AckFloor.Stream+1, jetstream.WithGetMsgSubject(jobsSubject(org, lane)))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return depth, nil // acknowledged meanwhile
	}
	if err != nil {
		return depth, fmt.Errorf("read %s: %w", streamJobs, err)
	}
	depth.Oldest = max(0, time.Since(oldest.Time))
	return depth, nil
}

// Orphans gives the orgs that still have jobs stored although they are not
// configured any more.
func (j *Jobs) Orphans(ctx context.Context) ([]string, error) {
	stream, err := j.queue.js.Stream(ctx, streamJobs)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", streamJobs, err)
	}
	info, err := stream.Info(ctx, jetstream.WithSubjectFilter(subjectJobs+">"))
	if err != nil {
		return nil, fmt.Errorf("read subjects of %s: %w", streamJobs, err)
	}
	known := make(map[string]bool)
	for _, org := range j.queue.topology.orgs {
		known[org] = true
	}
	var orphans []string
	for subject := range info.State.Subjects {
		org, _, _ := strings.Cut(strings.TrimPrefix(subject, subjectJobs), ".")
		if !known[org] {
			known[org] = true
			orphans = append(orphans, org)
		}
	}
	return orphans, nil
}
