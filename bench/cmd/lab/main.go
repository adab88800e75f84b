// Command lab measures the real Sever beside a peer built with Watermill and beside the limits of the machine, in
// turns within one run. See bench/README.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"sever/bench/peer"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, out, notes io.Writer) int {
	err := command(ctx, args, out, notes)
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	default:
		fmt.Fprintln(notes, "lab:", err)
		return 1
	}
}

// command runs what the first argument names. The children are the lab's own: it starts itself as one.
func command(ctx context.Context, args []string, out, notes io.Writer) error {
	name := "compare"
	if len(args) > 0 && args[0] != "" && args[0][0] != '-' {
		name, args = args[0], args[1:]
	}
	switch name {
	case "compare":
		return runCompare(ctx, args, out, notes)
	case "backlog":
		return runBacklog(ctx, args, out, notes)
	case childWatermill, childBare:
		return serveChild(ctx, name, args, notes)
	default:
		return fmt.Errorf("no command %q: there are compare and backlog", name)
	}
}

const (
	childWatermill = "serve-watermill"
	childBare      = "serve-bare"
)

func serveChild(ctx context.Context, name string, args []string, notes io.Writer) error {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(notes)
	var w peer.Watermill
	flags.StringVar(&w.Listen, "listen", "", "address")
	flags.StringVar(&w.Okta, "okta", "", "base URL of Okta")
	flags.StringVar(&w.Dir, "dir", "", "folder of the store")
	flags.BoolVar(&w.Provision, "provision", false, "have the publisher make sure of the stream")
	flags.BoolVar(&w.Sync, "sync", false, "fsync each message before it is acknowledged")
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	w.Secret = secret
	if name == childBare {
		return peer.ServeBare(ctx, w.Listen)
	}
	return w.Run(ctx)
}
