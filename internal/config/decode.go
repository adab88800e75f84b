package config

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"
)

// namePattern is what an org or a source may be called: names become parts of URLs, subjects and metric labels.
const namePattern = `^[a-z0-9][a-z0-9_-]{0,31}$`

var nameForm = regexp.MustCompile(namePattern)

// decoder walks the YAML tree and the Go types side by side. It never stops at a problem, so one pass finds all.
type decoder struct {
	*report

	refs references
}

// value decodes node into v, which already holds its default; at is the field's full name.
func (d *decoder) value(node *yaml.Node, v reflect.Value, at string, rs rules) {
	if node.Kind == yaml.AliasNode || node.Anchor != "" || node.Style&yaml.TaggedStyle != 0 {
		d.addAt(node.Line, at, aliasMessage, aliasFix)

		return
	}
	if node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null" {
		d.addAt(node.Line, at, "there is no value", "give one, or remove the key")

		return
	}
	d.kind(node, v, at, rs)
}

// kind decodes by what v is.
func (d *decoder) kind(node *yaml.Node, v reflect.Value, at string, rs rules) {
	switch {
	case v.Kind() == reflect.Pointer:
		if v.IsNil() { // else it continues what is laid under it
			v.Set(reflect.New(v.Type().Elem()))
			applyDefaults(v.Elem())
		}
		d.value(node, v.Elem(), at, rs)
	case v.Type() == reflect.TypeFor[Secret](), v.Type() == reflect.TypeFor[File]():
		d.reference(node, v, at)
	case v.Kind() == reflect.Struct:
		d.section(node, v, at, false)
	case v.Type() == reflect.TypeFor[map[string]string]():
		d.words(node, v, at)
	case v.Kind() == reflect.Map:
		d.named(node, v, at)
	case v.Kind() == reflect.Slice:
		d.list(node, v, at)
	default:
		d.leaf(node, v, at, rs)
	}
}

// section decodes a mapping into a struct. Of part of a section nothing is required.
func (d *decoder) section(node *yaml.Node, v reflect.Value, at string, part bool) {
	settings := settingsOf(v.Type())
	byKey := make(map[string]setting, len(settings))
	known := make([]string, 0, len(settings))
	for _, s := range settings {
		byKey[s.key] = s
		known = append(known, s.key)
	}

	entries, ok := d.entries(node, at)
	d.startAnew(entries, settings, v, at)
	for _, e := range entries {
		s, ok := byKey[e.key]
		if !ok {
			d.note(e.line, at, "unknown key "+quote(e.key), suggest(e.key, known))

			continue
		}
		d.lines[join(at, e.key)] = e.line
		d.value(e.value, v.Field(s.index), join(at, e.key), s.rules)
	}
	if !ok || part {
		return
	}
	for _, s := range settings {
		if s.rules.required && !d.written(join(at, s.key)) && !d.laid[join(at, s.key)] {
			d.add(join(at, s.key), "missing", "add it: "+s.doc)
		}
	}
}

// startAnew forgets what is laid under a section whose type is another: settings of the one type mean nothing to the
// other.
func (d *decoder) startAnew(entries []entry, settings []setting, v reflect.Value, at string) {
	for _, s := range settings {
		field := v.Field(s.index)
		if s.key != "type" || field.Kind() != reflect.String || field.String() == "" {
			continue
		}
		for _, e := range entries {
			if e.key == s.key && e.value.Value != field.String() {
				v.SetZero()
				applyDefaults(v)
				maps.DeleteFunc(d.laid, func(field string, _ bool) bool { return strings.HasPrefix(field, at+".") })
			}
		}
	}
}

const maxWord = 200 // bytes of a key that is the sender's word

// words decodes a mapping whose keys are a sender's words. Those laid under it stay, unless they are given anew.
func (d *decoder) words(node *yaml.Node, v reflect.Value, at string) {
	entries, ok := d.entries(node, at)
	if ok && len(entries) == 0 {
		d.addAt(node.Line, at, "empty", "add at least one, or remove the key")
	}
	merged := reflect.MakeMap(v.Type())
	for it := v.MapRange(); it.Next(); {
		merged.SetMapIndex(it.Key(), it.Value())
	}
	for _, e := range entries {
		if e.key == "" || len(e.key) > maxWord {
			d.addAt(e.line, at, "a key is empty or longer than 200 bytes", "correct it")

			continue
		}
		field := join(at, quote(e.key))
		d.lines[field] = e.line
		word := reflect.New(v.Type().Elem()).Elem()
		d.value(e.value, word, field, rules{})
		merged.SetMapIndex(reflect.ValueOf(e.key), word)
	}
	v.Set(merged)
}

