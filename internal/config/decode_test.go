package config

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDecodeProblems(t *testing.T) {
	t.Parallel()

	for name, test := range map[string]struct {
		text string // appended to minimal, so it starts on line 11
		want []string
	}{
		"unknown key near a known one": {"receivee: {}", []string{`11: unknown key "receivee"; did you mean receive?`}},
		"unknown key deep down":        {"receive:\n  max_bodies: 1", []string{`12: receive: unknown key "max_bodies"; did you mean max_body?`}},
		"unknown key near none":        {"log: {x: 1}", []string{`11: log: unknown key "x"; use one of: level, format`}},
		"unknown key is escaped":       {"log: {\"\\e[31m\\n\": 1}", []string{`11: log: unknown key "\x1b[31m\n"; use one of: level, format`}},
		"unknown key is cut short": {
			"log: {" + strings.Repeat("k", 300) + ": 1}",
			[]string{`11: log: unknown key "` + strings.Repeat("k", 200) + `"...; use one of: level, format`},
		},
		"duplicate key":          {"listen: a:1\nlisten: b:2", []string{`12: key "listen" is given twice, first on line 11; remove one of them`}},
		"duplicate org":          {"orgs: {}", []string{`11: key "orgs" is given twice, first on line 1; remove one of them`}},
		"merge key":              {"<<: {listen: a:1}", []string{`11: unknown key "<<"; ` + suggest("<<", keysOf(Config{}))}},
		"key that is a list":     {"? [a]\n: 1", []string{"11: a key must be plain text; write key: value"}},
		"mapping for a section":  {"log: text", []string{"11: log: must be a mapping, not a single value; put its keys below it, indented, as key: value"}},
		"list for a section":     {"log: [text]", []string{"11: log: must be a mapping, not a list; put its keys below it, indented, as key: value"}},
		"section not given":      {"log:", []string{"11: log: there is no value; give one, or remove the key"}},
		"value not given":        {"log:\n  level: ~", []string{"12: log.level: there is no value; give one, or remove the key"}},
		"text for a list":        {"policy: {protected: {ids: x}}", []string{`11: policy.protected.ids: must be a list, not a single value; start each entry with "- "`}},
		"mapping for a list":     {"policy: {rules: {}}", []string{`11: policy.rules: must be a list, not a mapping; start each entry with "- "`}},
		"list for a text":        {"listen: [a]", []string{"11: listen: must be a single value, not a list; write the value on the key's own line"}},
		"mapping for a text":     {"listen: {a: b}", []string{"11: listen: must be a single value, not a mapping; write the value on the key's own line"}},
		"number for a text":      {"policy: {protected: {logins: [7]}}", []string{"11: policy.protected.logins[0]: must be text; put it in quotes"}},
		"date for a text":        {"policy: {protected: {logins: [2020-01-01]}}", []string{"11: policy.protected.logins[0]: must be text; put it in quotes"}},
		"empty text":             {`listen: ""`, []string{"11: listen: empty; give a value, or remove the key"}},
		"text for a number":      {`work: {concurrency: "8"}`, []string{"11: work.concurrency: must be a whole number; write digits only, without quotes"}},
		"fraction for a number":  {"work: {concurrency: 8.5}", []string{"11: work.concurrency: must be a whole number; write digits only, without quotes"}},
		"hexadecimal number":     {"work: {concurrency: 0x8}", []string{`11: work.concurrency: "0x8" is not a whole number; write digits only, such as 8`}},
		"number out of range":    {"work: {concurrency: 99999999999999999999}", []string{`11: work.concurrency: must be a whole number; write digits only, without quotes`}},
		"number too small":       {"work: {concurrency: 0}", []string{`11: work.concurrency: "0" is too small; use at least 1`}},
		"number too large":       {"work: {concurrency: 65}", []string{`11: work.concurrency: "65" is too large; use at most 64`}},
		"number not in the list": {"nats: {url: 'nats://a', replicas: 2}", []string{`11: nats.replicas: "2" is not known; use one of: 1, 3, 5`}},
		"size too small":         {"receive: {max_body: 1023}", []string{`11: receive.max_body: "1023" is too small; use at least 1KiB`}},
		"size too large":         {"receive: {max_body: 7MiB}", []string{`11: receive.max_body: "7MiB" is too large; use at most 5MiB`}},
		"size in other units":    {"receive: {max_body: 4MB}", []string{`11: receive.max_body: "4MB" is not a size; write whole bytes, or a whole number with KiB, MiB, GiB or TiB, such as 4MiB`}},
		"duration without unit":  {"work: {spacing: 2}", []string{`11: work.spacing: "2" is not a duration; write a number with its unit ms, s, m, h or d, such as 90s, 10m or 7d`}},
		"duration too small":     {"retention: {dead: 59m}", []string{`11: retention.dead: "59m" is too small; use at least 1h`}},
		"value not in the list":  {"log: {level: warning}", []string{`11: log.level: "warning" is not known; did you mean warn?`}},
		"anchor":                 {"listen: &a b:1", []string{"11: listen: " + aliasMessage + "; " + aliasFix}},
		"tag":                    {"listen: !!str 5", []string{"11: listen: " + aliasMessage + "; " + aliasFix}},
		"alias to nothing":       {"listen: *hunter2", []string{"11: " + aliasMessage + "; " + aliasFix}},
		"alias":                  {"listen: &a b:1\nlog: *a", []string{"11: listen: " + aliasMessage + "; " + aliasFix, "12: log: " + aliasMessage + "; " + aliasFix}},
		"syntax":                 {"a: b: c", []string{"11: the file is not valid YAML: mapping values are not allowed in this context; check indentation, colons and quotes on this line and the one above"}},
		"second document":        {"---\nlisten: a:1", []string{"11: a second YAML document starts here; keep one document and remove the line ---"}},
		"broken second document": {"---\na: b: c", []string{"12: the file is not valid YAML: mapping values are not allowed in this context; check indentation, colons and quotes on this line and the one above"}},
		"not UTF-8":              {"# \xff", []string{"1: the file is not UTF-8 text; save it as UTF-8"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, problems(t, minimal+test.text))
		})
	}
}

