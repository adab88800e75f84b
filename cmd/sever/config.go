package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"sever/internal/config"
)

func (c cli) config() *cobra.Command {
	check := &cobra.Command{
		Use: "check", Short: "Report every problem of a configuration at once, with line, field and fix", Args: usageArgs(cobra.NoArgs),
	}
	path := c.configFlag(check)
	check.RunE = func(*cobra.Command, []string) error {
		file, err := path()
		if err != nil {
			return err
		}
		cfg, err := config.Load(file, c.env)
		if err != nil {
			return usageError{err}
		}
		for _, warning := range cfg.Warnings {
			fmt.Fprintf(c.err, "%s:%d: warning: %s: %s; %s\n", file, warning.Line, warning.Field, warning.Message, warning.Fix)
		}
		fmt.Fprintf(c.out, "%s: no problems; orgs: %d, sources: %d\n", file, len(cfg.Orgs), len(cfg.Sources))
		return nil
	}
	schema := &cobra.Command{
		Use: "schema", Short: "Print the JSON schema of the configuration, for editors", Args: usageArgs(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			text, err := config.Schema()
			if err != nil {
				return fmt.Errorf("make the schema: %w", err)
			}
			_, err = c.out.Write(text)
			return err //nolint:wrapcheck // nobody is left to tell
		},
	}
	return group("config", "Check the configuration", check, schema)
}
