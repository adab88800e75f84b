package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/okta/oktasim"
)

func TestHooksFromNothing(t *testing.T) {
	t.Parallel()
	p := newPractice(t, oktasim.Options{})
	p.hook = hookAt(endpoint(t, http.StatusOK))

	got := p.run("hooks", "diff")
	require.Equal(t, exitFailed, got.code, got.err)
	require.Equal(t, "sever: 1 differ; `sever hooks ensure` makes them so\n", got.err)
	for _, line := range []string{
		"okta: event hook Sever of acme is missing; it is to be:\n", "  + name: Sever\n", "  + secret_header: x-practice-secret\n",
		"  + url: http://127.0.0.1:", "  + events: user.lifecycle.suspend\n  + events: user.risk.detect\n", "  + status: ACTIVE\n", "  + verification: VERIFIED\n",
	} {
		require.Contains(t, got.out, line)
	}

	dry := p.run("hooks", "ensure", "okta", "--dry-run")
	require.Equal(t, result{exitDone, got.out, ""}, dry, "the same difference, and no failure")
	require.Empty(t, p.written())

	ensured := p.run("hooks", "ensure")
	require.Equal(t, result{exitDone, got.out + "okta: created, verified\n", ""}, ensured)
	require.Len(t, p.written(), 2)

	same := p.run("hooks", "diff")
	require.Equal(t, exitDone, same.code, same.err)
	require.Contains(t, same.out, "okta: event hook Sever of acme is as configured\n  note: the secret cannot be compared")

	again := p.run("hooks", "ensure")
	require.Equal(t, result{exitDone, same.out + "okta: nothing to do\n", ""}, again)
	require.Len(t, p.written(), 2, "nothing was done")

	set := p.run("hooks", "ensure", "--set-secret")
	require.Equal(t, result{exitDone, same.out + "okta: replaced, verified\n", ""}, set)

	verified := p.run("hooks", "verify")
	require.Equal(t, result{exitDone, "okta: verified\n", ""}, verified)
}

func TestHooksEnsureChangesWhatDiffers(t *testing.T) {
	t.Parallel()
	p := newPractice(t, oktasim.Options{})
	p.hook = hookAt(endpoint(t, http.StatusOK))
	require.Equal(t, exitDone, p.run("hooks", "ensure").code)
	p.hook = strings.Replace(p.hook, "user.risk.detect", "user.lifecycle.deactivate", 1)

	got := p.run("hooks", "ensure")
	require.Equal(t, exitDone, got.code, got.err)
	require.Contains(t, got.out, "okta: event hook Sever of acme differs:\n  - events: user.risk.detect\n  + events: user.lifecycle.deactivate\n")
	require.Contains(t, got.out, "okta: replaced, verified\n")
	require.Equal(t, exitDone, p.run("hooks", "diff").code)
}

func TestHooksDefaultEvents(t *testing.T) {
	t.Parallel()
	p := newPractice(t, oktasim.Options{})
	p.hook = "{url: '" + endpoint(t, http.StatusOK) + "'}"
	got := p.run("hooks", "diff")
	require.Equal(t, 9, strings.Count(got.out, "  + events: "), got.out)
	require.NotContains(t, got.out, "warning")
}

func TestHooksWarnOfTypesThatNoHookGets(t *testing.T) {
	t.Parallel()
	p := newPractice(t, oktasim.Options{})
	p.hook = strings.Replace(hookAt(endpoint(t, http.StatusOK)), "user.risk.detect", "security.threat.detected", 1)
	for _, command := range []string{"diff", "ensure"} {
		got := p.run("hooks", command)
		require.Contains(t, got.out, "  warning: security.threat.detected is not eligible for event hooks in Okta's catalogue 2026.08.1", command)
		require.Equal(t, 1, strings.Count(got.out, "warning:"), command)
	}
}

func TestHooksJSON(t *testing.T) {
	t.Parallel()
	p := newPractice(t, oktasim.Options{})
	p.hook = hookAt(endpoint(t, http.StatusOK))
	report := func(args ...string) (hookReport, int) {
		got := p.run(append([]string{"hooks"}, append(args, "--json")...)...)
		var reports []hookReport
		require.NoError(t, json.Unmarshal([]byte(got.out), &reports), "%s%s", got.out, got.err)
		require.Len(t, reports, 1)
		return reports[0], got.code
	}
	missing, code := report("diff")
	require.Equal(t, exitFailed, code)
	require.Equal(t, "missing", missing.State)
	require.Len(t, missing.Changes, 6)
	require.Empty(t, missing.ID)

	ensured, code := report("ensure")
	require.Equal(t, exitDone, code)
	require.Equal(t, []string{"created", "verified"}, ensured.Done)

	same, code := report("diff")
	require.Equal(t, exitDone, code)
	require.Equal(t, "same", same.State)
	require.NotEmpty(t, same.ID)

	p.hook = strings.Replace(p.hook, "user.risk.detect", "user.lifecycle.deactivate", 1)
	p.sim.AddFaults(oktasim.Fault{Status: http.StatusForbidden, Path: "/api/v1/eventHooks/"})
	failed, code := report("ensure")
	require.Equal(t, exitFailed, code)
	require.Equal(t, "differs", failed.State)
	require.Contains(t, failed.Error, "E0000006")
}

