package verify

import (
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/internal/secret"
)

// full is a value other than zero for every kind of setting.
func full(t *testing.T, field reflect.Value) {
	t.Helper()
	switch field.Kind() {
	case reflect.String:
		field.SetString("x")
	case reflect.Bool:
		field.SetBool(true)
	case reflect.Pointer:
		field.Set(reflect.New(field.Type().Elem()))
	case reflect.Slice:
		field.Set(reflect.MakeSlice(field.Type(), 1, 1))
	default:
		t.Fatalf("no value for %s", field.Type())
	}
}

func TestUnusedSettings(t *testing.T) {
	t.Parallel()
	kinds := reflect.TypeFor[Config]()
	for kind, names := range settings {
		used := " " + names + " type "
		for i := range kinds.NumField() {
			name := kinds.Field(i).Tag.Get("yaml")
			config := Config{}
			full(t, reflect.ValueOf(&config).Elem().Field(i))
			config.Type = kind
			if strings.Contains(used, " "+name+" ") {
				require.Empty(t, config.unused(), "%s %s", kind, name)
				continue
			}
			problems := config.unused()
			require.Len(t, problems, 1, "%s %s", kind, name)
			require.Equal(t, name, problems[0].Field)
		}
	}
}

// A default would be taken for something that was written, and refused.
func TestNoSettingButTypeHasADefault(t *testing.T) {
	t.Parallel()
	kinds := reflect.TypeFor[Config]()
	names := map[string]bool{}
	for field := range kinds.Fields() {
		names[field.Tag.Get("yaml")] = true
		for tag := range strings.SplitSeq(field.Tag.Get("jsonschema"), ",") {
			value, isDefault := strings.CutPrefix(tag, "default=")
			require.True(t, !isDefault || value == "false" || field.Name == "Type", field.Name)
		}
	}
	for kind, used := range settings {
		require.Contains(t, kinds.Field(0).Tag.Get("jsonschema"), "enum="+kind)
		for name := range strings.FieldsSeq(used) {
			require.Contains(t, names, name, kind)
		}
	}
	require.Len(t, settings, strings.Count(kinds.Field(0).Tag.Get("jsonschema"), "enum="))
}

func TestUnusedWithoutType(t *testing.T) {
	t.Parallel()
	require.Empty(t, Config{Secrets: []secret.Secret{secret.New("x")}, Networks: []string{}}.unused())
	require.Len(t, Config{Networks: []string{"192.0.2.1"}}.unused(), 1)
	require.Empty(t, Config{Type: "unheard of", User: "x"}.unused(), "checkFixed says it")
}
