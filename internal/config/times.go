package config

import (
	"fmt"
	"time"
)

// Work says how revocations are carried out.
type Work struct {
	Concurrency    int           `yaml:"concurrency" jsonschema:"default=8,minimum=1,maximum=64" doc:"Most revocations in hand at one time."`
	AckWait        time.Duration `yaml:"ack_wait" jsonschema:"default=5s,minimum=1s,maximum=10m" doc:"How long a job of a worker that died stays with it before another takes it."`
	AttemptTimeout time.Duration `yaml:"attempt_timeout" jsonschema:"default=4s,minimum=100ms" doc:"Most time for one call to Okta. Below ack_wait."`
	GiveUpAfter    time.Duration `yaml:"give_up_after" jsonschema:"default=24h,minimum=1m" doc:"Age at which a job that still fails becomes a dead letter. Below retention.jobs."`
	Spacing        time.Duration `yaml:"spacing" jsonschema:"default=2s,minimum=0s,maximum=1h" doc:"Least time between two calls for one person. 0s for none."`
	ClockMargin    time.Duration `yaml:"clock_margin" jsonschema:"default=0s,minimum=0s,maximum=1h" doc:"How much later than an alert a revocation must have begun to count for it too. Raise it when several machines' clocks differ."`
}

// Retention says how long each kind of record is kept.
type Retention struct {
	Deliveries time.Duration `yaml:"deliveries" jsonschema:"default=7d,minimum=1h" doc:"What senders sent, raw. Also how far back a replay can go."`
	Jobs       time.Duration `yaml:"jobs" jsonschema:"default=7d,minimum=1h" doc:"Jobs not yet finished. Above work.give_up_after."`
	Ledger     time.Duration `yaml:"ledger" jsonschema:"default=90d,minimum=1h" doc:"Which jobs are finished. Above deliveries and jobs, so that a replayed one is recognised."`
	Dead       time.Duration `yaml:"dead" jsonschema:"default=90d,minimum=1h" doc:"Dead letters."`
}

func (c *Config) checkTimes(r *report) {
	r.below(span{"work.attempt_timeout", c.Work.AttemptTimeout}, span{"work.ack_wait", c.Work.AckWait})
	r.below(span{"work.give_up_after", c.Work.GiveUpAfter}, span{"retention.jobs", c.Retention.Jobs})
	r.below(span{"retention.deliveries", c.Retention.Deliveries}, span{"retention.ledger", c.Retention.Ledger})
	r.below(span{"retention.jobs", c.Retention.Jobs}, span{"retention.ledger", c.Retention.Ledger})
}

// span is a duration and the field it comes from.
type span struct {
	field string
	value time.Duration
}

// below reports a problem unless low is less than high, at whichever of the two the file sets.
func (r *report) below(low, high span) {
	if low.value < high.value || !r.sound(low.field, high.field) {
		return
	}

	r.add(r.firstWritten(low.field, high.field),
		fmt.Sprintf("%s (%s) is not below %s (%s)", low.field, showDuration(low.value), high.field, showDuration(high.value)),
		"lower the first or raise the second")
}
