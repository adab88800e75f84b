package source_test

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/source"
)

// sharedData finds the folder of public samples beside the checkout, which not everyone has.
func sharedData(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	require.NoError(t, err)
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		parent := filepath.Dir(dir)
		require.NotEqual(t, parent, dir, "no go.mod above the test")
		dir = parent
	}
	data := filepath.Join(dir, "..", "shared", "data", "okta")
	if _, err := os.Stat(data); os.IsNotExist(err) {
		t.Skip("no shared data folder beside the checkout: the samples in it are not checked")
	}
	return data
}

func sample(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(sharedData(t), name)
	body, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		t.Skipf("the shared data folder has no %s", name)
	}
	require.NoError(t, err)
	return string(body)
}

func TestSharedEventHooks(t *testing.T) {
	t.Parallel()
	t.Run("docs, 2023", func(t *testing.T) {
		t.Parallel()
		decoded := decode(t, sample(t, "event-hook/docs-envelope-session-start-2023.json"))
		require.Equal(t, []string{"00uz9fj5aT69fHVro1d6"}, people(decoded))
		require.Empty(t, decoded.Signals[0].Risk)
	})
	t.Run("capture, 2022, with a made-up id", func(t *testing.T) {
		t.Parallel()
		body := sample(t, "event-hook/zentral-session-start-2022.json")
		require.Equal(t, []string{""}, people(decode(t, body)), "0001 is no Okta id")
		require.Equal(t, []string{ada}, people(decode(t, strings.Replace(body, `"0001"`, `"`+ada+`"`, 1))))
	})
}

// The samples of single events stand in for those that no public capture of a hook exists of.
func TestSharedLogEvents(t *testing.T) {
	t.Parallel()
	// Panther spells these keys in lower case, which Okta does not.
	asOkta := strings.NewReplacer(`"eventtype"`, `"eventType"`, `"00abc123"`, `"`+ada+`"`)
	for name, tt := range map[string]struct {
		replace *strings.Replacer
		people  []string
		risk    string
		skipped string
	}{
		"docs-user-lifecycle-deactivate.json":            {nil, []string{"00u3m90rxKjGQ0G6L1d6"}, "", ""}, // the actor is the admin
		"insightconnect-user_lifecycle_suspend.json":     {strings.NewReplacer(`"id": "12345"`, `"id": "`+ada+`"`), []string{ada}, "", ""},
		"oas-ListLogs.json":                              {nil, []string{"00uttidj01jqL21aM1d6"}, "", ""},
		"oas-ListLogsWithAdditionalSecurityContext.json": {nil, []string{"00uttidj01jqL21aM1d6"}, "HIGH", ""},
		"panther-user_account_lock.json":                 {asOkta, []string{ada}, "", ""},
		"panther-security_threat_detected.json":          {asOkta, nil, "", source.SkippedUnknownType},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := sample(t, "logevent/"+name)
			if tt.replace != nil {
				text = tt.replace.Replace(text)
			}
			var list []json.RawMessage
			if json.Unmarshal([]byte(text), &list) == nil {
				require.Len(t, list, 1)
				text = string(list[0])
			}
			decoded := decode(t, hook(text))
			require.Equal(t, tt.people, people(decoded))
			if tt.skipped != "" {
				require.Equal(t, tt.skipped, decoded.Skipped[0].Reason)
				return
			}
			require.Equal(t, tt.risk, decoded.Signals[0].Risk)
			require.False(t, decoded.Signals[0].Occurred.IsZero() && !strings.HasPrefix(name, "panther"))
		})
	}
}

// A type that no hook can subscribe to would be a row that never acts.
func TestSharedCatalogueHasEveryType(t *testing.T) {
	t.Parallel()
	records, err := csv.NewReader(strings.NewReader(sample(t, "event-hook-eligible.csv"))).ReadAll()
	require.NoError(t, err)
	known := 0
	for _, record := range records {
		decoded := decode(t, hook(event(record[0], user(ada), []string{user(ada)}, outcome("SUCCESS"))))
		if !slices.ContainsFunc(decoded.Skipped, func(skip source.Skipped) bool { return skip.Reason == source.SkippedUnknownType }) {
			known++
		}
	}
	require.Equal(t, 30, known, "26 types and 4 echoes")
}
