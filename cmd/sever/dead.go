package main

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"sever/revocation"
)

func (c cli) dead() *cobra.Command {
	return group("dead", "See, redrive and drop the dead letters of a running sever",
		c.deadList(), c.deadShow(), c.deadRedrive(), c.deadDrop())
}

func (c cli) deadList() *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "The newest dead letters first", Args: usageArgs(cobra.NoArgs)}
	limit := cmd.Flags().Int("limit", 100, "how many at most")
	asJSON := cmd.Flags().Bool("json", false, "print JSON")
	return c.asks(cmd, func(ctx context.Context, admin *adminClient, _ []string) error {
		var answer struct {
			Dead []revocation.DeadLetter `json:"dead"`
		}
		if err := admin.do(ctx, "GET", "/api/v1/dead?limit="+strconv.Itoa(*limit), nil, &answer); err != nil {
			return err
		}
		if *asJSON {
			return c.printJSON(answer.Dead)
		}
		return c.printDead(answer.Dead)
	})
}

func (c cli) printDead(letters []revocation.DeadLetter) error {
	table := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "DEAD LETTER\tSINCE\tSOURCE\tWHAT\tREASON")
	for _, letter := range letters {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", letter.ID, letter.At.Format(time.RFC3339), letter.Source,
			whatDied(letter), printable(letter.Reason))
	}
	return table.Flush() //nolint:wrapcheck // nobody is left to tell
}

func whatDied(letter revocation.DeadLetter) string {
	switch {
	case letter.Job != nil:
		return "job " + letter.Job.ID
	case letter.Delivery != nil:
		return "delivery " + letter.Delivery.ID
	default:
		return "bytes"
	}
}

func (c cli) deadShow() *cobra.Command {
	cmd := &cobra.Command{Use: "show DEAD_LETTER", Short: "One dead letter; --raw prints the bytes that were delivered", Args: usageArgs(cobra.ExactArgs(1))}
	raw := cmd.Flags().Bool("raw", false, "print only the bytes that were delivered, as they came")
	cmd.Flags().Bool("json", true, "print JSON (default)")
	return c.asks(cmd, func(ctx context.Context, admin *adminClient, args []string) error {
		var letter revocation.DeadLetter
		if err := admin.do(ctx, "GET", "/api/v1/dead/"+url.PathEscape(args[0]), nil, &letter); err != nil {
			return err
		}
		if !*raw {
			return c.printJSON(letter)
		}
		body := letter.Raw
		if letter.Delivery != nil {
			body = letter.Delivery.Body
		}
		_, err := c.out.Write(body)
		return err //nolint:wrapcheck // nobody is left to tell
	})
}

func (c cli) deadRedrive() *cobra.Command {
	cmd := &cobra.Command{Use: "redrive DEAD_LETTER...", Short: "Send dead letters on their way again", Args: usageArgs(cobra.MinimumNArgs(1))}
	return c.asks(cmd, func(ctx context.Context, admin *adminClient, args []string) error {
		for _, id := range args {
			if err := admin.do(ctx, "POST", "/api/v1/dead/"+url.PathEscape(id)+"/redrive", struct{}{}, nil); err != nil {
				return fmt.Errorf("%s: %w", id, err)
			}
			fmt.Fprintf(c.out, "%s: on its way again\n", id)
		}
		return nil
	})
}

func (c cli) deadDrop() *cobra.Command {
	cmd := &cobra.Command{Use: "drop DEAD_LETTER...", Short: "Remove dead letters for good", Args: usageArgs(cobra.MinimumNArgs(1))}
	reason := cmd.Flags().String("reason", "", "why; it goes into the audit")
	return c.asks(cmd, func(ctx context.Context, admin *adminClient, args []string) error {
		for _, id := range args {
			path := "/api/v1/dead/" + url.PathEscape(id) + "?" + url.Values{"reason": {*reason}}.Encode()
			if err := admin.do(ctx, "DELETE", path, nil, nil); err != nil {
				return fmt.Errorf("%s: %w", id, err)
			}
			fmt.Fprintf(c.out, "%s: dropped\n", id)
		}
		return nil
	})
}
