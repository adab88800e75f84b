package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"sever/handlers"
	"sever/internal/config"
)

func (c cli) deliveries() *cobra.Command {
	return group("deliveries", "See and replay what came in, as long as it is kept",
		c.deliveriesList(), c.deliveriesShow(), c.deliveriesReplay())
}

// maxPage is as much as one request may ask for.
const maxPage = 1000

func (c cli) deliveriesList() *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "The newest deliveries first", Args: usageArgs(cobra.NoArgs)}
	source := cmd.Flags().String("source", "", "only deliveries of this source")
	since := sinceFlag(cmd, "only what was received since then: 7d, 36h or 2026-11-23T09:00:00Z")
	limit := cmd.Flags().Int("limit", 100, "how many at most")
	asJSON := cmd.Flags().Bool("json", false, "print JSON")
	return c.asks(cmd, func(ctx context.Context, admin *adminClient, _ []string) error {
		query, err := since()
		if err != nil {
			return err
		}
		query.Set("source", *source)
		cards := []handlers.DeliveryCard{}
		for more := true; more && (len(cards) == 0 || len(cards) < *limit); {
			query.Set("limit", strconv.Itoa(min(*limit-len(cards), maxPage)))
			var page handlers.DeliveryPage
			if err := admin.do(ctx, "GET", "/api/v1/deliveries?"+query.Encode(), nil, &page); err != nil {
				return err
			}
			cards = append(cards, page.Deliveries...)
			more = page.Next != ""
			query.Set("from", page.Next)
		}
		if *asJSON {
			return c.printJSON(cards)
		}
		return c.printDeliveries(cards)
	})
}

func (c cli) printDeliveries(cards []handlers.DeliveryCard) error {
	table := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "DELIVERY\tRECEIVED\tSOURCE\tBYTES\tREDRIVES\tCONTENT TYPE")
	for _, card := range cards {
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%d\t%s\n", card.ID, card.Received.Format(time.RFC3339), card.Source,
			card.Bytes, card.Redrives, printable(card.ContentType))
	}
	return table.Flush() //nolint:wrapcheck // nobody is left to tell
}

func (c cli) deliveriesShow() *cobra.Command {
	cmd := &cobra.Command{
		Use: "show DELIVERY", Args: usageArgs(cobra.ExactArgs(1)),
		Short: "One delivery, what it says and what that leads to by the policy in force; --raw prints its body",
	}
	raw := cmd.Flags().Bool("raw", false, "print only the body, as it came; it holds personal data")
	cmd.Flags().Bool("json", true, "print JSON (default)")
	return c.asks(cmd, func(ctx context.Context, admin *adminClient, args []string) error {
		path := "/api/v1/deliveries/" + url.PathEscape(args[0])
		if *raw {
			path += "?raw=true"
		}
		var view handlers.DeliveryView
		if err := admin.do(ctx, "GET", path, nil, &view); err != nil {
			return err
		}
		if !*raw {
			return c.printJSON(view)
		}
		_, err := c.out.Write(view.Delivery.Body)
		return err //nolint:wrapcheck // nobody is left to tell
	})
}

func (c cli) deliveriesReplay() *cobra.Command {
	cmd := &cobra.Command{
		Use: "replay DELIVERY...|--since TIME [--dry-run]", Args: usageArgs(cobra.ArbitraryArgs),
		Short: "Dispatch deliveries once more; with --dry-run, say what the policy would do with them",
		Long: "Dispatches deliveries of the log once more, by the policy in force: those named, or all that were received\n" +
			"since a time. What is done stays done; only what another policy, decoder or configuration makes new of\n" +
			"them acts.\n\n" +
			"With --dry-run nothing is done, and --policy FILE asks the policy of another file. It tells what the policy's rules say now to each signal beside what is on\n" +
			"record of it. Protected people and the brake are not looked at: they come later, when a job is worked on.",
	}
	since := sinceFlag(cmd, "all that was received since then: 7d, 36h or 2026-11-23T09:00:00Z")
	source := cmd.Flags().String("source", "", "with --since: only deliveries of this source")
	dryRun := cmd.Flags().Bool("dry-run", false, "only say what would be done")
	yes := cmd.Flags().Bool("yes", false, "replay more than one delivery")
	reason := cmd.Flags().String("reason", "", "why; it goes into the audit")
	candidate := cmd.Flags().String("policy", "", "with --dry-run: ask the policy of this configuration file in place of the one in force")
	asJSON := cmd.Flags().Bool("json", false, "print JSON")
	return c.asks(cmd, func(ctx context.Context, admin *adminClient, args []string) error {
		query, err := since()
		if err != nil {
			return err
		}
		order := replayOrder{IDs: args, Since: query.Get("since"), Source: *source, DryRun: *dryRun, Reason: *reason}
		if err := order.check(*yes); err != nil {
			return err
		}
		if *candidate != "" {
			if order.Candidate, err = c.candidatePolicy(*candidate, *dryRun); err != nil {
				return err
			}
		}
		sum, err := admin.replay(ctx, order)
		if err != nil {
			return err
		}
		switch {
		case *asJSON:
			return c.printJSON(sum)
		case !*dryRun:
			fmt.Fprintf(c.out, "%d deliveries are on their way again\n", sum.Deliveries)
			return nil
		default:
			return c.printReplay(sum)
		}
	})
}

