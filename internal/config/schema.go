package config

import (
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/invopop/jsonschema"

	"sever/source/preset"
)

// Schema returns the JSON schema (draft 2020-12) of sever.yaml, for editors. It comes from the same tags as the
// decoder's rules, but states less: relations between settings, and bounds of durations and sizes, are Load's alone.
func Schema() ([]byte, error) {
	reflector := jsonschema.Reflector{
		Anonymous:                  true, // no $id: the file is found by its path
		DoNotReference:             true, // a $ref would lose each use's own description
		RequiredFromJSONSchemaTags: true,
		FieldNameTag:               "yaml",
		LookupComment:              describeField,
		Mapper:                     leafSchema,
	}
	root := reflector.Reflect(Config{})
	root.Title = "Sever configuration"
	complete(root)
	for _, section := range []string{"orgs", "sources"} {
		named, _ := root.Properties.Get(section)
		named.PropertyNames = &jsonschema.Schema{Pattern: namePattern}
		named.MinProperties = new(uint64(1))
	}
	describeChannels(root)

	text, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode schema: %w", err)
	}

	return append(text, '\n'), nil
}

// JSONSchemaExtend names the presets. The tag does not: the list is data.
func (Source) JSONSchemaExtend(s *jsonschema.Schema) {
	kind, _ := s.Properties.Get("type")
	kind.Enum = make([]any, 0, len(preset.Names()))
	for _, name := range preset.Names() {
		kind.Enum = append(kind.Enum, name)
	}
}

func describeField(section reflect.Type, field string) string {
	if field == "" { // asked about the type itself
		return ""
	}
	f, _ := section.FieldByName(field)

	return f.Tag.Get("doc")
}

// leafSchema describes the types that have a notation of their own. A Size is said to be a string here, so that
// the reflector takes its default from the tag; complete adds the plain number afterwards.
func leafSchema(t reflect.Type) *jsonschema.Schema {
	switch t {
	case reflect.TypeFor[Secret]():
		return textSchema(referencePattern)
	case reflect.TypeFor[File]():
		return textSchema(filePattern)
	case reflect.TypeFor[time.Duration]():
		return textSchema(durationPattern)
	case reflect.TypeFor[Size]():
		return textSchema(sizePattern)
	default:
		return nil
	}
}

func textSchema(pattern string) *jsonschema.Schema {
	return &jsonschema.Schema{Type: "string", Pattern: pattern}
}

// complete adds what the reflector's tags cannot express, down the whole tree.
func complete(s *jsonschema.Schema) {
	if s == nil {
		return
	}
	if s.Pattern == sizePattern {
		s.Type = ""
		s.Extras = map[string]any{"type": []string{"string", "integer"}, "minimum": 0}
	}
	if s.Type == "string" && s.Enum == nil {
		s.MinLength = new(uint64(1))
	}
	complete(s.Items)
	complete(s.AdditionalProperties)
	if s.Properties == nil {
		return
	}
	for pair := s.Properties.Oldest(); pair != nil; pair = pair.Next() {
		complete(pair.Value)
	}
}
