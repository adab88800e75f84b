package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"sever/bench/alert"
	"sever/bench/limit"
	"sever/bench/load"
	"sever/bench/report"
	"sever/okta/oktasim"
)

// comparison is one run of the lab.
type comparison struct {
	dir         string
	rounds      int
	connections []int
	length      time.Duration
	warmup      time.Duration
	people      uint64
	alerts      uint64
	okta        oktasim.RateLimit
	parts       map[string]bool
	event       string
	systems     []system
	notes       io.Writer
	report      report.Report
}

// openConnections is enough that an alert which is due finds a free one, unless the server stands still.
const openConnections = 256

// bodySize is the size for the limits, as of an alert.
const bodySize = 2500

func runCompare(ctx context.Context, args []string, out, notes io.Writer) error {
	c := &comparison{notes: notes}
	flags := flag.NewFlagSet("lab", flag.ContinueOnError)
	flags.SetOutput(notes)
	flags.StringVar(&c.dir, "dir", ".", "folder for the stores, on a real disk: in memory an fsync costs nothing")
	flags.IntVar(&c.rounds, "rounds", 5, "how many rounds; each measures every system")
	flags.DurationVar(&c.length, "length", 3*time.Second, "length of one load")
	flags.DurationVar(&c.warmup, "warmup", time.Second, "sent before each load, and not counted")
	flags.Uint64Var(&c.people, "people", 1000, "alerts are about so many people in turn")
	flags.Uint64Var(&c.alerts, "alerts", 500, "alerts of the idle measurement, in each round")
	flags.IntVar(&c.okta.Limit, "okta-limit", 600, "calls that the simulated Okta allows in a window, under load")
	flags.DurationVar(&c.okta.Window, "okta-window", time.Minute, "that window")
	flags.StringVar(&c.event, "event", alert.Deactivated, "type of the events under load; Sever revokes for the default")
	connections := flags.String("connections", "1,16,32,64,256", "connections of the closed loop")
	parts := flags.String("parts", "closed,limit,open,idle", "what to measure; open needs closed")
	binary := flags.String("sever", "../bin/sever", "the built sever")
	syncToo := flags.Bool("sync", false, "also measure Watermill with an fsync before each acknowledgement")
	provisionToo := flags.Bool("provision", false, "also measure Watermill with AutoProvision on its publisher")
	results := flags.String("json", "", "file for the results, as JSON")
	plots := flags.String("plot", "", "folder for the plots")
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	if _, err := os.Stat(*binary); err != nil {
		return fmt.Errorf("-sever: %w; \"make build\" makes it", err)
	}
	for text := range strings.SplitSeq(*connections, ",") {
		number, err := strconv.Atoi(text)
		if err != nil || number < 1 {
			return fmt.Errorf("-connections %q: write numbers such as 1,64", *connections)
		}
		c.connections = append(c.connections, number)
	}
	c.parts = map[string]bool{}
	for part := range strings.SplitSeq(*parts, ",") {
		c.parts[part] = true
	}
	path, err := filepath.Abs(*binary)
	if err != nil {
		return fmt.Errorf("-sever: %w", err)
	}
	c.systems = systems(path, *syncToo, *provisionToo)
	if err := c.run(ctx, strings.Join(args, " ")); err != nil {
		return err
	}
	return c.show(out, *results, *plots)
}

func (c *comparison) show(out io.Writer, results, plots string) error {
	if err := c.report.WriteTable(out, nameSever); err != nil {
		return err
	}
	if results != "" {
		file, err := os.Create(results)
		if err != nil {
			return fmt.Errorf("-json: %w", err)
		}
		if err := c.report.WriteJSON(file); err != nil {
			return err
		}
		if err := file.Close(); err != nil {
			return fmt.Errorf("-json: %w", err)
		}
	}
	if plots == "" {
		return nil
	}
	if err := os.MkdirAll(plots, 0o750); err != nil {
		return fmt.Errorf("-plot: %w", err)
	}
	return c.report.WritePlots(plots)
}

func (c *comparison) run(ctx context.Context, args string) error {
	c.report = report.Report{
		Began: time.Now(), Settings: map[string]string{"arguments": args},
		Machine: map[string]string{"go": runtime.Version(), "system": runtime.GOOS + "/" + runtime.GOARCH, "processors": strconv.Itoa(runtime.NumCPU())},
	}
	for round := range c.rounds {
		peaks := map[string]float64{}
		for _, step := range []struct {
			part string
			do   func(context.Context, int, map[string]float64) error
		}{{"closed", c.closedLoop}, {"limit", c.limits}, {"open", c.openLoop}, {"idle", c.idle}} {
			if !c.parts[step.part] {
				continue
			}
			if err := step.do(ctx, round, peaks); err != nil {
				return fmt.Errorf("round %d, %s: %w", round+1, step.part, err)
			}
		}
	}
	return nil
}

// inTurn gives the systems, another one first in each round: the machine may get slower or faster meanwhile.
func (c *comparison) inTurn(round int) []system {
	turn := round % len(c.systems)
	return append(append([]system{}, c.systems[turn:]...), c.systems[:turn]...)
}