func (d *decoder) named(node *yaml.Node, v reflect.Value, at string) {
	entries, ok := d.entries(node, at)
	if ok && len(entries) == 0 {
		d.addAt(node.Line, at, "empty", "add at least one")
	}

	v.Set(reflect.MakeMapWithSize(v.Type(), len(entries)))
	for _, e := range entries {
		if !nameForm.MatchString(e.key) {
			d.addAt(e.line, at, quote(e.key)+" cannot be a name",
				"use up to 32 of a-z, 0-9, _ and -, starting with a letter or a digit")

			continue
		}
		field := join(at, e.key)
		d.lines[field] = e.line
		entryValue := reflect.New(v.Type().Elem()).Elem()
		applyDefaults(entryValue)
		d.layUnder(e.value, entryValue, field)
		d.value(e.value, entryValue, field, rules{})
		v.SetMapIndex(reflect.ValueOf(e.key), entryValue)
	}
}

func (d *decoder) list(node *yaml.Node, v reflect.Value, at string) {
	if node.Kind != yaml.SequenceNode {
		d.addAt(node.Line, at, "must be a list, not "+describe(node), `start each entry with "- "`)

		return
	}

	v.Set(reflect.MakeSlice(v.Type(), len(node.Content), len(node.Content)))
	for i, item := range node.Content {
		field := element(at, i)
		d.lines[field] = item.Line
		applyDefaults(v.Index(i))
		d.value(item, v.Index(i), field, rules{})
	}
}

// element is the full name of an entry of a list.
func element(list string, i int) string { return fmt.Sprintf("%s[%d]", list, i) }

func (d *decoder) leaf(node *yaml.Node, v reflect.Value, at string, rs rules) {
	if node.Kind != yaml.ScalarNode {
		d.addAt(node.Line, at, "must be a single value, not "+describe(node), "write the value on the key's own line")

		return
	}
	problem := wrongType(node, v)
	if problem == nil {
		problem = setText(v, node.Value)
	}
	if problem == nil {
		problem = rs.check(v, node.Value)
	}
	if problem != nil {
		d.addAt(node.Line, at, problem.Message, problem.Fix)
	}
}

// reference never repeats what the file says: it may be a secret that someone wrote as a literal.
func (d *decoder) reference(node *yaml.Node, v reflect.Value, at string) {
	if node.Kind != yaml.ScalarNode {
		d.addAt(node.Line, at, "must be a single reference, not "+describe(node), referenceFix)

		return
	}

	var warning, problem *Problem
	if !d.refs.needed.includes(at) {
		d.unread(node, v, at)

		return
	}
	switch into := v.Addr().Interface().(type) {
	case *Secret:
		*into, warning, problem = d.refs.secret(node.Value)
	case *File:
		*into, problem = d.refs.file(node.Value)
	}
	if problem != nil {
		d.addAt(node.Line, at, problem.Message, problem.Fix)
	}
	if warning != nil {
		d.warn(at, warning.Message, warning.Fix)
	}
}

// unread leaves a reference that this process does not need unresolved.
func (d *decoder) unread(node *yaml.Node, v reflect.Value, at string) {
	if problem := d.refs.unread(node.Value); problem != nil {
		d.addAt(node.Line, at, problem.Message, problem.Fix)
	}
	switch into := v.Addr().Interface().(type) {
	case *Secret:
		*into = newSecret("")
	case *File:
		*into = File(strings.TrimPrefix(node.Value, "file:"))
	}
}

// entry is one key of a mapping.
type entry struct {
	key   string
	line  int
	value *yaml.Node
}

// entries lists a mapping's keys and reports whether node is a mapping at all. A key given twice is reported with
// both lines, and its first value stands.
func (d *decoder) entries(node *yaml.Node, at string) ([]entry, bool) {
	if node.Kind != yaml.MappingNode {
		d.addAt(node.Line, at, "must be a mapping, not "+describe(node), "put its keys below it, indented, as key: value")

		return nil, false
	}

	var entries []entry
	first := map[string]int{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key := node.Content[i]
		if key.Kind != yaml.ScalarNode || key.Anchor != "" {
			d.addAt(key.Line, at, "a key must be plain text", "write key: value")

			continue
		}
		if line, twice := first[key.Value]; twice {
			d.note(key.Line, at, fmt.Sprintf("key %s is given twice, first on line %d", quote(key.Value), line), "remove one of them")

			continue
		}
		first[key.Value] = key.Line
		entries = append(entries, entry{key: key.Value, line: key.Line, value: node.Content[i+1]})
	}

	return entries, true
}

func describe(node *yaml.Node) string {
	switch node.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	default:
		return "a single value"
	}
}