func TestHooksThatOktaCannotVerify(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		url  string
		want []string
	}{
		"another secret":  {endpoint(t, http.StatusUnauthorized), []string{"tried from here: the endpoint answers 401; the running Sever has another secret"}},
		"another path":    {endpoint(t, http.StatusNotFound), []string{"the endpoint answers 404", "/v1/hooks/NAME"}},
		"nothing listens": {"http://" + nobody + "/v1/hooks/okta", []string{"nothing listens there; start `sever serve`"}},
	} {
		p := newPractice(t, oktasim.Options{})
		p.hook = hookAt(test.url)
		for _, command := range []string{"ensure", "verify"} {
			got := p.run("hooks", command)
			require.Equal(t, exitFailed, got.code, "%s: %s", name, command)
			require.True(t, strings.HasPrefix(got.err, "sever: sources.okta.hook: event hook who"), got.err)
			require.Contains(t, got.err, "is not verified and gets no events")
			for _, want := range test.want {
				require.Contains(t, got.err, want, "%s: %s", name, command)
			}
			if command == "ensure" {
				require.Contains(t, got.out, "okta: created\n", "the step that was done is told")
			}
		}
	}
}

// The endpoint is right and Okta still cannot: then it is the way in between, or what Okta sends.
func TestHooksThatOnlyOktaCannotVerify(t *testing.T) {
	t.Parallel()
	p := newPractice(t, oktasim.Options{})
	p.hook = hookAt(endpoint(t, http.StatusOK))
	require.Equal(t, exitDone, p.run("hooks", "ensure").code)
	p.sim.AddFaults(oktasim.Fault{Status: http.StatusBadRequest, Path: "/api/v1/eventHooks/"})
	got := p.run("hooks", "verify")
	require.Equal(t, exitFailed, got.code)
	for _, want := range []string{"the endpoint answers as it should", "--set-secret okta", "sources.okta.verify.challenge_without_secret"} {
		require.Contains(t, got.err, want)
	}
}

func TestHooksVerifyWhatIsNotThere(t *testing.T) {
	t.Parallel()
	p := newPractice(t, oktasim.Options{})
	p.hook = hookAt(endpoint(t, http.StatusOK))
	got := p.run("hooks", "verify")
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.err, `okta has no event hook with the name "Sever": run `+"`sever hooks ensure okta`")

	require.Equal(t, exitDone, p.run("hooks", "ensure").code)
	p.hook = hookAt(endpoint(t, http.StatusOK))
	got = p.run("hooks", "verify")
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.err, "okta has another URL than the configuration")
}

func TestHooksWithoutTheRight(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*practiceOrg)
		want   string
	}{
		"scope not granted": {
			func(p *practiceOrg) {
				p.register(func(c *oktasim.Client) { c.Scopes = []string{"okta.users.manage", "okta.users.read"} })
			},
			"grant okta.eventHooks.read to the app",
		},
		"role": {
			func(p *practiceOrg) {
				p.register(func(c *oktasim.Client) { c.Roles = []string{"okta.users.lifecycle.clearSessions"} })
			},
			"give the role of the service app the permission okta.eventhooks.read",
		},
		"key": {func(p *practiceOrg) { p.newKey() }, "make orgs.acme.auth.client_id, key and key_id those of the app"},
		"token": {
			func(p *practiceOrg) {
				p.auth = "{type: ssws, token: env:OKTA_API_TOKEN}"
				p.sim.AddFaults(oktasim.Fault{Status: http.StatusUnauthorized})
			},
			"put a valid API token into orgs.acme.auth.token",
		},
		"wrong address": {func(p *practiceOrg) { p.url = "http://" + nobody }, "correct orgs.acme.url, or open the way to it"},
	} {
		p := newPractice(t, oktasim.Options{})
		p.hook = hookAt(endpoint(t, http.StatusOK))
		test.change(p)
		got := p.run("hooks", "diff")
		require.Equal(t, exitFailed, got.code, name)
		require.Empty(t, got.out, name)
		require.Contains(t, got.err, test.want, name)
	}
}

func TestHooksUsage(t *testing.T) {
	t.Parallel()
	p := newPractice(t, oktasim.Options{})
	for _, command := range []string{"diff", "ensure", "verify"} {
		got := p.run("hooks", command)
		require.Equal(t, exitUsage, got.code, command)
		require.Contains(t, got.err, "sources.okta.hook: missing; add hook: {url: https://YOUR-HOST/v1/hooks/okta}", command)

		got = p.run("hooks", command, "hr")
		require.Equal(t, exitUsage, got.code, command)
		require.Contains(t, got.err, `has no source "hr"`, command)

		got = shell{}.run(t, "hooks", command)
		require.Equal(t, exitUsage, got.code, command)
		require.Contains(t, got.err, "no configuration: give --config FILE", command)

		got = secrets().run(t, "hooks", command, "--config", writeFile(t, broken))
		require.Equal(t, exitUsage, got.code, command)
		require.Equal(t, 4, strings.Count(got.err, "\n"), command)

		got = shell{}.run(t, "hooks", command, "--help")
		require.Equal(t, exitDone, got.code, command)
		require.Contains(t, got.out, "okta.eventHooks.", command)
	}
	require.Equal(t, exitUsage, shell{}.run(t, "hooks").code)
}
