package app_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/okta/oktasim"
	"sever/revocation"
)

// The crash lab takes these from the environment: how many rounds, from which seed, how
// many at once, and the file that its summary is added to.
const (
	crashRounds = "SEVER_CRASH_ROUNDS"
	crashSeed   = "SEVER_CRASH_SEED"
	crashAtOnce = "SEVER_CRASH_AT_ONCE"
	crashReport = "SEVER_CRASH_REPORT"
)

func numberFrom(t *testing.T, name string, usual int) int {
	t.Helper()
	text, set := os.LookupEnv(name)
	if !set || text == "" {
		return usual
	}
	number, err := strconv.Atoi(text)
	require.NoError(t, err, name)
	require.Positive(t, number, name)
	return number
}

// In each round Sever is killed one to three times, at a random step or moment of any
// stage, under a load of its own, with an Okta that is slow and fails now and then. After
// it every delivery that was accepted has its one revocation, on record; and every call
// to Okta is on record too, or was in flight at a kill.
//
// A round depends on the seed and on its number alone, as far as what it does goes: when
// the machine does it is another matter. To see one again, ask for its subtest.
func TestTheCrashLab(t *testing.T) { //nolint:tparallel // the rounds are parallel among themselves, and over before their summary
	t.Parallel()
	rounds, seed := numberFrom(t, crashRounds, 4), numberFrom(t, crashSeed, 1)
	places := make(chan struct{}, numberFrom(t, crashAtOnce, 2))
	sum := newCrashSum(seed)
	t.Run("rounds", func(t *testing.T) {
		for n := range rounds {
			t.Run(fmt.Sprintf("seed %d round %d", seed, n), func(t *testing.T) {
				t.Parallel()
				places <- struct{}{}
				defer func() { <-places }()
				result := newCrashRound(t, rand.New(rand.NewPCG(uint64(seed), uint64(n)))).run()
				sum.add(result)
				if len(result.problems) > 0 {
					t.Error(strings.Join(result.problems, "\n"))
				}
			})
		}
	})
	sum.tell(t)
}

// killable are the steps of all stages that a load passes.
func killable() []revocation.Step {
	return append(passed(), revocation.StepHeld, revocation.StepReleased, revocation.StepWithdrawn)
}

// doom is how a process ends: at the nth occurrence of a step, or after a while.
type doom struct {
	at    string // step:n, or empty
	after time.Duration
}

func newDoom(random *rand.Rand, load int) doom {
	if random.IntN(4) == 0 {
		return doom{after: time.Duration(50+random.IntN(1500)) * time.Millisecond}
	}
	at := killable()[random.IntN(len(killable()))]
	most := 1 + load/2
	if at == revocation.StepHeld || at == revocation.StepReleased || at == revocation.StepWithdrawn {
		most = 2
	}
	return doom{at: fmt.Sprintf("%s:%d", at, 1+random.IntN(most)), after: 2500 * time.Millisecond}
}

// crashRound is one round.
type crashRound struct {
	*rig

	load   *crashLoad
	random *rand.Rand
	dooms  []doom
	lives  []life
	usual  bool // leases as long as they usually are
}

// life is one process of a round.
type life struct {
	*process

	owed map[string]bool // at its start; see crashLoad.owed
}

func newCrashRound(t *testing.T, random *rand.Rand) *crashRound {
	t.Helper()
	kills := 1 + random.IntN(3)
	load := newCrashLoad(random, kills+1)
	c := &crashRound{load: load, random: random, usual: random.IntN(4) == 0}
	for i := range kills {
		c.dooms = append(c.dooms, newDoom(random, len(load.posts[i])))
	}
	lease := "ack_wait: 2s, attempt_timeout: 1500ms"
	if c.usual {
		lease = "ack_wait: 5s, attempt_timeout: 4s"
	}
	spacing := []string{"0s", "200ms", "1s"}[random.IntN(3)]
	c.rig = prepareRig(t, newOktaWith(t, oktasim.Options{
		Seed: random.Uint64(), Token: oktaToken, Faults: crashFaults(random),
		Latency: time.Duration(random.IntN(60)) * time.Millisecond, Jitter: time.Duration(random.IntN(120)) * time.Millisecond,
	}), settings{
		work: fmt.Sprintf("{concurrency: %d, %s, spacing: %s}", 1+random.IntN(8), lease, spacing), policy: lowLanes, sources: crashSources(),
	})
	return c
}

