package main

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"sever/revocation"
)

func (c cli) jobs() *cobra.Command {
	return group("jobs", "See and cancel the revocation jobs of a running sever", c.jobsList(), c.jobsShow(), c.jobsCancel())
}

func (c cli) jobsList() *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "The newest jobs first", Args: usageArgs(cobra.NoArgs)}
	org := cmd.Flags().String("org", "", "only jobs of this org")
	state := cmd.Flags().String("state", "", "only pending, held, finished or dead jobs")
	limit := cmd.Flags().Int("limit", 100, "how many at most")
	asJSON := cmd.Flags().Bool("json", false, "print JSON")
	return c.asks(cmd, func(ctx context.Context, admin *adminClient, _ []string) error {
		query := url.Values{"org": {*org}, "state": {*state}, "limit": {strconv.Itoa(*limit)}}
		var answer struct {
			Jobs []revocation.JobState `json:"jobs"`
		}
		if err := admin.do(ctx, "GET", "/api/v1/jobs?"+query.Encode(), nil, &answer); err != nil {
			return err
		}
		if *asJSON {
			return c.printJSON(answer.Jobs)
		}
		return c.printJobs(answer.Jobs)
	})
}

func (c cli) printJobs(jobs []revocation.JobState) error {
	table := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "JOB\tSTATE\tOUTCOME\tORG\tLANE\tPERSON\tRULE\tRECEIVED")
	for _, state := range jobs {
		outcome := "-"
		if state.Record != nil {
			outcome = string(state.Record.Outcome)
		}
		job := state.Job
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", job.ID, state.State, outcome,
			job.Org, job.Lane, printable(job.Person.Value), job.Rule, job.Received.Format(time.RFC3339))
	}
	return table.Flush() //nolint:wrapcheck // nobody is left to tell
}

func (c cli) jobsShow() *cobra.Command {
	cmd := &cobra.Command{Use: "show JOB", Short: "One job, and the record that finished it", Args: usageArgs(cobra.ExactArgs(1))}
	cmd.Flags().Bool("json", true, "print JSON (always)")
	return c.asks(cmd, func(ctx context.Context, admin *adminClient, args []string) error {
		var state revocation.JobState
		if err := admin.do(ctx, "GET", "/api/v1/jobs/"+url.PathEscape(args[0]), nil, &state); err != nil {
			return err
		}
		return c.printJSON(state)
	})
}

func (c cli) jobsCancel() *cobra.Command {
	cmd := &cobra.Command{Use: "cancel JOB", Short: "Finish a pending job without acting on it", Args: usageArgs(cobra.ExactArgs(1))}
	reason := cmd.Flags().String("reason", "", "why; it goes into the audit")
	return c.asks(cmd, func(ctx context.Context, admin *adminClient, args []string) error {
		path := "/api/v1/jobs/" + url.PathEscape(args[0]) + "?" + url.Values{"reason": {*reason}}.Encode()
		if err := admin.do(ctx, "DELETE", path, nil, nil); err != nil {
			return err
		}
		fmt.Fprintf(c.out, "%s: cancelled\n", args[0])
		return nil
	})
}

// printable keeps a stranger's text from playing with the terminal: text with
// anything but graphic characters is shown quoted, with those escaped.
func printable(text string) string {
	harmful := func(r rune) bool { return !unicode.IsGraphic(r) }
	if !utf8.ValidString(text) || strings.ContainsFunc(text, harmful) {
		return strconv.QuoteToGraphic(text)
	}
	return cmp.Or(text, "-")
}
