package revocation_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sever/revocation"
)

// TestGuardsInRandomTrouble plays new alerts, duplicates, redrives of what is held, crashes,
// failing stores and a guard that cannot always tell, with two replicas side by side: no
// window of calls holds more people than the brake's cap unless an operator approved, no
// protected person is called, and every job comes to an end or waits as a hold.
func TestGuardsInRandomTrouble(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newGuarded(seed)
				s.replicas = []*process{s.start(t, 3), s.start(t, 2)}
				for range 600 {
					s.step(t)
				}
				s.settle(t)
				s.requireGuarded(t)
			})
		})
	}
}

// guarded is a world with a brake, protected people and a random course.
type guarded struct {
	*story

	replicas []*process
	calling  map[string]revocation.Job // by the call's time and user
	approved map[string]bool           // jobs that an operator let go
}

const heldPerson = "00uheld0000000000001" // protected, until an operator says otherwise

func newGuarded(seed uint64) *guarded {
	s := &guarded{story: newStory(seed), calling: make(map[string]revocation.Job), approved: make(map[string]bool)}
	s.random = rand.New(rand.NewPCG(seed, 4711))
	s.shield[heldPerson] = "this person is protected"
	s.limits = &revocation.BrakeLimits{Per: time.Minute, Max: 3, Slack: 3 * time.Second}
	s.config = func(config *revocation.Config, _ *revocation.Deps) {
		config.Heartbeat, config.AttemptTimeout, config.Spacing = time.Second, 2*time.Second, time.Second
		config.GiveUpAfter, config.BrakeHold = 10*time.Minute, time.Duration(seed%2)*30*time.Second
	}
	s.unsure = func(string) error {
		if !s.chance(0.05) {
			return nil
		}
		failure := []revocation.Failure{revocation.FailureTemporary, revocation.FailureForbidden}[s.number(2)]
		return &revocation.CallError{Failure: failure, Err: errors.New("no groups")}
	}
	s.hear = func(event revocation.Event) {
		if event.Step == revocation.StepCalling {
			s.mu.Lock()
			s.calling[event.Job.Person.Value+event.At.String()] = *event.Job
			s.mu.Unlock()
		}
	}
	return s
}

func (s *guarded) step(t *testing.T) {
	t.Helper()
	switch n := s.number(100); {
	case n < 40:
		people := []string{shielded, heldPerson, departed, forbidden, ada, grace}
		user := fmt.Sprintf("00uperson%011d", s.number(12))
		if s.chance(0.3) {
			user = people[s.number(len(people))]
		}
		job := suspended(fmt.Sprintf("sig_%d", len(s.jobs)), user)
		job.Mode = []revocation.Mode{"", "", revocation.ModeApprove, revocation.ModeDryRun}[max(0, s.number(12)-8)]
		s.jobs = append(s.jobs, job)
		s.lane.publish(job)
	case n < 50 && len(s.jobs) > 0:
		s.lane.publish(s.jobs[s.number(len(s.jobs))])
	case n < 60:
		s.letGo()
	case n < 64:
		i := s.number(2)
		s.replicas[i].kill()
		s.replicas[i] = s.start(t, 1+s.number(3))
	case n < 68:
		s.mu.Lock()
		s.trouble = []float64{0, 0, 0.05, 0.3}[s.random.IntN(4)]
		s.mu.Unlock()
	case n < 72:
		pass(time.Duration(s.number(30)) * time.Second)
	default:
		pass(time.Duration(s.number(2000)) * time.Millisecond)
	}
}

// letGo releases holds: those that are due, twice at times, and some that an operator approves.
func (s *guarded) letGo() {
	for _, hold := range s.waiting() {
		due := !hold.Due.IsZero() && !hold.Due.After(time.Now())
		approve := !due && s.chance(0.1)
		if !due && !approve {
			continue
		}
		if approve {
			s.approved[hold.Job.ID] = true
		}
		s.release(hold, approve)
		if s.chance(0.2) {
			s.release(hold, approve) // a crash came between the publication and its acknowledgement
		}
	}
}

// settle lets everything come to rest: what is due by time keeps being released.
func (s *guarded) settle(t *testing.T) {
	t.Helper()
	s.calm()
	s.hold(func() { s.unsure = func(string) error { return nil } })
	for range 3600 {
		for _, hold := range s.waiting() {
			if !hold.Due.IsZero() && !hold.Due.After(time.Now()) {
				s.release(hold, false)
			}
		}
		if s.lane.open() == 0 && !s.waitsForTime() {
			break
		}
		pass(10 * time.Second)
	}
	for _, p := range s.replicas {
		p.end()
	}
	require.Zero(t, s.lane.open())
}

func (s *guarded) hold(change func()) {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	change()
}

func (s *guarded) waitsForTime() bool {
	for _, hold := range s.waiting() {
		if !hold.Due.IsZero() {
			return true
		}
	}
	return false
}

func (s *guarded) requireGuarded(t *testing.T) {
	t.Helper()
	calls, _, letters := s.seen()
	require.NotEmpty(t, calls)
	var braked []made
	byPerson := make(map[string]bool)
	s.mu.Lock()
	for key, job := range s.calling {
		user := job.Person.Value
		require.NotEqual(t, shielded, user, "a refused person is never called, approved or not")
		require.NotEqual(t, revocation.ModeDryRun, job.Mode)
		require.True(t, s.approved[job.ID] || user != heldPerson && job.Mode != revocation.ModeApprove, "only an operator lets these go")
		require.Equal(t, job.Approved, job.Approved && s.approved[job.ID], "nobody else approves")
		byPerson[user] = true
		if !job.Approved {
			at, err := time.Parse("2006-01-02 15:04:05.999999999 -0700 MST", key[len(user):])
			require.NoError(t, err)
			braked = append(braked, made{job, user, at})
		}
	}
	s.mu.Unlock()
	for _, call := range calls {
		require.True(t, byPerson[call.user])
	}
	requireBraked(t, *s.limits, braked)
	require.Positive(t, s.steps()[revocation.StepBraked], "the brake was put to the test")

	waits := make(map[string]bool)
	for _, hold := range s.waiting() {
		waits[hold.Job.ID] = true
	}
	dead := make(map[string]bool)
	for _, letter := range letters {
		dead[letter.Job.ID] = true
	}
	for _, job := range s.jobs {
		_, finished, err := s.ledger.Finished(t.Context(), job.ID)
		require.NoError(t, err)
		require.True(t, finished || waits[job.ID] || dead[job.ID], "job %s for %s is lost", job.ID, job.Person.Value)
		require.True(t, !dead[job.ID] || job.Person.Value == forbidden, "only Okta's refusal puts a job aside")
	}
}
