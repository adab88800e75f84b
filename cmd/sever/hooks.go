package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"sever/internal/app"
	"sever/internal/config"
	"sever/internal/hooks"
	"sever/internal/obs"
	"sever/okta"
	"sever/source"
	"sever/source/verify"
)

func (c cli) hooks() *cobra.Command {
	return group("hooks", "Keep the event hooks at Okta as the configuration says", c.hooksDiff(), c.hooksEnsure(), c.hooksVerify())
}

const hooksHelp = "SOURCE names one source; without it, it is about every source that has a hook in the configuration.\n" +
	"With private_key_jwt it asks for the scopes it needs by itself, whatever auth.scopes says: "

func (c cli) hooksDiff() *cobra.Command {
	cmd := &cobra.Command{
		Use: "diff [SOURCE]", Short: "Show what differs between the configuration and Okta; exit 1 if anything does", Args: usageArgs(cobra.MaximumNArgs(1)),
		Long: "Shows what `sever hooks ensure` would change, and changes nothing. The hook's name is what it is found by.\n" +
			hooksHelp + "okta.eventHooks.read.",
	}
	run := c.hookFlags(cmd, config.OktaSecrets)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		differ := 0
		err := run(cmd.Context(), args, needReadHooks, func(ctx context.Context, task *hookTask) error {
			diff, err := task.compare(ctx)
			task.showDiff()
			if err == nil && !diff.Same() {
				differ++
			}
			return err
		})
		if err == nil && differ > 0 {
			return fmt.Errorf("%d differ; `sever hooks ensure` makes them so", differ)
		}
		return err
	}
	return cmd
}

func (c cli) hooksEnsure() *cobra.Command {
	cmd := &cobra.Command{
		Use: "ensure [SOURCE]", Short: "Create, change, activate and verify event hooks where they differ", Args: usageArgs(cobra.MaximumNArgs(1)),
		Long: "Shows the difference first, then does away with it. Run again, it does nothing. A change of the hook sends the first of\n" +
			"verify.secrets with it, and stops its events until it is verified, which comes right after. Sever must be running and reachable.\n" +
			hooksHelp + "okta.eventHooks.manage and .read.",
	}
	run := c.hookFlags(cmd, config.OktaSecrets, config.SenderSecrets)
	dryRun := cmd.Flags().Bool("dry-run", false, "only show the difference")
	setSecret := cmd.Flags().Bool("set-secret", false, "replace the hook even if nothing differs, to set its secret")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		need := needManageHooks
		if *dryRun {
			need = needReadHooks
		}
		return run(cmd.Context(), args, need, func(ctx context.Context, task *hookTask) error {
			diff, err := task.compare(ctx)
			task.showDiff() // before anything changes
			if err != nil || *dryRun {
				return err
			}
			return task.ensure(ctx, diff, *setSecret)
		})
	}
	return cmd
}

func (c cli) hooksVerify() *cobra.Command {
	cmd := &cobra.Command{
		Use: "verify [SOURCE]", Short: "Have Okta verify event hooks, and say what is wrong if it cannot", Args: usageArgs(cobra.MaximumNArgs(1)),
		Long: "Okta sends a challenge to the hook's URL, and Sever must answer it. If it does not, the same is tried from here to find out why.\n" +
			hooksHelp + "okta.eventHooks.manage and .read.",
	}
	run := c.hookFlags(cmd, config.OktaSecrets, config.SenderSecrets)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return run(cmd.Context(), args, needManageHooks, func(ctx context.Context, task *hookTask) error {
			diff, err := task.compare(ctx)
			if err != nil {
				return err
			}
			return task.verifyNow(ctx, diff)
		})
	}
	return cmd
}

