package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"sever/internal/app"
	"sever/internal/config"
	"sever/internal/obs"
)

func (c cli) serve() *cobra.Command {
	cmd := &cobra.Command{
		Use: "serve", Short: "Receive, dispatch and work in one process", Args: usageArgs(cobra.NoArgs),
		Long: "Receives deliveries, turns them into revocation jobs and carries these out, until SIGINT or SIGTERM.\n" +
			"Logs go to standard error. What was answered with 2xx is in the store, done or not. On SIGHUP, and when the file\n" +
			"changes, it takes policy.rules, policy.builtin and policy.mode anew; a mistake leaves the old policy in force.",
	}
	path := c.configFlag(cmd)
	roles := cmd.Flags().String("roles", "receive,dispatch,work", "the stages that this process runs; some only with nats.url")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		chosen, err := app.ParseRoles(*roles)
		if err != nil {
			return usageError{err}
		}
		file, err := path()
		if err != nil {
			return err
		}
		err = c.serveConfig(cmd.Context(), file, chosen)
		if cmd.Context().Err() != nil && errors.Is(err, context.Canceled) {
			return nil // told to stop while still starting
		}
		return err
	}
	return cmd
}

// serveConfig serves what the file says until ctx ends.
func (c cli) serveConfig(ctx context.Context, file string, roles app.Roles) error {
	cfg, err := config.Load(file, c.env, needsOf(roles)...)
	if err != nil {
		return usageError{err}
	}
	logger := obs.NewLogger(c.err, logLevel(cfg.Log.Level), cfg.Log.Format)
	for _, warning := range cfg.Warnings {
		logger.WarnContext(ctx, "configuration", "file", file, "line", warning.Line, "field", warning.Field,
			"warning", warning.Message, "fix", warning.Fix)
	}
	defer c.keepMemory(ctx)()
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	running, err := app.New(ctx, cfg, app.Options{
		Roles: roles, Version: version, Logger: logger,
		Reload: app.Reload{File: file, Now: hangups, Load: func() (*config.Config, error) { return config.Load(file, c.env, noSecrets) }},
	})
	if errors.Is(err, app.ErrSplitNeedsNATS) {
		return usageError{err}
	}
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	logger.InfoContext(ctx, "ready", "senders", running.URL(), "admin", running.AdminURL(), "roles", roles.String(), "version", version)
	if err := running.Run(ctx); err != nil {
		return fmt.Errorf("stopped: %w", err)
	}
	logger.InfoContext(ctx, "stopped")
	return nil
}

// noSecrets reads a configuration without any: for its policy they are of no use.
const noSecrets = config.Needs(0)

// needsOf keeps each role from the secrets of the others.
func needsOf(roles app.Roles) []config.Needs {
	needs := []config.Needs{config.AdminSecrets, config.QueueSecrets}
	if roles.Receive {
		needs = append(needs, config.SenderSecrets)
	}
	if roles.Work {
		needs = append(needs, config.OktaSecrets)
	}
	if roles.Tells() {
		needs = append(needs, config.NoticeSecrets)
	}
	return needs
}

func logLevel(name string) slog.Level {
	var level slog.Level
	if err := level.UnmarshalText([]byte(name)); err != nil {
		return slog.LevelInfo // the configuration has checked the name
	}
	return level
}
