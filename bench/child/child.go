// Package child runs one of the lab's servers as a process of its own and reads what it costs.
package child

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// Process is a running child.
type Process struct {
	command *exec.Cmd
	log     string // the file of its output
	ended   chan struct{}
}

// Start runs a program with env beside the lab's own environment; its output goes to the file log.
func Start(log string, env []string, program string, args ...string) (*Process, error) {
	output, err := os.Create(log)
	if err != nil {
		return nil, fmt.Errorf("make the log: %w", err)
	}
	defer func() { _ = output.Close() }()     // the child has its own
	command := exec.Command(program, args...) //nolint:gosec,noctx // the lab's own programs; Kill ends them
	command.Env = append(os.Environ(), env...)
	command.Stdout, command.Stderr = output, output
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	p := &Process{command: command, log: log, ended: make(chan struct{})}
	go func() {
		_ = command.Wait() // killed, as a rule; Ready tells of one that ended by itself
		close(p.ended)
	}()
	return p, nil
}

// Kill ends the process as SIGKILL does, and waits for it.
func (p *Process) Kill() {
	_ = p.command.Process.Kill()
	<-p.ended
}

// Ready waits until ask is content, and looks every two milliseconds.
func (p *Process) Ready(ctx context.Context, ask func(context.Context) bool) error {
	ticks := time.NewTicker(2 * time.Millisecond)
	defer ticks.Stop()
	for !ask(ctx) {
		select {
		case <-ticks.C:
		case <-p.ended:
			said, err := os.ReadFile(p.log)
			return errors.Join(fmt.Errorf("%s ended before it was ready: %s", p.command.Path, said), err)
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", p.command.Path, context.Cause(ctx))
		}
	}
	return nil
}

// Listens asks whether somebody takes connections at that address.
func Listens(address string) func(context.Context) bool {
	return func(ctx context.Context) bool {
		var dialer net.Dialer
		conn, err := dialer.DialContext(ctx, "tcp", address)
		return err == nil && conn.Close() == nil
	}
}

// FreeAddress is a loopback address that nobody listens at, yet.
func FreeAddress(ctx context.Context) (string, error) {
	var ports net.ListenConfig
	listener, err := ports.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return listener.Addr().String(), listener.Close()
}

// clockTick is what Linux counts processor time in for programs, on every machine that Go runs on: a hundredth of a second.
const clockTick = 10 * time.Millisecond

// CPU is the processor time used so far; zero where there is no Linux to tell.
func (p *Process) CPU() time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.command.Process.Pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(stat), ") ") // the name before it may hold spaces
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * clockTick
}

// Memory is the resident memory in bytes, now and at most so far; zero where there is no Linux to tell.
func (p *Process) Memory() (now, most int64) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if err != nil {
		return 0, 0
	}
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		fields := strings.Fields(value)
		if len(fields) == 0 {
			continue
		}
		kilobytes, _ := strconv.ParseInt(fields[0], 10, 64)
		switch name {
		case "VmRSS":
			now = kilobytes << 10
		case "VmHWM":
			most = kilobytes << 10
		}
	}
	return now, most
}
