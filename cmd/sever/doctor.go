package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"sever/internal/app"
	"sever/internal/config"
)

// checkTimeout bounds one check, so that a dead host does not hold up the others.
const checkTimeout = 15 * time.Second

func (c cli) doctor() *cobra.Command {
	cmd := &cobra.Command{
		Use: "doctor", Short: "Check configuration, store, Okta and sources; one line each, with the fix", Args: usageArgs(cobra.NoArgs),
		Long: "Says ok, warn or FAIL about everything Sever depends on, and exits 1 when anything is FAIL. It changes nothing and can run beside\n" +
			"`sever serve`. To find out whether the credential may end sessions, it asks Okta to end those of a made-up user id, which\n" +
			"nobody has; --no-probe leaves that out. To see the event hook it asks for the scope okta.eventHooks.read by itself.",
	}
	path := c.configFlag(cmd)
	roles := cmd.Flags().String("roles", "receive,dispatch,work", "the stages that run here; only what they need is checked")
	noProbe := cmd.Flags().Bool("no-probe", false, "do not try whether sessions may be ended")
	asJSON := cmd.Flags().Bool("json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		chosen, err := app.ParseRoles(*roles)
		if err != nil {
			return usageError{err}
		}
		file, err := path()
		if err != nil {
			return err
		}
		d := &doctor{cli: c, file: file, roles: chosen, probe: !*noProbe, screen: c.out, client: newHTTPClient(checkTimeout), findings: []finding{}}
		if *asJSON {
			d.screen = io.Discard
		}
		if err := d.run(cmd.Context()); err != nil {
			return err
		}
		if *asJSON {
			err = c.printJSON(d.findings)
		}
		return errors.Join(err, d.verdict())
	}
	return cmd
}

// How a check came out.
const (
	checkOK   = "ok"
	checkWarn = "warn" // works, or will, but deserves a look
	checkFail = "FAIL"
)

// finding is the outcome of one check. No text in it holds a secret.
type finding struct {
	Check   string `json:"check"`
	Status  string `json:"status"` // ok, warn or FAIL
	Message string `json:"message"`
	Fix     string `json:"fix,omitempty"`
}

// doctor goes from check to check and keeps what it finds.
type doctor struct {
	cli

	file   string
	cfg    *config.Config
	roles  app.Roles
	probe  bool // try whether sessions may be ended
	screen io.Writer
	client *http.Client

	running  bool // a sever answers at admin.listen
	findings []finding
}

func (d *doctor) run(ctx context.Context) error {
	err := d.configuration()
	if err != nil || d.cfg == nil {
		return err
	}
	checks := []func(context.Context){d.runningSever, d.queue, d.notices}
	if d.roles.Work {
		for _, name := range slices.Sorted(maps.Keys(d.cfg.Orgs)) {
			checks = append(checks, func(ctx context.Context) { d.org(ctx, name) })
		}
		for _, name := range slices.Sorted(maps.Keys(d.cfg.Sources)) {
			checks = append(checks, func(ctx context.Context) { d.hook(ctx, name) })
		}
	}
	if d.roles.Receive {
		for _, name := range slices.Sorted(maps.Keys(d.cfg.Sources)) {
			checks = append(checks, func(ctx context.Context) { d.source(ctx, name) })
		}
	}
	for _, check := range checks {
		within, cancel := context.WithTimeout(ctx, checkTimeout)
		check(within)
		cancel()
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("not all was checked: %w", err)
	}
	return nil
}

// configuration reports every problem of the file; with one, nothing else can be checked. The error is about a file that
// cannot be read.
func (d *doctor) configuration() error {
	cfg, err := config.Load(d.file, d.env, needsOf(d.roles)...)
	if wrong, ok := errors.AsType[*config.ProblemsError](err); ok {
		for _, p := range wrong.Problems {
			d.fail("configuration", fmt.Sprintf("%s:%d: %s", wrong.File, p.Line, describeProblem(p)), p.Fix)
		}
		return nil
	}
	if err != nil {
		return usageError{err}
	}
	for _, p := range cfg.Warnings {
		d.warn("configuration", fmt.Sprintf("%s:%d: %s", d.file, p.Line, describeProblem(p)), p.Fix)
	}
	d.ok("configuration", fmt.Sprintf("%s: no problems; orgs: %d, sources: %d", d.file, len(cfg.Orgs), len(cfg.Sources)))
	d.cfg = cfg
	return nil
}

func describeProblem(p config.Problem) string {
	if p.Field == "" {
		return p.Message
	}
	return p.Field + ": " + p.Message
}

func (d *doctor) ok(check, message string) { d.add(finding{check, checkOK, message, ""}) }

func (d *doctor) warn(check, message, fix string) { d.add(finding{check, checkWarn, message, fix}) }

func (d *doctor) fail(check, message, fix string) { d.add(finding{check, checkFail, message, fix}) }

// add shows a finding at once, because the next check may take its time.
func (d *doctor) add(f finding) {
	f.Message = printable(f.Message)
	d.findings = append(d.findings, f)
	line := fmt.Sprintf("%-4s  %-22s  %s", f.Status, f.Check, f.Message)
	if f.Fix != "" {
		line += ". Fix: " + f.Fix
	}
	fmt.Fprintln(d.screen, line)
}

func (d *doctor) verdict() error {
	failed := 0
	for _, f := range d.findings {
		if f.Status == checkFail {
			failed++
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d checks failed", failed, len(d.findings))
	}
	return nil
}
