package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// commands are all there are, with their flags.
func commands() map[string][]string {
	admin := []string{"--config", "--admin"}
	return map[string][]string{
		"serve":             {"--config", "--roles"},
		"demo":              {"--once"},
		"simulate okta":     {"--listen", "--latency", "--rate", "--faults", "--seed", "--strict-users", "--token"},
		"send":              {"--config", "--file", "--url", "--person", "--type", "--sample", "--key"},
		"sources list":      {"--json"},
		"sources show":      {"--url", "--name"},
		"hooks diff":        {"--config", "--json"},
		"hooks ensure":      {"--config", "--json", "--dry-run", "--set-secret"},
		"hooks verify":      {"--config", "--json"},
		"doctor":            {"--config", "--json", "--roles", "--no-probe"},
		"ssf stream create": {"--config", "--poll", "--json"},
		"ssf stream status": {"--config", "--stream", "--json"},
		"ssf stream verify": {"--config", "--stream", "--admin", "--wait", "--json"},
		"ssf stream delete": {"--config", "--stream", "--json"},
		"revoke":            append(admin, "--org", "--reason", "--lane", "--wait", "--json"),
		"jobs list":         append(admin, "--org", "--state", "--limit", "--json"),
		"jobs show":         append(admin, "--json"),
		"jobs cancel":       append(admin, "--reason"),
		"dead list":         append(admin, "--limit", "--json"),
		"dead show":         append(admin, "--raw", "--json"),
		"dead redrive":      admin,
		"dead drop":         append(admin, "--reason"),
		"holds list":        append(admin, "--limit", "--json", "--why"),
		"holds approve":     append(admin, "--reason", "--by", "--all", "--why", "--yes"),
		"holds reject":      append(admin, "--reason", "--by", "--all", "--why", "--yes"),
		"config check":      {"--config"},
		"config schema":     nil,
		"version":           nil,
		"holds show":        append(admin, "--json"),
		"notices test":      {"--config"},
		"policy show":       {"--config", "--json"},
		"policy check":      {"--config"},
		"policy test":       {"--config"},
		"policy explain":    {"--config", "--source", "--file", "--content-type", "--header", "--received", "--json"},
	}
}

