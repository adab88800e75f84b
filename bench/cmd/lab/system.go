package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"sever/bench/alert"
	"sever/bench/child"
	"sever/bench/load"
)

// secret is what senders repeat, and what every system compares.
const secret = "lab-secret-0123456789abcdef"

// startTimeout bounds how long a system may take until it is ready.
const startTimeout = 2 * time.Minute

// system is one thing to measure.
type system struct {
	name  string
	start func(ctx context.Context, dir, okta string) (*running, error)
}

// running is a started system, with an empty store of its own.
type running struct {
	process *child.Process
	address string // where it takes alerts
	next    atomic.Uint64
}

const (
	nameSever         = "sever"
	nameWatermill     = "watermill"
	nameWatermillSync = "watermill, sync"
	nameProvision     = "watermill, AutoProvision"
	nameBare          = "bare handler"
)

// systems are those to compare. severBinary is the path of a built sever.
func systems(severBinary string, syncToo, provisionToo bool) []system {
	all := []system{
		{nameBare, startBare},
		{nameWatermill, startWatermill()},
		{nameSever, func(ctx context.Context, dir, okta string) (*running, error) {
			return startSever(ctx, severBinary, dir, okta)
		}},
	}
	if syncToo {
		all = append(all, system{nameWatermillSync, startWatermill("-sync")})
	}
	if provisionToo {
		all = append(all, system{nameProvision, startWatermill("-provision")})
	}
	return all
}

// startSever starts the real binary with every setting at its default: no brake, no notices, fsync before each answer.
func startSever(ctx context.Context, binary, dir, okta string) (*running, error) {
	address, err := child.FreeAddress(ctx)
	if err != nil {
		return nil, err
	}
	admin, err := child.FreeAddress(ctx)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "sever.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, `
listen: %s
admin: {listen: %s}
store: {dir: %q}
orgs: {lab: {url: %q, auth: {type: ssws, token: env:SEVER_LAB_SECRET}}}
sources: {okta: {type: okta_event_hook, org: lab, verify: {type: header, header: Authorization, secrets: [env:SEVER_LAB_SECRET]}}}
`, address, admin, storeOf(dir), okta), 0o600); err != nil {
		return nil, fmt.Errorf("write the configuration: %w", err)
	}
	process, err := child.Start(filepath.Join(dir, "log"), []string{"SEVER_LAB_SECRET=" + secret}, binary, "serve", "--config", file)
	if err != nil {
		return nil, err
	}
	return ready(ctx, &running{process: process, address: address}, isReady("http://"+admin+"/readyz"))
}

func storeOf(dir string) string { return filepath.Join(dir, "store") }

func isReady(url string) func(context.Context) bool {
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	return func(ctx context.Context) bool {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
		if err != nil {
			return false
		}
		answer, err := client.Do(req)
		if err != nil {
			return false
		}
		return answer.Body.Close() == nil && answer.StatusCode == http.StatusOK
	}
}

func startWatermill(flags ...string) func(context.Context, string, string) (*running, error) {
	return func(ctx context.Context, dir, okta string) (*running, error) {
		return startOurs(ctx, dir, childWatermill, append([]string{"-okta", okta, "-dir", storeOf(dir)}, flags...)...)
	}
}

func startBare(ctx context.Context, dir, _ string) (*running, error) {
	return startOurs(ctx, dir, childBare)
}

// startOurs starts the lab itself as a server.
func startOurs(ctx context.Context, dir, name string, args ...string) (*running, error) {
	address, err := child.FreeAddress(ctx)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the lab's own program: %w", err)
	}
	process, err := child.Start(filepath.Join(dir, "log"), nil, self, append([]string{name, "-listen", address}, args...)...)
	if err != nil {
		return nil, err
	}
	return ready(ctx, &running{process: process, address: address}, child.Listens(address))
}

func ready(ctx context.Context, r *running, ask func(context.Context) bool) (*running, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := r.process.Ready(ctx, ask); err != nil {
		r.process.Kill()
		return nil, err
	}
	return r, nil
}

// load sends alerts of that type to it.
func (r *running) load(ctx context.Context, l load.Load, event string) (load.Result, error) {
	request, err := alert.New(r.address, secret, event)
	if err != nil {
		return load.Result{}, err
	}
	l.Address, l.Alert, l.Next = r.address, request, &r.next
	return l.Run(ctx)
}
