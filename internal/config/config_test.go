package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// minimal is the shortest file that loads. Cases append to it from line 11 on.
const minimal = `orgs:
  acme:
    url: https://acme.okta.com
    auth: {type: ssws, token: env:TOKEN}
sources:
  okta:
    type: okta_event_hook
    org: acme
    verify:
      secrets: [env:HOOK]
`

func testEnv(name string) (string, bool) {
	value, set := map[string]string{
		"TOKEN": "token-value", "HOOK": "hook-value", "HOOK_OLD": "old-value", "HOOK_SAME": "hook-value",
		"EMPTY": "", "SPACED": " hook-value", "LINES": "hook\nvalue",
	}[name]

	return value, set
}

// load writes text as sever.yaml into a folder of its own.
func load(t *testing.T, text string) (*Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sever.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))

	return Load(path, testEnv)
}

// problems loads text and prints what is wrong with it, without the file's name.
func problems(t *testing.T, text string) []string {
	t.Helper()
	config, err := load(t, text)
	if err == nil {
		return nil
	}
	require.Nil(t, config)
	var found *ProblemsError
	require.ErrorAs(t, err, &found)

	lines := make([]string, 0, len(found.Problems))
	for _, p := range found.Problems {
		lines = append(lines, p.String())
	}

	return lines
}

func TestLoadFillsInDefaults(t *testing.T) {
	t.Parallel()

	config, err := load(t, minimal)
	require.NoError(t, err)

	require.Equal(t, "127.0.0.1:8080", config.Listen)
	require.Nil(t, config.TLS)
	require.Equal(t, Admin{Listen: "127.0.0.1:8081"}, config.Admin)
	require.Equal(t, Store{Dir: "./data", MaxSize: 12 << 30}, config.Store)
	require.Nil(t, config.NATS)
	require.Equal(t, Receive{
		MaxBody: 4 << 20, Timeout: 2 * time.Second, AppendTimeout: 1500 * time.Millisecond, MaxWaiting: 64 << 20,
	}, config.Receive)
	require.Equal(t, Work{
		Concurrency: 8, AckWait: 5 * time.Second, AttemptTimeout: 4 * time.Second,
		GiveUpAfter: 24 * time.Hour, Spacing: 2 * time.Second, ClockMargin: 0,
	}, config.Work)
	require.Equal(t, Retention{Deliveries: 7 * day, Jobs: 7 * day, Ledger: 90 * day, Dead: 90 * day}, config.Retention)
	require.Equal(t, Policy{
		Mode: "enforce", Protected: Protected{Outcome: "refused"}, Approvals: Approvals{Expire: day, OnExpiry: "reject", People: 1}, BuiltIn: true,
	}, config.Policy)
	require.Equal(t, Log{Level: "info", Format: "auto"}, config.Log)
	require.Empty(t, config.Warnings)

	org := config.Orgs["acme"]
	require.Equal(t, "https://acme.okta.com", org.URL)
	require.Equal(t, "token-value", org.Auth.Token.Reveal())
	require.InDelta(t, 0.1, org.Budget.Reserve, 0)

	source := config.Sources["okta"]
	require.Equal(t, "acme", source.Org)
	require.Equal(t, "header", source.Verify.Type)
	require.Equal(t, "Authorization", source.Verify.Header)
	require.False(t, source.Verify.ChallengeWithoutSecret)
	require.Len(t, source.Verify.Secrets, 1)
	require.Equal(t, "hook-value", source.Verify.Secrets[0].Reveal())
}

