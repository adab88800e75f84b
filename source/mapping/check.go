package mapping

import (
	"fmt"
	"net/textproto"
	"regexp"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/cel"

	"sever/revocation"
	"sever/source"
)

// Check finds every mistake in the settings.
func (c Config) Check() []source.Problem {
	_, problems := compile(c)
	return problems
}

// compile makes the settings usable, so that what was checked is what runs.
func compile(config Config) (settings, []source.Problem) {
	c := compiler{config: config}
	set := settings{
		form: config.Body, field: config.Field, kinds: config.Kinds, repeat: config.Repeat,
		zone: time.UTC,
	}
	c.form(&set)
	c.headers()
	set.each = c.each()
	set.kindText = c.value("type", config.Type, wantText)
	c.kinds(&set)
	set.severityAt = c.value("severity", config.Severity, wantText)
	set.severities = c.severities()
	set.timeAt = c.value("time", config.Time, wantText)
	set.idAt = c.value("id", config.ID, wantText)
	set.person = c.person()
	c.effective(&set)
	c.ignore(&set)
	if config.Repeat < 0 {
		c.problem("repeat", "is negative", "give a duration such as 10m, or 0s")
	}
	return set, c.problems
}

type compiler struct {
	config   Config
	env      *cel.Env // made for the first expression
	problems []source.Problem
}

func (c *compiler) problem(field, message, fix string) {
	c.problems = append(c.problems, source.Problem{Field: field, Message: message, Fix: fix})
}

// value compiles a path or an expression; nil if nothing is configured.
func (c *compiler) value(field, text string, want shape) *value {
	if text == "" {
		return nil
	}
	if expression, ok := strings.CutPrefix(text, "="); ok {
		compiled := c.expression(field, expression, want)
		return &value{name: field, expr: compiled}
	}
	parsed, err := parsePath(text)
	if err != nil {
		c.problem(field, fmt.Sprintf("%q %s", printable(text, 100), err), "write a path such as data.user.email; start with = for a CEL expression")
		return nil
	}
	if parsed.root == atHeader && !slices.Contains(c.config.keeps(), parsed.header) {
		c.problem(field, fmt.Sprintf("the header %s is not kept with a delivery", printable(parsed.header, 100)), "add it to headers")
	}
	return &value{name: printable(text, 100), path: parsed}
}

func (c *compiler) expression(field, text string, want shape) *expression {
	if c.env == nil {
		env, err := newEnv()
		if err != nil {
			c.problem(field, err.Error(), "report this: it is a bug in Sever")
			return nil
		}
		c.env = env
	}
	compiled, err := compileExpression(c.env, text, want)
	if err != nil {
		c.problem(field, "the expression "+err.Error(), "mend the expression; it may use item, body, header and type")
	}
	return compiled
}

func (c *compiler) form(set *settings) {
	forms := []string{formJSON, formForm, formFormJSON, formCloudEvents}
	if set.form == "" {
		set.form = formJSON
	}
	if !slices.Contains(forms, set.form) {
		c.problem("body", fmt.Sprintf("%q is no form of a body", printable(set.form, 50)), "use one of "+strings.Join(forms, ", "))
	}
	if set.field != "" && set.form != formFormJSON {
		c.problem("field", "only a body of form_json has a field", "remove it, or set body: form_json")
	}
	if set.field == "" {
		set.field = defaultField
	}
	c.unwraps(set)
}

func (c *compiler) unwraps(set *settings) {
	if len(c.config.Unwrap) > maxUnwraps {
		c.problem("unwrap", fmt.Sprintf("has more than %d entries", maxUnwraps), "read at most that many texts as JSON")
	}
	for i, unwrap := range c.config.Unwrap {
		field := fmt.Sprintf("unwrap[%d].", i)
		if unwrap.As != "" && unwrap.As != "json" && unwrap.As != "base64" {
			c.problem(field+"as", fmt.Sprintf("%q is not known", printable(unwrap.As, 50)), "use json or base64")
		}
		parsed, err := parsePath(unwrap.At)
		switch {
		case err != nil:
			c.problem(field+"at", fmt.Sprintf("%q %s", printable(unwrap.At, 100), err), "write a path such as Message or message.data")
		case parsed.root > atBody || len(parsed.steps) == 0:
			c.problem(field+"at", "does not lead into the body", "write a path such as Message or message.data")
		default:
			last := len(parsed.steps) - 1
			set.unwraps = append(set.unwraps, unwrapping{
				name: printable(unwrap.At, 100), above: parsed.steps[:last], last: parsed.steps[last], base64: unwrap.As == "base64",
			})
		}
	}
}

// keeps gives the headers that a delivery is stored with, in canonical form.
func (c Config) keeps() []string {
	var names []string
	if c.Body == formCloudEvents {
		names = ceHeaders()
	}
	for _, name := range c.Headers {
		names = append(names, textproto.CanonicalMIMEHeaderKey(name))
	}
	return names
}

