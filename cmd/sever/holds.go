package main

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"sever/revocation"
)

func (c cli) holds() *cobra.Command {
	return group("holds", "See, release and drop the jobs that wait: for a date, a delay, or an operator's word",
		c.holdsList(), c.holdsShow(),
		c.holdsDecide("approve", "Let held jobs go now", "on its way"),
		c.holdsDecide("reject", "Drop held jobs for good", "dropped"))
}

func (c cli) holdsList() *cobra.Command {
	cmd := &cobra.Command{
		Use: "list", Short: "The held jobs: those first that only an operator ends, then the soonest", Args: usageArgs(cobra.NoArgs),
		Long: "WHY is effective_date, delay, approval, brake, protected or second_look. ENDS is when the job is released\n" +
			"by itself, or when it becomes a dead letter because nobody has decided.",
	}
	limit := cmd.Flags().Int("limit", 100, "how many at most")
	why := cmd.Flags().String("why", "", "only those that are held for this")
	asJSON := cmd.Flags().Bool("json", false, "print JSON")
	return c.asks(cmd, func(ctx context.Context, admin *adminClient, _ []string) error {
		holds, err := admin.holds(ctx, *why, *limit)
		if err != nil {
			return err
		}
		if *asJSON {
			return c.printJSON(holds)
		}
		return c.printHolds(holds)
	})
}

func (a *adminClient) holds(ctx context.Context, why string, limit int) ([]revocation.Hold, error) {
	query := url.Values{"limit": {strconv.Itoa(limit)}}
	if why != "" {
		query.Set("why", why)
	}
	var answer struct {
		Holds []revocation.Hold `json:"holds"`
	}
	err := a.do(ctx, "GET", "/api/v1/holds?"+query.Encode(), nil, &answer)
	return answer.Holds, err
}

func (c cli) printHolds(holds []revocation.Hold) error {
	table := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "HOLD\tWHY\tENDS\tAPPROVED\tORG\tSOURCE\tPERSON\tREASON\tSINCE")
	for _, hold := range holds {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", hold.Key, printable(hold.Why), ends(hold), approved(hold), hold.Job.Org,
			hold.Job.Source, printable(hold.Job.Person.Value), printable(hold.Reason), hold.Held.Format(time.RFC3339))
	}
	return table.Flush() //nolint:wrapcheck // nobody is left to tell
}

// ends says what becomes of a hold by itself.
func ends(hold revocation.Hold) string {
	switch {
	case !hold.Due.IsZero():
		return "released " + hold.Due.Format(time.RFC3339)
	case !hold.Expires.IsZero():
		return "expires " + hold.Expires.Format(time.RFC3339)
	default:
		return "-"
	}
}

// approved says how many of how many operators have approved, and who.
func approved(hold revocation.Hold) string {
	if hold.People <= 1 && len(hold.Approvals) == 0 {
		return "-"
	}
	names := make([]string, len(hold.Approvals))
	for i, approval := range hold.Approvals {
		names[i] = printable(approval.By)
	}
	return strings.TrimSpace(fmt.Sprintf("%d/%d %s", len(hold.Approvals), max(hold.People, 1), strings.Join(names, ", ")))
}

func (c cli) holdsShow() *cobra.Command {
	cmd := &cobra.Command{Use: "show HOLD", Short: "One held job, with why it is held and who has approved", Args: usageArgs(cobra.ExactArgs(1))}
	cmd.Flags().Bool("json", true, "print JSON (default)")
	return c.asks(cmd, func(ctx context.Context, admin *adminClient, args []string) error {
		var hold revocation.Hold
		if err := admin.do(ctx, "GET", "/api/v1/holds/"+url.PathEscape(args[0]), nil, &hold); err != nil {
			return err
		}
		return c.printJSON(hold)
	})
}
