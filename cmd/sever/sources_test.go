package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/source/preset"
)

func TestSourcesList(t *testing.T) {
	t.Parallel()
	got := shell{}.run(t, "sources", "list")
	require.Equal(t, exitDone, got.code, got.err)
	require.Regexp(t, `^TYPE +GROUP +TITLE +NOT VERIFIED\n`, got.out)
	inJSON := shell{}.run(t, "sources", "list", "--json")
	require.Equal(t, exitDone, inJSON.code, inJSON.err)
	var cards []sourceCard
	require.NoError(t, json.Unmarshal([]byte(inJSON.out), &cards))

	presets, err := preset.All()
	require.NoError(t, err)
	listed := map[string]sourceCard{}
	for _, card := range cards {
		listed[card.Type] = card
	}
	require.Len(t, cards, len(presets), "each once")
	for name, known := range presets {
		require.Equal(t, sourceCard{Type: name, Title: known.Title, Group: known.Group, Unverified: len(known.Unverified)}, listed[name])
		require.Regexp(t, `(?m)^`+name+` +`+known.Group+` +\Q`+known.Title+`\E +(-|[1-9]\d*)$`, got.out)
	}
}

// What is shown is all that a person needs to connect a sender, and it loads as it is.
func TestSourcesShow(t *testing.T) {
	t.Parallel()
	for _, name := range preset.Names() {
		got := shell{}.run(t, "sources", "show", name, "--name", "my-"+name, "--url", "https://sever.acme.test/")
		require.Equal(t, exitDone, got.code, "%s: %s", name, got.err)
		require.Contains(t, got.out, "https://sever.acme.test/v1/hooks/my-"+name, "the address, which steps or settings name")
		require.NotContains(t, got.out, "/v1/hooks/"+name, "another address than the source's")
		for _, placeholder := range []string{"{url}", "{name}", "{secret}"} {
			require.NotContains(t, got.out, placeholder, name)
		}

		_, section, found := strings.Cut(got.out, "```yaml\n")
		require.True(t, found, name)
		section, _, _ = strings.Cut(section, "```")
		_, written, found := strings.Cut(section, "sources:\n")
		require.True(t, found, name)
		user := secrets()
		variable := strings.ToUpper("my_"+name) + "_SECRET"
		require.Equal(t, strings.Contains(section, "env:"), strings.Contains(got.out, "environment variable "+variable), name)
		user.env[variable] = "c2VjcmV0LW9mLXRoZS1zZW5kZXItaW4tdGhlLXRlc3Q="
		checked := user.run(t, "config", "check", "--config", installation{more: written}.file(t))
		require.Equal(t, exitDone, checked.code, "%s: %s", name, checked.err)
	}
}

func TestSourcesShowByDefault(t *testing.T) {
	t.Parallel()
	got := shell{}.run(t, "sources", "show", "bamboohr")
	require.Equal(t, exitDone, got.code, got.err)
	require.Contains(t, got.out, "https://sever.example.com/v1/hooks/bamboohr")
	require.Contains(t, got.out, "\n  bamboohr:\n    type: bamboohr\n")
	require.Contains(t, got.out, "`sever send bamboohr`")
	require.NotContains(t, shell{}.run(t, "sources", "show", "aws_sns").out, "sever send", "nobody has AWS's key")
}

func TestSourcesWrongly(t *testing.T) {
	t.Parallel()
	got := shell{}.run(t, "sources", "show", "bambohr")
	require.Equal(t, exitUsage, got.code)
	require.Empty(t, got.out)
	require.Equal(t, `sever: no type is called "bambohr"; there are `+strings.Join(preset.Names(), ", ")+"\n", got.err)
	for _, url := range []string{"sever.acme.test", "ftp://sever.acme.test", "://"} {
		got = shell{}.run(t, "sources", "show", "bamboohr", "--url", url)
		require.Equal(t, exitUsage, got.code, url)
		require.Contains(t, got.err, "--url", url)
		require.Empty(t, got.out)
	}
}
