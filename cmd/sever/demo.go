package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"sever/internal/app"
	"sever/internal/config"
	"sever/okta/oktasim"
)

func (c cli) demo() *cobra.Command {
	cmd := &cobra.Command{
		Use: "demo", Short: "Everything on one machine: watch alerts become revocations", Args: usageArgs(cobra.NoArgs),
		Long: "Starts Sever with its embedded NATS in a temporary folder and a simulated Okta, plays what senders do, and\n" +
			"shows what happens to each alert. Stays up until Ctrl-C for you to try. Needs no network and no account.",
	}
	once := cmd.Flags().Bool("once", false, "end after the script; exit 1 if anything was not revoked as it should be")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		dir, err := os.MkdirTemp("", "sever-demo-")
		if err != nil {
			return fmt.Errorf("make a folder for the demo: %w", err)
		}
		err = c.perform(cmd.Context(), dir, *once)
		if cmd.Context().Err() != nil && !*once && errors.Is(err, context.Canceled) {
			err = nil // Ctrl-C in the middle of the script: seen enough
		}
		return errors.Join(err, os.RemoveAll(dir))
	}
	return cmd
}

// perform plays the script, then stays up until ctx ends unless it is only once.
func (c cli) perform(ctx context.Context, dir string, once bool) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stage, err := c.setStage(ctx, dir, once)
	if err != nil {
		return err
	}
	running, ctx := errgroup.WithContext(ctx)
	running.Go(func() error { return serveSimulator(ctx, stage.simListener, stage.sim) })
	running.Go(func() error { return stage.app.Run(ctx) })
	playErr := stage.play(ctx)
	if playErr == nil && !once {
		stage.invite()
		<-ctx.Done()
	}
	cancel(errDemoOver)
	return errors.Join(playErr, running.Wait())
}

var errDemoOver = errors.New("the demo is over")

const demoSecret = "demo-secret"

// demoStage is a whole installation in one process.
type demoStage struct {
	sim         *oktasim.Server
	simListener net.Listener
	app         *app.App
	timeline    *timeline
	client      *http.Client // the senders
}

// setStage makes everything ready. For a person it takes the ports of the
// documentation where they are free; a test gets any.
func (c cli) setStage(ctx context.Context, dir string, anyPort bool) (*demoStage, error) {
	simListener, err := listenForSimulator(ctx, anyPort)
	if err != nil {
		return nil, fmt.Errorf("listen for the simulated Okta: %w", err)
	}
	stage := &demoStage{
		simListener: simListener, sim: oktasim.New(oktasim.Options{Seed: 1}), timeline: newTimeline(c.out),
		client: newHTTPClient(sendTimeout),
	}
	err = stage.setApp(ctx, dir, anyPort)
	if !anyPort && errors.Is(err, syscall.EADDRINUSE) {
		err = stage.setApp(ctx, dir, true) // somebody took a port since it was seen free
	}
	if err != nil {
		return nil, errors.Join(err, simListener.Close())
	}
	return stage, nil
}

func listenForSimulator(ctx context.Context, anyPort bool) (net.Listener, error) {
	var ports net.ListenConfig
	if !anyPort {
		if usual, err := ports.Listen(ctx, "tcp", "127.0.0.1:8090"); err == nil {
			return usual, nil
		}
	}
	return ports.Listen(ctx, "tcp", "127.0.0.1:0") //nolint:wrapcheck // setStage does
}

func (s *demoStage) setApp(ctx context.Context, dir string, anyPort bool) error {
	cfg, err := demoConfig(ctx, dir, s.simListener.Addr().String(), anyPort)
	if err != nil {
		return err
	}
	s.app, err = app.New(ctx, cfg, app.Options{
		Roles: app.AllRoles(), Version: version, Observer: s.timeline.observe,
		Logger: slog.New(slog.DiscardHandler), // the timeline tells the story
	})
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	return nil
}

// demoConfig writes a configuration like anyone's, and loads it like anyone's.
func demoConfig(ctx context.Context, dir, oktaAddress string, anyPort bool) (*config.Config, error) {
	text := fmt.Sprintf(`listen: %s
admin: {listen: %s}
store: {dir: %q, max_size: 256MiB}
orgs:
  acme:
    url: http://%s
    auth: {type: ssws, token: env:OKTA_API_TOKEN}
sources:
  okta:
    type: okta_event_hook
    org: acme
    verify: {type: header, header: Authorization, secrets: [env:OKTA_HOOK_SECRET]}
`, demoAddress(ctx, "127.0.0.1:8080", anyPort), demoAddress(ctx, "127.0.0.1:8081", anyPort), filepath.Join(dir, "store"), oktaAddress)
	file := filepath.Join(dir, "sever.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, fmt.Errorf("write the demo's configuration: %w", err)
	}
	secrets := map[string]string{"OKTA_API_TOKEN": "demo-token", "OKTA_HOOK_SECRET": demoSecret}
	cfg, err := config.Load(file, func(name string) (string, bool) { value, set := secrets[name]; return value, set })
	if err != nil {
		return nil, fmt.Errorf("load the demo's configuration: %w", err)
	}
	return cfg, nil
}

// demoAddress gives the usual address while it is free, else any port.
func demoAddress(ctx context.Context, usual string, anyPort bool) string {
	if anyPort {
		return "127.0.0.1:0"
	}
	var ports net.ListenConfig
	listener, err := ports.Listen(ctx, "tcp", usual)
	if err != nil {
		return "127.0.0.1:0"
	}
	if err := listener.Close(); err != nil {
		return "127.0.0.1:0"
	}
	return usual
}
