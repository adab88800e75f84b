// Package hooks keeps an event hook at Okta as a configuration says: what differs, what has to be done about it, and why
// Okta cannot verify it.
package hooks

import (
	"fmt"
	"slices"
	"strings"

	"sever/okta"
)

// What a hook is once Okta sends events to it.
const (
	active   = "ACTIVE"
	verified = "VERIFIED"
)

// Change is one setting that is not as it should be: what has to go and what has to come.
type Change struct {
	Field  string   `json:"field"` // name, url, secret_header, events, status or verification
	Remove []string `json:"remove,omitempty"`
	Add    []string `json:"add,omitempty"`
}

// Diff is what differs between a hook as it should be and as it is at Okta.
type Diff struct {
	Hook    *okta.RegisteredEventHook // nil when there is none of that name
	Changes []Change
	Notes   []string // what was left as it is, and what cannot be compared
}

// Same reports that there is nothing to do.
func (d Diff) Same() bool { return len(d.Changes) == 0 }

// replaces reports whether something differs that only a replacement mends.
func (d Diff) replaces() bool {
	return slices.ContainsFunc(d.Changes, func(c Change) bool { return c.Field != "status" && c.Field != "verification" })
}

const secretNote = "the secret cannot be compared, because Okta never shows it; `sever hooks ensure --set-secret` sets it again"

// Compare holds the hook that should be against all that Okta has. The name is what a hook is found by; two of that name are
// an error, because either could be meant.
func Compare(want okta.EventHookSpec, registered []okta.RegisteredEventHook) (Diff, error) {
	var found []okta.RegisteredEventHook
	for _, hook := range registered {
		if hook.Name == want.Name {
			found = append(found, hook)
		}
	}
	switch len(found) {
	case 0:
		return Diff{Changes: compare(want, okta.RegisteredEventHook{})}, nil
	case 1:
		return Diff{Hook: &found[0], Changes: compare(want, found[0]), Notes: notes(found[0])}, nil
	}
	return Diff{}, fmt.Errorf("okta has %d event hooks with the name %q (%s, %s): remove or rename all but one in the Admin Console",
		len(found), want.Name, found[0].ID, found[1].ID)
}

func compare(want okta.EventHookSpec, have okta.RegisteredEventHook) []Change {
	var changes []Change
	// Okta gives the header's name back in lower case, and HTTP does not mind.
	header := strings.ToLower(want.SecretHeader)
	for _, setting := range []struct{ field, have, want string }{
		{"name", have.Name, want.Name},
		{"url", have.URI, want.URI},
		{"secret_header", have.SecretHeader, header},
		{"status", have.Status, active},
		{"verification", have.Verification, verified},
	} {
		if setting.have != setting.want {
			changes = append(changes, Change{Field: setting.field, Remove: some(setting.have), Add: some(setting.want)})
		}
	}
	events := Change{Field: "events", Remove: without(have.Events, want.Events), Add: without(want.Events, have.Events)}
	if len(events.Remove)+len(events.Add) > 0 {
		changes = append(changes, events)
	}
	return changes
}

// notes tells of what the configuration has no word for and is therefore left alone.
func notes(have okta.RegisteredEventHook) []string {
	notes := []string{secretNote}
	for event := range have.Filters {
		notes = append(notes, fmt.Sprintf("Okta filters %s by an expression, which is left as it is: events it does not match never come", event))
	}
	for header := range have.Headers {
		notes = append(notes, fmt.Sprintf("the hook has a further header %q, which is left as it is", header))
	}
	slices.Sort(notes[1:])
	return notes
}

func some(text string) []string {
	if text == "" {
		return nil
	}
	return []string{text}
}

// without gives what is in list and not in others, sorted.
func without(list, others []string) []string {
	var rest []string
	for _, text := range list {
		if !slices.Contains(others, text) {
			rest = append(rest, text)
		}
	}
	slices.Sort(rest)
	return rest
}
