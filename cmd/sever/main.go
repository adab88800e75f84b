// Command sever ends a person's Okta sessions the moment they stop being trusted.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"sever/internal/config"
)

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2 // wrong usage or configuration
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	return execute(ctx, cli{out: os.Stdout, err: os.Stderr, in: os.Stdin, env: os.LookupEnv}, os.Args[1:])
}

// cli is what a command may touch of the world.
type cli struct {
	out io.Writer // results
	err io.Writer // logs and complaints
	in  io.Reader
	env config.Lookup
}

// usageError is the user's mistake, and ends with exitUsage.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func execute(ctx context.Context, c cli, args []string) int {
	root := c.root() //nolint:contextcheck // commands get it from ExecuteContext
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	fmt.Fprintln(c.err, "sever:", err)
	if _, usage := errors.AsType[usageError](err); usage {
		return exitUsage
	}
	return exitFailed
}

func (c cli) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "sever",
		Short: "End a person's Okta sessions the moment they stop being trusted",
		Long: "Sever takes Okta event hooks and other alerts over HTTP, stores each durably, and calls Okta's\n" +
			"RevokeUserSessions for the person: at least once, with the effect of once, and with proof.\n\n" +
			"Start with `sever demo`; it needs nothing.",
		SilenceErrors: true, SilenceUsage: true,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetOut(c.out)
	root.SetErr(c.err)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(
		c.serve(), c.demo(), c.simulate(), c.send(), c.sources(), c.ssf(), c.revoke(), c.jobs(), c.dead(), c.holds(), c.deliveries(), c.audit(), c.hooks(), c.policy(), c.notices(), c.doctor(), c.config(), c.version(),
	)
	return root
}

// usageArgs makes a wrong number of arguments the user's mistake.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usageError{fmt.Errorf("%w; see `%s --help`", err, cmd.CommandPath())}
		}
		return nil
	}
}

// configFlag adds --config to a command. SEVER_CONFIG stands in for it.
func (c cli) configFlag(cmd *cobra.Command) func() (string, error) {
	path := cmd.Flags().String("config", "", "the configuration file (default $SEVER_CONFIG)")
	return func() (string, error) {
		if *path != "" {
			return *path, nil
		}
		if fromEnv, _ := c.env("SEVER_CONFIG"); fromEnv != "" {
			return fromEnv, nil
		}
		return "", usageError{errors.New("no configuration: give --config FILE or set SEVER_CONFIG; " +
			"sever.example.yaml has every key explained")}
	}
}

// group makes a command that only has subcommands.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return usageError{fmt.Errorf("`%s` needs a subcommand; see `%s --help`", cmd.CommandPath(), cmd.CommandPath())}
		},
	}
	cmd.AddCommand(commands...)
	return cmd
}
