package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"sever/internal/app"
	"sever/policy"
	"sever/revocation"
)

func (c cli) policyExplain() *cobra.Command {
	cmd := &cobra.Command{
		Use: "explain --source NAME --file BODY", Short: "Say for a delivery what each rule says to it, and why", Args: usageArgs(cobra.NoArgs),
		Long: "Decodes the delivery as that source would, without a check of its signature, and asks every rule. The output\n" +
			"repeats what the delivery says of the person.",
	}
	path := c.configFlag(cmd)
	flags := cmd.Flags()
	source := flags.String("source", "", "the source's name, or the type of exactly one (required)")
	body := flags.String("file", "", "the delivery's body; - reads standard input (required)")
	media := flags.String("content-type", "", "the delivery's media type (default: the source's usual one)")
	headers := flags.StringArray("header", nil, "a header as NAME: VALUE, where the source reads it; repeatable")
	received := flags.String("received", "", "when it came, in RFC 3339 (default: now)")
	asJSON := flags.Bool("json", false, "print JSON")
	cmd.RunE = func(*cobra.Command, []string) error {
		if *source == "" || *body == "" {
			return usageError{errors.New("--source and --file are needed; see `sever policy explain --help`")}
		}
		file, cfg, offline, err := c.offline(path)
		if err != nil {
			return err
		}
		sample := app.Sample{ContentType: *media, Received: time.Now()}
		if sample.Source, err = sourceNamed(cfg, *source); err != nil {
			return usageError{fmt.Errorf("%s %w", file, err)}
		}
		if sample.Headers, err = parseHeaders(*headers); err != nil {
			return usageError{err}
		}
		if *received != "" {
			if sample.Received, err = time.Parse(time.RFC3339, *received); err != nil {
				return usageError{errors.New("--received: write a time such as 2026-11-23T09:00:00Z")}
			}
		}
		if sample.Body, err = c.readBody(*body); err != nil {
			return usageError{fmt.Errorf("--file: %w", err)}
		}
		judgement, err := offline.Judge(sample)
		if err != nil {
			return usageError{err}
		}
		if *asJSON {
			return c.printJSON(explained(judgement))
		}
		return c.printJudgement(judgement)
	}
	return cmd
}

// maxSample is the most that receive.max_body can be set to take, and then some.
const maxSample = 64 << 20

func (c cli) readBody(name string) ([]byte, error) {
	from := c.in
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, err //nolint:wrapcheck // it names the file
		}
		defer func() { _ = file.Close() }()
		from = file
	}
	body, err := io.ReadAll(io.LimitReader(from, maxSample+1))
	if err == nil && len(body) > maxSample {
		err = errors.New("larger than 64 MiB")
	}
	return body, err
}

func parseHeaders(lines []string) (map[string]string, error) {
	headers := make(map[string]string, len(lines))
	for _, line := range lines {
		name, value, found := strings.Cut(line, ":")
		if !found || name == "" {
			return nil, errors.New(`--header: write NAME: VALUE`)
		}
		headers[strings.TrimSpace(name)] = strings.TrimSpace(value)
	}
	return headers, nil
}

// What a signal comes to.
const (
	comesToRevoke   = "revoke"
	comesToIgnore   = "ignore"
	comesToDead     = "dead_letter" // a person's name is missing, or the delivery cannot be read
	comesToWithdraw = "withdraw"
)

// comesTo says in a word what dispatch does with a signal.
func comesTo(judged app.Judged) string {
	switch {
	case judged.Signal.Kind == revocation.KindWithdrawal && !judged.Signal.Person.IsZero():
		return comesToWithdraw
	case judged.Signal.Kind == revocation.KindWithdrawal:
		return comesToDead
	case !judged.Decision.Revoke:
		return comesToIgnore
	case judged.Signal.Person.IsZero():
		return comesToDead
	default:
		return comesToRevoke
	}
}

// modeText is a decision's mode in the words of the configuration.
func modeText(mode revocation.Mode) string {
	if mode == "" {
		return string(revocation.ModeEnforce)
	}
	return string(mode)
}