func TestLoadTakesWhatTheFileSays(t *testing.T) {
	t.Parallel()

	config, err := load(t, minimal+`
listen: "[::1]:9000"
admin: {listen: 0.0.0.0:9001, token: env:TOKEN}
nats: {url: "nats://a:4222, tls://b:4222", replicas: 5}
receive: {max_body: 1024, timeout: 2900ms, append_timeout: 1.5s, max_waiting: 1KiB}
work: {concurrency: 64, ack_wait: 10s, attempt_timeout: 9s, give_up_after: 1d12h, spacing: 0s, clock_margin: 1m30s}
retention: {deliveries: 1h, jobs: 36h30m, ledger: 2d, dead: 1h}
policy:
  mode: dry_run
  protected: {ids: [00u1abcd2EFGH3ijk4x7], logins: [breakglass@acme.com], groups: []}
  rules: []
log: {level: debug, format: json}
`)
	require.NoError(t, err)

	require.Equal(t, "[::1]:9000", config.Listen)
	require.Equal(t, "token-value", config.Admin.Token.Reveal())
	require.Equal(t, &NATS{URL: "nats://a:4222, tls://b:4222", Replicas: 5}, config.NATS)
	require.Equal(t, Receive{
		MaxBody: 1024, Timeout: 2900 * time.Millisecond, AppendTimeout: 1500 * time.Millisecond, MaxWaiting: 1024,
	}, config.Receive)
	require.Equal(t, Work{
		Concurrency: 64, AckWait: 10 * time.Second, AttemptTimeout: 9 * time.Second,
		GiveUpAfter: 36 * time.Hour, Spacing: 0, ClockMargin: 90 * time.Second,
	}, config.Work)
	require.Equal(t, Retention{Deliveries: time.Hour, Jobs: 36*time.Hour + 30*time.Minute, Ledger: 2 * day, Dead: time.Hour}, config.Retention)
	require.Equal(t, "dry_run", config.Policy.Mode)
	require.Equal(t, []string{"00u1abcd2EFGH3ijk4x7"}, config.Policy.Protected.IDs)
	require.Equal(t, []string{"breakglass@acme.com"}, config.Policy.Protected.Logins)
	require.Equal(t, Log{Level: "debug", Format: "json"}, config.Log)
}

func TestLoadReportsEverythingAtOnceSortedByLine(t *testing.T) {
	t.Parallel()

	_, err := load(t, `listen: nonsense
sources:
  okta:
    type: okta_event_hok
    org: acne
    verify:
      secrets: []
      challeng_without_secret: true
orgs:
  acme:
    url: https://acme.okta.com/
    auth: {type: ssws}
`)
	var found *ProblemsError
	require.ErrorAs(t, err, &found)
	require.Equal(t, "sever.yaml", filepath.Base(found.File))

	text := strings.ReplaceAll(err.Error(), found.File, "sever.yaml")
	require.Equal(t, strings.Join([]string{
		`sever.yaml:1: listen: "nonsense" is not an address; write host:port, such as 127.0.0.1:8080 or 0.0.0.0:8080`,
		`sever.yaml:4: sources.okta.type: "okta_event_hok" is not known; did you mean okta_event_hook?`,
		`sever.yaml:5: sources.okta.org: there is no org "acne"; did you mean acme?`,
		`sever.yaml:8: sources.okta.verify: unknown key "challeng_without_secret"; did you mean challenge_without_secret?`,
		`sever.yaml:11: orgs.acme.url: has more than a host; end it after the host, without a slash: https://acme.okta.com`,
		`sever.yaml:12: orgs.acme.auth.token: missing; auth type ssws needs it; add it`,
	}, "\n"), text)
}

func TestLoadNamesAFileItCannotRead(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()

	missing := filepath.Join(folder, "absent.yaml")
	_, err := Load(missing, testEnv)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, missing)
	require.ErrorContains(t, err, "--config")

	_, err = Load(folder, testEnv)
	require.ErrorContains(t, err, folder)

	big := filepath.Join(folder, "big.yaml")
	require.NoError(t, os.WriteFile(big, []byte(strings.Repeat("#", maxFileBytes+1)), 0o600))
	_, err = Load(big, testEnv)
	require.ErrorContains(t, err, big)
	require.ErrorContains(t, err, "1 MiB")

	require.NoError(t, os.WriteFile(big, []byte(minimal+strings.Repeat("#", maxFileBytes-len(minimal))), 0o600))
	_, err = Load(big, testEnv)
	require.NoError(t, err, "exactly 1 MiB is accepted")
}

func TestProblemsAreBounded(t *testing.T) {
	t.Parallel()

	found := problems(t, minimal+"log:\n"+strings.Repeat("  - x\n", 10)+"policy: {protected: {logins: ["+strings.Repeat("1,", 3*maxProblems)+"]}}")
	require.Len(t, found, maxProblems+1)
}
