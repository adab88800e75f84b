package config

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/source/preset"
)

// layered loads one source of the type, with further settings.
func layeredSource(t *testing.T, settings string) (Source, error) {
	t.Helper()
	start, _, _ := strings.Cut(minimal, "type: okta_event_hook")
	config, err := parse("sever.yaml", []byte(start+strings.ReplaceAll(settings, "\n", "\n    ")), func(string) (string, bool) {
		return "c2VjcmV0LW9mLXRoZS1zZW5kZXItMDEyMzQ1Njc4OQ==", true
	})
	if err != nil {
		return Source{}, err
	}
	return config.Sources["okta"], nil
}

func TestPresetsLoad(t *testing.T) {
	t.Parallel()
	for _, name := range preset.Names() {
		known := presets()[name]
		require.NotPanics(t, func() { _, _ = layeredSource(t, "type: "+name+"\norg: acme") }, name)
		require.NotEmpty(t, known.Title)
	}
}

func TestAFileIsLaidOverItsPreset(t *testing.T) {
	t.Parallel()
	plain, err := layeredSource(t, "type: workos\norg: acme\nverify: {secrets: [env:HOOK]}")
	require.NoError(t, err)
	require.Equal(t, "hmac", plain.Verify.Type)
	require.Equal(t, "{timestamp}.{body}", plain.Verify.Signed)
	require.Equal(t, 3*time.Minute, plain.Verify.Timestamp.Tolerance)
	require.Equal(t, "v1", plain.Verify.List.Field)

	for name, tt := range map[string]struct {
		settings string
		check    func(t *testing.T, got Source)
	}{
		"one key of a section": {"verify: {secrets: [env:HOOK], timestamp: {tolerance: 1m}}", func(t *testing.T, got Source) {
			t.Helper()
			require.Equal(t, time.Minute, got.Verify.Timestamp.Tolerance)
			require.Equal(t, plain.Verify.Timestamp.Field, got.Verify.Timestamp.Field, "the rest stays")
			require.Equal(t, plain.Verify.Signed, got.Verify.Signed)
		}},
		"an alternative": {"verify: {secrets: [env:HOOK], timestamp: {header: X-Time}}", func(t *testing.T, got Source) {
			t.Helper()
			require.Equal(t, "X-Time", got.Verify.Timestamp.Header)
			require.Empty(t, got.Verify.Timestamp.Field)
		}},
		"another alternative": {"verify: {secrets: [env:HOOK], prefix: 'v1=', timestamp: {header: X-Time}}", func(t *testing.T, got Source) {
			t.Helper()
			require.Equal(t, "v1=", got.Verify.Prefix)
			require.Nil(t, got.Verify.List)
		}},
		"another type": {"verify: {type: bearer, secrets: [env:HOOK]}", func(t *testing.T, got Source) {
			t.Helper()
			require.Equal(t, "bearer", got.Verify.Type)
			require.Empty(t, got.Verify.Signed, "nothing of the other type stays")
			require.Nil(t, got.Verify.Timestamp)
		}},
		"a word among words": {"verify: {secrets: [env:HOOK]}\nmap: {kinds: {charge.refunded: ignore}}", func(t *testing.T, got Source) {
			t.Helper()
			require.Equal(t, "ignore", got.Map.Kinds["charge.refunded"])
			require.Subset(t, got.Map.Kinds, plain.Map.Kinds)
		}},
		"a list is replaced": {"verify: {secrets: [env:HOOK]}\nmap: {ignore: [{when: 'true', reason: other}]}", func(t *testing.T, got Source) {
			t.Helper()
			require.Len(t, got.Map.Ignore, 1)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := layeredSource(t, "type: workos\norg: acme\n"+tt.settings)
			require.NoError(t, err)
			tt.check(t, got)
		})
	}

	moved, err := layeredSource(t, "type: splunk\norg: acme\nverify: {path: true, secrets: [env:HOOK]}")
	require.NoError(t, err)
	require.True(t, moved.Verify.Path)
	require.Empty(t, moved.Verify.Query, "the secret has one place")
}

func TestASourceNeedsSomebodyToVouchForIt(t *testing.T) {
	t.Parallel()
	for settings, want := range map[string]string{
		"type: hmac\norg: acme\nverify: {type: none}":                                                                                            "insecure",
		"type: hmac\norg: acme\nverify: {type: ip, networks: [192.0.2.0/24]}":                                                                    "nothing here proves who sends",
		"type: hmac\norg: acme\nverify: {secrets: [env:HOOK], signed: '{timestamp}'}":                                                            "verify",
		"type: basic\norg: acme\nverify: {type: api_key, field: a, secrets: [env:HOOK]}\nalso: [{type: api_key, field: b, secrets: [env:HOOK]}]": "only one secret can stand in the body",
		"type: ssf\norg: acme\nmap: {type: a}":                                                                                                   "settles what its body means",
		"type: hmac\norg: acme\nverify: {secrets: [env:HOOK]}\nssf: {stream_id: a}":                                                              "only type ssf",
		"type: hmac\norg: acme\nverify: {secrets: [env:HOOK]}\nhook: {url: https://a.example.com/v1/hooks/okta}":                                 "only type okta_event_hook",
	} {
		_, err := layeredSource(t, settings)
		require.ErrorContains(t, err, want, settings)
	}
	_, err := layeredSource(t, "type: hmac\norg: acme\nverify: {type: ip, networks: [192.0.2.0/24]}\nalso: [{type: bearer, secrets: [env:HOOK]}]")
	require.NoError(t, err, "one proof is enough")
	insecure, err := layeredSource(t, "type: hmac\norg: acme\nverify: {type: none, insecure: true}")
	require.NoError(t, err)
	require.True(t, insecure.Verify.Insecure)
}
