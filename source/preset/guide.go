package preset

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Guide tells a person how to connect a sender, as Markdown that reads well in a terminal
// too: what it is, what to put into sever.yaml, what to click on the sender's side, and
// what is not known for sure. name and url are the source's own, or examples.
func (p Preset) Guide(name, url string) (string, error) {
	var text strings.Builder
	fmt.Fprintf(&text, "### %s: `%s`\n\n%s\n", p.Title, p.Name, strings.TrimSpace(p.About))
	settings, err := p.example(name, url)
	if err != nil {
		return "", err
	}
	fmt.Fprintf(&text, "\nIn sever.yaml:\n\n```yaml\n%s```\n", settings)
	if p.WhyNeeds != "" {
		fmt.Fprintf(&text, "\n%s\n", strings.TrimSpace(p.WhyNeeds))
	}
	p.steps(&text, name, url)
	p.trial(&text, name)
	if reasons := p.reasons(); len(reasons) > 0 {
		fmt.Fprintf(&text, "\nAccepted, counted and never a revocation: %s.\n", strings.Join(reasons, ", "))
	}
	for i, doubt := range p.Unverified {
		if i == 0 {
			text.WriteString("\nNot verified:\n\n")
		}
		fmt.Fprintf(&text, "- %s\n", strings.TrimSpace(doubt))
	}
	if err := p.showSource(&text); err != nil {
		return "", err
	}
	for i, page := range p.Docs {
		if i == 0 {
			text.WriteString("\nFrom: ")
		} else {
			text.WriteString(" · ")
		}
		fmt.Fprintf(&text, "<%s>", page)
	}
	if len(p.Docs) > 0 {
		text.WriteString("\n")
	}
	return text.String(), nil
}

// example is the least that a user writes. Where the preset names its own URL, that is the source's.
func (p Preset) example(name, url string) (string, error) {
	var text strings.Builder
	fmt.Fprintf(&text, "sources:\n  %s:\n    type: %s\n    org: acme\n", name, p.Name)
	needs := p.Needs
	if p.Secret != nil {
		withSecrets, err := addSecrets(needs, name)
		if err != nil {
			return "", fmt.Errorf("preset %s: %w", p.Name, err)
		}
		needs = withSecrets
	}
	if needs.Kind == 0 {
		return text.String(), nil
	}
	written, err := dump(&needs)
	if err != nil {
		return "", fmt.Errorf("preset %s: %w", p.Name, err)
	}
	written = strings.ReplaceAll(written, "https://sever.example.com/v1/hooks/"+p.Name, url+"/v1/hooks/"+name)
	for line := range strings.Lines(written) {
		text.WriteString("    " + line)
	}
	return text.String(), nil
}

// addSecrets adds verify.secrets to what a user must give.
func addSecrets(needs yaml.Node, name string) (yaml.Node, error) {
	merged := map[string]any{}
	if needs.Kind != 0 {
		if err := needs.Decode(&merged); err != nil {
			return yaml.Node{}, fmt.Errorf("needs: %w", err)
		}
	}
	verify, ok := merged["verify"].(map[string]any)
	if !ok {
		verify = map[string]any{}
		merged["verify"] = verify
	}
	verify["secrets"] = []string{"env:" + variable(name)}
	var node yaml.Node
	if err := node.Encode(merged); err != nil {
		return yaml.Node{}, fmt.Errorf("needs: %w", err)
	}
	return node, nil
}

// variable is where an example keeps a source's secret in the environment.
func variable(name string) string {
	return strings.ToUpper(strings.ReplaceAll(name, "-", "_")) + "_SECRET"
}

func dump(node *yaml.Node) (string, error) {
	var text bytes.Buffer
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	if err := encoder.Encode(node); err != nil {
		return "", fmt.Errorf("write YAML: %w", err)
	}
	return text.String(), nil
}

func (p Preset) steps(text *strings.Builder, name, url string) {
	var steps []string
	if p.Secret != nil {
		how := "Make the secret: `" + strings.TrimSpace(p.Secret.How) + "`."
		if p.Secret.By == "sender" {
			how = "Copy the secret that the sender makes: " + strings.TrimSpace(p.Secret.How)
		}
		steps = append(steps, how+" Sever reads it from the environment variable "+variable(name)+".")
	}
	steps = append(steps, p.Steps...)
	fill := strings.NewReplacer("{url}", url+"/v1/hooks/"+name, "{name}", name, "{secret}", "THE-SECRET")
	for i, step := range steps {
		if i == 0 {
			text.WriteString("\nOn the sender's side:\n\n")
		}
		fmt.Fprintf(text, "%d. %s\n", i+1, strings.TrimSpace(fill.Replace(step)))
	}
}

// trial says how to send a first delivery without the sender. Where it signs with a private key, nobody else can.
func (p Preset) trial(text *strings.Builder, name string) {
	if p.Secret == nil {
		return
	}
	fmt.Fprintf(text, "\nTry it from here: `sever send %s` sends a made-up delivery about %s; with --person it is about whom you name, "+
		"and ends that person's sessions where policy.mode is enforce.\n", name, p.Person)
}

// reasons are the words under which what is no alert is counted.
func (p Preset) reasons() []string {
	var reasons []string
	for _, message := range p.NotAlerts {
		word := fmt.Sprintf("%s (%s)", message.Name, message.Reason)
		if !slices.Contains(reasons, word) {
			reasons = append(reasons, word)
		}
	}
	return reasons
}

// showSource prints what the preset says, for whoever wants to say it otherwise.
func (p Preset) showSource(text *strings.Builder) error {
	if p.Source.Kind == 0 {
		return nil
	}
	source := p.Source
	written, err := dump(&source)
	if err != nil {
		return fmt.Errorf("preset %s: %w", p.Name, err)
	}
	fmt.Fprintf(text, "\nWhat the preset says; each key can be said otherwise in sever.yaml:\n\n```yaml\n%s```\n", written)
	return nil
}
