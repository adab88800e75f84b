package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"sever/revocation"
)

func (c cli) holds() *cobra.Command {
	return group("holds", "See, release and drop the jobs that wait for a date", c.holdsList(),
		c.holdsDecide("approve", "Let held jobs go now", "on its way"),
		c.holdsDecide("reject", "Drop held jobs for good", "dropped"))
}

func (c cli) holdsList() *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "The held jobs, the soonest first", Args: usageArgs(cobra.NoArgs)}
	limit := cmd.Flags().Int("limit", 100, "how many at most")
	asJSON := cmd.Flags().Bool("json", false, "print JSON")
	return c.asks(cmd, func(ctx context.Context, admin *adminClient, _ []string) error {
		var answer struct {
			Holds []revocation.Hold `json:"holds"`
		}
		if err := admin.do(ctx, "GET", "/api/v1/holds?limit="+strconv.Itoa(*limit), nil, &answer); err != nil {
			return err
		}
		if *asJSON {
			return c.printJSON(answer.Holds)
		}
		return c.printHolds(answer.Holds)
	})
}

func (c cli) printHolds(holds []revocation.Hold) error {
	table := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "HOLD\tDUE\tORG\tSOURCE\tPERSON\tREASON\tSINCE")
	for _, hold := range holds {
		due := "-"
		if !hold.Due.IsZero() {
			due = hold.Due.Format(time.RFC3339)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", hold.Key, due, hold.Job.Org, hold.Job.Source,
			printable(hold.Job.Person.Value), printable(hold.Reason), hold.Held.Format(time.RFC3339))
	}
	return table.Flush() //nolint:wrapcheck // nobody is left to tell
}

// holdsDecide ends the wait of holds. The reason is asked for, since it is the evidence.
func (c cli) holdsDecide(verb, short, done string) *cobra.Command {
	cmd := &cobra.Command{Use: verb + " HOLD... --reason TEXT", Short: short, Args: usageArgs(cobra.MinimumNArgs(1))}
	reason := cmd.Flags().String("reason", "", "why; it goes into the audit (required)")
	return c.asks(cmd, func(ctx context.Context, admin *adminClient, args []string) error {
		if *reason == "" {
			return usageError{errors.New("--reason is missing: say why, it goes into the audit")}
		}
		for _, key := range args {
			path := "/api/v1/holds/" + url.PathEscape(key) + "/" + verb
			if err := admin.do(ctx, "POST", path, map[string]string{"reason": *reason}, nil); err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
			fmt.Fprintf(c.out, "%s: %s\n", key, done)
		}
		return nil
	})
}
