package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"sever/internal/app"
	"sever/internal/config"
	"sever/policy"
)

func (c cli) policy() *cobra.Command {
	return group("policy", "See, check, test and explain what alerts lead to; none of it needs a secret or a running Sever",
		c.policyShow(), c.policyCheck(), c.policyTest(), c.policyExplain())
}

// offline loads the configuration and its policy, without any secret.
func (c cli) offline(path func() (string, error)) (file string, cfg *config.Config, offline *app.Offline, err error) {
	if file, err = path(); err != nil {
		return "", nil, nil, err
	}
	if cfg, err = config.Load(file, c.env, noSecrets); err != nil {
		return file, nil, nil, usageError{err}
	}
	if offline, err = app.NewOffline(cfg); err != nil {
		return file, nil, nil, usageError{fmt.Errorf("%s: %w", file, err)}
	}
	return file, cfg, offline, nil
}

// shownRule is one line of what is in force.
type shownRule struct {
	policy.RuleConfig

	BuiltIn bool `json:"builtin"`
}

func (c cli) policyShow() *cobra.Command {
	cmd := &cobra.Command{
		Use: "show", Short: "The rules in the order in which they are asked, the built-in ones among them", Args: usageArgs(cobra.NoArgs),
	}
	path := c.configFlag(cmd)
	asJSON := cmd.Flags().Bool("json", false, "print JSON; durations are in nanoseconds")
	cmd.RunE = func(*cobra.Command, []string) error {
		_, cfg, offline, err := c.offline(path)
		if err != nil {
			return err
		}
		made := offline.Policy
		if !*asJSON {
			return c.printPolicy(made, cfg.Policy.Mode)
		}
		rules := []shownRule{}
		for _, rule := range made.Rules() {
			rules = append(rules, shownRule{rule.RuleConfig, rule.BuiltIn})
		}
		return c.printJSON(struct {
			Version string      `json:"version"`
			Mode    string      `json:"mode"`
			Rules   []shownRule `json:"rules"`
		}{made.Version(), cfg.Policy.Mode, rules})
	}
	return cmd
}

func (c cli) printPolicy(made policy.Policy, mode string) error {
	fmt.Fprintf(c.out, "version %s, mode %s\n\n", made.Version(), mode)
	table := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "RULE\tFROM\tDO\tWHEN")
	for _, rule := range made.Rules() {
		from := "you"
		if rule.BuiltIn {
			from = "built in"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", rule.Name, from, actionText(rule.Do), strings.Join(strings.Fields(rule.When), " "))
	}
	fmt.Fprintln(table, "\nThe first rule that matches decides. What none asks for is ignored.")
	return table.Flush() //nolint:wrapcheck // nobody is left to tell
}

// actionText says in one line what a rule does.
func actionText(do policy.Action) string {
	if do.Revoke == nil {
		return "ignore"
	}
	words := []string{"revoke"}
	if !do.Revoke.OAuthTokens {
		words = append(words, "not oauth_tokens")
	}
	if !do.Revoke.ForgetDevices {
		words = append(words, "not forget_devices")
	}
	words = append(words, do.Lane)
	if do.Mode != "" {
		words = append(words, do.Mode)
	}
	if do.Everywhere {
		words = append(words, "everywhere")
	}
	if do.Delay != 0 {
		words = append(words, "after "+do.Delay.String())
	}
	if do.Again != 0 {
		words = append(words, "again after "+do.Again.String())
	}
	return strings.Join(words, ", ")
}

func (c cli) policyCheck() *cobra.Command {
	cmd := &cobra.Command{
		Use: "check", Short: "Report rules that do not compile or can never decide anything", Args: usageArgs(cobra.NoArgs),
		Long: "Checks the whole configuration without its secrets, and each rule: unknown fields, wrong types, conditions that\n" +
			"are never true or always true, and rules that those before them leave nothing to. Exits 2 on any problem.",
	}
	path := c.configFlag(cmd)
	cmd.RunE = func(*cobra.Command, []string) error {
		file, cfg, offline, err := c.offline(path)
		if err != nil {
			return err
		}
		for _, warning := range cfg.Warnings {
			fmt.Fprintf(c.err, "%s:%d: warning: %s: %s; %s\n", file, warning.Line, warning.Field, warning.Message, warning.Fix)
		}
		fmt.Fprintf(c.out, "%s: no problems; rules: %d of yours, %d in all; version %s\n",
			file, len(cfg.Policy.Rules), len(offline.Policy.Rules()), offline.Policy.Version())
		return nil
	}
	return cmd
}