// explanation is what --json prints of a signal.
type explanation struct {
	Signal   revocation.Signal `json:"signal"`
	Decision string            `json:"decision"`
	Rule     string            `json:"rule,omitempty"`
	Lane     revocation.Lane   `json:"lane,omitempty"`
	Mode     string            `json:"mode,omitempty"`
	Version  string            `json:"version,omitempty"`
	Steps    []policy.Step     `json:"steps"`
}

func explained(judgement app.Judgement) any {
	type skipped struct {
		Type   string `json:"type"`
		Reason string `json:"reason"`
	}
	answer := struct {
		Signals []explanation `json:"signals"`
		Skipped []skipped     `json:"skipped"`
		Problem string        `json:"problem,omitempty"`
	}{[]explanation{}, []skipped{}, judgement.Problem}
	for _, judged := range judgement.Signals {
		one := explanation{
			Signal: judged.Signal, Decision: comesTo(judged), Rule: judged.Decision.Rule, Lane: judged.Decision.Lane,
			Version: judged.Decision.Version, Steps: judged.Steps,
		}
		if judged.Decision.Revoke {
			one.Mode = modeText(judged.Decision.Mode)
		}
		answer.Signals = append(answer.Signals, one)
	}
	for _, skip := range judgement.Skipped {
		answer.Skipped = append(answer.Skipped, skipped(skip))
	}
	return answer
}

func (c cli) printJudgement(judgement app.Judgement) error {
	if judgement.Problem != "" {
		fmt.Fprintf(c.out, "dead letter: %s\n", printable(judgement.Problem))
		return nil
	}
	for _, skipped := range judgement.Skipped {
		fmt.Fprintf(c.out, "skipped before any rule: %s (%s)\n", printable(skipped.Type), skipped.Reason)
	}
	for i, judged := range judgement.Signals {
		fmt.Fprintf(c.out, "signal %d of %d: %s\n", i+1, len(judgement.Signals), signalText(judged.Signal))
		table := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
		for _, step := range judged.Steps {
			fmt.Fprintf(table, "  %s\t%s\t%s\n", step.Rule, stepWord(step), stepWhy(step))
		}
		if err := table.Flush(); err != nil {
			return err //nolint:wrapcheck // nobody is left to tell
		}
		fmt.Fprintf(c.out, "=> %s\n", verdictText(judged))
	}
	if len(judgement.Signals)+len(judgement.Skipped) == 0 {
		fmt.Fprintln(c.out, "it says nothing: no signal")
	}
	return nil
}

func signalText(signal revocation.Signal) string {
	words := []string{"type " + printable(signal.Type)}
	for _, field := range [][2]string{{"kind", string(signal.Kind)}, {"severity", string(signal.Severity)}, {"risk", signal.Risk}} {
		if field[1] != "" {
			words = append(words, field[0]+" "+printable(field[1]))
		}
	}
	if signal.Person.IsZero() {
		return strings.Join(append(words, "nobody: "+printable(signal.NoPerson)), ", ")
	}
	return strings.Join(append(words, string(signal.Person.Kind)+" "+printable(signal.Person.Value)), ", ")
}

func stepWord(step policy.Step) string {
	switch {
	case step.Decides && step.Error != "":
		return "FAILED, decides"
	case step.Error != "":
		return "FAILED"
	case step.Decides:
		return "MATCHES, decides"
	case step.Matches:
		return "matches, too late"
	default:
		return "no"
	}
}

func stepWhy(step policy.Step) string {
	if step.Error != "" {
		return step.Error
	}
	if step.Why == "" {
		return ""
	}
	return printable(step.Why)
}

func verdictText(judged app.Judged) string {
	decision := judged.Decision
	switch comesTo(judged) {
	case comesToWithdraw:
		return "withdraw: what is held for this person ends; no rule is asked"
	case comesToDead:
		return "dead letter: it names nobody"
	case comesToIgnore:
		return "ignore (" + decision.Rule + ")"
	default:
		text := fmt.Sprintf("revoke (rule %s), lane %s, mode %s, policy %s", decision.Rule, decision.Lane, modeText(decision.Mode), decision.Version)
		if at := judged.Signal.Effective; judged.Signal.Kind == revocation.KindTermination && at.After(judged.Signal.Received) {
			text += ", held until " + at.Format(time.RFC3339)
		}
		if decision.Delay > 0 {
			text += ", after " + decision.Delay.String()
		}
		return text
	}
}
