package config

import (
	"reflect"
	"slices"
	"strings"
)

// rules is what a jsonschema tag says of one setting, as far as decoding needs it.
type rules struct {
	required   bool
	hasDefault bool
	byDefault  string
	enum       []string
	minimum    string
	maximum    string
}

// setting is one field of a section.
type setting struct {
	key   string
	doc   string
	index int
	rules rules
}

// settingsOf lists the settings of a section in the order they are declared.
func settingsOf(section reflect.Type) []setting {
	var settings []setting
	for i := range section.NumField() {
		field := section.Field(i)
		key := field.Tag.Get("yaml")
		if key == "-" {
			continue
		}
		settings = append(settings, setting{
			key: key, doc: field.Tag.Get("doc"), index: i, rules: parseRules(field.Tag.Get("jsonschema")),
		})
	}

	return settings
}

func parseRules(tag string) rules {
	var parsed rules
	for part := range strings.SplitSeq(tag, ",") {
		name, value, _ := strings.Cut(part, "=")
		switch name {
		case "required":
			parsed.required = true
		case "default":
			parsed.hasDefault, parsed.byDefault = true, value
		case "enum":
			parsed.enum = append(parsed.enum, value)
		case "minimum":
			parsed.minimum = value
		case "maximum":
			parsed.maximum = value
		}
	}

	return parsed
}

// check compares a decoded leaf with its rules; text is how the file spells it.
func (rs rules) check(v reflect.Value, text string) *Problem {
	if len(rs.enum) > 0 && !slices.Contains(rs.enum, text) {
		return &Problem{Message: quote(text) + " is not known", Fix: suggest(text, rs.enum)}
	}
	if rs.minimum != "" && less(v, limit(v, rs.minimum)) {
		return &Problem{Message: quote(text) + " is too small", Fix: "use at least " + rs.minimum}
	}
	if rs.maximum != "" && less(limit(v, rs.maximum), v) {
		return &Problem{Message: quote(text) + " is too large", Fix: "use at most " + rs.maximum}
	}

	return nil
}

// applyDefaults fills a new section, and the sections inside it, from the default rules.
func applyDefaults(section reflect.Value) {
	if section.Kind() != reflect.Struct {
		return
	}
	for _, s := range settingsOf(section.Type()) {
		field := section.Field(s.index)
		if s.rules.hasDefault {
			field.Set(limit(field, s.rules.byDefault))

			continue
		}
		applyDefaults(field)
	}
}

// limit parses a value out of a tag, in the notation of v's own type. A tag that does not parse is a mistake in
// this package's source, so it stops the program; TestTagsAreValid finds it first.
func limit(v reflect.Value, text string) reflect.Value {
	parsed := reflect.New(v.Type()).Elem()
	if problem := setText(parsed, text); problem != nil {
		panic("config: tag value " + text + ": " + problem.Message)
	}

	return parsed
}

func less(a, b reflect.Value) bool {
	if a.CanFloat() {
		return a.Float() < b.Float()
	}

	return a.Int() < b.Int()
}
