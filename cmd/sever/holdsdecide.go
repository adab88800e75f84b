package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/spf13/cobra"
)

// mostAtOnce bounds what one `--all` decides about.
const mostAtOnce = 1000

// decisionFlags are those of approve and reject.
type decisionFlags struct {
	reason, by, why string
	all, yes        bool
}

// holdsDecide ends the wait of holds. The reason is asked for, since it is the evidence.
func (c cli) holdsDecide(verb, short, done string) *cobra.Command {
	cmd := &cobra.Command{
		Use: verb + " HOLD... --reason TEXT", Short: short, Args: usageArgs(cobra.ArbitraryArgs),
		Long: short + ": those that are named, or all that are held for one reason, such as\n" +
			"`sever holds " + verb + " --all --why brake --reason TEXT`, which first says how many these are and asks for --yes.\n" +
			"--by goes into the audit. It is taken at its word: whoever has the admin token can say any name.",
	}
	var flags decisionFlags
	cmd.Flags().StringVar(&flags.reason, "reason", "", "why; it goes into the audit (required)")
	cmd.Flags().StringVar(&flags.by, "by", "", "who you are (default $USER)")
	cmd.Flags().BoolVar(&flags.all, "all", false, fmt.Sprintf("all that are held for --why, at most %d", mostAtOnce))
	cmd.Flags().StringVar(&flags.why, "why", "", "for --all: effective_date, delay, approval, brake, protected or second_look")
	cmd.Flags().BoolVar(&flags.yes, "yes", false, "for --all: do it")
	cmd.PreRunE = func(_ *cobra.Command, args []string) error { return flags.check(args) }
	return c.asks(cmd, func(ctx context.Context, admin *adminClient, args []string) error {
		if flags.by == "" {
			flags.by, _ = c.env("USER")
		}
		if flags.all {
			return c.decideAll(ctx, admin, verb, done, flags)
		}
		for _, key := range args {
			if err := c.decide(ctx, admin, verb, done, key, flags); err != nil {
				return err
			}
		}
		return nil
	})
}

func (f decisionFlags) check(args []string) error {
	var problem string
	switch {
	case f.reason == "":
		problem = "--reason is missing: say why, it goes into the audit"
	case f.all && (len(args) > 0 || f.why == ""):
		problem = "--all takes no holds, but --why, such as --why brake"
	case !f.all && (f.why != "" || f.yes):
		problem = "--why and --yes go with --all"
	case !f.all && len(args) == 0:
		problem = "name holds (`sever holds list`), or give --all --why"
	default:
		return nil
	}
	return usageError{errors.New(problem)}
}

// decideAll decides about what is held at this moment, and goes on where one fails: it may
// have ended since.
func (c cli) decideAll(ctx context.Context, admin *adminClient, verb, done string, flags decisionFlags) error {
	holds, err := admin.holds(ctx, flags.why, mostAtOnce)
	if err != nil {
		return err
	}
	if len(holds) == 0 {
		fmt.Fprintf(c.out, "nothing is held for %s\n", printable(flags.why))
		return nil
	}
	if !flags.yes {
		return usageError{fmt.Errorf("%d holds for %s: add --yes to %s them", len(holds), printable(flags.why), verb)}
	}
	failed := 0
	for _, hold := range holds {
		if err := c.decide(ctx, admin, verb, done, hold.Key, flags); err != nil {
			failed++
			fmt.Fprintln(c.err, "sever:", err)
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d failed", failed, len(holds))
	}
	if len(holds) == mostAtOnce {
		fmt.Fprintf(c.out, "there may be more than these %d: look again\n", mostAtOnce)
	}
	return nil
}

func (c cli) decide(ctx context.Context, admin *adminClient, verb, done, key string, flags decisionFlags) error {
	said := map[string]string{"reason": flags.reason}
	if flags.by != "" {
		said["by"] = flags.by
	}
	var answer struct {
		Missing int `json:"missing"`
	}
	if err := admin.do(ctx, "POST", "/api/v1/holds/"+url.PathEscape(key)+"/"+verb, said, &answer); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	if answer.Missing > 0 {
		done = fmt.Sprintf("approved, and %d more must approve, by another name", answer.Missing)
	}
	fmt.Fprintf(c.out, "%s: %s\n", key, done)
	return nil
}