// crashFaults let some calls fail, and between them let some through.
func crashFaults(random *rand.Rand) (faults []oktasim.Fault) {
	const path = "/api/v1/users/"
	for range random.IntN(4) {
		faults = append(faults,
			oktasim.Fault{Path: path, Count: 1 + random.IntN(10), Latency: time.Millisecond},
			[]oktasim.Fault{
				{Path: path, Count: 1 + random.IntN(3), Status: 500},
				{Path: path, Count: 1, RateLimited: true, ResetIn: time.Second},
			}[random.IntN(2)])
	}
	return faults
}

// run lives and dies as the dooms say, drains, stops in order and judges.
func (c *crashRound) run() crashResult {
	c.t.Helper()
	var missing []*message
	for i, end := range c.dooms {
		p := c.begin(end.at)
		timer := time.AfterFunc(end.after, func() { _ = p.cmd.Process.Kill() })
		p.awaitListening(c.t) // it may die before
		missing = c.again(c.tellAll(p, append(missing, c.load.posts[i]...)))
		p.awaitKill(c.t)
		timer.Stop()
	}
	p := c.begin("")
	require.True(c.t, p.awaitListening(c.t), "the child ended before it listened")
	missing = c.tellAll(p, append(missing, c.load.posts[len(c.dooms)]...))
	require.Empty(c.t, missing, "a process that nobody kills accepts everything")
	left := c.drain(p)
	p.end(c.t)
	return c.judge(left)
}

func (c *crashRound) begin(kill string) *process {
	c.t.Helper()
	owed := c.load.owed(c.seen)
	p := c.launch(kill)
	c.lives = append(c.lives, life{p, owed})
	return p
}

// again are those of the messages not accepted that their senders send once more. Some
// senders do not.
func (c *crashRound) again(missing []*message) (again []*message) {
	for _, m := range missing {
		if m.keep || c.random.IntN(5) > 0 {
			again = append(again, m)
		}
	}
	return again
}

// drain waits until all that was accepted is finished and nothing is pending or held.
func (c *crashRound) drain(p *process) (left string) {
	c.t.Helper()
	asking := time.NewTicker(4 * tick)
	defer asking.Stop()
	for deadline := time.After(soon); ; {
		if left = c.left(p); left == "" {
			return ""
		}
		select {
		case <-asking.C:
		case <-deadline:
			return left + c.story(p)
		}
	}
}

// left says what is not done yet.
func (c *crashRound) left(p *process) string {
	c.t.Helper()
	given, err := c.do(http.MethodGet, p.admin+"/metrics", http.Header{}, nil)
	if err != nil {
		return err.Error()
	}
	var waiting []string
	for name, value := range series(given.body) {
		if value > 0 && (strings.HasPrefix(name, "sever_jobs_pending") || strings.HasPrefix(name, "sever_jobs_held")) {
			waiting = append(waiting, fmt.Sprintf("%s is %v", name, value))
		}
	}
	if len(waiting) > 0 {
		return strings.Join(waiting, ", ")
	}
	if !idle(given.body) {
		return "the depths cannot be read"
	}
	done := make(map[string]bool)
	for _, state := range c.finishedIn(p) {
		done[signalKey(state.Job.Source, state.Job.Person.Value, state.Job.Occurred)] = true
	}
	for _, m := range c.load.messages {
		if m.alert && m.accepted && !done[m.key()] {
			return m.key() + " is not finished"
		}
	}
	return ""
}
