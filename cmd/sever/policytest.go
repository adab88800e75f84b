package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v4"

	"sever/internal/app"
	"sever/internal/config"
)

// fixture is a delivery, and what it must lead to.
type fixture struct {
	Name     string `yaml:"name"`
	Source   string `yaml:"source"`
	Delivery struct {
		Body        string            `yaml:"body"`
		File        string            `yaml:"file"` // in the fixture's folder
		ContentType string            `yaml:"content_type"`
		Headers     map[string]string `yaml:"headers"`
		Received    time.Time         `yaml:"received"`
	} `yaml:"delivery"`
	Expect     *expectation  `yaml:"expect"`      // of every signal
	ExpectEach []expectation `yaml:"expect_each"` // of each signal, in order

	from string // the file
}

// expectation is what must come of a signal; what is left out is not compared.
type expectation struct {
	Decision string `yaml:"decision"`
	Rule     string `yaml:"rule"`
	Lane     string `yaml:"lane"`
	Mode     string `yaml:"mode"`
	Person   string `yaml:"person"`
}

// fixtureTime is when the deliveries of fixtures came, unless they say otherwise: the same
// every day, so that rules about the time of day or the week decide alike.
func fixtureTime() time.Time { return time.Date(2026, time.January, 5, 12, 0, 0, 0, time.UTC) } // a Monday

func (c cli) policyTest() *cobra.Command {
	cmd := &cobra.Command{
		Use: "test [DIR]", Short: "Run fixtures: deliveries, and what each must lead to", Args: usageArgs(cobra.MaximumNArgs(1)),
		Long: "Reads every *.yaml below DIR (default: the folder policy-tests beside the configuration), decodes each delivery\n" +
			"and asks the policy. Exits 1 if any fixture fails. Made for your CI: it needs no secret. docs/policy.md shows fixtures.",
	}
	path := c.configFlag(cmd)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		file, cfg, offline, err := c.offline(path)
		if err != nil {
			return err
		}
		dir := filepath.Join(filepath.Dir(file), "policy-tests")
		if len(args) > 0 {
			dir = args[0]
		}
		fixtures, err := readFixtures(dir)
		if err != nil {
			return usageError{err}
		}
		return c.runFixtures(cfg, offline, fixtures)
	}
	return cmd
}

func (c cli) runFixtures(cfg *config.Config, offline *app.Offline, fixtures []fixture) error {
	failed := 0
	for _, fixture := range fixtures {
		problems := fixture.run(cfg, offline)
		if len(problems) == 0 {
			fmt.Fprintf(c.out, "PASS %s\n", printable(fixture.Name))
			continue
		}
		failed++
		fmt.Fprintf(c.out, "FAIL %s (%s)\n", printable(fixture.Name), fixture.from)
		for _, problem := range problems {
			fmt.Fprintf(c.out, "     %s\n", printable(problem))
		}
	}
	fmt.Fprintf(c.out, "%d passed, %d failed; policy %s\n", len(fixtures)-failed, failed, offline.Policy.Version())
	if failed > 0 {
		return fmt.Errorf("%d of %d fixtures failed", failed, len(fixtures))
	}
	return nil
}

// maxFixtures bounds what a wrong folder can cost.
const maxFixtures = 10_000

func readFixtures(dir string) ([]fixture, error) {
	var fixtures []fixture
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if extension := filepath.Ext(path); entry.IsDir() || (extension != ".yaml" && extension != ".yml") {
			return nil
		}
		found, err := readFixture(path)
		fixtures = append(fixtures, found...)
		if len(fixtures) > maxFixtures {
			return fmt.Errorf("more than %d fixtures", maxFixtures)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read fixtures: %w", err)
	}
	if len(fixtures) == 0 {
		return nil, fmt.Errorf("there are no fixtures (*.yaml) in %s; docs/policy.md shows one", dir)
	}
	return fixtures, nil
}

// readFixture reads the fixtures of a file, separated by lines of ---.
func readFixture(path string) ([]fixture, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err //nolint:wrapcheck // it names the file
	}
	loader, err := yaml.NewLoader(bytes.NewReader(text), yaml.WithKnownFields(true))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var fixtures []fixture
	for {
		one := fixture{from: path}
		err := loader.Load(&one)
		if errors.Is(err, io.EOF) {
			return fixtures, nil
		}
		if err == nil {
			err = one.check()
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		fixtures = append(fixtures, one)
	}
}

