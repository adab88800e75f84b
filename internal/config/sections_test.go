package config

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSectionProblems(t *testing.T) {
	t.Parallel()

	const needsHost = "; write host:port, such as 127.0.0.1:8080 or 0.0.0.0:8080"
	const natsExample = "; write nats://host:4222, several separated by commas"
	const lowerOrRaise = "; lower the first or raise the second"

	for name, test := range map[string]struct {
		text string // appended to minimal, so it starts on line 11
		want []string
	}{
		"address without port":    {"listen: localhost", []string{`11: listen: "localhost" is not an address` + needsHost}},
		"address with bad port":   {"listen: localhost:65536", []string{`11: listen: "localhost:65536" is not an address` + needsHost}},
		"address with named port": {"admin: {listen: 'localhost:http'}", []string{`11: admin.listen: "localhost:http" is not an address` + needsHost}},
		"address on all hosts":    {"listen: ':443'", nil},
		"one address for both":    {"listen: 127.0.0.1:8081", []string{"11: listen: listen and admin.listen are the same address; give operators a port of their own"}},
		"free ports for both":     {"listen: 127.0.0.1:0\nadmin: {listen: '127.0.0.1:0'}", nil},
		"admin without token": {
			"admin: {listen: ':8081'}",
			[]string{"11: admin.token: required, because admin.listen is not a loopback address; add env:NAME or file:PATH, or listen on 127.0.0.1"},
		},
		"admin without token on a name": {
			"admin:\n  listen: sever.internal:8081",
			[]string{"11: admin.token: required, because admin.listen is not a loopback address; add env:NAME or file:PATH, or listen on 127.0.0.1"},
		},
		"admin with a bad token": {"admin: {listen: ':8081', token: env:ABSENT}", []string{`11: admin.token: environment variable "ABSENT" is not set; set it, or name another`}},
		"admin on IPv6 loopback": {"admin: {listen: '[::1]:8081'}", nil},
		"admin on localhost":     {"admin: {listen: 'localhost:8081'}", nil},
		"tls without key": {
			"tls: {}",
			[]string{
				"11: tls.cert: missing; add it: Certificate chain in PEM, leaf first, as file:PATH.",
				"11: tls.key: missing; add it: Private key of the certificate in PEM, as file:PATH.",
			},
		},

		"nats and store":         {"store: {dir: d}\nnats: {url: 'nats://a'}", []string{"12: nats: nats and store are both given; keep one: nats for an external cluster, store for the embedded one"}},
		"nats without url":       {"nats: {}", []string{"11: nats.url: missing; add it: Servers of one cluster, comma separated: nats://a:4222,nats://b:4222. Schemes nats, tls, ws, wss."}},
		"nats with other scheme": {"nats: {url: 'nats://a,http://b'}", []string{"11: nats.url: has a scheme other than nats, tls, ws, wss" + natsExample}},
		"nats without host":      {"nats: {url: 'nats://a,'}", []string{"11: nats.url: holds something that is not a URL" + natsExample}},
		"nats with a bad port":   {"nats: {url: 'nats://a:x'}", []string{"11: nats.url: holds something that is not a URL" + natsExample}},
		"nats with password":     {"nats: {url: 'nats://u:hunter2@a'}", []string{"11: nats.url: holds a user or password; put them into a file and name it under credentials"}},
		"nats mixed":             {"nats: {url: 'nats://a,ws://b'}", []string{"11: nats.url: mixes WebSocket and plain servers; use one kind"}},
		"nats all websocket":     {"nats: {url: 'ws://a,wss://b'}", nil},
		"nats credentials gone":  {"nats: {url: 'nats://a', credentials: 'file:/nowhere/a.creds'}", []string{`11: nats.credentials: file "/nowhere/a.creds" does not exist; create it or correct the path (relative to the folder of this file)`}},

		"request as slow as Okta": {"receive: {timeout: 3s}", []string{"11: receive.timeout: 3s is not below 3s, the time Okta waits; use 2s, or anything up to 2900ms"}},
		"append as slow as request": {
			"receive:\n  append_timeout: 2s",
			[]string{"12: receive.append_timeout: receive.append_timeout (2s) is not below receive.timeout (2s)" + lowerOrRaise},
		},
		"request faster than append": {
			"receive:\n  timeout: 1500ms",
			[]string{"12: receive.timeout: receive.append_timeout (1.5s) is not below receive.timeout (1.5s)" + lowerOrRaise},
		},
		"no room for a delivery": {
			"receive:\n  max_waiting: 1MiB",
			[]string{"12: receive.max_waiting: max_waiting (1MiB) is below max_body (4MiB); a single delivery must fit: raise max_waiting or lower max_body"},
		},

		"no room for dead letters": {
			"store:\n  max_size: 100MiB",
			[]string{"12: store.max_size: store.max_size (100MiB) is below 48 times receive.max_body (4MiB); raise the first or lower the second"},
		},

		"attempt as long as ack_wait": {"work: {ack_wait: 4s}", []string{"11: work.ack_wait: work.attempt_timeout (4s) is not below work.ack_wait (4s)" + lowerOrRaise}},
		"give up after jobs are gone": {"work: {give_up_after: 7d}", []string{"11: work.give_up_after: work.give_up_after (7d) is not below retention.jobs (7d)" + lowerOrRaise}},
		"ledger shorter than deliveries": {
			"retention: {ledger: 8d, deliveries: 8d}",
			[]string{"11: retention.deliveries: retention.deliveries (8d) is not below retention.ledger (8d)" + lowerOrRaise},
		},
		"ledger shorter than jobs": {
			"retention: {ledger: 7d1h, jobs: 7d1h}",
			[]string{"11: retention.jobs: retention.jobs (169h) is not below retention.ledger (169h)" + lowerOrRaise},
		},
		"one mistake, one problem": {"work: {ack_wait: soon}\nretention: {jobs: 1m}", []string{
			`11: work.ack_wait: "soon" is not a duration; write a number with its unit ms, s, m, h or d, such as 90s, 10m or 7d`,
			`12: retention.jobs: "1m" is too small; use at least 1h`,
		}},

		"protected id is a login": {"policy: {protected: {ids: [a@b.c]}}", []string{`11: policy.protected.ids[0]: "a@b.c" is not an Okta user id; write the 20 characters that start with 00u; a login goes under logins`}},
		"protected id too long":   {"policy:\n  protected:\n    ids:\n      - 00u1abcd2EFGH3ijk4x70", []string{`14: policy.protected.ids[0]: "00u1abcd2EFGH3ijk4x70" is not an Okta user id; write the 20 characters that start with 00u; a login goes under logins`}},
		"protected group spaced":  {"policy: {protected: {groups: [' Admins']}}", []string{`11: policy.protected.groups[0]: " Admins" starts or ends with a space; remove it`}},
		"protected otherwise":     {"policy: {protected: {outcome: ignored}}", []string{`11: policy.protected.outcome: "ignored" is not known; use one of: refused, held`}},
		"brake without limits": {"policy: {brake: {max: 0, critical_max: -1, per_source: {}}}", []string{
			`11: policy.brake.critical_max: "-1" is too small; use at least 0`,
			`11: policy.brake.max: "0" is too small; use at least 1`,
			"11: policy.brake.per: missing; add it: Length of the window.",
			"11: policy.brake.per_source.max: missing; add it: Most distinct people in the window.",
		}},
		"protected admins":       {"policy: {protected: {admins: [SUPER_ADMIN, WORKFLOWS_ADMIN, CUSTOM, any]}}", nil},
		"protected admin near":   {"policy: {protected: {admins: [any, SUPERADMIN]}}", []string{`11: policy.protected.admins[1]: "SUPERADMIN" is not known; did you mean SUPER_ADMIN?`}},
		"protected admin empty":  {"policy: {protected: {admins: ['']}}", []string{`11: policy.protected.admins[0]: empty; give a value, or remove the key`}},
		"protected admin a word": {"policy: {protected: {admins: any}}", []string{`11: policy.protected.admins: must be a list, not a single value; start each entry with "- "`}},
		"brake":                  {"policy: {brake: {max: 50, per: 10m, hold_for: 1h, critical_max: 20, per_source: {max: 10}, per_rule: {max: 9}}, protected: {groups: [00g1, Admins], outcome: held}}", nil},
		"protected login spaced": {"policy: {protected: {logins: ['a@b.c ']}}", []string{`11: policy.protected.logins[0]: "a@b.c " starts or ends with a space; remove it`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, problems(t, minimal+test.text))
		})
	}
}

