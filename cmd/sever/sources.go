package main

import (
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"sever/source/preset"
)

func (c cli) sources() *cobra.Command {
	return group("sources", "The senders that Sever knows, and how to connect each", c.sourcesList(), c.sourcesShow())
}

func (c cli) sourcesList() *cobra.Command {
	cmd := &cobra.Command{
		Use: "list", Short: "Every type that a source can have", Args: usageArgs(cobra.NoArgs),
	}
	asJSON := cmd.Flags().Bool("json", false, "print JSON")
	cmd.RunE = func(*cobra.Command, []string) error {
		presets, err := preset.All()
		if err != nil {
			return err
		}
		var cards []sourceCard
		for _, group := range preset.Groups() {
			for _, name := range preset.Names() {
				if known := presets[name]; known.Group == group {
					cards = append(cards, sourceCard{Type: name, Title: known.Title, Group: group, Unverified: len(known.Unverified)})
				}
			}
		}
		if *asJSON {
			return c.printJSON(cards)
		}
		return c.printSources(cards)
	}
	return cmd
}

// sourceCard is one line of the list.
type sourceCard struct {
	Type       string `json:"type"`
	Title      string `json:"title"`
	Group      string `json:"group"`
	Unverified int    `json:"unverified"` // how much of it no public page states
}

func (c cli) printSources(cards []sourceCard) error {
	table := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "TYPE\tGROUP\tTITLE\tNOT VERIFIED")
	for _, card := range cards {
		unverified := "-"
		if card.Unverified > 0 {
			unverified = strconv.Itoa(card.Unverified)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", card.Type, card.Group, card.Title, unverified)
	}
	fmt.Fprintln(table, "\nsever sources show TYPE tells how to connect it, and what is not verified.")
	return table.Flush() //nolint:wrapcheck // nobody is left to tell
}

func (c cli) sourcesShow() *cobra.Command {
	cmd := &cobra.Command{
		Use: "show TYPE", Short: "What to configure here and to click at the sender", Args: usageArgs(cobra.ExactArgs(1)),
	}
	flags := cmd.Flags()
	name := flags.String("name", "", "the source's name under sources (default: its type)")
	base := flags.String("url", "https://sever.example.com", "where senders reach Sever")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		known, found, err := preset.Find(args[0])
		if err != nil {
			return err
		}
		if !found {
			return usageError{fmt.Errorf("no type is called %q; there are %s", args[0], strings.Join(preset.Names(), ", "))}
		}
		if *name == "" {
			*name = known.Name
		}
		address, err := baseURL("--url", *base)
		if err != nil {
			return err
		}
		guide, err := known.Guide(*name, address)
		if err != nil {
			return err
		}
		fmt.Fprint(c.out, guide)
		return nil
	}
	return cmd
}
