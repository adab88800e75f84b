package config

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSignOutIsOffUnlessGiven(t *testing.T) {
	t.Parallel()

	config, err := load(t, minimal)
	require.NoError(t, err)
	require.Nil(t, config.SignOut)
	require.Empty(t, config.SignInURL())

	config, err = load(t, minimal+"signout: {org: acme}")
	require.NoError(t, err)
	require.Equal(t, &SignOut{Org: "acme", Title: "Sign out of your sessions"}, config.SignOut)
	require.Equal(t, "https://acme.okta.com", config.SignInURL())

	config, err = load(t, minimal+"signout: {org: acme, sign_in_url: 'https://id.acme.com', title: Bye, support: 'mailto:a@acme.com'}")
	require.NoError(t, err)
	require.Equal(t, &SignOut{Org: "acme", SignInURL: "https://id.acme.com", Title: "Bye", Support: "mailto:a@acme.com"}, config.SignOut)
	require.Equal(t, "https://id.acme.com", config.SignInURL())
}

func TestSignOutProblems(t *testing.T) {
	t.Parallel()

	const notNamed = "its host cannot be named in the page's policy; write a host of letters, digits, . and -, or an IPv4 address; other scripts as xn--"
	const tooLong = "is longer than 200 bytes, or than one line; shorten it"
	const noAddress = "11: signout.support: mailto: is not followed by one plain address; write mailto:help@acme.com"
	const noLink = "11: signout.support: is not an https link; write https://help.acme.com, or plain text without ://"
	for settings, want := range map[string]string{
		"":                          "11: signout.org: missing; add it: The org, from orgs, whose sessions people end.",
		"org: acne":                 `11: signout.org: there is no org "acne"; did you mean acme?`,
		"org: acme, enabled: true":  `11: signout: unknown key "enabled"; use one of: org, sign_in_url, title, support`,
		"org: acme, sign_in_url: x": "11: signout.sign_in_url: is not an https URL; write https://acme.okta.com",
		"org: acme, sign_in_url: 'http://id.acme.com'":      "11: signout.sign_in_url: http would send the Okta credential unencrypted; write https; http is for loopback addresses only",
		"org: acme, sign_in_url: 'https://id.acme.com/'":    "11: signout.sign_in_url: has more than a host; end it after the host, without a slash: https://acme.okta.com",
		"org: acme, sign_in_url: 'https://a.okta.com;x'":    "11: signout.sign_in_url: " + notNamed,
		"org: acme, sign_in_url: 'https://bücher.example'":  "11: signout.sign_in_url: " + notNamed,
		"org: acme, sign_in_url: 'http://[::1]:8090'":       "11: signout.sign_in_url: " + notNamed,
		"org: acme, title: ''":                              "11: signout.title: empty; give a value, or remove the key",
		"org: acme, title: " + strings.Repeat("x", 201):     "11: signout.title: " + tooLong,
		`org: acme, support: "a\nb"`:                        "11: signout.support: " + tooLong,
		"org: acme, support: 'mailto:'":                     noAddress,
		"org: acme, support: 'mailto:Help <help@acme.com>'": noAddress,
		"org: acme, support: 'http://help.acme.com'":        noLink,
		"org: acme, support: 'https://'":                    noLink,
		"org: acme, support: 'https://u:p@help.acme.com'":   noLink,
	} {
		require.Equal(t, []string{want}, problems(t, minimal+"signout: {"+settings+"}"), settings)
	}
	for _, support := range []string{"the help desk, 555 0100", "mailto:help@acme.com", "https://help.acme.com/okta", strings.Repeat("x", 200)} {
		require.Empty(t, problems(t, minimal+"signout: {org: acme, support: '"+support+"'}"), support)
	}
}

// The org's own address is used where no other is given, so it must fit the page's policy too.
func TestSignOutOfAnOrgWhoseHostCannotBeNamed(t *testing.T) {
	t.Parallel()

	text := strings.Replace(minimal, "https://acme.okta.com", "http://[::1]:8090", 1)
	require.Empty(t, problems(t, text))
	found := problems(t, text+"signout: {org: acme}")
	require.Len(t, found, 1)
	require.Contains(t, found[0], "11: signout.sign_in_url: its host cannot be named")
}

func TestSignOutBehindClientCertificates(t *testing.T) {
	t.Parallel()

	text := minimal + "tls: {cert: 'file:a', key: 'file:b', client_ca: 'file:c'}\nsignout: {org: acme}"
	config, err := parse("sever.yaml", []byte(text), testEnv, AdminSecrets)
	require.NoError(t, err)
	require.Len(t, config.Warnings, 1)
	require.Contains(t, config.Warnings[0].String(), "12: signout: only browsers with a client certificate can open the page")
}