func TestRuleProblems(t *testing.T) {
	t.Parallel()

	const rules = "policy:\n  rules:\n" // the first rule is on line 13
	const nameDoc = "A short name of a-z, 0-9, _ and -; it appears in the audit. The name of a built-in rule replaces that one."
	for name, test := range map[string]struct {
		text string
		want []string
	}{
		"good": {rules + `    - {name: a, when: 'signal.type == "x"', do: {revoke: {oauth_tokens: false}, lane: bulk, mode: approve, delay: 1h, again: 5m, everywhere: true}}`, nil},
		"bare": {
			rules + "    - {lane: high}",
			[]string{
				`13: policy.rules[0]: unknown key "lane"; did you mean name?`,
				"13: policy.rules[0].do: missing; add it: What follows: revoke or ignore.",
				"13: policy.rules[0].name: missing; add it: " + nameDoc,
				"13: policy.rules[0].when: missing; add it: A CEL expression over signal, source and now that is true or false; see docs/policy.md.",
			},
		},
		"mistakes": {
			rules + "    - {name: a, when: 'signal.tipe == \"x\"', do: {revoke: {}}}\n    - {name: a, when: 'source == \"okta\"', do: {}}\n    - {name: c, when: 'source == \"x\"', do: {revoke: {}, ignore: true, mode: loud}}",
			[]string{
				"13: policy.rules[0].when: there is no signal.tipe; did you mean signal.type?",
				"14: policy.rules[1].do: must hold exactly one of revoke and ignore; write revoke: {} or ignore: true",
				`14: policy.rules[1].name: rule [0] has the name "a" too; rename one of them`,
				"15: policy.rules[2].do: must hold exactly one of revoke and ignore; write revoke: {} or ignore: true",
				`15: policy.rules[2].do.mode: "loud" is not known; use one of: enforce, dry_run, approve`,
			},
		},
		"unknown source": {
			rules + `    - {name: a, when: 'source == "otka"', do: {ignore: true, lane: high}}`,
			[]string{
				"13: policy.rules[0].do.lane: means nothing beside ignore; remove it",
				`13: policy.rules[0].when: source is never "otka"; did you mean okta?`,
			},
		},
		"before the built-in rules": {
			rules + "    - {name: a, when: 'true', do: {ignore: true}}",
			[]string{"13: policy.rules[0].when: is true of every signal, so that no rule after it is ever asked, nor any built-in one; narrow it, put it last, or set policy.builtin: false if that is meant"},
		},
		"without the built-in rules": {"policy:\n  builtin: false\n  rules:\n    - {name: a, when: 'true', do: {ignore: true}}", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, problems(t, minimal+test.text))
		})
	}
}

