package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// asProgram in the environment makes the test binary be sever itself, so that tests
// can start it as a process of its own.
const asProgram = "SEVER_TEST_AS_PROGRAM"

// soon bounds every wait for something that is about to happen; tick is how often
// it is looked at where nothing tells of it.
const (
	soon = 30 * time.Second
	tick = 20 * time.Millisecond
)

// What the tests' installation is told to keep to itself.
const (
	hookSecret = "hook-secret-of-the-tests"
	oktaToken  = "okta-token-of-the-tests"
	adminToken = "admin-token-of-the-tests"
)

// nobody is an address that nothing listens on.
const nobody = "127.0.0.1:1"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(run())
	}
	goleak.VerifyTestMain(hangingUp{m})
}

// hangingUp ends the connections that commands, which are processes of their own in
// real life, leave open for the next request.
type hangingUp struct{ *testing.M }

func (m hangingUp) Run() int {
	defer newHTTPClient(soon).CloseIdleConnections()
	return m.M.Run()
}

// shell is where a command is typed.
type shell struct {
	env map[string]string
	in  string
}

// secrets is a shell that knows every secret.
func secrets() shell {
	return shell{env: map[string]string{
		"OKTA_HOOK_SECRET": hookSecret, "OKTA_API_TOKEN": oktaToken, "SEVER_ADMIN_TOKEN": adminToken,
	}}
}

// result is what a command left behind.
type result struct {
	code     int
	out, err string
}

// run executes a command in this process and waits for its end.
func (s shell) run(tb testing.TB, args ...string) result {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*soon)
	defer cancel()
	var out, err bytes.Buffer
	code := execute(ctx, s.cli(&out, &err), args)
	require.NoError(tb, ctx.Err(), "sever %q took too long; it had said:\n%s%s", args, &out, &err)
	return result{code, out.String(), err.String()}
}

func (s shell) cli(out, err interface{ Write([]byte) (int, error) }) cli {
	return cli{out: out, err: err, in: strings.NewReader(s.in), env: func(name string) (string, bool) {
		value, set := s.env[name]
		return value, set
	}}
}

// started is a command that goes on until it is stopped.
type started struct {
	out, err *screen
	signal   func(os.Signal)
	ended    <-chan int // gives the exit code, once
}

// stop asks the command to end, as by SIGTERM, and gives its exit code.
func (s started) stop(tb testing.TB) int {
	tb.Helper()
	s.signal(syscall.SIGTERM)
	return s.wait(tb)
}

func (s started) wait(tb testing.TB) int {
	tb.Helper()
	select {
	case code := <-s.ended:
		return code
	case <-time.After(soon):
		require.FailNow(tb, "the command did not end", "%s%s", s.out, s.err)
		return -1
	}
}

// start executes a command in this process; any signal ends its context.
func (s shell) start(tb testing.TB, args ...string) started {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out, err, ended := newScreen(), newScreen(), make(chan int, 1)
	var owner sync.WaitGroup
	owner.Go(func() { ended <- execute(ctx, s.cli(out, err), args) })
	tb.Cleanup(func() { cancel(); owner.Wait() })
	return started{out: out, err: err, signal: func(os.Signal) { cancel() }, ended: ended}
}

// startProcess starts sever as a process of its own, with nothing in its
// environment but what the shell has.
func (s shell) startProcess(tb testing.TB, args ...string) started {
	tb.Helper()
	program, err := os.Executable()
	require.NoError(tb, err)
	cmd := exec.Command(program, args...)
	cmd.Env = []string{asProgram + "=1", "GOCOVERDIR=" + tb.TempDir()} // or it complains when coverage is measured
	for name, value := range s.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Stdin = strings.NewReader(s.in)
	out, complaints, ended := newScreen(), newScreen(), make(chan int, 1)
	cmd.Stdout, cmd.Stderr = out, complaints
	require.NoError(tb, cmd.Start())
	var owner sync.WaitGroup
	owner.Go(func() {
		_ = cmd.Wait() // the state says how it ended
		ended <- cmd.ProcessState.ExitCode()
	})
	tb.Cleanup(func() { _ = cmd.Process.Kill(); owner.Wait() })
	return started{out: out, err: complaints, ended: ended, signal: func(signal os.Signal) {
		require.NoError(tb, cmd.Process.Signal(signal))
	}}
}

// screen shows what a command has written so far.
type screen struct {
	mu    sync.Mutex
	text  bytes.Buffer
	grown chan struct{} // closed and replaced at every write
}

func newScreen() *screen { return &screen{grown: make(chan struct{})} }

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.grown)
	s.grown = make(chan struct{})
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// await waits until the pattern is on the screen, and gives its groups.
func (s *screen) await(tb testing.TB, pattern string) []string {
	tb.Helper()
	form := regexp.MustCompile(pattern)
	timeout := time.After(soon)
	for {
		s.mu.Lock()
		text, grown := s.text.String(), s.grown
		s.mu.Unlock()
		if found := form.FindStringSubmatch(text); found != nil {
			return found
		}
		select {
		case <-grown:
		case <-timeout:
			require.FailNow(tb, "not on the screen: "+pattern, "%s", text)
		}
	}
}

// installation is what a configuration file says; zero fields get what lets any
// number of tests run side by side.
type installation struct {
	listen, admin string
	store         string
	nats          string // in place of store
	okta          string // Okta's address
	more          string // further sections
}

func (i installation) file(tb testing.TB) string {
	tb.Helper()
	store := "store: {dir: " + orElse(i.store, filepath.Join(tb.TempDir(), "store")) + ", max_size: 256MiB}"
	if i.nats != "" {
		store = "nats: {url: " + i.nats + "}"
	}
	return writeFile(tb, fmt.Sprintf(`listen: %s
admin: {listen: %s, token: env:SEVER_ADMIN_TOKEN}
%s
orgs:
  acme:
    url: http://%s
    auth: {type: ssws, token: env:OKTA_API_TOKEN}
sources:
  okta:
    type: okta_event_hook
    org: acme
    verify: {type: header, header: X-Practice-Secret, secrets: [env:OKTA_HOOK_SECRET]}
%s
`, orElse(i.listen, "127.0.0.1:0"), orElse(i.admin, "127.0.0.1:0"), store, orElse(i.okta, nobody), i.more))
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

func writeFile(tb testing.TB, text string) string {
	tb.Helper()
	file := filepath.Join(tb.TempDir(), "sever.yaml")
	require.NoError(tb, os.WriteFile(file, []byte(text), 0o600))
	return file
}

// serving is where a started serve says it can be reached.
func serving(tb testing.TB, s started) (senders, admin string) {
	tb.Helper()
	found := s.err.await(tb, `"msg":"ready","senders":"http://([^"]+)","admin":"http://([^"]+)"`)
	return found[1], found[2]
}