func TestDecodeProblemsOfTheWholeFile(t *testing.T) {
	t.Parallel()
	missing := []string{
		"1: orgs: missing; add it: The Okta orgs, by a short name of your choice.",
		"1: sources: missing; add it: Who may send, by name; the name is the last part of the URL /v1/hooks/NAME.",
	}

	for name, test := range map[string]struct {
		text string
		want []string
	}{
		"empty":              {"", missing},
		"only comments":      {"# nothing\n", missing},
		"empty mapping":      {"{}", missing},
		"a list":             {"- a", []string{"1: must be a mapping, not a list; put its keys below it, indented, as key: value"}},
		"text":               {"hunter2", []string{"1: must be a mapping, not a single value; put its keys below it, indented, as key: value"}},
		"null":               {"~", []string{"1: there is no value; give one, or remove the key"}},
		"no orgs, no source": {"orgs: {}\nsources: {}", []string{"1: orgs: empty; add at least one", "2: sources: empty; add at least one"}},
		"names": {
			"orgs: {ACME: {}, -a: {}, " + strings.Repeat("a", 33) + ": {}}\nsources: {a.b: {}}",
			[]string{
				`1: orgs: "-a" cannot be a name; use up to 32 of a-z, 0-9, _ and -, starting with a letter or a digit`,
				`1: orgs: "ACME" cannot be a name; use up to 32 of a-z, 0-9, _ and -, starting with a letter or a digit`,
				`1: orgs: "` + strings.Repeat("a", 33) + `" cannot be a name; use up to 32 of a-z, 0-9, _ and -, starting with a letter or a digit`,
				`2: sources: "a.b" cannot be a name; use up to 32 of a-z, 0-9, _ and -, starting with a letter or a digit`,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, problems(t, test.text))
		})
	}
}

func keysOf(section any) []string {
	var keys []string
	for _, s := range settingsOf(reflect.TypeOf(section)) {
		keys = append(keys, s.key)
	}

	return keys
}

// Every setting has a key and a description, is of a kind the decoder knows, and its rules parse.
func TestTagsAreValid(t *testing.T) {
	t.Parallel()

	seen := 0
	walkSettings(reflect.TypeFor[Config](), "", func(at string, kind reflect.Type, s setting) {
		seen++
		require.Regexp(t, `^[a-z]+(_[a-z]+)*$`, s.key, at)
		require.Regexp(t, `^[A-Za-z].*\.$`, s.doc, at)
		leaf := reflect.New(kind).Elem()
		for _, text := range append([]string{s.rules.minimum, s.rules.maximum, s.rules.byDefault}, s.rules.enum...) {
			if text != "" {
				require.NotPanics(t, func() { limit(leaf, text) }, "%s: %s", at, text)
			}
		}
		if s.rules.hasDefault {
			require.Nil(t, s.rules.check(limit(leaf, s.rules.byDefault), s.rules.byDefault), "%s: the default breaks its own rules", at)
			require.False(t, s.rules.required, "%s: required and default", at)
		}
		switch leaf.Interface().(type) {
		case time.Duration, Size, Secret, File:
			return
		}
		require.Contains(t, []reflect.Kind{
			reflect.String, reflect.Bool, reflect.Int, reflect.Float64, reflect.Struct, reflect.Pointer, reflect.Map, reflect.Slice,
		}, leaf.Kind(), at)
	})
	require.Greater(t, seen, 60)
}

// walkSettings visits every setting below section, with its path: sources.*.verify.secrets.
func walkSettings(section reflect.Type, at string, visit func(at string, kind reflect.Type, s setting)) {
	for _, s := range settingsOf(section) {
		kind, path := section.Field(s.index).Type, join(at, s.key)
		visit(path, kind, s)
		switch kind.Kind() {
		case reflect.Pointer:
			kind = kind.Elem()
		case reflect.Map, reflect.Slice:
			kind, path = kind.Elem(), join(path, "*")
		default:
		}
		if kind.Kind() == reflect.Struct && kind != reflect.TypeFor[Secret]() {
			walkSettings(kind, path, visit)
		}
	}
}