func TestRuleWarnings(t *testing.T) {
	t.Parallel()
	config, err := parse("sever.yaml", []byte(minimal+"policy:\n  rules:\n    - {name: ours, when: 'signal.type == \"user.lifecycle.suspend\"', do: {ignore: true}}"),
		func(string) (string, bool) { return "x", true })
	require.NoError(t, err)
	require.Len(t, config.Warnings, 1)
	require.Equal(t, `13: policy.rules[0].when: rule "ours" leaves nothing to the built-in rule suspended: give it that name, if it is meant to replace it; nothing, if that is meant`,
		config.Warnings[0].String())
	made, problems := config.CompilePolicy()
	require.Len(t, problems, 1)
	require.Equal(t, "ours", made.Rules()[0].Name)
}

func TestOrgProblems(t *testing.T) {
	t.Parallel()

	const notHTTPS = "3: orgs.acme.url: is not an https URL; write https://acme.okta.com"
	const tooMuch = "3: orgs.acme.url: has more than a host; end it after the host, without a slash: https://acme.okta.com"
	for url, want := range map[string]string{
		"https://id.acme.com":             "",
		"https://acme.okta.com:8443":      "",
		"http://127.0.0.1:8090":           "",
		"http://localhost:8090":           "",
		"http://[::1]:8090":               "",
		"acme.okta.com":                   notHTTPS,
		"https://":                        notHTTPS,
		"ftp://acme.okta.com":             notHTTPS,
		"https://acme.okta.com:x":         notHTTPS,
		"http://acme.okta.com":            "3: orgs.acme.url: http would send the Okta credential unencrypted; write https; http is for loopback addresses only",
		"http://127.0.0.1.evil.com":       "3: orgs.acme.url: http would send the Okta credential unencrypted; write https; http is for loopback addresses only",
		"https://u:hunter2@acme.okta.com": "3: orgs.acme.url: holds a user or password; write https://acme.okta.com; the credential goes under auth",
		"https://acme.okta.com/":          tooMuch,
		"https://acme.okta.com/api/v1":    tooMuch,
		"https://acme.okta.com?x=1":       tooMuch,
		"https://acme.okta.com?":          tooMuch,
		"https://acme.okta.com#":          tooMuch,
		"https://acme-admin.okta.com":     "3: orgs.acme.url: is the admin console, which serves no API; remove -admin from the host",
		"https://acme-admin.acme.com":     "",
	} {
		t.Run(url, func(t *testing.T) {
			t.Parallel()
			found := problems(t, strings.Replace(minimal, "https://acme.okta.com", `"`+url+`"`, 1))
			if want == "" {
				require.Empty(t, found)

				return
			}
			require.Equal(t, []string{want}, found)
		})
	}
}

