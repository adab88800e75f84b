package preset_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/source/preset"
)

func TestEveryPresetIsWhole(t *testing.T) {
	t.Parallel()
	presets, err := preset.All()
	require.NoError(t, err)
	require.Greater(t, len(presets), 40)
	require.Len(t, preset.Names(), len(presets))
	for name, known := range presets {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Regexp(t, `^[a-z][a-z0-9_]{1,31}$`, name)
			require.Contains(t, preset.Groups(), known.Group)
			require.NotEmpty(t, known.Title)
			require.Greater(t, len(known.About), 60, "tell what it sends and whom it names")
			require.NotEmpty(t, known.Steps)
			require.NotEmpty(t, known.Person)
			require.NotEmpty(t, known.Traps)
			require.Equal(t, known.Needs.Kind == 0, known.WhyNeeds == "", "needs and why_needs go together")
			require.NotEmpty(t, slices.Concat(known.Docs, known.Unverified), "where it is from, or that it is from nowhere")
			for _, page := range known.Docs {
				require.True(t, strings.HasPrefix(page, "https://"), page)
			}
			if known.Secret != nil {
				require.Contains(t, []string{"sender", "you"}, known.Secret.By)
				require.NotEmpty(t, known.Secret.How)
			}
			names := map[string]bool{"future": true, "withdrawal": true, "alert": true}
			for _, message := range slices.Concat(known.More, known.NotAlerts, known.Traps) {
				require.NotEmpty(t, message.Name)
				require.False(t, names[message.Name], "two samples are called %q", message.Name)
				names[message.Name] = true
			}
		})
	}
}

func TestFindGivesWhatAllGives(t *testing.T) {
	t.Parallel()
	known, found, err := preset.Find("bamboohr")
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, "bamboohr", known.Name)
	_, found, err = preset.Find("../preset")
	require.NoError(t, err)
	require.False(t, found)
}

func TestFill(t *testing.T) {
	t.Parallel()
	known := preset.Preset{Person: "ada"}
	at := time.Date(2026, 3, 14, 23, 30, 0, 0, time.FixedZone("", 3600))
	message := preset.Message{
		Headers: map[string]string{"X-Event": "{{.Type}}"}, Expect: preset.Expect{Type: "left"},
		Body: `{{.Person}} {{.ID}} {{.Now}} {{.Unix}} {{.UnixMilli}} {{.Date}} {{.Tomorrow}} {{.Yesterday}} {{.Source}} {{json "a\"b"}} {{base64 "x"}}`,
	}
	body, headers, err := known.Fill(message, preset.Values{ID: "1", At: at, Source: "hr"})
	require.NoError(t, err)
	require.Equal(t, `ada 1 2026-03-14T22:30:00.000Z 1773527400 1773527400000 2026-03-14 2026-03-15 2026-03-13 hr "a\"b" eA==`, string(body))
	require.Equal(t, map[string]string{"Content-Type": "application/json", "X-Event": "left"}, headers)

	message.Person, message.Body, message.ContentType = "grace", "{{.Person}} {{.Type}} {{.ID}}", "text/plain"
	first, headers, err := known.Fill(message, preset.Values{Type: "other", At: at})
	require.NoError(t, err)
	require.Equal(t, "text/plain", headers["Content-Type"])
	require.Contains(t, string(first), "grace other ")
	second, _, err := known.Fill(message, preset.Values{Type: "other", At: at})
	require.NoError(t, err)
	require.NotEqual(t, first, second, "a fresh id each time")
	chosen, _, err := known.Fill(message, preset.Values{Person: "edsger", At: at})
	require.NoError(t, err)
	require.Contains(t, string(chosen), "edsger")

	for _, broken := range []string{"{{", "{{.Nonsense}}", "{{nonsense}}"} {
		_, _, err := known.Fill(preset.Message{Body: broken}, preset.Values{})
		require.Error(t, err)
		_, _, err = known.Fill(preset.Message{Headers: map[string]string{"X": broken}}, preset.Values{})
		require.Error(t, err)
	}
}

func TestGuideSaysWhatToDo(t *testing.T) {
	t.Parallel()
	known, _, err := preset.Find("bamboohr")
	require.NoError(t, err)
	guide, err := known.Guide("my-hr", "https://sever.acme.com")
	require.NoError(t, err)
	for _, want := range []string{
		"BambooHR", "  my-hr:\n    type: bamboohr\n    org: acme\n", "secrets:", "env:MY_HR_SECRET", "https://sever.acme.com/v1/hooks/my-hr", "attribute:",
		"On the sender's side:", "X-BambooHR-Signature", "never a revocation",
	} {
		require.Contains(t, guide, want)
	}
	require.NotContains(t, guide, "{url}")
}

func TestDocumentIsUpToDate(t *testing.T) {
	t.Parallel()
	want, err := preset.Document()
	require.NoError(t, err)
	got, err := os.ReadFile(filepath.Join("..", "..", "docs", "sources.md"))
	require.NoError(t, err)
	require.Equal(t, strings.TrimRight(want, "\n")+"\n", string(got), `run "make generate"`)
	for _, name := range preset.Names() {
		require.Contains(t, string(got), "`"+name+"`")
	}
}