func TestHelpOfEveryCommand(t *testing.T) {
	t.Parallel()
	overview := shell{}.run(t, "--help")
	require.Equal(t, exitDone, overview.code)
	require.Equal(t, overview, shell{}.run(t), "sever alone explains itself")
	for command, flags := range commands() {
		words := strings.Fields(command)
		require.Regexp(t, `(?m)^  `+words[0]+` +[A-Z]`, overview.out, "sever --help lists it")
		for i := 1; i < len(words); i++ {
			group := shell{}.run(t, append(slices.Clone(words[:i]), "--help")...)
			require.Equal(t, exitDone, group.code)
			require.Regexp(t, `(?m)^  `+words[i]+` +[A-Z]`, group.out, "sever %s --help lists it", words[:i])
		}
		got := shell{}.run(t, append(words, "--help")...)
		require.Equal(t, exitDone, got.code, command)
		require.Empty(t, got.err, command)
		require.Contains(t, got.out, "sever "+command, "the usage line")
		for _, flag := range flags {
			require.Regexp(t, `(?m)^ +(-., )?`+flag+`( \w+)? {2,}\S`, got.out, "help of %s explains %s", command, flag)
		}
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	got := shell{}.run(t, "version")
	require.Equal(t, exitDone, got.code)
	require.Regexp(t, `^sever dev \(go1\.\S+, nats-server (v2\.\S+|unknown)\)\n$`, got.out)
	require.Empty(t, got.err)
}

func TestModuleVersion(t *testing.T) {
	t.Parallel()
	require.Equal(t, "unknown", moduleVersion("example.com/not/in/here"))
}

func TestWrongUsage(t *testing.T) {
	t.Parallel()
	const config = "--config=sever.yaml"
	for line, want := range map[string]string{
		"bogus":                           `unknown command "bogus"`,
		"--bogus":                         "unknown flag: --bogus",
		"serve --bogus":                   "unknown flag: --bogus",
		"serve now":                       `"now"`,
		"serve " + config + " x":          `"x"`,
		"demo now":                        `"now"`,
		"demo --once=maybe":               "--once",
		"simulate":                        "`sever simulate` needs a subcommand; see `sever simulate --help`",
		"simulate jira":                   `"jira"`,
		"simulate okta now":               `"now"`,
		"simulate okta --seed=-1":         "--seed",
		"send":                            "see `sever send --help`",
		"send okta hr":                    "see `sever send --help`",
		"sources":                         "`sever sources` needs a subcommand; see `sever sources --help`",
		"sources bogus":                   `"bogus"`,
		"sources list hibob":              `"hibob"`,
		"sources show":                    "see `sever sources show --help`",
		"sources show jira":               `no type is called "jira"; there are adp, `,
		"hooks":                           "`sever hooks` needs a subcommand",
		"hooks diff a b":                  "see `sever hooks diff --help`",
		"doctor okta":                     `"okta"`,
		"ssf":                             "`sever ssf` needs a subcommand",
		"ssf stream":                      "`sever ssf stream` needs a subcommand; see `sever ssf stream --help`",
		"ssf stream create":               "see `sever ssf stream create --help`",
		"ssf stream status a b":           "see `sever ssf stream status --help`",
		"ssf stream delete":               "see `sever ssf stream delete --help`",
		"ssf stream verify a --wait=ages": "--wait",
		"revoke":                          "see `sever revoke --help`",
		"revoke a b":                      "see `sever revoke --help`",
		"revoke a":                        "--reason is missing",
		"revoke a --wait=ages":            "--wait",
		"jobs":                            "needs a subcommand",
		"jobs bogus":                      `"bogus"`,
		"jobs list x":                     `"x"`,
		"jobs list --limit=many":          "--limit",
		"jobs show":                       "see `sever jobs show --help`",
		"jobs show a b":                   "see `sever jobs show --help`",
		"jobs cancel":                     "see `sever jobs cancel --help`",
		"dead":                            "needs a subcommand",
		"dead bogus":                      `"bogus"`,
		"dead list x":                     `"x"`,
		"dead show":                       "see `sever dead show --help`",
		"dead redrive":                    "see `sever dead redrive --help`",
		"dead drop --reason=tidy":         "see `sever dead drop --help`",
		"holds":                           "see `sever holds --help`",
		"holds approve --reason=r":        "name holds (`sever holds list`), or give --all --why",
		"holds reject h --admin=http://127.0.0.1:1": "--reason is missing",
		"notices":                  "needs a subcommand",
		"notices test a b":         "see `sever notices test --help`",
		"config":                   "needs a subcommand",
		"config bogus":             `"bogus"`,
		"config check sever.yaml":  `"sever.yaml"`,
		"config schema sever.yaml": `"sever.yaml"`,
		"version 2":                `"2"`,
	} {
		got := shell{}.run(t, strings.Fields(line)...)
		require.Equal(t, exitUsage, got.code, line)
		require.Empty(t, got.out, "%s: complaints go to stderr", line)
		require.True(t, strings.HasPrefix(got.err, "sever: "), "%s: %s", line, got.err)
		require.Contains(t, got.err, want, line)
	}
}

// configured are commands that read a configuration, in a form that is right but
// for that.
func configured() []string {
	return []string{
		"serve", "send okta", "revoke 00u1practice2person3 --reason r", "jobs list", "jobs show j", "jobs cancel j",
		"dead list", "dead show d", "dead redrive d", "dead drop d", "holds list", "holds approve h --reason r", "config check",
		"hooks diff", "hooks ensure", "hooks verify", "ssf stream create s", "ssf stream status s", "ssf stream verify s", "ssf stream delete s",
	}
}

func TestWithoutConfiguration(t *testing.T) {
	t.Parallel()
	for _, line := range configured() {
		got := shell{}.run(t, strings.Fields(line)...)
		require.Equal(t, exitUsage, got.code, line)
		require.Equal(t, "sever: no configuration: give --config FILE or set SEVER_CONFIG; sever.example.yaml has every key explained\n", got.err, line)

		missing := t.TempDir() + "/not-there.yaml"
		got = shell{env: map[string]string{"SEVER_CONFIG": missing}}.run(t, strings.Fields(line)...)
		require.Equal(t, exitUsage, got.code, line)
		require.Contains(t, got.err, missing, line)
		require.Contains(t, got.err, "name the file with --config or SEVER_CONFIG", line)
	}
}
