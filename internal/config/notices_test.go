package config

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const signed = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="

func noticeEnv(name string) (string, bool) {
	if value, set := map[string]string{
		"CHAT": "https://chat.example.com/services/hush", "PAGER": "http://pager.example.com/hush", "KEY": signed, "SHORT": "whsec_aHVzaA==",
	}[name]; set {
		return value, true
	}
	return testEnv(name)
}

func TestNotices(t *testing.T) {
	t.Parallel()
	config, err := parse("sever.yaml", []byte(minimal+`
notices:
  every: 1m
  channels:
    chat: {type: slack, url: env:CHAT, on: [held], people: true}
    mail: {type: email, host: localhost, security: none, from: a@acme.test, to: [b@acme.test]}
`), noticeEnv)
	require.NoError(t, err)
	require.Equal(t, time.Minute, config.Notices.Every)
	chat, mail := config.Notices.Channels["chat"], config.Notices.Channels["mail"]
	require.Equal(t, "https://chat.example.com/services/hush", chat.URL.Reveal())
	require.Equal(t, []string{"held"}, chat.On)
	require.True(t, chat.People)
	require.Equal(t, 20, chat.MaxPerHour)
	require.Equal(t, "none", mail.Security)
	require.Equal(t, []string{"b@acme.test"}, mail.To)

	bare, err := load(t, minimal)
	require.NoError(t, err)
	require.Equal(t, Notices{Every: 5 * time.Minute}, bare.Notices)
}

func TestNoticeProblems(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"notices: {every: 1s}":    {`11: notices.every: "1s" is too small; use at least 10s`},
		"notices: {channels: {}}": {"11: notices.channels: empty; add at least one"},
		"notices: {channels: {'a b': {type: slack, url: env:CHAT}}}": {
			`11: notices.channels: "a b" cannot be a name; use up to 32 of a-z, 0-9, _ and -, starting with a letter or a digit`,
		},
		"notices: {channels: {a: {type: slak, url: env:CHAT}}}": {`11: notices.channels.a.type: "slak" is not known; did you mean slack?`},
		"notices: {channels: {a: {type: slack}}}":               {"11: notices.channels.a.url: missing; type slack needs it; add it"},
		"notices: {channels: {a: {type: slack, url: 'https://hush.example.com'}}}": {
			"11: notices.channels.a.url: a secret is never written into this file; write env:NAME or file:PATH, and replace the secret if it was real",
		},
		"notices: {channels: {a: {type: webhook, url: env:PAGER, secret: env:SHORT}}}": {
			"11: notices.channels.a.secret: is not a Standard Webhooks secret: whsec_ and the base64 of 24 to 64 bytes; make one with: echo whsec_$(openssl rand -base64 32)",
			"11: notices.channels.a.url: http would send notices unencrypted; use https; http is for loopback addresses only",
		},
		"notices: {channels: {a: {type: slack, url: env:CHAT, on: [held, dead]}}}": {
			`11: notices.channels.a.on[1]: "dead" is not known; use some of held, brake, dead_letter, credential, recovered, policy`,
		},
		"notices: {channels: {a: {type: slack, url: env:CHAT, max_per_hour: 0}}}": {
			`11: notices.channels.a.max_per_hour: "0" is too small; use at least 1`,
		},
	} {
		_, err := parse("sever.yaml", []byte(minimal+text), noticeEnv)
		var found *ProblemsError
		require.ErrorAs(t, err, &found, text)
		var lines []string
		for _, problem := range found.Problems {
			lines = append(lines, problem.String())
			require.NotContains(t, problem.String(), "hush", text)
		}
		require.Equal(t, want, lines, text)
	}
}

func TestNoticeSecretsAreReadOnlyWhereNeeded(t *testing.T) {
	t.Parallel()
	text := minimal + "notices: {channels: {pager: {type: webhook, url: env:PAGER_URL, secret: env:KEY}}}"
	for _, need := range []Needs{AdminSecrets, OktaSecrets, SenderSecrets, QueueSecrets} {
		config, err := parse("sever.yaml", []byte(text), func(name string) (string, bool) {
			require.NotContains(t, []string{"PAGER_URL", "KEY"}, name)
			return "x", true
		}, need)
		require.NoError(t, err)
		require.Empty(t, config.Notices.Channels["pager"].Secret.Reveal())
	}
	_, err := parse("sever.yaml", []byte(text), testEnv, NoticeSecrets)
	require.ErrorContains(t, err, "notices.channels.pager.url")
}

func TestSchemaKnowsChannels(t *testing.T) {
	t.Parallel()
	schema := compileSchema(t)
	for text, fits := range map[string]bool{
		"notices: {channels: {a: {type: slack, url: env:CHAT, on: [held, policy]}}}": true,
		"notices: {channels: {a: {type: slack, url: env:CHAT, on: [holds]}}}":        false,
		"notices: {channels: {A: {type: slack, url: env:CHAT}}}":                     false,
		"notices: {channels: {}}": false,
		"notices: {channels: {a: {type: slack, url: 'https://a.test'}}}":               false,
		"notices: {channels: {a: {type: email, security: ssl}}}":                       false,
		"notices: {channels: {a: {type: slack, url: env:CHAT, colour: red}}}":          false,
		"notices: {channels: {a: {type: slack, url: env:CHAT, template: '{{.Org}}'}}}": true,
	} {
		err := schema.Validate(toJSON(t, []byte(minimal+text)))
		require.Equal(t, fits, err == nil, "%s: %v", text, err)
	}
}