// replayOrder is a handlers.ReplayOrder as it is sent.
type replayOrder struct {
	IDs    []string `json:"ids,omitempty"`
	Since  string   `json:"since,omitempty"`
	Source string   `json:"source,omitempty"`
	DryRun bool     `json:"dry_run,omitempty"`
	Reason string   `json:"reason,omitempty"`
	From   string   `json:"from,omitempty"`

	Candidate *handlers.CandidatePolicy `json:"candidate,omitempty"`
}

// candidatePolicy reads the policy of a file that is not in force; no secret is read.
func (c cli) candidatePolicy(file string, dryRun bool) (*handlers.CandidatePolicy, error) {
	if !dryRun {
		return nil, usageError{errors.New("--policy goes with --dry-run: put the file in place to replay by it")}
	}
	cfg, err := config.Load(file, c.env, noSecrets)
	if err != nil {
		return nil, usageError{err}
	}
	return &handlers.CandidatePolicy{Mode: cfg.Policy.Mode, BuiltIn: cfg.Policy.BuiltIn, Rules: cfg.Policy.Rules}, nil
}

func (o replayOrder) check(yes bool) error {
	switch {
	case (len(o.IDs) == 0) == (o.Since == ""):
		return usageError{errors.New("name deliveries, or give --since")}
	case len(o.IDs) > 0 && o.Source != "":
		return usageError{errors.New("--source goes with --since")}
	case !o.DryRun && !yes && len(o.IDs) != 1:
		return usageError{errors.New("this replays more than one delivery: look at it with --dry-run, then add --yes")}
	default:
		return nil
	}
}

// replay asks for one part after the other and adds them up.
func (a *adminClient) replay(ctx context.Context, order replayOrder) (handlers.Replay, error) {
	sum := handlers.Replay{Counts: []handlers.ReplayCount{}, People: []string{}, Examples: []handlers.ReplayDiff{}}
	counts, people := map[handlers.ReplayCount]int{}, map[string]bool{}
	for more := true; more; more = order.From != "" {
		var part handlers.Replay
		if err := a.do(ctx, "POST", "/api/v1/deliveries/replay", order, &part); err != nil {
			if order.From != "" && !order.DryRun {
				return sum, fmt.Errorf("after %d deliveries were put back; doing so again does no harm: %w", sum.Deliveries, err)
			}
			return sum, err
		}
		sum.Deliveries += part.Deliveries
		sum.Signals += part.Signals
		sum.Skipped += part.Skipped
		sum.Policy = part.Policy
		for _, count := range part.Counts {
			signals := count.Signals
			count.Signals = 0
			counts[count] += signals
		}
		for _, person := range part.People {
			people[person] = true
		}
		sum.Examples = append(sum.Examples, part.Examples[:min(len(part.Examples), maxExamples-len(sum.Examples))]...)
		order.From = part.Next
	}
	for _, count := range slices.SortedFunc(maps.Keys(counts), func(a, b handlers.ReplayCount) int {
		return strings.Compare(a.Rule+"\x00"+a.Does+"\x00"+a.Record, b.Rule+"\x00"+b.Does+"\x00"+b.Record)
	}) {
		signals := counts[count]
		count.Signals = signals
		sum.Counts = append(sum.Counts, count)
	}
	sum.People = append(sum.People, slices.Sorted(maps.Keys(people))...)
	return sum, nil
}

// maxExamples is how many signals that differ are named.
const maxExamples = 20

func (c cli) printReplay(sum handlers.Replay) error {
	fmt.Fprintf(c.out, "%d deliveries, %d signals, %d other events, by policy %s\n%d people would be revoked or held\n\n",
		sum.Deliveries, sum.Signals, sum.Skipped, printable(sum.Policy), len(sum.People))
	table := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "RULE\tNOW\tON RECORD\tSIGNALS\tDIFFERS")
	differ := 0
	for _, count := range sum.Counts {
		differs := "-"
		if count.Differs {
			differs = "yes"
			differ += count.Signals
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%s\n", printable(count.Rule), count.Does, count.Record, count.Signals, differs)
	}
	if err := table.Flush(); err != nil || differ == 0 {
		return err //nolint:wrapcheck // nobody is left to tell
	}
	fmt.Fprintf(c.out, "\n%d signals differ from what was done, among them:\n", differ)
	table = tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "DELIVERY\tSOURCE\tTYPE\tRULE\tNOW\tON RECORD")
	for _, diff := range sum.Examples {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", diff.Delivery, diff.Source, printable(diff.Type),
			printable(diff.Verdict.Rule), diff.Verdict.Does, diff.Verdict.Record)
	}
	return table.Flush() //nolint:wrapcheck // nobody is left to tell
}
