package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"sever/revocation"
)

func (c cli) audit() *cobra.Command {
	return group("audit", "See, export and check the evidence of what was done",
		c.auditList(), c.auditExport(), c.auditVerify())
}

func (c cli) auditList() *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "The newest entries first: attempts, and what operators did", Args: usageArgs(cobra.NoArgs)}
	org := cmd.Flags().String("org", "", "only attempts in this org")
	user := cmd.Flags().String("user", "", "only attempts at this person: an Okta user id, or as the alert named them")
	since := sinceFlag(cmd, "only what was stored since then: 7d, 36h or 2026-11-23T09:00:00Z")
	outcome := cmd.Flags().String("outcome", "", "only attempts that ended so: revoked, covered, gone, refused, failed, held or dead")
	limit := cmd.Flags().Int("limit", 100, "how many at most")
	asJSON := cmd.Flags().Bool("json", false, "print JSON")
	return c.asks(cmd, func(ctx context.Context, admin *adminClient, _ []string) error {
		query, err := since()
		if err != nil {
			return err
		}
		query.Set("org", *org)
		query.Set("user", *user)
		query.Set("outcome", *outcome)
		entries := []revocation.AuditEntry{}
		for more := true; more && (len(entries) == 0 || len(entries) < *limit); {
			query.Set("limit", strconv.Itoa(min(*limit-len(entries), maxPage)))
			page, err := admin.auditPage(ctx, query)
			if err != nil {
				return err
			}
			entries = append(entries, page.Entries...)
			more = page.Next != 0
		}
		if *asJSON {
			return c.printJSON(entries)
		}
		return c.printAudit(entries)
	})
}

// auditPage asks for a page, and makes the query one for the next.
func (a *adminClient) auditPage(ctx context.Context, query url.Values) (page revocation.AuditPage, err error) {
	err = a.do(ctx, "GET", "/api/v1/audit?"+query.Encode(), nil, &page)
	query.Set("from", strconv.FormatUint(page.Next, 10))
	return page, err
}

func (c cli) printAudit(entries []revocation.AuditEntry) error {
	table := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ENTRY\tSTORED\tWHAT\tORG\tUSER\tSUBJECT\tOKTA REQUEST\tREASON")
	for _, entry := range entries {
		what, org, user, subject, request, reason := "broken", "", "", "", "", entry.Broken
		switch {
		case entry.Record != nil:
			record := entry.Record
			what, org, user, subject, reason = string(record.Outcome), record.Job.Org, record.User, record.Job.ID, record.Reason
			if record.Call != nil {
				request = record.Call.RequestID
			}
		case entry.Action != nil:
			what, subject, reason = entry.Action.Verb, entry.Action.Target, entry.Action.Reason
			user = entry.Action.By
		}
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", entry.Seq, entry.Stored.UTC().Format(time.RFC3339),
			printable(what), printable(org), printable(user), printable(subject), printable(request), printable(reason))
	}
	return table.Flush() //nolint:wrapcheck // nobody is left to tell
}

func (c cli) auditExport() *cobra.Command {
	cmd := &cobra.Command{Use: "export", Short: "All entries, the oldest first, one JSON object on each line", Args: usageArgs(cobra.NoArgs)}
	since := sinceFlag(cmd, "only what was stored since then: 7d, 36h or 2026-11-23T09:00:00Z (default all)")
	format := cmd.Flags().String("format", "jsonl", "jsonl")
	return c.asks(cmd, func(ctx context.Context, admin *adminClient, _ []string) error {
		if *format != "jsonl" {
			return usageError{fmt.Errorf("--format %.32q is unknown: there is only jsonl", *format)}
		}
		query, err := since()
		if err != nil {
			return err
		}
		query.Set("order", "oldest")
		query.Set("limit", strconv.Itoa(maxPage))
		lines := json.NewEncoder(c.out)
		for {
			page, err := admin.auditPage(ctx, query)
			if err != nil {
				return err
			}
			for _, entry := range page.Entries {
				if err := lines.Encode(entry); err != nil {
					return fmt.Errorf("write: %w", err)
				}
			}
			if page.Next == 0 {
				return nil
			}
		}
	})
}

func (c cli) auditVerify() *cobra.Command {
	cmd := &cobra.Command{
		Use: "verify", Short: "Check that the evidence is whole, as far as that can be known", Args: usageArgs(cobra.NoArgs),
		Long: "Checks that the audit's stream refuses deletion and forgets nothing, that no entry is missing from the\n" +
			"first to the last, that each can be read back, and that every finished job of the ledger has its record\n" +
			"in the audit.\n\n" +
			"There is no chain of hashes or signature: an entry that someone with access to the store replaced by\n" +
			"another that is in order is not noticed. Send exports to a place of their own against that.",
	}
	asJSON := cmd.Flags().Bool("json", false, "print JSON")
	return c.asks(cmd, func(ctx context.Context, admin *adminClient, _ []string) error {
		sum, err := admin.verifyAudit(ctx)
		if err != nil {
			return err
		}
		if *asJSON {
			err = c.printJSON(sum)
		} else {
			c.printCheck(sum)
		}
		switch {
		case err != nil:
		case sum.Wrong > 0:
			err = errors.New("the evidence is not whole")
		case sum.Unsure > 0:
			err = errors.New("part of the evidence could not be looked through in time: verify again when there is less to do")
		}
		return err
	})
}

// verifyAudit asks for one part after the other and adds them up.
func (a *adminClient) verifyAudit(ctx context.Context) (revocation.AuditCheck, error) {
	sum := revocation.AuditCheck{Problems: []string{}}
	for from, more := "", true; more; more = from != "" {
		var part revocation.AuditCheck
		if err := a.do(ctx, "GET", "/api/v1/audit/verify?"+url.Values{"from": {from}}.Encode(), nil, &part); err != nil {
			return sum, err
		}
		sum.Entries += part.Entries
		sum.Records += part.Records
		sum.Actions += part.Actions
		sum.Finished += part.Finished
		sum.TooNew += part.TooNew
		sum.Unsure += part.Unsure
		sum.Wrong += part.Wrong
		sum.Problems = append(sum.Problems, part.Problems[:min(len(part.Problems), maxProblems-len(sum.Problems))]...)
		from = part.Next
	}
	return sum, nil
}

// maxProblems is how many of them are named.
const maxProblems = 100

func (c cli) printCheck(sum revocation.AuditCheck) {
	fmt.Fprintf(c.out, "read %d entries back, from the first to the last: %d attempts, %d actions\n", sum.Entries, sum.Records, sum.Actions)
	fmt.Fprintf(c.out, "looked for the records of %d finished jobs\n", sum.Finished)
	if sum.TooNew > 0 {
		fmt.Fprintf(c.out, "%d of them finished just now, and their records are on their way: verify again\n", sum.TooNew)
	}
	if sum.Unsure > 0 {
		fmt.Fprintf(c.out, "%d of them were not found in what of the audit could be read in time\n", sum.Unsure)
	}
	for _, problem := range sum.Problems {
		fmt.Fprintln(c.out, "wrong:", printable(problem))
	}
	if left := sum.Wrong - len(sum.Problems); left > 0 {
		fmt.Fprintf(c.out, "and %d more\n", left)
	}
	if sum.Wrong == 0 && sum.Unsure == 0 {
		fmt.Fprintln(c.out, "nothing is missing; entries are not chained by hashes, so a replaced one would not be noticed")
	}
}
