// Package preset holds the senders that Sever knows, as data: how each signs, what of its
// body says whom it is about, what must never lead to a revocation, samples of its
// deliveries, and what to click on its side. A preset's source section is laid under the
// user's own settings, key by key.
package preset

import (
	"bytes"
	"embed"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Preset is one sender.
type Preset struct {
	Name  string   `yaml:"-"` // what a source's type says
	Title string   `yaml:"title"`
	Group string   `yaml:"group"` // one of Groups
	About string   `yaml:"about"`
	Docs  []string `yaml:"docs"` // the vendor's pages

	// Unverified says what no public page of the vendor states.
	Unverified []string `yaml:"unverified"`
	Secret     *Secret  `yaml:"secret"`
	// Needs is what a user must add beside the secrets, as YAML of a source, with values
	// for practice; zero if nothing.
	Needs    yaml.Node `yaml:"needs"`
	WhyNeeds string    `yaml:"why_needs"`
	// Steps are what to click on the sender's side. {url}, {name} and {secret} stand for this source's.
	Steps []string `yaml:"steps"`

	// Source is laid under the user's settings.
	Source yaml.Node `yaml:"source"`
	// Decoder is mapping, or the name of the Go code that reads what no mapping can.
	Decoder string `yaml:"decoder"`

	// Person is whom the samples name, as the sender would.
	Person string `yaml:"person"`
	// Sample leads to a revocation at once, and so do More.
	Sample Message   `yaml:"sample"`
	More   []Message `yaml:"more"`
	// Future announces a termination of tomorrow, and Withdrawal calls it off.
	Future     *Message `yaml:"future"`
	Withdrawal *Message `yaml:"withdrawal"`
	// NotAlerts are accepted, counted under Reason and lead to nothing. Traps name the
	// wrong person or nobody: they must never lead to a revocation.
	NotAlerts []Message `yaml:"not_alerts"`
	Traps     []Message `yaml:"traps"`
}

// Secret says who makes the shared secret.
type Secret struct {
	By  string `yaml:"by"`  // sender or you
	How string `yaml:"how"` // the command that makes it, or a sentence about where it is
}

// Expect is what a sample must be decoded to.
type Expect struct {
	Type     string `yaml:"type"`
	Kind     string `yaml:"kind"`
	Severity string `yaml:"severity"`
}

// Groups are the kinds of senders, in the order of the documentation.
func Groups() []string {
	return []string{"okta", "siem", "edr", "cloud", "oncall", "hr", "signals", "generic"}
}

// DecoderMapping is what reads a preset's bodies unless it says otherwise.
const DecoderMapping = "mapping"

//go:embed *.yaml
var files embed.FS

// All are the presets by name. It reads them anew each time; callers keep the result.
func All() (map[string]Preset, error) {
	entries, err := files.ReadDir(".")
	if err != nil {
		return nil, fmt.Errorf("list presets: %w", err)
	}
	presets := make(map[string]Preset, len(entries))
	for _, entry := range entries {
		preset, err := read(entry.Name())
		if err != nil {
			return nil, err
		}
		presets[preset.Name] = preset
	}
	return presets, nil
}

// Find reads one preset.
func Find(name string) (preset Preset, found bool, err error) {
	if !slices.Contains(Names(), name) {
		return Preset{}, false, nil
	}
	preset, err = read(name + suffix)
	return preset, err == nil, err
}

const suffix = ".yaml"

// Names lists the presets in alphabetical order.
func Names() []string {
	entries, _ := files.ReadDir(".")
	names := make(map[string]bool, len(entries))
	for _, entry := range entries {
		names[strings.TrimSuffix(entry.Name(), suffix)] = true
	}
	return slices.Sorted(maps.Keys(names))
}

func read(file string) (Preset, error) {
	text, err := files.ReadFile(path.Clean(file))
	if err != nil {
		return Preset{}, fmt.Errorf("read preset: %w", err)
	}
	loader, err := yaml.NewLoader(bytes.NewReader(text), yaml.WithKnownFields(true))
	if err != nil {
		return Preset{}, fmt.Errorf("read preset %s: %w", file, err)
	}
	preset := Preset{Name: strings.TrimSuffix(file, suffix), Decoder: DecoderMapping}
	if err := loader.Load(&preset); err != nil {
		return Preset{}, fmt.Errorf("read preset %s: %w", file, err)
	}
	return preset, nil
}
