package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"sever/internal/config"
	"sever/source/ssf"
)

// ssfTimeout bounds one request to a transmitter.
const ssfTimeout = 30 * time.Second

func (c cli) ssf() *cobra.Command {
	return group("ssf", "Work with Shared Signals transmitters",
		group("stream", "Keep the stream at a source's transmitter", c.streamCreate(), c.streamStatus(), c.streamVerify(), c.streamDelete()))
}

const streamHelp = "The transmitter, the token for it and the stream are in the source's section ssf of the configuration."

func (c cli) streamCreate() *cobra.Command {
	cmd := &cobra.Command{
		Use: "create SOURCE", Short: "Create the stream, and say what to write into the configuration", Args: usageArgs(cobra.ExactArgs(1)),
		Long: "Asks the transmitter to send its events to ssf.endpoint with the header ssf.authorization, or to keep them to be fetched.\n" + streamHelp,
	}
	poll := cmd.Flags().Bool("poll", false, "a stream whose events are fetched, in place of one that is sent")
	run := c.streamFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return run(cmd.Context(), args[0], func(ctx context.Context, task *streamTask) error { return task.create(ctx, *poll) })
	}
	return cmd
}

func (c cli) streamStatus() *cobra.Command {
	cmd := &cobra.Command{
		Use: "status SOURCE", Short: "Show the stream, or all there are if none is named", Args: usageArgs(cobra.ExactArgs(1)), Long: streamHelp,
	}
	id := streamID(cmd)
	run := c.streamFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return run(cmd.Context(), args[0], func(ctx context.Context, task *streamTask) error { return task.status(ctx, *id) })
	}
	return cmd
}

func (c cli) streamVerify() *cobra.Command {
	cmd := &cobra.Command{
		Use: "verify SOURCE", Short: "Have the transmitter send a verification event, and wait for it at the running sever", Args: usageArgs(cobra.ExactArgs(1)),
		Long: "The running sever is told first which event to expect; it refuses any other. With several behind one address, name the one that it will\n" +
			"reach by --admin. " + streamHelp,
	}
	id := streamID(cmd)
	wait := cmd.Flags().Duration("wait", 30*time.Second, "how long to wait for the event")
	address := cmd.Flags().String("admin", "", "the admin address of the running sever, such as http://127.0.0.1:8081 (default: from the configuration)")
	run := c.streamFlags(cmd, config.AdminSecrets)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return run(cmd.Context(), args[0], func(ctx context.Context, task *streamTask) error {
			admin, err := c.adminOf(task.admin, *address)
			if err != nil {
				return err
			}
			return task.verify(ctx, admin, *id, *wait)
		})
	}
	return cmd
}

func (c cli) streamDelete() *cobra.Command {
	cmd := &cobra.Command{
		Use: "delete SOURCE", Short: "Delete the stream; what it has not delivered is lost", Args: usageArgs(cobra.ExactArgs(1)), Long: streamHelp,
	}
	id := streamID(cmd)
	run := c.streamFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return run(cmd.Context(), args[0], func(ctx context.Context, task *streamTask) error { return task.delete(ctx, *id) })
	}
	return cmd
}

func streamID(cmd *cobra.Command) *string {
	return cmd.Flags().String("stream", "", "the stream's id at the transmitter (default: ssf.stream_id)")
}

// streamFlags adds the flags that all stream commands have, and gives what runs one.
func (c cli) streamFlags(cmd *cobra.Command, needs ...config.Needs) func(context.Context, string, func(context.Context, *streamTask) error) error {
	path := c.configFlag(cmd)
	asJSON := cmd.Flags().Bool("json", false, "print JSON")
	return func(ctx context.Context, source string, work func(context.Context, *streamTask) error) error {
		file, err := path()
		if err != nil {
			return err
		}
		cfg, err := config.Load(file, c.env, append(needs, config.SenderSecrets)...)
		if err != nil {
			return usageError{err}
		}
		settings, known := cfg.Sources[source]
		if !known {
			return usageError{fmt.Errorf("%s has no source %q", file, source)}
		}
		if settings.SSF == nil {
			return usageError{fmt.Errorf("%s: sources.%s.ssf: missing; add ssf: {transmitter: https://..., token: env:NAME}", file, source)}
		}
		task := &streamTask{source: source, settings: *settings.SSF, admin: cfg.Admin, json: *asJSON, cli: c}
		return task.run(ctx, work)
	}
}

// adminOf makes a client of the running sever that a configuration, or --admin, names.
func (c cli) adminOf(settings config.Admin, address string) (_ *adminClient, err error) {
	client := &adminClient{base: "http://" + settings.Listen, token: settings.Token.Reveal(), client: newHTTPClient(ssfTimeout)}
	if token, _ := c.env("SEVER_ADMIN_TOKEN"); token != "" && client.token == "" {
		client.token = token
	}
	if address != "" {
		client.base, err = baseURL("--admin", address)
	}
	return client, err
}

// streamTask is what a command does about one source's stream.
type streamTask struct {
	cli      cli
	source   string
	settings ssf.Config
	admin    config.Admin
	json     bool
	client   *ssf.Client
}

func (t *streamTask) run(ctx context.Context, work func(context.Context, *streamTask) error) (err error) {
	if t.settings.Transmitter == "" {
		return t.missing("transmitter", "the issuer URL of the transmitter")
	}
	t.client, err = ssf.Discover(ctx, t.settings.Transmitter, t.settings.Token, newHTTPClient(ssfTimeout))
	if err == nil {
		err = work(ctx, t)
	}
	if _, usage := errors.AsType[usageError](err); err == nil || usage {
		return err
	}
	return fmt.Errorf("sources.%s: %w", t.source, err)
}

// missing is a key that this command needs and the configuration does not have.
func (t *streamTask) missing(key, fix string) error {
	return usageError{fmt.Errorf("sources.%s.ssf.%s: missing; give %s", t.source, key, fix)}
}
