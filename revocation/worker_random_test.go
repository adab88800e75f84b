package revocation_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sever/revocation"
)

// TestWorkerInRandomTrouble plays thousands of random steps, with several hands, of
// new alerts, duplicates, redrives, failing stores, lost leases, crashes and time,
// and then checks the invariants of the package comment.
func TestWorkerInRandomTrouble(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newStory(seed)
				s.process = s.start(t, 4)
				for range 700 {
					s.step(t)
				}
				s.calm()
				s.finish(t, s.process)
				s.requireInvariants(t)
			})
		})
	}
}

const (
	shielded  = "00ushielded000000001" // protected
	departed  = "00udeparted000000001" // gone, as Okta says
	forbidden = "00uforbidden00000001" // not for our role
	bystander = "00ubystander00000001" // nobody asks for them
)

// story is a world with a random course.
type story struct {
	*world

	process *process
	jobs    []revocation.Job

	mu      sync.Mutex
	random  *rand.Rand
	trouble float64 // how likely each operation fails
}

func newStory(seed uint64) *story {
	s := &story{world: newWorld(), random: rand.New(rand.NewPCG(seed, 42))}
	s.lane = newLane(3 * time.Second)
	s.refuse[shielded] = "this person is protected"
	s.config = func(config *revocation.Config, _ *revocation.Deps) {
		config.Heartbeat, config.AttemptTimeout, config.Margin = time.Second, 2*time.Second, 100*time.Millisecond
	}
	s.fault = func(string) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.random.Float64() < s.trouble {
			return errors.New("no server")
		}
		return nil
	}
	s.latency = func(op string) time.Duration {
		if op == opRevoke || op == opResolve {
			return time.Duration(s.number(3000)) * time.Millisecond
		}
		return time.Duration(s.number(20)) * time.Millisecond
	}
	s.answer = func(_ context.Context, user string) error {
		failure := revocation.FailureTemporary
		switch {
		case user == departed:
			failure = revocation.FailureGone
		case user == forbidden:
			failure = revocation.FailureForbidden
		case !s.chance(0.1):
			return nil
		}
		return &revocation.CallError{Failure: failure, Err: errors.New("no")}
	}
	return s
}

func (s *story) number(below int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.random.IntN(below)
}

func (s *story) chance(p float64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.random.Float64() < p
}

func (s *story) calm() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trouble = 0
	s.lane.mu.Lock()
	defer s.lane.mu.Unlock()
	s.lane.forgets = false
}

func (s *story) step(t *testing.T) {
	t.Helper()
	switch n := s.number(100); {
	case n < 45:
		people := []string{ada, ada, grace, shielded, departed, forbidden}
		job := suspended(fmt.Sprintf("sig_%d", len(s.jobs)), people[s.number(len(people))])
		s.jobs = append(s.jobs, job)
		s.lane.publish(job)
	case n < 60 && len(s.jobs) > 0: // the same event again, by another delivery
		old := s.jobs[s.number(len(s.jobs))]
		late := suspended(old.Signal, old.Person.Value)
		late.Delivery = "dlv_again"
		s.lane.publish(late)
	case n < 70 && len(s.jobs) > 0: // the same job stored twice
		s.lane.publish(s.jobs[max(0, len(s.jobs)-1-s.number(5))])
	case n < 74:
		s.redrive()
	case n < 76:
		s.process.kill()
		s.process = s.start(t, 1+s.number(4))
	case n < 80:
		s.mu.Lock()
		s.trouble = []float64{0, 0, 0.05, 0.3}[s.random.IntN(4)]
		forgets := s.random.IntN(2) == 0
		s.mu.Unlock()
		s.lane.mu.Lock()
		s.lane.forgets = forgets
		s.lane.mu.Unlock()
	case n < 85:
		pass(time.Duration(s.number(30)) * time.Second)
	default:
		pass(time.Duration(s.number(2000)) * time.Millisecond)
	}
}

func (s *story) redrive() {
	_, _, letters := s.seen()
	if len(letters) == 0 {
		return
	}
	again := *letters[s.number(len(letters))].Job
	again.Redrives++
	again.Enqueued = time.Now()
	s.lane.publish(again)
}

func (s *story) requireInvariants(t *testing.T) {
	t.Helper()
	calls, audit, letters := s.seen()
	require.Greater(t, len(s.jobs), 200)
	require.NotEmpty(t, calls)
	for _, call := range calls {
		require.Contains(t, []string{ada, grace, departed, forbidden}, call.user, "nobody but those who were asked for, nor the protected")
	}
	ids := make(map[string]bool)
	for _, record := range audit {
		require.False(t, ids[record.ID])
		ids[record.ID] = true
	}
	for _, job := range s.jobs {
		finished, found, err := s.ledger.Finished(t.Context(), job.ID)
		require.NoError(t, err)
		if !found {
			require.True(t, slices.ContainsFunc(letters, func(letter revocation.DeadLetter) bool { return letter.Job.ID == job.ID }),
				"job %s ended nowhere", job.ID)
			continue
		}
		require.Contains(t, audit, finished, "what the ledger has, the audit has")
		requireEnd(t, finished, calls)
	}
	for i, end := range s.lane.ends() {
		require.NotEmpty(t, end, "message %d", i)
	}
}

// requireEnd checks that a job's end came after its alert, and truly.
func requireEnd(t *testing.T, finished revocation.Record, calls []call) {
	t.Helper()
	user := finished.Job.Person.Value
	since := slices.ContainsFunc(calls, func(c call) bool {
		return c.user == user && !c.at.Before(finished.Job.Received) && (c.ok || user == departed)
	})
	switch finished.Outcome {
	case revocation.OutcomeRevoked:
		require.True(t, since && finished.Call != nil)
		require.False(t, finished.Began.Before(finished.Job.Received))
	case revocation.OutcomeGone:
		require.Equal(t, departed, user)
		require.True(t, since)
	case revocation.OutcomeCovered:
		require.NotEmpty(t, finished.CoveredBy)
		require.True(t, since, "covered by a revocation that never was")
	case revocation.OutcomeRefused:
		require.Equal(t, shielded, user)
	case revocation.OutcomeFailed, revocation.OutcomeDead:
		require.Fail(t, "these do not finish a job", "%s", finished.Outcome)
	default:
		require.Fail(t, "unknown outcome", "%q", finished.Outcome)
	}
}
