package main

import (
	"fmt"
	"strings"

	"sever/internal/hooks"
	"sever/okta"
)

// hookReport is what is known of one hook, and what was done about it.
type hookReport struct {
	Source   string           `json:"source"`
	Org      string           `json:"org"`
	Name     string           `json:"name"`
	URL      string           `json:"url"` // as configured
	ID       okta.EventHookID `json:"id,omitempty"`
	State    string           `json:"state"` // same, differs or missing, before anything was done; empty when that is not known
	Changes  []hooks.Change   `json:"changes,omitempty"`
	Done     []string         `json:"done,omitempty"` // created, replaced, activated, verified
	Warnings []string         `json:"warnings,omitempty"`
	Notes    []string         `json:"notes,omitempty"`
	Error    string           `json:"error,omitempty"`
}

func (r *hookReport) take(diff hooks.Diff) {
	r.Changes, r.Notes = diff.Changes, diff.Notes
	switch {
	case diff.Hook == nil:
		r.State = "missing"
	case diff.Same():
		r.State = "same"
	default:
		r.State = "differs"
	}
	if diff.Hook != nil {
		r.ID = diff.Hook.ID
	}
}

// showDiff shows what differs, one line per value, in the manner of diff.
func (t *hookTask) showDiff() {
	said, known := map[string]string{
		"same": "is as configured", "differs": "differs:", "missing": "is missing; it is to be:",
	}[t.report.State]
	if !known {
		return
	}
	fmt.Fprintf(t.screen, "%s: event hook %s of %s %s\n", t.source, printable(t.want.Name), t.orgName, said)
	for _, change := range t.report.Changes {
		for _, text := range change.Remove {
			fmt.Fprintf(t.screen, "  - %s: %s\n", change.Field, printable(text))
		}
		for _, text := range change.Add {
			fmt.Fprintf(t.screen, "  + %s: %s\n", change.Field, printable(text))
		}
	}
	for _, warning := range t.report.Warnings {
		fmt.Fprintf(t.screen, "  warning: %s\n", printable(warning))
	}
	for _, note := range t.report.Notes {
		fmt.Fprintf(t.screen, "  note: %s\n", printable(note))
	}
}

// showDone shows what was done, the first steps also when a later one failed.
func (t *hookTask) showDone() {
	if len(t.report.Done) > 0 {
		fmt.Fprintf(t.screen, "%s: %s\n", t.source, strings.Join(t.report.Done, ", "))
	}
}
