package app_test

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream" //nolint:depguard // see store_test.go
	"github.com/stretchr/testify/require"

	"sever/revocation"
)

// lastSteps is how many of them a story has.
const lastSteps = 40

// story is what a process that does not come to rest says of itself: how far each lane has
// come, what it holds, its last steps and its warnings.
func (c *crashRound) story(p *process) string {
	c.t.Helper()
	var b strings.Builder
	for _, ended := range c.lives {
		fmt.Fprintf(&b, "\nlife of %s, killed at %q", ended.began.Format(time.StampMilli), ended.killedAt)
	}
	if _, err := fmt.Fprintln(p.stdin, "lanes"); err == nil {
		select {
		case lanes := <-p.lanes:
			b.WriteString("\nlanes: " + lanes)
		case <-time.After(10 * time.Second):
			b.WriteString("\nlanes: no answer")
		}
	}
	header := http.Header{"Authorization": {"Bearer " + adminToken}}
	for _, path := range []string{"/api/v1/holds?limit=100", "/api/v1/jobs?state=pending&limit=100"} {
		given, err := c.do(http.MethodGet, p.admin+path, header, nil)
		fmt.Fprintf(&b, "\n%s: %s %v", path, given.body, err)
	}
	events := p.seen.find(func(revocation.Event) bool { return true })
	for _, event := range events[max(0, len(events)-lastSteps):] {
		fmt.Fprintf(&b, "\nstep %s of job %s for %s: %s %s", event.Step, event.Job.ID, event.Job.Person.Value, event.Record.Outcome, event.Reason)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return b.String() + "\nlog: " + strings.Join(p.logged, "\nlog: ")
}

// inside is what the store of a stopped round holds of its lanes and holds, and how far
// their readers are.
func (c *crashRound) inside() string {
	c.t.Helper()
	var b strings.Builder
	c.inStore(func(js jetstream.JetStream) {
		for _, name := range []string{"DELIVERIES", "JOBS", "WAKES", "KV_HELD"} {
			stream, err := js.Stream(c.t.Context(), name)
			require.NoError(c.t, err)
			fmt.Fprintf(&b, "%s: %+v\n", name, stream.CachedInfo().State)
			for readers := range stream.ListConsumers(c.t.Context()).Info() {
				fmt.Fprintf(&b, "  %s: delivered %d, floor %d, waiting %d, in hand %d, redelivered %d\n", readers.Name,
					readers.Delivered.Stream, readers.AckFloor.Stream, readers.NumPending, readers.NumAckPending, readers.NumRedelivered)
			}
		}
		for _, name := range []string{"WAKES", "KV_HELD"} {
			for _, msg := range messages(c.t, js, name) {
				fmt.Fprintf(&b, "%s %d, %s, at %s: %v %s\n", name, msg.Sequence, msg.Subject, msg.Time.Format(time.StampMilli), msg.Header, msg.Data)
			}
		}
	})
	return b.String()
}
