package dispatch_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sever/dispatch"
	"sever/policy"
	"sever/revocation"
	"sever/source"
)

const (
	ada   = "00uada00000000000001"
	grace = "00ugrace000000000001"
)

// stores are the delivery log, the lanes and the dead letters in memory. They fail
// as often as they are told.
type stores struct {
	entries chan revocation.LogEntry

	mu       sync.Mutex
	failing  int // operations that fail from now on
	err      error
	tries    int
	jobs     []revocation.Job
	batches  []int                   // how many jobs came at once
	letters  []revocation.DeadLetter // every put, also of the same letter
	actions  []revocation.Action     // every append, also of the same action
	holds    *holds
	wakes    chan revocation.Wake
	verdicts []revocation.Verdict

	rules     *policy.Policy // nil for the built-in ones
	approvals revocation.Approvals

	storedAtVerdict int // jobs and letters that were there when the last verdict came

	beats   int
	events  []revocation.Event
	nextErr []error // what Next fails with, one by one
}

func (s *stores) Next(ctx context.Context) (revocation.LogEntry, error) {
	s.mu.Lock()
	if len(s.nextErr) > 0 {
		err := s.nextErr[0]
		s.nextErr = s.nextErr[1:]
		s.mu.Unlock()
		return revocation.LogEntry{}, err
	}
	s.mu.Unlock()
	select {
	case <-ctx.Done():
		return revocation.LogEntry{}, ctx.Err()
	case entry := <-s.entries:
		entry.Lease = s
		return entry, nil
	}
}

func (s *stores) Publish(ctx context.Context, job revocation.Job) (stored bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.fail(ctx); err != nil {
		return false, err
	}
	if slices.ContainsFunc(s.jobs, func(other revocation.Job) bool { return other.ID == job.ID }) {
		return false, nil
	}
	s.jobs = append(s.jobs, job)
	return true, nil
}

func (s *stores) PublishAll(ctx context.Context, jobs []revocation.Job) (stored []bool, err error) {
	for _, job := range jobs {
		fresh, err := s.Publish(ctx, job)
		if err != nil {
			return nil, err
		}
		stored = append(stored, fresh)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.batches = append(s.batches, len(jobs))
	return stored, nil
}

func (s *stores) Put(ctx context.Context, letter revocation.DeadLetter) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.fail(ctx); err != nil {
		return err
	}
	s.letters = append(s.letters, letter)
	return nil
}

func (s *stores) fail(ctx context.Context) error {
	s.tries++
	if s.failing > 0 {
		s.failing--
		return s.err
	}
	return ctx.Err()
}

func (s *stores) Extend() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.beats++
	return nil
}

func (s *stores) Settle(ctx context.Context, verdict revocation.Verdict) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.verdicts = append(s.verdicts, verdict)
	s.storedAtVerdict = len(s.jobs) + len(s.letters)
	return ctx.Err()
}

func (s *stores) observe(event revocation.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, event)
}

// seen gives the events of a step.
func (s *stores) seen(step revocation.Step) []revocation.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.events), func(event revocation.Event) bool { return event.Step != step })
}

// decoderFunc decodes by a function.
type decoderFunc func(revocation.Delivery) (source.Decoded, error)

func (f decoderFunc) Decode(delivery revocation.Delivery) (source.Decoded, error) { return f(delivery) }

// run starts a dispatcher for the source "okta", and "broken", whose decoder is given.
func (s *stores) run(t *testing.T, broken source.Decoder) (stop func()) {
	t.Helper()
	deps := dispatch.Deps{Log: s, Lanes: s, DeadLetters: s, Holds: s.holds, Actions: s}
	rules := policy.BuiltIn()
	if s.rules != nil {
		rules = *s.rules
	}
	dispatcher := dispatch.New(deps, dispatch.Config{
		Sources: map[string]source.Source{
			"okta":   {Name: "okta", Org: "acme", Decoder: source.NewOktaEventHook("acme")},
			"broken": {Name: "broken", Org: "acme", Decoder: broken},
		},
		Policy: func() policy.Policy { return rules }, Heartbeat: time.Second, Observer: s.observe, Approvals: s.approvals,
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = dispatcher.Run(ctx)
	}()
	return func() {
		cancel()
		<-done
	}
}

func newStores() *stores { return newStoresOf(newHolds()) }

// newStoresOf is a process beside others that share the holds.
func newStoresOf(holds *holds) *stores {
	return &stores{entries: make(chan revocation.LogEntry, 10), wakes: make(chan revocation.Wake, 10), holds: holds}
}

// suspension is a delivery that tells of a person's suspension.
func suspension(user, uuid string) revocation.Delivery {
	return hook(source.OktaSample{Type: "user.lifecycle.suspend", User: user, UUID: uuid, Published: time.Now()})
}

func hook(sample source.OktaSample) revocation.Delivery {
	return revocation.NewDelivery("okta", "application/json", sample.Body(), time.Now())
}

func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}
