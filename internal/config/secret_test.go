package config

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"

	"sever/source/verify"
)

const hidden = "hunter2"

func TestSecretIsNeverPrinted(t *testing.T) {
	t.Parallel()

	type private struct{ secret Secret } // fmt calls no methods on unexported fields
	secret := newSecret(hidden)
	source := Source{Verify: verify.Config{Secrets: []Secret{secret}}}
	config := Config{
		Admin:   Admin{Token: secret},
		Orgs:    map[string]Org{"acme": {Auth: Auth{Token: secret}}},
		Sources: map[string]Source{"okta": source},
	}
	values := map[string]any{
		"value": secret, "pointer": &secret, "unexported": private{secret}, "list": []Secret{secret},
		"map value": map[string]Secret{"k": secret}, "source": source, "config": config, "config pointer": &config,
	}

	for name, value := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T", "%10.3s"} {
			require.NotContains(t, fmt.Sprintf(verb, value), hidden, "%s under %s", name, verb)
			require.NotContains(t, fmt.Sprintf(verb, value), fmt.Sprintf("%x", hidden), "%s under %s", name, verb)
		}
		require.NotContains(t, fmt.Errorf("use: %v", value).Error(), hidden, name)

		encoded, err := json.Marshal(value)
		require.NoError(t, err, name)
		require.NotContains(t, string(encoded), hidden, name)

		encoded, err = yaml.Marshal(value)
		require.NoError(t, err, name)
		require.NotContains(t, string(encoded), hidden, name)

		var logged bytes.Buffer
		slog.New(slog.NewTextHandler(&logged, nil)).Info("m", "k", value)
		slog.New(slog.NewJSONHandler(&logged, nil)).Info("m", "k", value)
		require.NotContains(t, logged.String(), hidden, name)
	}

	encoded, err := xml.Marshal(secret)
	require.NoError(t, err)
	require.Equal(t, "<Secret>[redacted]</Secret>", string(encoded))
}

func TestSecretSaysThatItIsRedacted(t *testing.T) {
	t.Parallel()

	for _, secret := range []Secret{newSecret(hidden), {}} {
		require.Equal(t, "[redacted]", secret.String())
		require.Equal(t, "[redacted]", secret.GoString())
		require.Equal(t, "[redacted]", secret.LogValue().String())
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d"} {
			require.Equal(t, "[redacted]", fmt.Sprintf(verb, secret), verb)
		}
		encoded, err := json.Marshal(map[string]Secret{"k": secret})
		require.NoError(t, err)
		require.JSONEq(t, `{"k":"[redacted]"}`, string(encoded))
		encoded, err = yaml.Marshal(map[string]Secret{"k": secret})
		require.NoError(t, err)
		require.YAMLEq(t, `k: "[redacted]"`, string(encoded))
	}
}

func TestSecretRevealsOnlyOnDemand(t *testing.T) {
	t.Parallel()

	require.Equal(t, hidden, newSecret(hidden).Reveal())
	require.True(t, newSecret(hidden).IsSet())
	require.Empty(t, Secret{}.Reveal())
	require.False(t, Secret{}.IsSet())
}

// A literal in the place of a reference, in every form YAML can give it, never reaches the message.
func TestLiteralSecretsAreNotRepeated(t *testing.T) {
	t.Parallel()

	for _, literal := range []string{
		"hunter2", "'hunter2'", `"hunter2\n"`, "|\n          hunter2", "!hunter2 x", "!!str hunter2", "&hunter2 x", "*hunter2",
		"{hunter2: x}", "[hunter2]", "env: hunter2", "'env:hunter2!'", "env:hunter2\\", "ENV:hunter2", "'file :hunter2'",
		"https://hunter2@host", "%hunter2", "@hunter2", "`hunter2`", `"hunter2`, "Basic hunter2", "? hunter2", "2_hunter2",
	} {
		for _, text := range []string{
			strings.Replace(minimal, "env:TOKEN", literal, 1),
			strings.Replace(minimal, "[env:HOOK]", "\n        - "+literal, 1),
			strings.Replace(minimal, "{type: ssws, token: env:TOKEN}", "\n      type: ssws\n      token: "+literal, 1),
			minimal + "admin:\n  token: " + literal,
		} {
			found := problems(t, text)
			require.NotEmpty(t, found, text)
			require.NotContains(t, strings.Join(found, "\n"), hidden, text)
		}
	}
}
