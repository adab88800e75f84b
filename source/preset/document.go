package preset

import (
	_ "embed"
	"fmt"
	"strings"
)

//go:generate go run ./guidegen ../../docs/sources.md

//go:embed intro.md
var intro string

// groupTitles are the headings of the document.
func groupTitle(group string) string {
	return map[string]string{
		"okta": "Okta", "siem": "SIEM", "edr": "Endpoint detection", "cloud": "Clouds", "oncall": "On-call and alerting",
		"hr": "HR systems", "signals": "Shared Signals", "generic": "Anything else",
	}[group]
}

// Document is docs/sources.md: how sources work, and the guide of every preset.
func Document() (string, error) {
	presets, err := All()
	if err != nil {
		return "", err
	}
	var text strings.Builder
	text.WriteString(strings.TrimSpace(intro) + "\n")
	for _, group := range Groups() {
		fmt.Fprintf(&text, "\n## %s\n", groupTitle(group))
		for _, name := range Names() {
			known := presets[name]
			if known.Group != group {
				continue
			}
			guide, err := known.Guide(name, "https://sever.example.com")
			if err != nil {
				return "", err
			}
			text.WriteString("\n" + guide)
		}
	}
	return text.String(), nil
}
