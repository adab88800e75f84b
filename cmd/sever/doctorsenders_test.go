package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/okta/oktasim"
)

// Senders prove themselves in many ways, some of them without any secret.
func TestDoctorOnOtherSenders(t *testing.T) {
	t.Parallel()
	p := newPractice(t, oktasim.Options{})
	p.shell.env["LONG"], p.shell.env["SHORT"] = "long-enough-for-any-sender", "15-bytes-of-it!"
	p.listen, p.admin = "127.0.0.1:0", "127.0.0.1:0"
	p.more = fmt.Sprintf(`  sign: {type: hmac, org: acme, verify: {secrets: [env:LONG, env:SHORT]}}
  slack: {type: slack, org: acme, verify: {secrets: [env:SHORT]}}
  path: {type: hmac, org: acme, verify: {type: api_key, path: true, secrets: [env:LONG]}, also: [{type: bearer, secrets: [env:SHORT]}]}
  sso: {type: ssf, org: acme, verify: {jwt: {jwks: "https://idp.example/keys", issuer: "https://idp.example", audience: [sever]}}}
  topic: {type: aws_sns, org: acme, verify: {sns: {topics: ["arn:aws:sns:eu-central-1:111122223333:t"]}}}
  inner: {type: hmac, org: acme, verify: {type: none, insecure: true}}
  fenced: {type: okta_event_hook, org: acme, verify: {type: ip, networks: [192.0.2.0/24], insecure: true}}
store: {dir: '%s'}
`, p.store)
	served := p.shell.start(t, "serve", "--config", p.file())
	p.listen, p.admin = serving(t, served)
	findings, code := p.check()
	require.Equal(t, exitDone, code)
	const longer, again = "make it longer and random, such as by `openssl rand -base64 32`", "have the sender make another, and compare the two"
	for _, want := range []finding{
		{"sign: secrets", checkWarn, "sources.sign.verify.secrets[1] is shorter than 16 bytes", longer},
		{"slack: secrets", checkWarn, "sources.slack.verify.secrets[0] is shorter than 16 bytes", again},
		{"path: secrets", checkWarn, "sources.path.also[0].secrets[0] is shorter than 16 bytes", longer},
		{"sso: secrets", checkOK, "none: verify.type set has none", ""},
		{"topic: secrets", checkOK, "none: verify.type sns has none", ""},
		{"inner: secrets", checkOK, "none: verify.type none has none", ""},
		{"fenced: secrets", checkOK, "none: verify.type ip has none", ""},
		{"okta: listener", checkOK, p.listen + " takes the source's deliveries", ""},
	} {
		require.Equal(t, want, found(t, findings, want.Check))
	}
	for _, name := range []string{"sign", "slack", "path", "sso", "topic", "inner", "fenced"} {
		require.Equal(t, finding{name + ": listener", checkOK, p.listen + " is listened on; `sever send " + name + "` tries a delivery", ""},
			found(t, findings, name+": listener"))
	}
	require.Equal(t, exitDone, served.stop(t))

	p.listen = nobody
	findings, _ = p.check()
	for _, name := range []string{"sign", "sso", "fenced"} {
		got := found(t, findings, name+": listener")
		require.Equal(t, checkWarn, got.Status)
		require.Contains(t, got.Message, "nothing listens there")
	}
}

// Okta can be told of a secret in a header, and of nothing else that could prove it.
func TestHooksOfASourceWithoutHeader(t *testing.T) {
	t.Parallel()
	for _, verify := range []string{
		"{type: ip, networks: [192.0.2.0/24], insecure: true}", "{type: none, insecure: true}", "{type: bearer, secrets: [env:OKTA_HOOK_SECRET]}",
	} {
		file := installation{more: "  other: {type: okta_event_hook, org: acme, hook: {url: 'https://sever.acme.test/v1/hooks/other'}, verify: " + verify + "}"}.file(t)
		for _, command := range []string{"config check", "hooks diff", "hooks ensure"} {
			got := secrets().run(t, append(strings.Fields(command), "--config", file)...)
			require.NotEqual(t, exitDone, got.code, command)
			require.Contains(t, got.out+got.err, "sources.other.hook: Okta can send nothing but a secret in a header; use verify.type header, or remove it", command)
		}
	}
}
