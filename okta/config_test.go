package okta_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/okta"
)

func TestNewChecksTheBaseURL(t *testing.T) {
	t.Parallel()
	auth, err := okta.SSWS(testToken)
	require.NoError(t, err)
	for _, good := range []string{
		"https://acme.okta.com", "https://acme.okta.com/", "https://acme.okta.com:8443", "http://127.0.0.1:8090", "http://127.9.9.9",
		"http://[::1]:80", "http://localhost:1",
	} {
		_, err := okta.New(okta.Config{BaseURL: good, Auth: auth})
		require.NoError(t, err, good)
	}
	for bad, want := range map[string]string{
		"":                                   "host",
		"acme.okta.com":                      "host",
		"https://":                           "host",
		"https:acme.okta.com":                "host",
		"ftp://acme.okta.com":                "https://",
		"http://acme.okta.com":               "loopback",
		"http://localhost.evil.example":      "loopback",
		"http://127.0.0.1.evil.example":      "loopback",
		"http://10.0.0.1":                    "loopback",
		"https://acme.okta.com/api/v1":       "path",
		"https://acme.okta.com//":            "path",
		"https://acme.okta.com?x=1":          "query",
		"https://acme.okta.com?":             "query",
		"https://acme.okta.com#x":            "fragment",
		"https://user:hunter2@acme.okta.com": "password",
		"https://acme.okta.com:hunter2":      "URL",
		"https://acme.okta.com\n":            "URL",
	} {
		_, err := okta.New(okta.Config{BaseURL: bad, Auth: auth})
		require.ErrorContains(t, err, want, "%q", bad)
		require.ErrorContains(t, err, "okta BaseURL")
		require.NotContains(t, err.Error(), "hunter2")
	}
}

func TestNewChecksTheRest(t *testing.T) {
	t.Parallel()
	auth, err := okta.SSWS(testToken)
	require.NoError(t, err)
	_, err = okta.New(okta.Config{BaseURL: "https://acme.okta.com"})
	require.ErrorContains(t, err, "Auth")
	for _, reserve := range []float64{-0.1, 0.91, 1, math.NaN(), math.Inf(1), math.Inf(-1)} {
		_, err = okta.New(okta.Config{BaseURL: "https://acme.okta.com", Auth: auth, Reserve: reserve})
		require.ErrorContains(t, err, "Reserve")
	}
	_, err = okta.New(okta.Config{BaseURL: "https://acme.okta.com", Auth: auth, Reserve: 0.9, UserAgent: "sever/1 (x)"})
	require.NoError(t, err)
	_, err = okta.New(okta.Config{BaseURL: "https://acme.okta.com", Auth: auth, UserAgent: "a\r\nX-Evil: 1"})
	require.ErrorContains(t, err, "UserAgent")
}
