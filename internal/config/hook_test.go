package config

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// withHook is the minimal configuration with an event hook for its source.
func withHook(hook string) string {
	return strings.TrimRight(minimal, "\n") + "\n    hook: " + hook + "\n"
}

func TestHookDefaults(t *testing.T) {
	t.Parallel()
	env := func(string) (string, bool) { return "x", true }
	config, err := parse("sever.yaml", []byte(withHook("{url: 'https://sever.acme.com/v1/hooks/okta'}")), env)
	require.NoError(t, err)
	require.Empty(t, config.Warnings)
	require.Equal(t, &Hook{Name: "Sever", URL: "https://sever.acme.com/v1/hooks/okta"}, config.Sources["okta"].Hook)

	config, err = parse("sever.yaml", []byte(minimal), env)
	require.NoError(t, err)
	require.Nil(t, config.Sources["okta"].Hook)
}

func TestHookProblems(t *testing.T) {
	t.Parallel()
	const good = "url: 'https://a.b/v1/hooks/okta'"
	for hook, want := range map[string]string{
		"{}":                                "sources.okta.hook.url: missing; add it: ",
		"{url: 'ftp://a.b/v1/hooks/okta'}":  "sources.okta.hook.url: is not an https URL; write https://sever.example.com/v1/hooks/okta",
		"{url: 'http://a.b/v1/hooks/okta'}": "sources.okta.hook.url: http would send the hook's secret unencrypted",
		"{url: 'https://u:hunter2@a.b/v1/hooks/okta'}":           "sources.okta.hook.url: holds a user or password",
		"{url: 'https://a.b/v1/hooks/okta?key=hunter2'}":         "sources.okta.hook.url: has a query or a fragment",
		"{" + good + ", events: []}":                             "sources.okta.hook.events: empty; add at least one",
		"{" + good + ", events: [suspend]}":                      `sources.okta.hook.events[0]: "suspend" is not an event type`,
		"{" + good + ", events: ['a.b c']}":                      `sources.okta.hook.events[0]: "a.b c" is not an event type`,
		"{" + good + ", events: [a.b, c.d, a.b]}":                "sources.okta.hook.events[2]: is the same type as entry [0]",
		"{" + good + ", name: " + strings.Repeat("n", 256) + "}": "sources.okta.hook.name: is longer than 255 bytes",
		"{" + good + ", name: \"a\\tb\"}":                        "sources.okta.hook.name: is longer than 255 bytes or holds a control character",
		"{" + good + ", events: [a.b" + manyEvents(300) + "]}":   "sources.okta.hook.events: has 301 types; Okta takes 300",
		"{" + good + ", filter: {}}":                             `sources.okta.hook: unknown key "filter"`,
		"{url: 'https://a.b/v1/hooks/okta', name: }":             "sources.okta.hook.name: there is no value",
		"{url: 'https://a.b/v1/hooks/okta', events: a.b}":        "sources.okta.hook.events: must be a list",
		"{url: 'http://127.0.0.1:8080@a.b/v1/hooks/okta'}":       "sources.okta.hook.url: http would send",
		"{url: 'https://', name: Sever}":                         "sources.okta.hook.url: is not an https URL",
	} {
		found := problems(t, withHook(hook))
		require.Len(t, found, 1, hook)
		require.Contains(t, found[0], want, hook)
		require.NotContains(t, found[0], "hunter2", hook)
	}
}

func manyEvents(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(", a.c" + strings.Repeat("x", i+1))
	}
	return b.String()
}

func TestHookOnLoopbackMayBeHTTP(t *testing.T) {
	t.Parallel()
	require.Empty(t, problems(t, withHook("{url: 'http://127.0.0.1:8080/v1/hooks/okta'}")))
}

func TestHookOfAnotherPathWarns(t *testing.T) {
	t.Parallel()
	config, err := parse("sever.yaml", []byte(withHook("{url: 'https://a.b/okta'}")), func(string) (string, bool) { return "x", true })
	require.NoError(t, err)
	require.Len(t, config.Warnings, 1)
	require.Equal(t, "sources.okta.hook.url", config.Warnings[0].Field)
	require.Contains(t, config.Warnings[0].Message, "does not end in /v1/hooks/okta")
}

// One hook cannot be two things.
func TestHookNamesAreOfOneSourceEach(t *testing.T) {
	t.Parallel()
	_, second, _ := strings.Cut(minimal, "  okta:")
	second = "  other:" + strings.TrimRight(second, "\n") + "\n    hook: {url: 'https://a.b/v1/hooks/other'}\n"
	found := problems(t, withHook("{url: 'https://a.b/v1/hooks/okta'}")+second)
	require.Len(t, found, 2)
	require.Contains(t, found[0], `sources.okta.hook.name: another source of the org has an event hook of the name "Sever" too`)
	require.Contains(t, found[1], "sources.other.hook.name: ")

	second = strings.Replace(second, "hook: {", "hook: {name: Other, ", 1)
	require.Empty(t, problems(t, withHook("{url: 'https://a.b/v1/hooks/okta'}")+second))
}
