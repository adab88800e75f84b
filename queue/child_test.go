package queue

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// childDir makes the test binary a process that works on the folder it names,
// instead of running tests.
const childDir = "SEVER_QUEUE_TEST_CHILD"

// child opens the store, says how many ports this process listens on, and then
// appends deliveries, naming each that is stored, until its stdin ends.
func child(dir string) int {
	q, err := Open(context.Background(), Config{
		Dir: dir, MaxSize: 64 << 20, AckWait: time.Minute, Orgs: []string{"acme"},
		Retention: Retention{Deliveries: time.Hour * 24, Jobs: time.Hour * 24, Ledger: time.Hour * 24, Dead: time.Hour * 24},
		Logger:    slog.New(slog.DiscardHandler),
	})
	if err != nil {
		fmt.Fprintln(os.Stdout, "error:", err)
		return 1
	}
	ports, err := listeningPorts()
	fmt.Fprintln(os.Stdout, "listening:", ports, err)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(io.Discard, os.Stdin) // the end is what matters, however it comes
	}()
	log := q.DeliveryLog(time.Minute, 1<<20)
	for i := 0; ; i++ {
		select {
		case <-ended:
			log.Close()
			fmt.Fprintln(os.Stdout, "closed:", q.Close())
			return 0
		default:
		}
		name := strconv.Itoa(i)
		if err := log.Append(context.Background(), delivery(name)); err == nil {
			fmt.Fprintln(os.Stdout, "stored:", delivery(name).ID)
		}
	}
}

// process is a running child.
type process struct {
	cmd   *exec.Cmd
	stdin io.Closer
	lines *bufio.Scanner
}

// startChild starts the test binary as a child on dir.
func startChild(t *testing.T, dir string) *process {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0]) // this very binary
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	p := &process{cmd: cmd, stdin: stdin, lines: bufio.NewScanner(stdout)}
	t.Cleanup(func() { _ = p.cmd.Wait() }) // killed by its context by now, or ended before
	return p
}

// say reads the child's next line and gives what stands behind its label.
func (p *process) say(t *testing.T, label string) string {
	t.Helper()
	require.True(t, p.lines.Scan(), "the child ended before it said %q", label)
	rest, found := strings.CutPrefix(p.lines.Text(), label+": ")
	require.True(t, found, "the child said %q instead of %q", p.lines.Text(), label)
	return rest
}

// rest reads what the child says until it ends.
func (p *process) rest() []string {
	var all []string
	for p.lines.Scan() {
		all = append(all, p.lines.Text())
	}
	return all
}

// listeningPorts counts the sockets of this process that wait for connections.
func listeningPorts() (int, error) {
	own := make(map[string]bool)
	links, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		return 0, err
	}
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil {
			own[strings.TrimSuffix(strings.TrimPrefix(target, "socket:["), "]")] = true
		}
	}
	count := 0
	for _, table := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		data, err := os.ReadFile(table)
		if err != nil {
			return 0, err
		}
		for row := range strings.Lines(string(data)) {
			const state, inode, listening = 3, 9, "0A"
			if columns := strings.Fields(row); len(columns) > inode && columns[state] == listening && own[columns[inode]] {
				count++
			}
		}
	}
	return count, nil
}
