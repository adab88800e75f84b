package ssf

import (
	"errors"
	"sync"
	"time"
)

const (
	maxStates    = 100
	maxStateText = 512
	// stateTTL is how long a verification event may take. Transmitters may take minutes.
	stateTTL = 10 * time.Minute
)

// ErrStates tells that a state cannot be expected: it is empty or far too long, or so many
// are expected already that somebody is playing.
var ErrStates = errors.New("this state cannot be expected: it is empty or longer than 512 bytes, or 100 are expected already; try again in 10 minutes")

// States are the verification states that somebody here asked a transmitter for. They are
// kept in memory: a verification ends in the process that it began in.
type States struct {
	now func() time.Time

	mu    sync.Mutex
	known map[string]*expectation
}

type expectation struct {
	until time.Time
	seen  bool
}

// NewStates makes an empty one.
func NewStates(now func() time.Time) *States {
	return &States{now: now, known: map[string]*expectation{}}
}

// Expect lets a verification event with this state be accepted within the next ten
// minutes. The error is ErrStates.
func (s *States) Expect(state string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget()
	if state == "" || len(state) > maxStateText {
		return ErrStates
	}
	if _, again := s.known[state]; !again && len(s.known) >= maxStates {
		return ErrStates
	}
	s.known[state] = &expectation{until: s.now().Add(stateTTL)}
	return nil
}

// Seen reports whether a verification event with this state came. It is forgotten with the
// state.
func (s *States) Seen(state string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget()
	expected, known := s.known[state]
	return known && expected.seen
}

// see marks a state as come, and reports whether it was expected. A transmitter may send
// the same event again: it stays good until its time is over.
func (s *States) see(state string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget()
	expected, known := s.known[state]
	if known {
		expected.seen = true
	}
	return known
}

func (s *States) forget() {
	now := s.now()
	for state, expected := range s.known {
		if !now.Before(expected.until) {
			delete(s.known, state)
		}
	}
}
