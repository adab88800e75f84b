package app_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/internal/app"
	"sever/internal/config"
	"sever/revocation"
)

// childConfig names the configuration of the Sever that the test binary is to be,
// instead of running tests. childKill is the step at whose nth occurrence it kills
// itself, as step:n.
const (
	childConfig = "SEVER_APP_TEST_CHILD"
	childKill   = "SEVER_APP_TEST_KILL"
)

// child is Sever in a process of its own, until its stdin ends. Its stdout says
// where it listens, and then every step it takes.
func child(file string) int {
	cfg, err := config.Load(file, os.LookupEnv)
	if err != nil {
		fmt.Fprintln(os.Stdout, "error:", err)
		return 1
	}
	running, err := app.New(context.Background(), cfg, app.Options{
		Roles: app.AllRoles(), Version: "test", Logger: slog.New(slog.DiscardHandler),
		Observer: revocation.Observers(killer(os.Getenv(childKill)), tellStep()),
	})
	if err != nil {
		fmt.Fprintln(os.Stdout, "error:", err)
		return 1
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // the end is what matters, however it comes
		cancel()
	}()
	fmt.Fprintln(os.Stdout, "listening", running.URL(), running.AdminURL())
	if err := running.Run(ctx); err != nil {
		fmt.Fprintln(os.Stdout, "error:", err)
		return 1
	}
	return 0
}

// killer ends the process at the nth occurrence of a step, with no time for anything.
func killer(at string) revocation.Observer {
	name, count, found := strings.Cut(at, ":")
	nth, err := strconv.ParseInt(count, 10, 64)
	if !found || err != nil {
		return nil
	}
	var seen atomic.Int64
	return func(event revocation.Event) {
		if event.Step == revocation.Step(name) && seen.Add(1) == nth {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // not one instruction more on this goroutine
		}
	}
}

func tellStep() revocation.Observer {
	var one sync.Mutex
	return func(event revocation.Event) {
		one.Lock()
		defer one.Unlock()
		outcome := revocation.Outcome("-")
		if event.Record != nil {
			outcome = event.Record.Outcome
		}
		reason := "-"
		if event.Step == revocation.StepIgnored {
			reason = event.Reason
		}
		fmt.Fprintln(os.Stdout, "step", event.Step, outcome, reason)
	}
}

// process is a running child.
type process struct {
	cmd        *exec.Cmd
	stdin      io.Closer
	url, admin string

	ended chan struct{} // closed when the child is gone
	err   error         // how it went, once ended
}

// startChild starts the rig's installation as a process. What it tells becomes the
// rig's own events. kill is step:n, or empty to let it live.
func (r *rig) startChild(kill string) *process {
	r.t.Helper()
	cmd := exec.CommandContext(r.t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childConfig+"="+r.file, childKill+"="+kill)
	for name, value := range secrets() {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	require.NoError(r.t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(r.t, err)
	require.NoError(r.t, cmd.Start())
	p := &process{cmd: cmd, stdin: stdin, ended: make(chan struct{})}
	listening := make(chan string, 1)
	go func() {
		defer close(p.ended)
		defer close(listening)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			r.hear(strings.Fields(lines.Text()), listening)
		}
		p.err = cmd.Wait()
	}()
	r.t.Cleanup(func() {
		_ = stdin.Close()
		<-p.ended // the end of the test's context kills it, if need be
	})
	select {
	case where, said := <-listening:
		require.True(r.t, said, "the child ended before it listened")
		p.url, p.admin, _ = strings.Cut(where, " ")
	case <-time.After(soon):
		require.FailNow(r.t, "the child does not listen")
	}
	return p
}

func (r *rig) hear(words []string, listening chan<- string) {
	switch {
	case len(words) == 3 && words[0] == "listening":
		listening <- words[1] + " " + words[2]
	case len(words) == 4 && words[0] == "step":
		r.seen.observe(revocation.Event{
			Step: revocation.Step(words[1]), Reason: words[3], Record: &revocation.Record{Outcome: revocation.Outcome(words[2])},
		})
	default:
		r.t.Error("the child said: ", words)
	}
}

// awaitKill waits until the child has killed itself.
func (p *process) awaitKill(t *testing.T) {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(soon):
		require.FailNow(t, "the child did not come to the step where it dies")
	}
	exit, ok := errors.AsType[*exec.ExitError](p.err)
	require.True(t, ok, "%v", p.err)
	require.Equal(t, syscall.SIGKILL, exit.Sys().(syscall.WaitStatus).Signal())
}

// end stops the child in order.
func (p *process) end(t *testing.T) {
	t.Helper()
	require.NoError(t, p.stdin.Close())
	select {
	case <-p.ended:
	case <-time.After(soon):
		require.FailNow(t, "the child does not stop")
	}
	require.NoError(t, p.err)
}

func TestTheKillerCountsOnlyItsStep(t *testing.T) {
	t.Parallel()
	require.Nil(t, killer(""))
	require.Nil(t, killer("called"))
	require.Nil(t, killer("called:x"))
	observe := killer("called:2")
	observe(revocation.Event{Step: revocation.StepCalled})
	observe(revocation.Event{Step: revocation.StepCalling}) // or this test would be gone
}
