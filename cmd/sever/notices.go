package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sever/internal/config"
	"sever/internal/notice"
)

func (c cli) notices() *cobra.Command {
	return group("notices", "Tell people what needs them: try the channels", c.noticesTest())
}

// noticeTimeout bounds one test notice.
const noticeTimeout = 15 * time.Second

func (c cli) noticesTest() *cobra.Command {
	cmd := &cobra.Command{
		Use: "test [CHANNEL]", Short: "Send a test notice on a channel, or on all of them", Args: usageArgs(cobra.MaximumNArgs(1)),
		Long: "Sends one notice that says it is a test, whatever the channel's `on` says, and tells whether it was taken.\n" +
			"It tries once and needs no running Sever.",
	}
	path := c.configFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		file, err := path()
		if err != nil {
			return err
		}
		cfg, err := config.Load(file, c.env, config.NoticeSecrets)
		if err != nil {
			return usageError{err}
		}
		names, err := channelNames(cfg, file, args)
		if err != nil {
			return err
		}
		var errs []error
		for _, name := range names {
			errs = append(errs, c.tryChannel(cmd.Context(), name, cfg.Notices.Channels[name]))
		}
		return errors.Join(errs...)
	}
	return cmd
}

func channelNames(cfg *config.Config, file string, args []string) ([]string, error) {
	names := slices.Sorted(maps.Keys(cfg.Notices.Channels))
	switch {
	case len(names) == 0:
		return nil, usageError{fmt.Errorf("%s: notices.channels: missing; sever.example.yaml shows how to add one", file)}
	case len(args) == 0:
		return names, nil
	case !slices.Contains(names, args[0]):
		return nil, usageError{fmt.Errorf("%s has no channel %q; it has %s", file, args[0], strings.Join(names, ", "))}
	default:
		return args, nil
	}
}

func (c cli) tryChannel(ctx context.Context, name string, channel notice.Channel) error {
	ctx, cancel := context.WithTimeout(ctx, noticeTimeout)
	defer cancel()
	if err := notice.Try(ctx, name, channel); err != nil {
		return fmt.Errorf("notices.channels.%s: %w", name, err)
	}
	fmt.Fprintf(c.out, "%s: taken\n", name)
	return nil
}

// notices says what is configured; a test would be a notice to people.
func (d *doctor) notices(context.Context) {
	names := slices.Sorted(maps.Keys(d.cfg.Notices.Channels))
	if len(names) == 0 {
		return
	}
	d.ok("notices", "channels: "+strings.Join(names, ", ")+"; `sever notices test` tries them")
}
