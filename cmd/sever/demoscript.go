package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"sever/okta/oktasim"
	"sever/revocation"
	"sever/source"
)

// scene is one thing that senders do, and what must come of it.
type scene struct {
	title string
	act   func(ctx context.Context, s *demoStage) error
	ends  int // how many jobs finish, dead letters appear and signals are ignored
	quiet bool

	leastCalls, mostCalls int // calls to Okta
	outcome               map[revocation.Outcome]int
	dead, ignored         int
}

// sceneTimeout bounds one scene: the longest waits out a rate limit.
const sceneTimeout = 30 * time.Second

// burst is how many alerts about one person come at once.
const burst = 100

func script() []scene {
	suspended := source.OktaSample{Type: "user.lifecycle.suspend", User: "00uAlice0000000000aA", UUID: "demo-suspend-alice"}
	broken := source.OktaSample{Type: "user.lifecycle.suspend", User: "00u1/../../groups"}
	revoked := func(n int) map[revocation.Outcome]int {
		return map[revocation.Outcome]int{revocation.OutcomeRevoked: n}
	}
	return []scene{
		{
			title: "Okta tells that Alice was suspended",
			act:   send(suspended), ends: 1, leastCalls: 1, mostCalls: 1, outcome: revoked(1),
		},
		{
			title: "Okta sends the same event once more: a duplicate never signs anyone out again",
			act:   send(suspended), ends: 1, ignored: 1,
		},
		{
			title: "Bob signs in with a risk that Okta calls HIGH: here the actor is the person",
			act:   send(source.OktaSample{Type: "user.session.start", User: "00uBob000000000000bB", Risk: "HIGH"}),
			ends:  1, leastCalls: 1, mostCalls: 1, outcome: revoked(1),
		},
		{
			title: fmt.Sprintf("%d alerts about Carol within a second: one call at once, one for all that came after it", burst),
			act:   sendBurst, ends: burst, quiet: true, leastCalls: 1, mostCalls: 2,
		},
		{
			title: "Okta's rate limit is used up when Dave is deactivated: the job waits for the reset, nothing is lost",
			act:   sendRateLimited, ends: 1, leastCalls: 2, mostCalls: 3, outcome: revoked(1),
		},
		{
			title: "A delivery names a user id that would call another path: a dead letter, never a guess",
			act:   send(broken), ends: 1, dead: 1,
		},
		{
			title: "A stranger without the secret",
			act:   sendForged,
		},
	}
}

// play acts the scenes one after the other and checks what came of each.
func (s *demoStage) play(ctx context.Context) error {
	s.timeline.printf("sever %s on %s, simulated Okta on http://%s\n", version, s.app.URL(), s.simListener.Addr())
	for number, scene := range script() {
		s.timeline.begin(number+1, scene.title, scene.quiet)
		if err := s.playScene(ctx, scene); err != nil {
			return fmt.Errorf("scene %d, %s: %w", number+1, scene.title, err)
		}
	}
	if err := checkCalls(s.sim.Calls()); err != nil {
		return err
	}
	s.timeline.printf("\nAll as it should be: %d calls to Okta, each DELETE /api/v1/users/{id}/sessions with both flags.\n", len(s.sim.Calls()))
	return nil
}

func (s *demoStage) playScene(ctx context.Context, scene scene) error {
	ctx, cancel := context.WithTimeout(ctx, sceneTimeout)
	defer cancel()
	before, began := len(s.sim.Calls()), time.Now()
	if err := scene.act(ctx, s); err != nil {
		return err
	}
	if scene.mostCalls > 1 {
		// On a slow machine a burst lasts longer than the spacing, and costs a call more.
		scene.mostCalls += int(time.Since(began) / time.Second)
	}
	seen, err := s.timeline.await(ctx, scene.ends)
	if err != nil {
		return err
	}
	calls := len(s.sim.Calls()) - before
	if scene.quiet {
		s.timeline.printf("   %d deliveries accepted, %d calls to Okta, %d revoked, %d covered\n",
			seen.accepted, calls, seen.outcomes[revocation.OutcomeRevoked], seen.outcomes[revocation.OutcomeCovered])
	}
	return scene.check(seen, calls)
}