func TestAuthProblems(t *testing.T) {
	t.Parallel()

	for auth, want := range map[string][]string{
		"{}":                             {"4: orgs.acme.auth.type: missing; add it: ssws for an API token, private_key_jwt for an OAuth service app."},
		"{type: oauth}":                  {`4: orgs.acme.auth.type: "oauth" is not known; use one of: ssws, private_key_jwt`},
		"{type: ssws}":                   {"4: orgs.acme.auth.token: missing; auth type ssws needs it; add it"},
		"{type: ssws, token: env:LINES}": {"4: orgs.acme.auth.token: holds a control character, or a space at its start or end; a header cannot carry it: correct the secret where it is kept"},
		"{type: ssws, token: env:TOKEN, key_id: k}": {"4: orgs.acme.auth.key_id: does not go with auth type ssws; remove it, or change the type"},
		"{type: private_key_jwt, token: env:TOKEN}": {
			"4: orgs.acme.auth.client_id: missing; auth type private_key_jwt needs it; add it",
			"4: orgs.acme.auth.key: missing; auth type private_key_jwt needs it; add it",
			"4: orgs.acme.auth.key_id: missing; auth type private_key_jwt needs it; add it",
			"4: orgs.acme.auth.token: does not go with auth type private_key_jwt; remove it, or change the type",
		},
	} {
		t.Run(auth, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, want, problems(t, strings.Replace(minimal, "{type: ssws, token: env:TOKEN}", auth, 1)))
		})
	}

	for reserve, want := range map[string]string{
		"0.95":  `4: orgs.acme.budget.reserve: "0.95" is too large; use at most 0.9`,
		"-1":    `4: orgs.acme.budget.reserve: "-1" is too small; use at least 0`,
		".nan":  `4: orgs.acme.budget.reserve: ".nan" is not a number; write a number such as 0.1`,
		"'0.1'": "4: orgs.acme.budget.reserve: must be a number; write a number such as 0.1, without quotes",
	} {
		text := strings.Replace(minimal, "    auth:", "    budget: {reserve: "+reserve+"}\n    auth:", 1)
		require.Equal(t, []string{want}, problems(t, text))
	}
}

