package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is set by the Makefile from git; a plain `go build` leaves it.
var version = "dev"

func (c cli) version() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version, the Go release and the NATS library's version", Args: usageArgs(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			fmt.Fprintf(c.out, "sever %s (%s, nats-server %s)\n", version, runtime.Version(), moduleVersion("github.com/nats-io/nats-server/v2"))
			return nil
		},
	}
}

func moduleVersion(path string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, module := range info.Deps {
		if module.Path == path {
			return module.Version
		}
	}
	return "unknown"
}
