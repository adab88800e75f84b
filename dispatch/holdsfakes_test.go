package dispatch_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"sever/dispatch"
	"sever/revocation"
	"sever/source"
)

// holds are the holds in memory.
type holds struct {
	mu      sync.Mutex
	known   map[string]revocation.HoldEntry
	changes int   // that were asked for
	err     error // of every change
	rearms  int
}

func newHolds() *holds { return &holds{known: make(map[string]revocation.HoldEntry)} }

func (h *holds) Change(_ context.Context, key string, change func(revocation.HoldEntry) (revocation.HoldEntry, bool)) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.changes++
	if h.err != nil {
		return h.err
	}
	change(revocation.HoldEntry{}) // as one that lost the race
	if next, differs := change(h.known[key]); differs {
		h.known[key] = next
	}
	return nil
}

func (h *holds) Rearm(context.Context, time.Time) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.rearms++
	switch h.rearms {
	case 1:
		return 0, nil
	case 2:
		return 0, errors.New("no server")
	default:
		return 1, nil
	}
}

func (h *holds) Find(_ context.Context, why, org string, person revocation.Person) (keys []string, _ error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err != nil {
		return nil, h.err
	}
	for key, entry := range h.known {
		if entry.Hold != nil && entry.Hold.Why == why && entry.Org == org && entry.Hold.IsOf(person) {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// one gives the only entry.
func (h *holds) one(t *testing.T) revocation.HoldEntry {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, entry := range h.known {
		if len(h.known) == 1 {
			return entry
		}
	}
	t.Fatalf("%d holds, not one", len(h.known))
	return revocation.HoldEntry{}
}

func (s *stores) AppendAction(ctx context.Context, action revocation.Action) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.fail(ctx); err != nil {
		return err
	}
	s.actions = append(s.actions, action)
	return nil
}

// verbs are those of the actions on record, each action once.
func (s *stores) verbs() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var verbs, ids []string
	for _, action := range s.actions {
		if !slices.Contains(ids, action.ID) {
			verbs, ids = append(verbs, action.Verb), append(ids, action.ID)
		}
	}
	return verbs
}

// wakeSource hands out the wakes of stores.
type wakeSource struct{ *stores }

func (w wakeSource) Next(ctx context.Context) (revocation.Wake, error) {
	select {
	case <-ctx.Done():
		return revocation.Wake{}, ctx.Err()
	case wake := <-w.wakes:
		wake.Lease = w.stores
		return wake, nil
	}
}

// release starts a releaser.
func (s *stores) release(t *testing.T) (stop func()) {
	t.Helper()
	releaser := dispatch.NewReleaser(dispatch.ReleaserDeps{Wakes: wakeSource{s}, Holds: s.holds, Lanes: s, DeadLetters: s, Actions: s},
		dispatch.ReleaserConfig{Heartbeat: time.Second, Observer: s.observe})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = releaser.Run(ctx)
	}()
	return func() {
		cancel()
		<-done
	}
}

// say runs a dispatcher over signals of the source hr, one delivery each.
func (s *stores) say(t *testing.T, signals ...revocation.Signal) {
	t.Helper()
	stop := s.run(t, decoderFunc(func(delivery revocation.Delivery) (source.Decoded, error) {
		index := int(delivery.Body[0])
		return source.Decoded{Signals: signals[index : index+1]}, nil
	}))
	for i := range signals {
		s.entries <- revocation.LogEntry{Deliveries: []revocation.Delivery{
			revocation.NewDelivery("broken", "", []byte{byte(i)}, time.Now()),
		}}
	}
	pass(time.Minute)
	stop()
}

// sayAtOnce dispatches signals that came in one delivery.
func (s *stores) sayAtOnce(t *testing.T, signals ...revocation.Signal) {
	t.Helper()
	stop := s.run(t, decoderFunc(func(revocation.Delivery) (source.Decoded, error) {
		return source.Decoded{Signals: signals}, nil
	}))
	s.entries <- revocation.LogEntry{Deliveries: []revocation.Delivery{
		revocation.NewDelivery("broken", "", nil, time.Now()),
	}}
	pass(time.Second)
	stop()
}

// leaves is a termination of ada, announced now, that takes effect in a while; zero means
// at once.
func leaves(name string, in time.Duration) revocation.Signal {
	signal := revocation.Signal{
		ID: "sig_" + name, Delivery: "dlv_" + name, Source: "hr", Org: "acme", Type: "employee.terminated",
		Kind: revocation.KindTermination, Received: time.Now(),
		Person: revocation.Person{Kind: revocation.PersonEmail, Value: "ada@acme.example"},
	}
	if in != 0 {
		signal.Effective = time.Now().Add(in)
	}
	return signal
}

func stays(name string) revocation.Signal {
	signal := leaves(name, 0)
	signal.Type, signal.Kind = "employee.termination_cancelled", revocation.KindWithdrawal
	return signal
}