func (s scene) check(seen tally, calls int) error {
	if calls < s.leastCalls || calls > s.mostCalls {
		return fmt.Errorf("%d calls to Okta, want %d to %d", calls, s.leastCalls, s.mostCalls)
	}
	for outcome, want := range s.outcome {
		if got := seen.outcomes[outcome]; got != want {
			return fmt.Errorf("%d jobs %s, want %d", got, outcome, want)
		}
	}
	if seen.dead != s.dead || seen.ignored != s.ignored {
		return fmt.Errorf("%d dead letters and %d ignored, want %d and %d", seen.dead, seen.ignored, s.dead, s.ignored)
	}
	return nil
}

// checkCalls makes sure that nothing but revocations of well-formed ids left.
func checkCalls(calls []oktasim.Call) error {
	for _, call := range calls {
		if call.Method != http.MethodDelete || call.Path != "/api/v1/users/"+call.User+"/sessions" ||
			call.Query != "forgetDevices=true&oauthTokens=true" {
			return fmt.Errorf("an unexpected call reached Okta: %s %s?%s", call.Method, call.Path, call.Query)
		}
	}
	return nil
}

// send delivers a sample, which must be accepted.
func send(sample source.OktaSample) func(context.Context, *demoStage) error {
	return func(ctx context.Context, s *demoStage) error {
		if sample.Published.IsZero() {
			sample.Published = time.Now()
		}
		return s.post(ctx, demoSecret, sample.Body(), http.StatusNoContent)
	}
}

func sendBurst(ctx context.Context, s *demoStage) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(16)
	for range burst {
		group.Go(func() error {
			sample := source.OktaSample{Type: "user.lifecycle.suspend", User: "00uCarol0000000000cC", Published: time.Now()}
			return s.post(ctx, demoSecret, sample.Body(), http.StatusNoContent)
		})
	}
	return group.Wait()
}

func sendRateLimited(ctx context.Context, s *demoStage) error {
	s.sim.AddFaults(oktasim.Fault{RateLimited: true, ResetIn: 2 * time.Second})
	return send(source.OktaSample{Type: "user.lifecycle.deactivate", User: "00uDave00000000000dD"})(ctx, s)
}

func sendForged(ctx context.Context, s *demoStage) error {
	return s.post(ctx, "guessed", source.OktaSample{Type: "user.lifecycle.suspend", User: "00uErin00000000000eE"}.Body(), http.StatusUnauthorized)
}

func (s *demoStage) post(ctx context.Context, secret string, body []byte, want int) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.app.URL()+"/v1/hooks/okta", bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("make a delivery: %w", err)
	}
	req.Header.Set("Authorization", secret)
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.client.Do(req)
	if err != nil {
		return fmt.Errorf("deliver: %w", err)
	}
	_, readErr := io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	if err := errors.Join(readErr, resp.Body.Close()); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	if resp.StatusCode != want {
		return fmt.Errorf("answered %d, want %d", resp.StatusCode, want)
	}
	return nil
}

// invite prints what a person can try now.
func (s *demoStage) invite() {
	sample := source.OktaSample{Type: "user.lifecycle.suspend", User: "00uFrank000000000fF1", UUID: "try-me-1", Published: time.Now()}
	hook := s.app.URL() + "/v1/hooks/okta"
	s.timeline.begin(0, "Your turn (Ctrl-C ends it)", false)
	s.timeline.printf("%s", strings.Join([]string{
		"   # suspend Frank; send it twice, then change try-me-1",
		"   curl -i -H 'Authorization: " + demoSecret + "' -H 'Content-Type: application/json' " + hook + " \\",
		"     -d '" + string(sample.Body()) + "'",
		"   # Okta's one-time check of the URL",
		"   curl -i -H 'Authorization: " + demoSecret + "' -H 'x-okta-verification-challenge: my-value' " + hook,
		"   # what the simulated Okta was asked",
		"   curl -s http://" + s.simListener.Addr().String() + "/_sim/calls",
		"   # make the next three calls fail, then send something",
		"   curl -s http://" + s.simListener.Addr().String() + "/_sim/faults -d '{\"count\":3,\"status\":503}'",
		"   # jobs, dead letters, health and metrics",
		"   curl -s " + s.app.AdminURL() + "/api/v1/jobs; curl -s " + s.app.AdminURL() + "/api/v1/dead",
		"   curl -s " + s.app.AdminURL() + "/readyz; curl -s " + s.app.AdminURL() + "/metrics | grep ^sever_",
		"",
	}, "\n"))
}
