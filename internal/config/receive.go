package config

import "time"

// oktaTimeout is how long Okta waits for an answer before it counts the delivery as failed
// (https://developer.okta.com/docs/concepts/event-hooks/, "Timeout and retry").
const oktaTimeout = 3 * time.Second

// Receive bounds what senders may ask of us.
type Receive struct {
	MaxBody       Size          `yaml:"max_body" jsonschema:"default=4MiB,minimum=1KiB,maximum=5MiB" doc:"Largest delivery; a larger one gets 413, which Okta does not retry."`
	Timeout       time.Duration `yaml:"timeout" jsonschema:"default=2s,minimum=100ms" doc:"Most time for a whole request. Below 3s, because Okta waits no longer."`
	AppendTimeout time.Duration `yaml:"append_timeout" jsonschema:"default=1500ms,minimum=50ms" doc:"Most time for the durable write, after which the sender gets 503 and tries again. Below timeout."`
	MaxWaiting    Size          `yaml:"max_waiting" jsonschema:"default=64MiB,minimum=1KiB" doc:"Most bytes of deliveries held in memory while they wait to be written. At least max_body."`
}

func (c *Receive) check(r *report) {
	if c.Timeout >= oktaTimeout && r.sound("receive.timeout") {
		r.add("receive.timeout", showDuration(c.Timeout)+" is not below 3s, the time Okta waits", "use 2s, or anything up to 2900ms")
	}
	r.below(span{"receive.append_timeout", c.AppendTimeout}, span{"receive.timeout", c.Timeout})
	if c.MaxWaiting < c.MaxBody && r.sound("receive.max_body", "receive.max_waiting") {
		r.add(r.firstWritten("receive.max_waiting", "receive.max_body"),
			"max_waiting ("+c.MaxWaiting.String()+") is below max_body ("+c.MaxBody.String()+")", "a single delivery must fit: raise max_waiting or lower max_body")
	}
}
