package notice

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"text/template"
	"time"
)

const (
	maxQueued  = 64 // notices that wait for a channel that does not answer
	firstRetry = 2 * time.Second
	maxRetry   = 5 * time.Minute
	giveUp     = time.Hour // from the first try of a notice
	window     = time.Hour // of max_per_hour
)

// sender carries one notice to one place. It makes one try.
type sender interface {
	send(ctx context.Context, n Notice, text string) error
}

// outlet is one channel at work: notices go through it one after the other.
type outlet struct {
	name    string
	channel Channel
	on      []Kind
	text    *template.Template
	sender  sender
	links   Links
	count   func(channel, result string)
	log     *slog.Logger
	queue   chan batch

	sent []time.Time // of the last window; for run alone

	mu            sync.Mutex
	leftOut       int // notices that did not get through since the last that did
	leftOutEvents int
}

func newOutlet(name string, config Config) (*outlet, error) {
	channel := config.Channels[name]
	text, err := parseText(channel.Template)
	if err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	send, err := newSender(channel)
	if err != nil {
		return nil, err
	}
	out := &outlet{
		name: name, channel: channel, on: Kinds(), text: text, sender: send, links: config.Links, count: config.Count,
		log: config.Logger, queue: make(chan batch, maxQueued),
	}
	if len(channel.On) > 0 {
		out.on = nil
		for _, kind := range channel.On {
			out.on = append(out.on, Kind(kind))
		}
	}
	if out.count == nil {
		out.count = func(string, string) {}
	}
	return out, nil
}

func newSender(channel Channel) (sender, error) { //nolint:ireturn // one of three
	switch channel.Type {
	case typeSlack:
		return slack{client: newClient(), url: channel.URL.Reveal()}, nil
	case typeWebhook:
		key, err := signingKey(channel.Secret.Reveal())
		if err != nil {
			return nil, fmt.Errorf("secret: %w", err)
		}
		return webhook{client: newClient(), url: channel.URL.Reveal(), key: key}, nil
	case typeEmail:
		return email{channel: channel}, nil
	default:
		return nil, fmt.Errorf("type %.40q is not known", channel.Type)
	}
}

// Try sends a test notice on a channel, once and at once.
func Try(ctx context.Context, name string, channel Channel) error {
	out, err := newOutlet(name, Config{Channels: map[string]Channel{name: channel}})
	if err != nil {
		return err
	}
	return out.try(ctx, newTest())
}

// offer queues a notice if the channel wants it and has room.
func (o *outlet) offer(b batch) {
	if !slices.Contains(o.on, b.kind) {
		return
	}
	select {
	case o.queue <- b:
	default:
		o.leave(b, ResultLost, "there is no room for one more notice")
	}
}

// run sends what is queued until the queue is closed. stop ends the waiting between tries,
// sending ends the tries.
func (o *outlet) run(stop, sending context.Context) {
	for b := range o.queue {
		if o.spent(time.Now()) {
			o.leave(b, ResultLimited, "over max_per_hour")
			continue
		}
		if err := o.deliver(stop, sending, b); err != nil {
			o.leave(b, ResultLost, err.Error())
			continue
		}
		o.sent = append(o.sent, time.Now())
		o.count(o.name, ResultSent)
	}
}

// spent reports whether the last hour had all the notices it may have.
func (o *outlet) spent(now time.Time) bool {
	o.sent = slices.DeleteFunc(o.sent, func(at time.Time) bool { return now.Sub(at) >= window })
	return len(o.sent) >= o.channel.MaxPerHour
}

// deliver tries until the receiver takes the notice, refuses it for good, or it is too old.
func (o *outlet) deliver(stop, sending context.Context, b batch) error {
	deadline := time.Now().Add(giveUp)
	for wait := firstRetry; ; wait = min(2*wait, maxRetry) {
		last := stop.Err() != nil
		err := o.try(sending, b)
		if err == nil {
			return nil
		}
		failed, _ := errors.AsType[*sendError](err)
		if last || (failed != nil && failed.permanent) || time.Now().Add(wait).After(deadline) {
			return err
		}
		pause := wait
		if failed != nil {
			pause = max(pause, failed.after)
		}
		o.log.WarnContext(sending, "notice not sent; will try again", "channel", o.name, "kind", b.kind, "in", pause, "error", err)
		rest(stop, pause)
	}
}

// rest waits, or until stop ends.
func rest(stop context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-stop.Done():
	case <-timer.C:
	}
}

// try sends a notice once. What was left out is told, and forgotten once it arrived.
func (o *outlet) try(ctx context.Context, b batch) error {
	o.mu.Lock()
	leftOut, events := o.leftOut, o.leftOutEvents
	o.mu.Unlock()
	n := b.view(o.channel.People, o.links, leftOut, events)
	shown := n
	if o.channel.Type == typeSlack {
		shown = n.escaped()
	}
	text, err := render(o.text, shown)
	if err != nil { // checked at load, so hardly ever: the news matters more than its form
		text = shown.Title
	}
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	if err := o.sender.send(ctx, n, text); err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.leftOut -= leftOut
	o.leftOutEvents -= events
	return nil
}

// leave counts a notice that is not sent.
func (o *outlet) leave(b batch, result, why string) {
	o.mu.Lock()
	o.leftOut++
	o.leftOutEvents += b.count
	o.mu.Unlock()
	o.count(o.name, result)
	o.log.Error("notice not sent", "channel", o.name, "kind", b.kind, "org", b.org, "events", b.count, "result", result, "reason", why)
}