func (c *compiler) headers() {
	for i, name := range c.config.Headers {
		if name == "" || strings.Trim(name, headerChars) != "" {
			c.problem(fmt.Sprintf("headers[%d]", i), "is no header's name", "write a name such as X-GitHub-Event")
		}
	}
}

// headerChars are those of RFC 9110, section 5.6.2, without the ones nobody uses.
const headerChars = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."

func (c *compiler) each() *value {
	each := c.value("each", c.config.Each, wantList)
	if each != nil && each.expr == nil && each.path.root > atBody {
		c.problem("each", "does not lead into the body", "write a path to a list in the body, such as alerts")
	}
	return each
}

func (c *compiler) kinds(set *settings) {
	if c.config.Kind == "" && len(c.config.Kinds) == 0 {
		c.problem("kind", "nothing says what an event means", "give kind, or kinds with one entry for each type")
	}
	if len(c.config.Kinds) > 0 && c.config.Type == "" {
		c.problem("type", "is not given, but kinds needs it", "say where the sender's word for what happened is")
	}
	for _, word := range sortedKeys(c.config.Kinds) {
		if kind := c.config.Kinds[word]; !isKindWord(kind) {
			c.problem("kinds", fmt.Sprintf("%q of %q is no kind", printable(kind, 50), printable(word, 50)), kindWords())
		}
	}
	if strings.HasPrefix(c.config.Kind, "=") {
		set.kindValue = c.value("kind", c.config.Kind, wantText)
		return
	}
	if c.config.Kind != "" && !isKindWord(c.config.Kind) {
		c.problem("kind", fmt.Sprintf("%q is no kind", printable(c.config.Kind, 50)), kindWords())
	}
	set.kindWord = c.config.Kind
}

func kindWords() string {
	words := []string{ignoredKind}
	for _, kind := range revocation.Kinds() {
		words = append(words, string(kind))
	}
	return "use one of " + strings.Join(words, ", ")
}

// severities gives the words of the sender, in lower case, beside our own.
func (c *compiler) severities() map[string]revocation.Severity {
	own := []revocation.Severity{
		revocation.SeverityCritical, revocation.SeverityHigh, revocation.SeverityMedium, revocation.SeverityLow, revocation.SeverityInfo,
	}
	words := map[string]revocation.Severity{}
	for _, word := range sortedKeys(c.config.Severities) {
		severity, lower := revocation.Severity(c.config.Severities[word]), strings.ToLower(strings.TrimSpace(word))
		if !slices.Contains(own, severity) {
			c.problem("severities", fmt.Sprintf("%q of %q is no severity", printable(string(severity), 50), printable(word, 50)), "use one of critical, high, medium, low, info")
		}
		if _, twice := words[lower]; twice {
			c.problem("severities", fmt.Sprintf("%q is given twice: case does not count", printable(lower, 50)), "keep one")
		}
		words[lower] = severity
	}
	for _, severity := range own {
		if _, given := words[string(severity)]; !given {
			words[string(severity)] = severity
		}
	}
	return words
}

func (c *compiler) ignore(set *settings) {
	reasons := []string{"resolved", "test", "sample", "simulation", "cancelled", "rule_error", "lifecycle", "not_yet", "other"}
	for i, rule := range c.config.Ignore {
		field := fmt.Sprintf("ignore[%d].", i)
		if !slices.Contains(reasons, rule.Reason) {
			c.problem(field+"reason", fmt.Sprintf("%q is no reason", printable(rule.Reason, 50)), "use one of "+strings.Join(reasons, ", "))
		}
		if rule.When == "" {
			c.problem(field+"when", "is missing", `write a CEL expression such as item.status == "resolved"`)
			continue
		}
		// A leading = is no part of CEL, but of how the other settings mark it.
		when := c.expression(field+"when", strings.TrimPrefix(rule.When, "="), wantBool)
		set.ignore = append(set.ignore, ignoreRule{name: field + "when", when: when, reason: rule.Reason})
	}
}

// oneGroup compiles a regular expression that must match all of a value.
func oneGroup(text string) (*regexp.Regexp, error) {
	if len(text) > maxExpression {
		return nil, fmt.Errorf("is longer than %d bytes", maxExpression)
	}
	// Alone first: a pattern such as a)|(b would break out of the group around it.
	alone, err := regexp.Compile(text)
	if err != nil {
		return nil, fmt.Errorf("is no regular expression: %s", printable(err.Error(), 200))
	}
	if alone.NumSubexp() != 1 {
		return nil, fmt.Errorf("has %d groups in parentheses, not one", alone.NumSubexp())
	}
	whole, err := regexp.Compile(`\A(?:` + text + `)\z`)
	if err != nil {
		return nil, fmt.Errorf("is no regular expression: %s", printable(err.Error(), 200))
	}
	return whole, nil
}
