package config

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAdminURL(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                  "",
		"https://sever.corp.example":        "",
		"https://sever.corp.example:8443":   "",
		"http://127.0.0.1:8081":             "",
		"http://sever.corp.example":         "unencrypted",
		"sever.corp.example":                "not an https URL",
		"ftp://sever.corp.example":          "not an https URL",
		"https://":                          "not an https URL",
		"https://sever.corp.example/":       "more than a host",
		"https://sever.corp.example/a":      "more than a host",
		"https://sever.corp.example?a=b":    "more than a host",
		"https://s3cret@sever.corp.example": "more than a host",
	} {
		found := newReport()
		checkAdminURL(found, "admin.url", text)
		if want == "" {
			require.Empty(t, found.problems, text)
			continue
		}
		require.Len(t, found.problems, 1, text)
		require.Contains(t, found.problems[0].Message, want, text)
		require.NotContains(t, found.problems[0].String(), "s3cret")
	}
}
