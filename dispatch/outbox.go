package dispatch

import (
	"context"
	"fmt"

	"sever/revocation"
)

// outboxMost bounds how many jobs wait for one another. More than a thousand are no batch any more
// (https://docs.nats.io/reference/config/jetstream/limits/batch).
const outboxMost = 1000

// outbox gathers the jobs of one log entry, so that they become durable together: one by one, an
// fsync for each would make a critical alert wait for thousands of others in front of it.
// Nothing waits in it longer than its entry is in hand.
type outbox struct {
	jobs       []revocation.Job
	events     []revocation.Event // of each job
	dispatched []revocation.Event // of each delivery whose jobs are all above
}

// enqueue puts a job in the outbox.
func (d *Dispatcher) enqueue(ctx context.Context, out *outbox, job revocation.Job, event revocation.Event) error {
	event.Step, event.Job = revocation.StepDecided, &job
	d.observe(event)
	out.jobs = append(out.jobs, job)
	out.events = append(out.events, event)
	if len(out.jobs) < outboxMost {
		return nil
	}
	return d.flush(ctx, out)
}

// flush stores the jobs in the outbox and tells what became of them and of their deliveries.
func (d *Dispatcher) flush(ctx context.Context, out *outbox) error {
	if len(out.jobs) > 0 {
		stored, err := d.deps.Lanes.PublishAll(ctx, out.jobs)
		if err != nil {
			return fmt.Errorf("publish %d jobs: %w", len(out.jobs), err)
		}
		for i, event := range out.events {
			event.Step = revocation.StepEnqueued
			if !stored[i] {
				event.Step, event.Reason = revocation.StepIgnored, IgnoredDuplicate
			}
			d.observe(event)
		}
	}
	for _, event := range out.dispatched {
		d.observe(event)
	}
	out.empty()
	return nil
}

// empty forgets what is in the outbox, and keeps its room for the next entry.
func (o *outbox) empty() {
	clear(o.jobs)
	clear(o.events)
	clear(o.dispatched)
	o.jobs, o.events, o.dispatched = o.jobs[:0], o.events[:0], o.dispatched[:0]
}
