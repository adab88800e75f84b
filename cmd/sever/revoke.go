package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"sever/okta"
	"sever/revocation"
)

func (c cli) revoke() *cobra.Command {
	cmd := &cobra.Command{
		Use: "revoke PERSON", Short: "End a person's sessions by hand and follow the job to its outcome", Args: usageArgs(cobra.ExactArgs(1)),
		Long: "PERSON is an Okta user id (00u...), a login, or the email address of exactly one user.\n" +
			"Exits 0 when the sessions are ended, 1 when they are not or not yet.",
	}
	connect := c.adminFlags(cmd)
	flags := cmd.Flags()
	org := flags.String("org", "", "the org; may be left out where there is only one")
	reason := flags.String("reason", "", "why; it goes into the audit (required)")
	lane := flags.String("lane", "critical", "critical, high, normal or bulk")
	wait := flags.Duration("wait", time.Minute, "how long to follow the job; 0 does not wait")
	asJSON := flags.Bool("json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if *reason == "" {
			return usageError{errors.New("--reason is missing: say why, it goes into the audit")}
		}
		admin, err := connect()
		if err != nil {
			return err
		}
		order := revocation.Order{Org: *org, Person: personOf(args[0]), Reason: *reason, Lane: revocation.Lane(*lane)}
		var job revocation.Job
		if err := admin.do(cmd.Context(), "POST", "/api/v1/revocations", order, &job); err != nil {
			return err
		}
		fmt.Fprintf(c.err, "job %s is on lane %s of %s\n", job.ID, job.Lane, job.Org)
		if *wait == 0 {
			if *asJSON {
				return c.printJSON(revocation.JobState{Job: job, State: revocation.StatePending})
			}
			return nil
		}
		state, err := admin.follow(cmd.Context(), job.ID, *wait)
		if err != nil {
			return err
		}
		if *asJSON {
			if err := c.printJSON(state); err != nil {
				return err
			}
		}
		return c.report(state, *asJSON)
	}
	return cmd
}

func personOf(text string) revocation.Person {
	if _, err := okta.ParseUserID(text); err == nil {
		return revocation.Person{Kind: revocation.PersonOktaID, Value: text}
	}
	return revocation.Person{Kind: revocation.PersonLogin, Value: text}
}

// followEvery is how often a followed job is looked at.
const followEvery = 150 * time.Millisecond

// follow looks at a job until it is not pending any more.
func (a *adminClient) follow(ctx context.Context, id string, wait time.Duration) (revocation.JobState, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		var state revocation.JobState
		err := a.do(ctx, "GET", "/api/v1/jobs/"+id, nil, &state)
		if ctx.Err() == nil && (err != nil || state.State != revocation.StatePending) {
			return state, err
		}
		select {
		case <-ctx.Done():
			return state, fmt.Errorf("job %s is still pending after %s; it goes on, see `sever jobs show %s`", id, wait, id)
		case <-tick.C:
		}
	}
}

func (c cli) report(state revocation.JobState, quiet bool) error {
	if state.Record == nil {
		return fmt.Errorf("job %s is a dead letter: see `sever dead list`", state.Job.ID)
	}
	record := state.Record
	if !quiet {
		fmt.Fprintf(c.out, "%s: %s (%s)\n", record.Outcome, printable(record.Reason), record.User)
		if record.Call != nil {
			fmt.Fprintf(c.out, "Okta answered %d, request id %s\n", record.Call.Status, printable(record.Call.RequestID))
		}
	}
	switch record.Outcome {
	case revocation.OutcomeRevoked, revocation.OutcomeCovered, revocation.OutcomeGone:
		return nil
	case revocation.OutcomeRefused, revocation.OutcomeFailed, revocation.OutcomeDead:
		return fmt.Errorf("the sessions were not ended: %s", printable(record.Reason))
	default:
		return fmt.Errorf("outcome %q is unknown to this version", record.Outcome)
	}
}
