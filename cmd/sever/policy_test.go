package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/source"
)

// ours is a policy of two rules before the built-in ones.
const ours = `policy:
  mode: approve
  rules:
    - {name: lab, when: 'signal.type == "user.session.start"', do: {ignore: true}}
    - name: suspended
      when: signal.type == "user.lifecycle.suspend" && now.getHours() < 18
      do: {revoke: {forget_devices: false}, lane: bulk, again: 5m, everywhere: true, delay: 1m}
`

// noShell is where a user's CI runs: it knows no secret at all.
var noShell = shell{}

func TestPolicyShow(t *testing.T) {
	t.Parallel()
	file := installation{more: ours}.file(t)
	got := noShell.run(t, "policy", "show", "--config", file)
	require.Equal(t, exitDone, got.code, got.err)
	require.Regexp(t, `^version pol_[a-z2-7]{12}, mode approve\n`, got.out)
	require.Regexp(t, `(?m)^lab +you +ignore +signal.type == "user.session.start"$`, got.out)
	require.Regexp(t, `(?m)^suspended +you +revoke, not forget_devices, bulk, everywhere, after 1m0s, again after 5m0s +signal.type`, got.out)
	require.Regexp(t, `(?m)^deactivated +built in +revoke, high +`, got.out)
	require.Equal(t, 1, strings.Count(got.out, "\nsuspended "), "it takes the place of the built-in one")

	var shown struct {
		Version string `json:"version"`
		Mode    string `json:"mode"`
		Rules   []struct {
			Name    string `json:"name"`
			BuiltIn bool   `json:"builtin"`
		} `json:"rules"`
	}
	require.NoError(t, json.Unmarshal([]byte(noShell.run(t, "policy", "show", "--json", "--config", file).out), &shown))
	require.Contains(t, got.out, shown.Version)
	require.Equal(t, "approve", shown.Mode)
	require.Equal(t, "lab", shown.Rules[0].Name)
	require.True(t, shown.Rules[2].BuiltIn)
}

func TestPolicyCheck(t *testing.T) {
	t.Parallel()
	got := noShell.run(t, "policy", "check", "--config", installation{more: ours}.file(t))
	require.Equal(t, exitDone, got.code, got.err)
	require.Contains(t, got.out, "no problems; rules: 2 of yours, 13 in all; version pol_")

	got = noShell.run(t, "policy", "check", "--config", installation{more: strings.Replace(ours, "name: suspended", "name: other", 1) + "    - {name: x, when: 'signal.type == \"user.lifecycle.deactivate\"', do: {ignore: true}}"}.file(t))
	require.Equal(t, exitDone, got.code, got.err)
	require.Contains(t, got.err, "leaves nothing to the built-in rule deactivated")

	got = noShell.run(t, "policy", "check", "--config", installation{more: strings.Replace(ours, "signal.type", "signal.tpye", 1)}.file(t))
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.err, "policy.rules[0].when: there is no signal.tpye; did you mean signal.type?")
}

const fixtures = `name: a suspension at noon
source: okta
delivery: {file: suspend.json}
expect: {decision: revoke, rule: suspended, lane: bulk, mode: approve, person: 00uada00000000000001}
---
name: a suspension at night
source: okta_event_hook
delivery: {file: suspend.json, received: 2026-11-23T22:00:00Z}
expect: {decision: ignore, rule: no_rule}
---
name: our own echo
source: okta
delivery: {body: '{"data":{"events":[{"uuid":"1","eventType":"user.session.end"}]}}'}
expect: {decision: ignore, rule: echo}
---
name: what cannot be read
source: okta
delivery: {body: 'x', content_type: application/json}
expect: {decision: dead_letter}
---
name: two events
source: okta
delivery: {body: '{"data":{"events":[{"uuid":"1","eventType":"user.session.start","outcome":{"result":"SUCCESS"}},{"uuid":"2","eventType":"user.lifecycle.suspend","outcome":{"result":"SUCCESS"}}]}}'}
expect_each: [{decision: ignore, rule: lab}, {decision: dead_letter, rule: suspended}]
`

func fixtureFolder(t *testing.T, text string) (config, dir string) {
	t.Helper()
	config = installation{more: ours}.file(t)
	dir = filepath.Join(filepath.Dir(config), "policy-tests")
	require.NoError(t, os.Mkdir(dir, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "all.yaml"), []byte(text), 0o600))
	body := source.OktaSample{Type: "user.lifecycle.suspend", User: "00uada00000000000001", UUID: "1"}.Body()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "suspend.json"), body, 0o600))
	return config, dir
}

func TestPolicyTest(t *testing.T) {
	t.Parallel()
	config, dir := fixtureFolder(t, fixtures)
	for _, args := range [][]string{{"policy", "test", "--config", config}, {"policy", "test", dir, "--config", config}} {
		got := noShell.run(t, args...)
		require.Equal(t, exitDone, got.code, got.out+got.err)
		require.Equal(t, 5, strings.Count(got.out, "PASS "), got.out)
		require.Contains(t, got.out, "5 passed, 0 failed; policy pol_")
	}
}