func (c *comparison) closedLoop(ctx context.Context, round int, peaks map[string]float64) error {
	for _, connections := range c.connections {
		for _, s := range c.inTurn(round) {
			m, err := c.measure(ctx, s, load.Load{Connections: connections})
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			m.Round, m.Kind = round, report.Closed
			peaks[s.name] = max(peaks[s.name], m.PerSecond)
			c.add(m)
		}
	}
	return nil
}

func (c *comparison) openLoop(ctx context.Context, round int, peaks map[string]float64) error {
	for _, s := range c.inTurn(round) {
		m, err := c.measure(ctx, s, load.Load{Connections: openConnections, Rate: peaks[s.name] / 2})
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		m.Round, m.Kind = round, report.Open
		c.add(m)
	}
	return nil
}

// measure starts a system with an empty store, sends the load and ends it: nothing of one measurement is left to do
// in the next.
func (c *comparison) measure(ctx context.Context, s system, l load.Load) (m report.Measurement, err error) {
	l.Length, l.Warmup, l.People = c.length, c.warmup, c.people
	err = c.with(ctx, s, c.okta, func(r *running, sim *okta) error {
		before := r.process.CPU()
		result, err := r.load(ctx, l, c.event)
		if err != nil {
			return err
		}
		m = report.Measurement{
			System: s.name, Connections: l.Connections, Rate: l.Rate, Accepted: result.Accepted, PerSecond: result.PerSecond(),
			Refused: result.Refused, Latency: report.LatencyOf(result.Latencies()), Calls: sim.revocations.Load(),
		}
		if sent := r.next.Load(); sent > 0 {
			m.CPU = float64((r.process.CPU() - before).Microseconds()) / float64(sent)
		}
		return nil
	})
	return m, err
}

// with runs a system, and an Okta of its own, as long as do takes.
func (c *comparison) with(ctx context.Context, s system, rate oktasim.RateLimit, do func(*running, *okta) error) (err error) {
	dir, err := os.MkdirTemp(c.dir, "lab-")
	if err != nil {
		return fmt.Errorf("-dir: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	sim, err := startOkta(ctx, rate)
	if err != nil {
		return err
	}
	defer sim.close()
	r, err := s.start(ctx, dir, sim.url)
	if err != nil {
		return err
	}
	defer r.process.Kill()
	return do(r, sim)
}

// limits measures no system: the map of peaks is not its affair.
func (c *comparison) limits(ctx context.Context, round int, _ map[string]float64) error {
	type measure = func(context.Context, string, int, int, time.Duration) (float64, error)
	for _, writers := range c.connections {
		for _, each := range []struct {
			name string
			do   measure
		}{{"JetStream publish, sync always", limit.JetStream}, {"write and fsync", limit.Fsync}} {
			dir, err := os.MkdirTemp(c.dir, "lab-")
			if err != nil {
				return fmt.Errorf("-dir: %w", err)
			}
			perSecond, err := each.do(ctx, dir, bodySize, writers, c.length)
			if err != nil {
				return fmt.Errorf("%s: %w", each.name, err)
			}
			if err := os.RemoveAll(dir); err != nil {
				return fmt.Errorf("-dir: %w", err)
			}
			c.add(report.Measurement{Round: round, System: each.name, Kind: report.Limit, Connections: writers, PerSecond: perSecond})
		}
	}
	return nil
}

// plenty is a limit of Okta's that is never reached.
func plenty() oktasim.RateLimit { return oktasim.RateLimit{Limit: 1_000_000, Window: time.Minute} }

func (c *comparison) idle(ctx context.Context, round int, _ map[string]float64) error {
	for _, s := range c.inTurn(round) {
		if s.name == nameBare {
			continue // it calls nobody
		}
		err := c.with(ctx, s, plenty(), func(r *running, sim *okta) error {
			times, err := idle(ctx, r, sim, c.alerts)
			if err != nil {
				return err
			}
			c.add(report.Measurement{Round: round, System: s.name, Kind: report.Idle, Accepted: times.TotalCount(), Latency: report.LatencyOf(times)})
			return nil
		})
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return c.idleDisk(ctx, round)
}

// nameDisk is the row of the disk by itself.
const nameDisk = "one fsync"

// idleDisk measures what one fsync takes of such an alert's time: Sever needs two before it calls, one after the other.
func (c *comparison) idleDisk(ctx context.Context, round int) error {
	dir, err := os.MkdirTemp(c.dir, "lab-")
	if err != nil {
		return fmt.Errorf("-dir: %w", err)
	}
	times, err := limit.RestedFsync(ctx, dir, bodySize, c.alerts, idlePause)
	if err != nil {
		return fmt.Errorf("%s: %w", nameDisk, err)
	}
	c.add(report.Measurement{Round: round, System: nameDisk, Kind: report.Idle, Accepted: times.TotalCount(), Latency: report.LatencyOf(times)})
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("-dir: %w", err)
	}
	return nil
}

func (c *comparison) add(m report.Measurement) {
	c.report.Measurements = append(c.report.Measurements, m)
	fmt.Fprintf(c.notes, "round %d: %s, %s", m.Round+1, m.System, m.Kind)
	if m.Connections > 0 {
		fmt.Fprintf(c.notes, ", %d connections: %.0f/s", m.Connections, m.PerSecond)
	}
	if m.Latency != nil {
		fmt.Fprintf(c.notes, ", p50 %.2f ms, p99 %.2f ms", m.Latency.P50, m.Latency.P99)
	}
	fmt.Fprintln(c.notes)
}