func (f *fixture) check() error {
	f.Name = cmp.Or(f.Name, strings.TrimSuffix(filepath.Base(f.from), filepath.Ext(f.from)))
	switch {
	case f.Source == "":
		return errors.New("source: missing; name one of the configuration")
	case (f.Delivery.Body == "") == (f.Delivery.File == ""):
		return errors.New("delivery: must hold exactly one of body and file")
	case (f.Expect == nil) == (f.ExpectEach == nil):
		return errors.New("must hold exactly one of expect and expect_each")
	}
	all := f.ExpectEach
	if f.Expect != nil {
		all = []expectation{*f.Expect}
	}
	for _, expected := range all {
		switch expected.Decision {
		case comesToRevoke, comesToIgnore, comesToDead, comesToWithdraw:
		default:
			return fmt.Errorf("expect.decision: %q is not known; use one of: revoke, ignore, dead_letter, withdraw", expected.Decision)
		}
	}
	if f.Delivery.File == "" {
		return nil
	}
	body, err := os.ReadFile(filepath.Join(filepath.Dir(f.from), f.Delivery.File))
	if err != nil {
		return fmt.Errorf("delivery.file: %w", err)
	}
	f.Delivery.Body = string(body)
	return nil
}

// run gives what is not as expected.
func (f *fixture) run(cfg *config.Config, offline *app.Offline) []string {
	name, err := sourceNamed(cfg, f.Source)
	if err != nil {
		return []string{"source: the configuration " + err.Error()}
	}
	received := f.Delivery.Received
	if received.IsZero() {
		received = fixtureTime()
	}
	judgement, err := offline.Judge(app.Sample{
		Source: name, Body: []byte(f.Delivery.Body), ContentType: f.Delivery.ContentType, Headers: f.Delivery.Headers, Received: received,
	})
	if err != nil {
		return []string{err.Error()}
	}
	got := outcomes(judgement)
	if f.Expect == nil && len(got) != len(f.ExpectEach) {
		return []string{fmt.Sprintf("it has %d signals, not %d", len(got), len(f.ExpectEach))}
	}
	var problems []string
	for i, one := range got {
		expected := f.Expect
		if expected == nil {
			expected = &f.ExpectEach[i]
		}
		problems = append(problems, expected.differs(one.expectation, one.why)...)
	}
	return problems
}

// outcome is what became of a signal, in the words of an expectation.
type outcome struct {
	expectation

	why string
}

// outcomes are those of the signals; of a delivery without any, one of its own.
func outcomes(judgement app.Judgement) []outcome {
	if judgement.Problem != "" {
		return []outcome{{expectation{Decision: comesToDead}, judgement.Problem}}
	}
	if len(judgement.Signals) == 0 {
		skipped := outcome{expectation{Decision: comesToIgnore}, "it says nothing"}
		if len(judgement.Skipped) > 0 {
			skipped.Rule, skipped.why = judgement.Skipped[0].Reason, "it was skipped before any rule"
		}
		return []outcome{skipped}
	}
	var all []outcome
	for _, judged := range judgement.Signals {
		one := outcome{expectation{Decision: comesTo(judged), Rule: judged.Decision.Rule, Person: judged.Signal.Person.Value}, verdictText(judged)}
		if judged.Decision.Revoke {
			one.Lane, one.Mode = string(judged.Decision.Lane), modeText(judged.Decision.Mode)
		}
		all = append(all, one)
	}
	return all
}

func (e *expectation) differs(got expectation, why string) []string {
	var problems []string
	for _, field := range []struct{ name, want, got string }{
		{"decision", e.Decision, got.Decision},
		{"rule", e.Rule, got.Rule},
		{"lane", e.Lane, got.Lane},
		{"mode", e.Mode, got.Mode},
		{"person", e.Person, got.Person},
	} {
		if field.want != "" && field.want != field.got {
			problems = append(problems, fmt.Sprintf("%s: expected %q, got %q: %s", field.name, field.want, field.got, why))
		}
	}
	return problems
}
