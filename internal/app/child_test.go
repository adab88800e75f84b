package app_test

import (
	"bufio"
	"context"
	"encoding/json"
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
// where it listens, and then every step it takes, its warnings, and, when it is asked on
// stdin, how far the lanes have come.
func child(file string) int {
	cfg, err := config.Load(file, os.LookupEnv)
	if err != nil {
		fmt.Fprintln(os.Stdout, "error:", err)
		return 1
	}
	running, err := app.New(context.Background(), cfg, app.Options{
		Roles: app.AllRoles(), Version: "test", Logger: slog.New(slog.NewTextHandler(toldLog{}, &slog.HandlerOptions{Level: slog.LevelWarn})),
		Observer: revocation.Observers(killer(os.Getenv(childKill)), tellStep()),
	})
	if err != nil {
		fmt.Fprintln(os.Stdout, "error:", err)
		return 1
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		for asked := bufio.NewScanner(os.Stdin); asked.Scan(); {
			lanes, err := running.Lanes(ctx)
			fmt.Fprintf(os.Stdout, "lanes %+v %v\n", lanes, err)
		}
		cancel() // the end is what matters, however it comes
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
			fmt.Fprintln(os.Stdout, "killed", name)
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // not one instruction more on this goroutine
		}
	}
}

// toldLog is the log of a child, a line at a time and none so long that a kill would cut it.
type toldLog struct{}

func (toldLog) Write(line []byte) (int, error) {
	text := strings.TrimSpace(string(line))
	fmt.Fprintln(os.Stdout, "log", text[:min(len(text), 2000)])
	return len(line), nil
}

// told is what a child says of a step: one short line, so that a kill never cuts it.
type told struct {
	Step     revocation.Step    `json:"step"`
	Outcome  revocation.Outcome `json:"outcome"`
	Reason   string             `json:"reason"`
	Job      string             `json:"job"`
	Person   string             `json:"person"`
	Source   string             `json:"source"`
	Occurred time.Time          `json:"occurred"`
}

func tellStep() revocation.Observer {
	var one sync.Mutex
	return func(event revocation.Event) {
		one.Lock()
		defer one.Unlock()
		line := told{Step: event.Step}
		if event.Record != nil {
			line.Outcome = event.Record.Outcome
		}
		if event.Step == revocation.StepIgnored {
			line.Reason = event.Reason
		}
		if job := event.Job; job != nil {
			line.Job, line.Person, line.Source, line.Occurred = job.ID, job.Person.Value, job.Source, job.Occurred
		}
		text, err := json.Marshal(line)
		if err != nil {
			panic(err) // plain values
		}
		fmt.Fprintln(os.Stdout, "step", string(text))
	}
}

func (l told) event() revocation.Event {
	return revocation.Event{
		Step: l.Step, Reason: l.Reason, Record: &revocation.Record{Outcome: l.Outcome},
		Job: &revocation.Job{ID: l.Job, Person: revocation.Person{Value: l.Person}, Source: l.Source, Occurred: l.Occurred},
	}
}

// process is a running child.
type process struct {
	cmd        *exec.Cmd
	stdin      io.WriteCloser
	began      time.Time // just before it was started
	url, admin string    // once it listens
	listening  chan string

	ended    chan struct{} // closed when the child is gone
	err      error         // how it went, once ended
	killedAt string        // the step at which it killed itself, once ended
	seen     *recorder     // what this child told
	lanes    chan string   // how far they have come, once it was asked

	mu     sync.Mutex
	logged []string // the last of its warnings
}

// startChild starts the rig's installation as a process and waits until it listens.
// kill is step:n, or empty to let it live.
func (r *rig) startChild(kill string) *process {
	r.t.Helper()
	p := r.launch(kill)
	require.True(r.t, p.awaitListening(r.t), "the child ended before it listened")
	return p
}

// launch starts a child. What it tells becomes the rig's own events, too.
func (r *rig) launch(kill string) *process {
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
	p := &process{
		cmd: cmd, stdin: stdin, began: time.Now(), listening: make(chan string, 1), ended: make(chan struct{}), seen: newRecorder(),
		lanes: make(chan string, 1),
	}
	require.NoError(r.t, cmd.Start())
	go func() {
		defer close(p.ended)
		defer close(p.listening)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			r.hear(p, lines.Text())
		}
		p.err = cmd.Wait()
	}()
	r.t.Cleanup(func() {
		_ = stdin.Close()
		<-p.ended // the end of the test's context kills it, if need be
	})
	return p
}

// awaitListening says whether the child came to listen before it ended.
func (p *process) awaitListening(t *testing.T) bool {
	t.Helper()
	select {
	case where, said := <-p.listening:
		p.url, p.admin, _ = strings.Cut(where, " ")
		return said
	case <-time.After(soon):
		require.FailNow(t, "the child does not listen")
		return false
	}
}

func (r *rig) hear(p *process, line string) {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "listening":
		p.listening <- rest
	case "killed":
		p.killedAt = rest
	case "log":
		p.mu.Lock()
		p.logged = append(p.logged[max(0, len(p.logged)-50):], rest)
		p.mu.Unlock()
	case "lanes":
		p.lanes <- rest
	case "step":
		var said told
		if err := json.Unmarshal([]byte(rest), &said); err != nil {
			r.t.Error("the child said: ", line)
			return
		}
		p.seen.observe(said.event())
		r.seen.observe(said.event())
	default:
		r.t.Error("the child said: ", line)
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
