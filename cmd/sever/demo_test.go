package main

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"sever/okta/oktasim"
	"sever/revocation"
)

func TestDemoOnce(t *testing.T) {
	t.Parallel()
	got := shell{}.run(t, "demo", "--once")
	require.Equal(t, exitDone, got.code, "%s%s", got.out, got.err)
	require.Empty(t, got.err)
	require.Regexp(t, `^sever dev on http://127\.0\.0\.1:\d+, simulated Okta on http://127\.0\.0\.1:\d+\n`, got.out)
	require.Regexp(t, `(?s)\nAll as it should be: \d+ calls to Okta, each DELETE /api/v1/users/\{id\}/sessions with both flags\.\n$`, got.out)

	want := [][]string{ // what each scene's timeline must show, in any order
		{"delivery  dlv_", "job       job_", "calling   DELETE /api/v1/users/00uAlice0000000000aA/sessions", "revoked   Okta ended the sessions; Okta answered 204"},
		{"delivery  dlv_", "duplicate this job is on its lane, or done"},
		{"user.session.start, rule risk_high", "calling   DELETE /api/v1/users/00uBob000000000000bB/sessions", "revoked "},
		{"100 deliveries accepted, ", " covered"},
		{"user.lifecycle.deactivate, rule deactivated", "waits     until +", "Okta answered 429", "revoked "},
		{"dead      ", `"00u1/../../groups"`},
		{"refused   unauthenticated; nothing was stored"},
	}
	scenes := strings.Split(got.out, "\n\n")
	scenes = scenes[1 : len(scenes)-1]
	require.Len(t, scenes, len(script()))
	require.Len(t, want, len(script()), "this test knows every scene")
	for number, scene := range script() {
		require.Contains(t, scenes[number], scene.title)
		for _, line := range want[number] {
			require.Contains(t, scenes[number], line)
		}
		if !scene.quiet {
			require.Regexp(t, `\n +\+\d+\.\d ms  `, scenes[number])
		}
	}
	require.NotContains(t, scenes[1], "calling", "a duplicate calls nobody")
	require.NotContains(t, scenes[5], "calling", "nor does a guess")
	require.NotContains(t, scenes[6], "delivery", "a stranger's is not stored")
	require.NotContains(t, got.out, "trouble")
}

// Until Ctrl-C the demo is there to be tried, and then it leaves nothing behind.
func TestDemoStaysUp(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	demo := shell{env: map[string]string{"TMPDIR": folder}}.startProcess(t, "demo")
	url := demo.out.await(t, `Your turn \(Ctrl-C ends it\)(?s:.*) (http://\S+)/v1/hooks/okta(?s:.*)grep \^sever_\n`)[1]
	left, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Len(t, left, 1, "its store")

	body := demo.out.await(t, `-d '(\{"cloudEventsVersion.*\})'`)[1]
	req, err := http.NewRequest(http.MethodPost, url+"/v1/hooks/okta", strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Authorization", demoSecret)
	req.Header.Set("Content-Type", "application/json")
	resp, err := newHTTPClient(soon).Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusNoContent, resp.StatusCode, "what it prints to try works")
	demo.out.await(t, `calling   DELETE /api/v1/users/00uFrank000000000fF1/sessions(?s:.*)revoked   Okta ended the sessions`)

	demo.signal(os.Interrupt)
	require.Equal(t, exitDone, demo.wait(t), demo.err)
	require.Empty(t, demo.err.String())
	left, err = os.ReadDir(folder)
	require.NoError(t, err)
	require.Empty(t, left)
}

// Who ends the demo before its script does has seen enough, which is no failure;
// --once was asked for the whole script.
func TestDemoInterrupted(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args []string
		code int
	}{
		{[]string{"demo"}, exitDone},
		{[]string{"demo", "--once"}, exitFailed},
	} {
		folder := t.TempDir()
		demo := shell{env: map[string]string{"TMPDIR": folder}}.startProcess(t, tt.args...)
		demo.out.await(t, `2\. `)
		demo.signal(syscall.SIGTERM)
		require.Equal(t, tt.code, demo.wait(t), "%s: %s", tt.args, demo.err)
		left, err := os.ReadDir(folder)
		require.NoError(t, err)
		require.Empty(t, left)

		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		var out, complaints bytes.Buffer
		require.Equal(t, tt.code, execute(ctx, shell{}.cli(&out, &complaints), tt.args), "before it began")
	}
}

