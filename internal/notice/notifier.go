package notice

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"sever/revocation"
)

const (
	// gatherFor is how long the first event of a group waits for more like it.
	gatherFor = 2 * time.Second
	// lastTry is how long stopping waits for what is not sent.
	lastTry = 3 * time.Second
	// idle is how long the gatherer sleeps when nothing waits.
	idle = time.Hour
)

// Config is what a Notifier needs.
type Config struct {
	Every    time.Duration // least time between two notices of one kind about one org
	Channels map[string]Channel
	Links    Links                        // may be nil
	Count    func(channel, result string) // one of the Results; may be nil
	Logger   *slog.Logger
}

// What became of a notice on a channel.
const (
	ResultSent    = "sent"
	ResultLimited = "limited" // over max_per_hour: counted in the next
	ResultLost    = "lost"    // given up, refused for good, or no room to wait
)

// Results lists them.
func Results() []string { return []string{ResultSent, ResultLimited, ResultLost} }

// Notifier gathers events into notices and sends these.
type Notifier struct {
	config  Config
	outlets []*outlet
	woken   chan struct{} // holds one when there is a new group

	mu     sync.Mutex
	groups map[groupKey]*group
	paused map[string]bool // the orgs that wait until their credential is mended
}

type groupKey struct {
	kind Kind
	org  string
}

// group counts what happened since its last notice.
type group struct {
	count     int
	since     time.Time
	incidents []incident
	due       time.Time // when it is handed out, while count is not 0
	last      time.Time // when it last was
}

// New makes a notifier. It fails where a channel could not work.
func New(config Config) (*Notifier, error) {
	n := &Notifier{config: config, woken: make(chan struct{}, 1), groups: map[groupKey]*group{}, paused: map[string]bool{}}
	for _, name := range slices.Sorted(maps.Keys(config.Channels)) {
		out, err := newOutlet(name, config)
		if err != nil {
			return nil, fmt.Errorf("notices.channels.%s: %w", name, err)
		}
		n.outlets = append(n.outlets, out)
	}
	return n, nil
}

// Observe counts an event that people are told of. It never waits for a channel.
func (n *Notifier) Observe(event revocation.Event) {
	in, ok := incidentOf(event)
	if !ok || len(n.outlets) == 0 {
		return
	}
	if n.add(in, time.Now()) {
		select {
		case n.woken <- struct{}{}:
		default: // it will look anyway
		}
	}
}

// add counts an incident, and reports whether a group has come to have something to tell.
func (n *Notifier) add(in incident, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.news(in) {
		return false
	}
	key := groupKey{in.kind, in.org}
	g := n.groups[key]
	if g == nil {
		g = &group{}
		n.groups[key] = g
	}
	g.count++
	if len(g.incidents) < maxExamples {
		g.incidents = append(g.incidents, in)
	}
	if g.count > 1 {
		return false
	}
	g.since, g.due = now, now.Add(gatherFor)
	if soonest := g.last.Add(n.config.Every); g.due.Before(soonest) {
		g.due = soonest
	}
	return true
}

// news leaves out trouble with a credential that was told already: the org waits for it
// to be mended.
func (n *Notifier) news(in incident) bool {
	told := n.paused[in.org]
	switch {
	case in.pause:
		n.paused[in.org] = true
	case in.kind == KindRecovered:
		delete(n.paused, in.org)
	}
	return in.kind != KindCredential || in.pause || !told
}

// Run sends notices until ctx ends, and then what there is: everything gets one more try,
// all of them together lastTry.
func (n *Notifier) Run(ctx context.Context) {
	sending, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	var outlets sync.WaitGroup
	for _, out := range n.outlets {
		outlets.Go(func() { out.run(ctx, sending) })
	}
	n.gather(ctx)
	defer time.AfterFunc(lastTry, cancel).Stop()
	n.handOut(time.Now(), true)
	for _, out := range n.outlets {
		close(out.queue)
	}
	outlets.Wait()
}

// gather hands out each group when it is due.
func (n *Notifier) gather(ctx context.Context) {
	timer := time.NewTimer(idle)
	defer timer.Stop()
	for {
		timer.Reset(n.handOut(time.Now(), false))
		select {
		case <-ctx.Done():
			return
		case <-n.woken:
		case <-timer.C:
		}
	}
}

// handOut gives the groups that are due, or all, to the channels, and says when to look
// again. Groups that have been quiet for long are forgotten.
func (n *Notifier) handOut(now time.Time, all bool) time.Duration {
	batches, next := n.ripe(now, all)
	slices.SortFunc(batches, func(a, b batch) int { // the same order every time
		return cmp.Or(a.since.Compare(b.since), cmp.Compare(a.kind, b.kind), cmp.Compare(a.org, b.org))
	})
	for _, b := range batches {
		for _, out := range n.outlets {
			out.offer(b)
		}
	}
	return next
}

func (n *Notifier) ripe(now time.Time, all bool) (batches []batch, next time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	next = idle
	for key, g := range n.groups {
		switch {
		case g.count > 0 && (all || !now.Before(g.due)):
			batches = append(batches, batch{
				id: "msg_" + rand.Text(), kind: key.kind, org: key.org, count: g.count, since: g.since, incidents: g.incidents,
			})
			*g = group{last: now}
		case g.count > 0:
			next = min(next, g.due.Sub(now))
		case now.Sub(g.last) > n.config.Every:
			delete(n.groups, key)
		}
	}
	return batches, next
}
