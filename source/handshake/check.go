package handshake

import (
	"fmt"
	"regexp"
	"slices"

	"sever/source"
)

// Check finds every mistake in the settings, whether or not the secrets were read.
func (c Config) Check() []source.Problem {
	types := []string{"okta", "graph", "event_grid", "cloudevents", "sns", "slack", "zoom", "crc", "meta", "discord", "hibob", "gusto"}
	if !slices.Contains(types, c.Type) {
		return []source.Problem{{Field: "type", Message: "there is no such handshake", Fix: "use one of those that docs/sources.md lists, such as graph or slack"}}
	}
	problems := append(c.unused(), c.checkSecrets()...)
	if c.Type == "cloudevents" {
		problems = append(problems, c.checkCloudEvents()...)
	}
	if c.Type == "gusto" && c.SaveTo == "" {
		problems = append(problems, source.Problem{Field: "save_to", Message: "no file given", Fix: "name a file that does not exist yet, which the token is written to"})
	}
	return problems
}

// unused finds settings that the type would not look at.
func (c Config) unused() []source.Problem {
	var problems []source.Problem
	for _, setting := range []struct {
		name  string
		given bool
		types []string
	}{
		{"secrets", len(c.Secrets) > 0, []string{"zoom", "crc", "meta"}},
		{"origins", len(c.Origins) > 0, []string{"cloudevents"}},
		{"rate", c.Rate != 0, []string{"cloudevents"}},
		{"save_to", c.SaveTo != "", []string{"gusto"}},
	} {
		if setting.given && !slices.Contains(setting.types, c.Type) {
			problems = append(problems, source.Problem{Field: setting.name, Message: "has no use for " + c.Type, Fix: "remove it"})
		}
	}
	return problems
}

func (c Config) checkSecrets() []source.Problem {
	var problems []source.Problem
	if c.Type == "meta" && len(c.Secrets) == 0 {
		problems = append(problems, source.Problem{Field: "secrets", Message: "no secret given", Fix: "add the verify token that you gave Meta, as env:NAME or file:PATH"})
	}
	return problems
}

// originForm is a DNS name: that is what a WebHook-Request-Origin holds.
var originForm = regexp.MustCompile(`^[0-9A-Za-z](?:[0-9A-Za-z.-]{0,251}[0-9A-Za-z])?$`)

func (c Config) checkCloudEvents() []source.Problem {
	var problems []source.Problem
	if len(c.Origins) == 0 {
		problems = append(problems, source.Problem{Field: "origins", Message: "no origin given", Fix: "add the sender's, such as eventgrid.azure.net, or '*' for any"})
	}
	for i, origin := range c.Origins {
		if origin != anyOrigin && !originForm.MatchString(origin) {
			problems = append(problems, source.Problem{Field: fmt.Sprintf("origins[%d]", i), Message: "is not a host's name", Fix: "write it without scheme, port or path, such as eventgrid.azure.net"})
		}
	}
	if c.Rate < 0 {
		problems = append(problems, source.Problem{Field: "rate", Message: "is below zero", Fix: "give deliveries a minute, or remove it"})
	}
	return problems
}
