package config

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"
)

const (
	examplePath = "../../sever.example.yaml"
	schemaPath  = "../../docs/sever.schema.json"
)

// switchedOff matches a setting that is off in the example: # without a space. Prose has the space.
var switchedOff = regexp.MustCompile(`(?m)^( *)#([^ \n])`)

func TestSchemaFileIsUpToDate(t *testing.T) {
	t.Parallel()

	want, err := Schema()
	require.NoError(t, err)
	got, err := os.ReadFile(schemaPath)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got), `run "go generate ./internal/config"`)
}

func TestExampleLoads(t *testing.T) {
	t.Parallel()

	config, err := Load(examplePath, func(name string) (string, bool) {
		value, set := map[string]string{"OKTA_API_TOKEN": "token", "OKTA_HOOK_SECRET": "hook"}[name]

		return value, set
	})
	require.NoError(t, err)
	require.Equal(t, "token", config.Orgs["acme"].Auth.Token.Reveal())
	require.Equal(t, "hook", config.Sources["okta"].Verify.Secrets[0].Reveal())
}

// What the example states as a default is one: without it, Load gives the same.
func TestExampleStatesTheDefaults(t *testing.T) {
	t.Parallel()
	env := func(string) (string, bool) { return "x", true }
	text, err := os.ReadFile(examplePath)
	require.NoError(t, err)

	example, err := parse(examplePath, text, env)
	require.NoError(t, err)
	bare, err := parse("sever.yaml", []byte(minimal), env)
	require.NoError(t, err)
	bare.Policy.Protected = Protected{IDs: []string{}, Logins: []string{}, Groups: []string{}, Admins: []string{}, Outcome: "refused"}
	require.Equal(t, bare, example)
}

// Every setting is in the example with a comment above it, and the settings that are off are well-formed too.
func TestExampleShowsEverySetting(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(examplePath)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(text), "# yaml-language-server: $schema="+strings.TrimPrefix(schemaPath, "../../")+"\n"))

	var all yaml.Node
	require.NoError(t, yaml.Unmarshal(switchedOff.ReplaceAll(text, []byte("$1$2")), &all))
	shown := map[string]bool{}
	collectPaths(all.Content[0], "", shown)
	walkSettings(reflect.TypeFor[Config](), "", func(at string, _ reflect.Type, _ setting) {
		at = strings.NewReplacer("orgs.*", "orgs.acme", "notices.channels.*", "notices.channels.chat", "sources.*.also.*", "sources.okta.verify", "sources.*", "sources.okta").Replace(at)
		at = channelShown(at)
		require.True(t, shown[at], "%s is not in %s", at, filepath.Base(examplePath))
	})
}

func TestExampleFitsTheSchema(t *testing.T) {
	t.Parallel()
	schema := compileSchema(t)
	text, err := os.ReadFile(examplePath)
	require.NoError(t, err)

	require.NoError(t, schema.Validate(toJSON(t, text)))
	require.NoError(t, schema.Validate(toJSON(t, switchedOff.ReplaceAll(text, []byte("$1$2")))), "with everything switched on")
}

// The schema and the decoder agree on what either can say alone.
func TestSchemaRefusesWhatLoadRefuses(t *testing.T) {
	t.Parallel()
	schema := compileSchema(t)
	require.NoError(t, schema.Validate(toJSON(t, []byte(minimal))))

	for _, extra := range []string{
		"unknown: 1", "log: {level: loud}", "log: {level: 1}", "listen: ''", "log:", "log: []",
		"work: {concurrency: 0}", "work: {concurrency: 65}", "work: {concurrency: 1.5}", "work: {spacing: 2}", "work: {spacing: 2w}",
		"work: {spacing: ''}", "receive: {max_body: 4MB}", "receive: {max_body: -1}", "receive: {max_body: true}",
		"nats: {}", "nats: {url: 'nats://a', replicas: 2}", "nats: {url: 'nats://a', credentials: a.creds}",
		"admin: {token: hunter2}", "admin: {token: env:1}", "tls: {cert: file:a}",
		"policy: {protected: {ids: [a@b.c]}}", "policy: {protected: {logins: ['']}}", "policy: {brake: {max: 1}}", "policy: {rules: [{name: a}]}",
	} {
		require.NotEmpty(t, problems(t, minimal+extra), extra)
		require.Error(t, schema.Validate(toJSON(t, []byte(minimal+extra))), extra)
	}
	for old, replacement := range map[string]string{
		"acme:":                 "ACME:",
		"okta_event_hook":       "bambohr",
		"    org: acme\n":       "",
		"token: env:TOKEN":      "token: hunter2",
		"type: ssws, ":          "",
		"https://acme.okta.com": `""`,
	} {
		changed := strings.Replace(minimal, old, replacement, 1)
		require.NotEmpty(t, problems(t, changed), changed)
		require.Error(t, schema.Validate(toJSON(t, []byte(changed))), changed)
	}
	for _, extra := range []string{
		"receive: {max_body: 4096}", "receive: {max_body: '4096'}", "retention: {dead: 1d2h3m4.5s6ms}", "work: {spacing: 0s}",
	} {
		require.Empty(t, problems(t, minimal+extra), extra)
		require.NoError(t, schema.Validate(toJSON(t, []byte(minimal+extra))), extra)
	}
}

func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := Schema()
	require.NoError(t, err)
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	require.NoError(t, compiler.AddResource("sever.json", document))
	schema, err := compiler.Compile("sever.json")
	require.NoError(t, err)

	return schema
}

func toJSON(t *testing.T, text []byte) any {
	t.Helper()
	var value any
	require.NoError(t, yaml.Unmarshal(text, &value))
	encoded, err := json.Marshal(value)
	require.NoError(t, err)
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(encoded))
	require.NoError(t, err)

	return document
}

// collectPaths notes every key below node, in the form walkSettings uses.
func collectPaths(node *yaml.Node, at string, into map[string]bool) {
	switch node.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			path := join(at, node.Content[i].Value)
			into[path] = true
			collectPaths(node.Content[i+1], path, into)
		}
	case yaml.SequenceNode:
		for _, item := range node.Content {
			collectPaths(item, join(at, "*"), into)
		}
	default:
	}
}

// channelShown is where the example shows a channel's setting: each type in a channel of its own.
func channelShown(at string) string {
	setting, ok := strings.CutPrefix(at, "notices.channels.chat.")
	switch {
	case !ok:
		return at
	case setting == "secret":
		return "notices.channels.pager.secret"
	case slices.Contains([]string{"host", "port", "security", "user", "password", "from", "to"}, setting):
		return "notices.channels.mail." + setting
	default:
		return at
	}
}