func TestPolicyTestFails(t *testing.T) {
	t.Parallel()
	for was, is := range map[string]string{
		"decision: revoke":             "decision: ignore",
		"rule: suspended, lane":        "rule: other, lane",
		"lane: bulk":                   "lane: high",
		"mode: approve":                "mode: enforce",
		"person: 00uada00000000000001": "person: someone",
		"rule: echo":                   "rule: no_rule",
		"{decision: ignore, rule: lab}, {decision: dead_letter, rule: suspended}": "{decision: ignore}",
	} {
		config, _ := fixtureFolder(t, strings.Replace(fixtures, was, is, 1))
		got := noShell.run(t, "policy", "test", "--config", config)
		require.Equal(t, exitFailed, got.code, is)
		require.Equal(t, 1, strings.Count(got.out, "FAIL "), got.out)
		require.Contains(t, got.err, "1 of 5 fixtures failed")
	}
}

func TestPolicyTestRefusesBadFixtures(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"source: okta\ndelivery: {body: x}\nexpekt: {decision: ignore}":                "expekt",
		"delivery: {body: x}\nexpect: {decision: ignore}":                              "source: missing",
		"source: okta\ndelivery: {}\nexpect: {decision: ignore}":                       "exactly one of body and file",
		"source: okta\ndelivery: {body: x}":                                            "exactly one of expect and expect_each",
		"source: okta\ndelivery: {body: x}\nexpect: {decision: maybe}":                 `"maybe" is not known`,
		"source: okta\ndelivery: {file: gone.json}\nexpect: {decision: ignore}":        "gone.json",
		"source: okta\ndelivery: {body: x}\nexpect: {decision: ignore}\n---\nname: ''": "source: missing",
	} {
		config, _ := fixtureFolder(t, text)
		got := noShell.run(t, "policy", "test", "--config", config)
		require.Equal(t, exitUsage, got.code, text)
		require.Contains(t, got.err, want)
	}
	config, dir := fixtureFolder(t, fixtures)
	require.NoError(t, os.Remove(filepath.Join(dir, "all.yaml")))
	got := noShell.run(t, "policy", "test", "--config", config)
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.err, "there are no fixtures")
	require.Equal(t, exitUsage, noShell.run(t, "policy", "test", filepath.Join(dir, "none"), "--config", config).code)
}

func TestPolicyExplain(t *testing.T) {
	t.Parallel()
	config, dir := fixtureFolder(t, fixtures)
	explain := func(args ...string) result {
		return noShell.run(t, append([]string{"policy", "explain", "--config", config, "--source", "okta", "--file", filepath.Join(dir, "suspend.json")}, args...)...)
	}
	got := explain("--received", "2026-11-23T09:00:00Z")
	require.Equal(t, exitDone, got.code, got.err)
	require.Contains(t, got.out, "signal 1 of 1: type user.lifecycle.suspend, okta_id 00uada00000000000001\n")
	require.Regexp(t, `(?m)^  lab +no +signal.type == "user.session.start" is not true: signal.type is "user.lifecycle.suspend"$`, got.out)
	require.Regexp(t, `(?m)^  suspended +MATCHES, decides`, got.out)
	require.Contains(t, got.out, "=> revoke (rule suspended), lane bulk, mode approve, policy pol_")

	got = explain("--received", "2026-11-23T19:00:00Z")
	require.Regexp(t, `(?m)^  suspended +no +now.getHours\(\) < 18 is not true: now is 2026-11-23T19:00:00Z$`, got.out)
	require.Contains(t, got.out, "=> ignore (no_rule)")

	var answer struct {
		Signals []explanation `json:"signals"`
	}
	require.NoError(t, json.Unmarshal([]byte(explain("--json", "--received", "2026-11-23T09:00:00Z").out), &answer))
	require.Equal(t, "revoke", answer.Signals[0].Decision)
	require.Equal(t, "approve", answer.Signals[0].Mode)
	require.Len(t, answer.Signals[0].Steps, 13)

	require.Equal(t, exitUsage, explain("--received", "noon").code)
	require.Equal(t, exitUsage, explain("--header", "x").code)
	require.Equal(t, exitUsage, explain("--source", "nope").code)
	require.Equal(t, exitUsage, explain("--file", "/nowhere").code)
	require.Equal(t, exitUsage, noShell.run(t, "policy", "explain", "--config", config).code)

	fromIn := shell{in: "no json"}.run(t, "policy", "explain", "--config", config, "--source", "okta", "--file", "-")
	require.Equal(t, exitDone, fromIn.code)
	require.Contains(t, fromIn.out, "dead letter: ")
}
