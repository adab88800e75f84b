package oktasim

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// lets reports whether a hook's filter, if it has one for the type of an event, lets the event through. Understood are
// comparisons of single fields with eq and ne, joined by && and ||; a filter in a larger language lets everything through.
// https://developer.okta.com/docs/guides/event-hook-filtering/
func (h hook) lets(e event) bool {
	var filter struct {
		Map []struct {
			Event     string `json:"event"`
			Condition struct {
				Expression string `json:"expression"`
			} `json:"condition"`
		} `json:"eventFilterMap"`
	}
	if json.Unmarshal(h.Events.Filter, &filter) != nil {
		return true
	}
	for _, entry := range filter.Map {
		if entry.Event != e.text("eventType") {
			continue
		}
		matches, err := parseExpression(filterExpression(entry.Condition.Expression), expressions{
			operators: []string{"eq", "ne"}, attribute: hookFilterable,
		})
		return err != nil || matches(func(attribute string) []any { return e.lookup(strings.TrimPrefix(attribute, "event.")) })
	}
	return true
}

// filterExpression puts Okta's expression language into the form of its other filters.
func filterExpression(text string) string {
	text = regexp.MustCompile(`'([^'"\\]*)'`).ReplaceAllString(text, `"$1"`)
	return strings.NewReplacer("&&", " and ", "||", " or ").Replace(text)
}

func hookFilterable(name, _ string) bool {
	return slices.Contains([]string{
		"event.eventType", "event.outcome.reason", "event.outcome.result",
		"event.actor.id", "event.actor.type", "event.actor.alternateId", "event.actor.displayName",
	}, name)
}
