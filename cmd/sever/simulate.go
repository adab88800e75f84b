package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"sever/okta/oktasim"
)

func (c cli) simulate() *cobra.Command {
	return group("simulate", "Simulate what Sever talks to", c.simulateOkta())
}

func (c cli) simulateOkta() *cobra.Command {
	cmd := &cobra.Command{
		Use: "okta", Short: "A simulated Okta: real paths, status codes, headers, limits and faults", Args: usageArgs(cobra.NoArgs),
		Long: "Any well-formed user id exists and is ACTIVE unless put otherwise. Control routes:\n" +
			"  GET  /_sim/calls        every API call received, in order\n" +
			"  GET  /_sim/users        PUT /_sim/users/{id}\n" +
			"  POST /_sim/faults       what the next calls get, e.g. {\"count\":2,\"status\":503}\n" +
			"  POST /_sim/events       deliver a log event to the registered event hooks\n" +
			"  POST /_sim/reset",
	}
	flags := cmd.Flags()
	listen := flags.String("listen", "127.0.0.1:8090", "address to serve")
	latency := flags.String("latency", "0s", "time each call takes: 50ms, or a range 50ms-250ms")
	rate := flags.String("rate", "600/1m", "limit of every bucket, N/DURATION")
	faults := flags.String("faults", "", "what the first calls get, e.g. 503:3,429:2,cut:1")
	seed := flags.Uint64("seed", 1, "makes ids and latencies repeatable")
	strict := flags.Bool("strict-users", false, "only users put by /_sim/users exist")
	token := flags.String("token", "", "the only accepted API token (default: any)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		options := oktasim.Options{Seed: *seed, StrictUsers: *strict, Token: *token}
		var errLatency, errRate, errFaults error
		options.Latency, options.Jitter, errLatency = parseLatency(*latency)
		options.Rate, errRate = parseRate(*rate)
		options.Faults, errFaults = oktasim.ParseFaults(*faults)
		if err := errors.Join(errLatency, errRate, errFaults); err != nil {
			return usageError{err}
		}
		var ports net.ListenConfig
		listener, err := ports.Listen(cmd.Context(), "tcp", *listen)
		if err != nil {
			return fmt.Errorf("--listen: %w", err)
		}
		fmt.Fprintf(c.err, "simulated Okta on http://%s; calls so far: curl -s http://%s/_sim/calls\n", listener.Addr(), listener.Addr())
		return serveSimulator(cmd.Context(), listener, oktasim.New(options))
	}
	return cmd
}

// serveSimulator serves until ctx ends.
func serveSimulator(ctx context.Context, listener net.Listener, sim *oktasim.Server) error {
	server := &http.Server{Handler: sim, ReadHeaderTimeout: 5 * time.Second}
	defer sim.Close()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve the simulated Okta: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		// Calls in the works may take as long as --latency says: nobody waits for them.
		return server.Close()
	})
	return group.Wait()
}

func parseLatency(text string) (least, spread time.Duration, err error) {
	from, to, isRange := strings.Cut(text, "-")
	if least, err = time.ParseDuration(from); err != nil || least < 0 {
		return 0, 0, fmt.Errorf("--latency %q: write a duration such as 50ms, or a range 50ms-250ms", text)
	}
	if !isRange {
		return least, 0, nil
	}
	most, err := time.ParseDuration(to)
	if err != nil || most < least {
		return 0, 0, fmt.Errorf("--latency %q: the range must end with a duration not below its start", text)
	}
	return least, most - least, nil
}

func parseRate(text string) (oktasim.RateLimit, error) {
	number, window, _ := strings.Cut(text, "/")
	limit, err := strconv.Atoi(number)
	per, errWindow := time.ParseDuration(window)
	if err != nil || errWindow != nil || limit < 1 || per < time.Second {
		return oktasim.RateLimit{}, fmt.Errorf("--rate %q: write calls per window, such as 100/5s", text)
	}
	return oktasim.RateLimit{Limit: limit, Window: per}, nil
}