// A demo in which Okta does not do as it should must not pass.
func TestDemoFailsWhenSomethingIsNotRevoked(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stage, err := shell{}.cli(&out, &out).setStage(ctx, t.TempDir(), true)
	require.NoError(t, err)
	stage.sim.AddFaults(oktasim.Fault{Status: http.StatusForbidden, Code: "E0000006"})
	var running errgroup.Group
	running.Go(func() error { return stage.app.Run(ctx) })
	running.Go(func() error { return serveSimulator(ctx, stage.simListener, stage.sim) })
	err = stage.play(ctx)
	require.ErrorContains(t, err, "scene 1, Okta tells that Alice was suspended")
	require.ErrorContains(t, err, "0 jobs revoked, want 1")
	cancel()
	require.NoError(t, running.Wait())
}

func TestSceneCheck(t *testing.T) {
	t.Parallel()
	want := scene{leastCalls: 1, mostCalls: 2, outcome: map[revocation.Outcome]int{revocation.OutcomeRevoked: 1}, dead: 1, ignored: 2}
	for name, tt := range map[string]struct {
		revoked, dead, ignored, calls int
		problem                       string
	}{
		"as it should be":   {1, 1, 2, 1, ""},
		"at the upper end":  {1, 1, 2, 2, ""},
		"too few calls":     {1, 1, 2, 0, "0 calls to Okta, want 1 to 2"},
		"too many calls":    {1, 1, 2, 3, "3 calls to Okta, want 1 to 2"},
		"not revoked":       {0, 1, 2, 1, "0 jobs revoked, want 1"},
		"revoked twice":     {2, 1, 2, 1, "2 jobs revoked, want 1"},
		"no dead letter":    {1, 0, 2, 1, "0 dead letters and 2 ignored, want 1 and 2"},
		"one more ignored":  {1, 1, 3, 1, "1 dead letters and 3 ignored, want 1 and 2"},
		"one fewer ignored": {1, 1, 1, 1, "1 dead letters and 1 ignored, want 1 and 2"},
	} {
		err := want.check(tally{
			dead: tt.dead, ignored: tt.ignored, outcomes: map[revocation.Outcome]int{revocation.OutcomeRevoked: tt.revoked},
		}, tt.calls)
		if tt.problem == "" {
			require.NoError(t, err, name)
		} else {
			require.EqualError(t, err, tt.problem, name)
		}
	}
}

func TestCheckCalls(t *testing.T) {
	t.Parallel()
	const user = "00uada00000000000001"
	good := oktasim.Call{
		Method: http.MethodDelete, Path: "/api/v1/users/" + user + "/sessions", User: user, Query: "forgetDevices=true&oauthTokens=true",
	}
	require.NoError(t, checkCalls(nil))
	require.NoError(t, checkCalls([]oktasim.Call{good, good}))
	for name, spoil := range map[string]func(*oktasim.Call){
		"another method":  func(c *oktasim.Call) { c.Method = http.MethodPost },
		"the user itself": func(c *oktasim.Call) { c.Path = "/api/v1/users/" + user },
		"another user":    func(c *oktasim.Call) { c.User = "00uada00000000000002" },
		"one flag only":   func(c *oktasim.Call) { c.Query = "oauthTokens=true" },
		"a flag off":      func(c *oktasim.Call) { c.Query = "forgetDevices=false&oauthTokens=true" },
	} {
		bad := good
		spoil(&bad)
		require.ErrorContains(t, checkCalls([]oktasim.Call{good, bad}), "an unexpected call reached Okta", name)
	}
}

func TestDemoAddress(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	usual := taken.Addr().String()
	require.Equal(t, "127.0.0.1:0", demoAddress(t.Context(), usual, false), "the usual port is busy")
	require.NoError(t, taken.Close())
	require.Equal(t, usual, demoAddress(t.Context(), usual, false))
	require.Equal(t, "127.0.0.1:0", demoAddress(t.Context(), usual, true))
}

// Two demos started in the same moment may both see a port free: the one that comes second takes another.
func TestDemosSideBySide(t *testing.T) {
	t.Parallel()
	var stages errgroup.Group
	for range 4 {
		folder := t.TempDir()
		stages.Go(func() error {
			stage, err := shell{}.cli(new(bytes.Buffer), new(bytes.Buffer)).setStage(t.Context(), folder, false)
			if err != nil {
				return err
			}
			return errors.Join(stage.app.Close(), stage.simListener.Close())
		})
	}
	require.NoError(t, stages.Wait())
}