// hookFlags adds the flags all hook commands have, and gives what runs one.
func (c cli) hookFlags(cmd *cobra.Command, needs ...config.Needs) func(context.Context, []string, oktaNeed, hookWork) error {
	path := c.configFlag(cmd)
	asJSON := cmd.Flags().Bool("json", false, "print JSON")
	return func(ctx context.Context, args []string, need oktaNeed, work hookWork) error {
		file, err := path()
		if err != nil {
			return err
		}
		cfg, err := config.Load(file, c.env, needs...)
		if err != nil {
			return usageError{err}
		}
		managed, err := managedHooks(cfg, file, args)
		if err != nil {
			return err
		}
		screen := c.out
		if *asJSON {
			screen = io.Discard
		}
		var errs []error
		reports := make([]hookReport, 0, len(managed))
		for _, hook := range managed {
			report, err := c.manage(ctx, cfg, hook, screen, need, work)
			reports = append(reports, report)
			errs = append(errs, err)
		}
		if *asJSON {
			errs = append(errs, c.printJSON(reports))
		}
		return errors.Join(errs...)
	}
}

// manage does the work about one hook, with a client of its own.
func (c cli) manage(ctx context.Context, cfg *config.Config, hook managedHook, screen io.Writer, need oktaNeed, work hookWork) (hookReport, error) {
	task := &hookTask{managedHook: hook, screen: screen, report: hookReport{
		Source: hook.source, Org: hook.orgName, Name: hook.want.Name, URL: hook.want.URI, Warnings: hook.warnings(),
	}}
	client, err := c.oktaClient(cfg, hook.orgName, need.scopes()...)
	if err == nil {
		defer client.Close()
		task.client = client.Client
		err = work(ctx, task)
		task.showDone()
	}
	if err == nil {
		return task.report, nil
	}
	if _, unverified := errors.AsType[*hooks.UnverifiedError](err); !unverified && okta.ClassOf(err) != okta.ClassUnknown {
		err = fmt.Errorf("%w; %s", err, oktaFix(err, hook.orgName, hook.org, need))
	}
	task.report.Error = err.Error()
	return task.report, fmt.Errorf("sources.%s.hook: %w", hook.source, err)
}

// oktaClient makes a client of an org that asks for the given scopes, or those of the configuration. The caller closes it.
func (c cli) oktaClient(cfg *config.Config, org string, scopes ...string) (*app.OktaClient, error) {
	settings := cfg.Orgs[org]
	if len(scopes) > 0 {
		settings.Auth.Scopes = scopes
	}
	return app.NewOktaClient(org, settings, app.Options{Version: version, Logger: obs.NewLogger(c.err, slog.LevelWarn, cfg.Log.Format)})
}

// managedHook is an event hook that the configuration speaks of.
type managedHook struct {
	source  string
	orgName string
	org     config.Org
	verify  verify.Config
	want    okta.EventHookSpec
}

func managedHooks(cfg *config.Config, file string, args []string) ([]managedHook, error) {
	names := slices.Sorted(maps.Keys(cfg.Sources))
	if len(args) > 0 {
		if _, known := cfg.Sources[args[0]]; !known {
			return nil, usageError{fmt.Errorf("%s has no source %q", file, args[0])}
		}
		names = args
	}
	var managed []managedHook
	for _, name := range names {
		if settings := cfg.Sources[name]; settings.Hook != nil {
			managed = append(managed, newManagedHook(name, settings, cfg.Orgs[settings.Org]))
		}
	}
	if len(managed) == 0 {
		return nil, usageError{fmt.Errorf("%s: sources.%s.hook: missing; add hook: {url: https://YOUR-HOST/v1/hooks/%s}", file, names[0], names[0])}
	}
	return managed, nil
}

func newManagedHook(name string, settings config.Source, org config.Org) managedHook {
	events := settings.Hook.Events
	if len(events) == 0 {
		events = source.OktaHookEvents()
	}
	return managedHook{
		source: name, orgName: settings.Org, org: org, verify: settings.Verify,
		want: okta.EventHookSpec{
			Name: settings.Hook.Name, URI: settings.Hook.URL, Events: events, SecretHeader: settings.Verify.Header,
		},
	}
}

// warnings are about types that Okta would refuse.
func (h *managedHook) warnings() []string {
	var warnings []string
	for _, event := range h.want.Events {
		if !okta.HookEligible(event) {
			warnings = append(warnings, fmt.Sprintf("%s is not eligible for event hooks in Okta's catalogue %s: Okta may refuse it, "+
				"and sends no such event; remove it unless it is newer", event, okta.EventTypeCatalogue))
		}
	}
	return warnings
}