func TestSourceProblems(t *testing.T) {
	t.Parallel()

	const noHeader = "which a header cannot carry; correct the secret where it is kept"
	for name, test := range map[string]struct {
		source string // replaces the source, which starts on line 7
		want   []string
	}{
		"other type":       {"type: bambohr\n    org: acme\n    verify: {secrets: [env:HOOK]}", []string{`7: sources.okta.type: "bambohr" is not known; did you mean bamboohr?`}},
		"other org":        {"type: okta_event_hook\n    org: zenith\n    verify: {secrets: [env:HOOK]}", []string{`8: sources.okta.org: there is no org "zenith"; use one of: acme`}},
		"no org":           {"type: okta_event_hook\n    verify: {secrets: [env:HOOK]}", []string{"6: sources.okta.org: missing; add it: The org, from orgs, in which the people it names are revoked."}},
		"no verifier":      {"type: okta_event_hook\n    org: acme", []string{"6: sources.okta.verify.secrets: no secret given; add at least one env:NAME or file:PATH"}},
		"empty verifier":   {"type: okta_event_hook\n    org: acme\n    verify: {}", []string{"9: sources.okta.verify.secrets: no secret given; add at least one env:NAME or file:PATH"}},
		"other verifier":   {"type: okta_event_hook\n    org: acme\n    verify: {type: hmak, secrets: [env:HOOK]}", []string{`9: sources.okta.verify.type: "hmak" is not known; did you mean hmac?`}},
		"header is a line": {"type: okta_event_hook\n    org: acme\n    verify: {header: 'Authorization: hunter2', secrets: [env:HOOK]}", []string{"9: sources.okta.verify.header: is not a header's name; use letters, digits and -, such as Authorization"}},
		"header is taken":  {"type: okta_event_hook\n    org: acme\n    verify: {header: content-type, secrets: [env:HOOK]}", []string{`9: sources.okta.verify.header: "content-type" has a meaning of its own in HTTP; use Authorization, or a name such as X-Sever-Secret`}},
		"secrets": {
			"type: okta_event_hook\n    org: acme\n    verify:\n      secrets:\n        - env:HOOK\n        - env:HOOK_SAME\n        - env:SPACED\n        - env:LINES\n        - hunter2\n        - env:HOOK_OLD",
			[]string{
				"12: sources.okta.verify.secrets[1]: is the same secret as entry [0]; remove one, or give the new value",
				"13: sources.okta.verify.secrets[2]: holds a control character, or a space at its start or end, " + noHeader,
				"14: sources.okta.verify.secrets[3]: holds a control character, or a space at its start or end, " + noHeader,
				"15: sources.okta.verify.secrets[4]: a secret is never written into this file; write env:NAME or file:PATH, and replace the secret if it was real",
			},
		},
		"text for a switch": {
			"type: okta_event_hook\n    org: acme\n    verify: {secrets: [env:HOOK], challenge_without_secret: 'true'}",
			[]string{"9: sources.okta.verify.challenge_without_secret: must be true or false; write true or false, without quotes"},
		},
		"shouting at a switch": {
			"type: okta_event_hook\n    org: acme\n    verify: {secrets: [env:HOOK], challenge_without_secret: TRUE}",
			[]string{"9: sources.okta.verify.challenge_without_secret: must be true or false; write it in lower case"},
		},
		"an unknown key hides nothing": {
			"type: okta_event_hook\n    org: acme\n    verify:\n      secret: env:HOOK",
			[]string{
				"9: sources.okta.verify.secrets: no secret given; add at least one env:NAME or file:PATH",
				`10: sources.okta.verify: unknown key "secret"; did you mean secrets?`,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start, _, _ := strings.Cut(minimal, "type: okta_event_hook")
			require.Equal(t, test.want, problems(t, start+test.source))
		})
	}
}
