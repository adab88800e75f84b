package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// broken has four mistakes, on four lines.
const broken = `listen: here
admin: {listen: 127.0.0.1:0}
orgs:
  acme:
    url: http://okta.example.com
    auth: {type: ssws, token: a-literal-secret}
sources:
  okta:
    type: okta_event_hook
    org: acme
    verifi: {}
    verify: {type: header, header: Authorization, secrets: [env:OKTA_HOOK_SECRET]}
`

func TestBrokenConfiguration(t *testing.T) {
	t.Parallel()
	file := writeFile(t, broken)
	for _, line := range configured() {
		got := secrets().run(t, append(strings.Fields(line), "--config", file)...)
		require.Equal(t, exitUsage, got.code, line)
		require.Empty(t, got.out, line)
		require.NotContains(t, got.err, "a-literal-secret", line)
		problems := strings.Split(strings.TrimSuffix(strings.TrimPrefix(got.err, "sever: "), "\n"), "\n")
		require.Len(t, problems, 4, "%s: all at once: %s", line, got.err)
		for i, where := range []string{":1: listen: ", ":5: orgs.acme.url: ", ":6: orgs.acme.auth.token: ", ":11: sources.okta: unknown key \"verifi\""} {
			require.True(t, strings.HasPrefix(problems[i], file+where), "%s: want %s in %s", line, where, problems[i])
			require.Regexp(t, `; \w`, problems[i], "each says how to mend it")
		}
	}
}

func TestConfigCheck(t *testing.T) {
	t.Parallel()
	file := installation{}.file(t)
	got := secrets().run(t, "config", "check", "--config", file)
	require.Equal(t, result{exitDone, file + ": no problems; orgs: 1, sources: 1\n", ""}, got)

	fromEnv := secrets()
	fromEnv.env["SEVER_CONFIG"] = file
	require.Equal(t, got, fromEnv.run(t, "config", "check"), "SEVER_CONFIG stands in for --config")

	fromEnv.env["SEVER_CONFIG"] = "/not/there"
	require.Equal(t, got, fromEnv.run(t, "config", "check", "--config", file), "--config wins")
}

// config check looks at every secret, whoever needs it.
func TestConfigCheckOfSecrets(t *testing.T) {
	t.Parallel()
	file := installation{}.file(t)
	for name := range secrets().env {
		forgetful := secrets()
		delete(forgetful.env, name)
		got := forgetful.run(t, "config", "check", "--config", file)
		require.Equal(t, exitUsage, got.code, name)
		require.Contains(t, got.err, `environment variable "`+name+`" is not set`)
	}
}

func TestConfigCheckWarns(t *testing.T) {
	t.Parallel()
	file := installation{}.file(t)
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	open := filepath.Join(filepath.Dir(file), "hook-secret")
	require.NoError(t, os.WriteFile(open, []byte(hookSecret), 0o600))
	require.NoError(t, os.Chmod(open, 0o644))
	require.NoError(t, os.WriteFile(file, []byte(strings.ReplaceAll(string(text), "env:OKTA_HOOK_SECRET", "file:hook-secret")), 0o600))
	got := secrets().run(t, "config", "check", "--config", file)
	require.Equal(t, exitDone, got.code, "a warning is no error")
	require.Contains(t, got.out, "no problems")
	require.Regexp(t, `^\Q`+file+`\E:\d+: warning: sources\.okta\.verify\.secrets\[0\]: .+; .+\n$`, got.err)
	require.NotContains(t, got.err, hookSecret)
}

func TestConfigSchema(t *testing.T) {
	t.Parallel()
	got := shell{}.run(t, "config", "schema")
	require.Equal(t, exitDone, got.code)
	require.Empty(t, got.err)
	var schema struct {
		Schema string `json:"$schema"`
	}
	require.NoError(t, json.Unmarshal([]byte(got.out), &schema))
	require.Contains(t, schema.Schema, "json-schema.org")
}
