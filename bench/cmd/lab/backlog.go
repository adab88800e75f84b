package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"sever/okta/oktasim"
)

// backlog is a Sever that was down, or paused, until very many jobs waited.
type backlog struct {
	dir    string
	jobs   uint64
	people uint64
	watch  time.Duration
	okta   oktasim.RateLimit
	binary string
	out    io.Writer
}

func runBacklog(ctx context.Context, args []string, out, notes io.Writer) error {
	b := &backlog{out: out}
	flags := flag.NewFlagSet("lab backlog", flag.ContinueOnError)
	flags.SetOutput(notes)
	flags.StringVar(&b.dir, "dir", ".", "folder for the store, on a real disk")
	flags.Uint64Var(&b.jobs, "jobs", 1_000_000, "jobs in the store")
	flags.Uint64Var(&b.people, "people", 0, "people that they are about in turn; 0: each about another, so that each needs a call")
	flags.DurationVar(&b.watch, "watch", time.Minute, "how long to watch it work them off")
	flags.IntVar(&b.okta.Limit, "okta-limit", 600, "calls that the simulated Okta allows in a window")
	flags.DurationVar(&b.okta.Window, "okta-window", 10*time.Second, "that window")
	binary := flags.String("sever", "../bin/sever", "the built sever")
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("lab backlog: %w", err)
	}
	if b.people == 0 {
		b.people = b.jobs
	}
	var err error
	if b.binary, err = filepath.Abs(*binary); err != nil {
		return fmt.Errorf("-sever: %w", err)
	}
	if _, err := os.Stat(b.binary); err != nil {
		return fmt.Errorf("-sever: %w; \"make build\" makes it", err)
	}
	return b.run(ctx)
}

// run fills a store, starts Sever on it, watches it work, kills it and starts it once more.
func (b *backlog) run(ctx context.Context) (err error) {
	dir, err := os.MkdirTemp(b.dir, "lab-")
	if err != nil {
		return fmt.Errorf("-dir: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	began := time.Now()
	if err := fill(ctx, storeOf(dir), b.jobs, b.people); err != nil {
		return fmt.Errorf("fill the store: %w", err)
	}
	size, err := sizeOf(storeOf(dir))
	if err != nil {
		return err
	}
	fmt.Fprintf(b.out, "%d jobs about %d people put on their lane in %.0f s; the store has %s\n", b.jobs, b.people, time.Since(began).Seconds(), megabytes(size))
	sim, err := startOkta(ctx, b.okta)
	if err != nil {
		return err
	}
	defer sim.close()
	if err := b.serve(ctx, dir, sim, "after a clean stop", b.watch); err != nil {
		return err
	}
	return b.serve(ctx, dir, sim, "after SIGKILL", 0)
}

// serve starts Sever, tells how soon it was ready, watches it and kills it.
func (b *backlog) serve(ctx context.Context, dir string, sim *okta, when string, watch time.Duration) error {
	began := time.Now()
	r, err := startSever(ctx, b.binary, dir, sim.url)
	if err != nil {
		return err
	}
	defer r.process.Kill()
	took := time.Since(began)
	now, most := r.process.Memory()
	fmt.Fprintf(b.out, "started %s: ready after %d ms, resident %s, at most %s so far\n", when, took.Milliseconds(), megabytes(now), megabytes(most))
	if watch == 0 {
		return nil
	}
	before := sim.revocations.Load()
	timer := time.NewTimer(watch)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	calls := sim.revocations.Load() - before
	now, most = r.process.Memory()
	allowed := float64(b.okta.Limit) / b.okta.Window.Seconds()
	fmt.Fprintf(b.out, "working for %s: %.1f calls a second, of %.1f that Okta allows; resident %s, at most %s; processor time %.1f s\n",
		watch, float64(calls)/watch.Seconds(), allowed, megabytes(now), megabytes(most), r.process.CPU().Seconds())
	return nil
}

func megabytes(bytes int64) string { return fmt.Sprintf("%.0f MB", float64(bytes)/1e6) }
