package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/okta/oktasim"
)

// check runs doctor and gives its findings and the exit code.
func (p *practiceOrg) check(args ...string) (findings []finding, code int) {
	p.t.Helper()
	got := p.run(append([]string{"doctor", "--json"}, args...)...)
	require.NoError(p.t, json.Unmarshal([]byte(got.out), &findings), "%s%s", got.out, got.err)
	failed := 0
	for _, f := range findings {
		require.Contains(p.t, []string{checkOK, checkWarn, checkFail}, f.Status)
		require.NotEmpty(p.t, f.Message)
		require.Equal(p.t, f.Status == checkOK, f.Fix == "", "what is not ok has a fix, and nothing else: %+v", f)
		require.NotContains(p.t, f.Message+f.Fix, "\n")
		if f.Status == checkFail {
			failed++
		}
	}
	require.Equal(p.t, failed > 0, got.code == exitFailed, "%d: %s", got.code, got.err)
	return findings, got.code
}

// found is the first finding of a check.
func found(t *testing.T, findings []finding, check string) finding {
	t.Helper()
	for _, f := range findings {
		if f.Check == check {
			return f
		}
	}
	require.FailNow(t, "no such check: "+check, "%+v", findings)
	return finding{}
}

// Beside a running sever, with the least rights docs/okta.md asks for, everything is ok.
func TestDoctorBesideARunningSever(t *testing.T) {
	t.Parallel()
	p := newPractice(t, oktasim.Options{})
	p.listen, p.admin = "127.0.0.1:0", "127.0.0.1:0"
	served := p.shell.start(t, "serve", "--config", p.file())
	p.listen, p.admin = serving(t, served)
	p.hook = hookAt("http://" + p.listen + "/v1/hooks/okta")
	require.Equal(t, exitDone, p.run("hooks", "ensure").code)
	written := p.written()

	got := p.run("doctor")
	require.Equal(t, exitDone, got.code, got.out)
	require.Empty(t, got.err)
	require.NotRegexp(t, `(?m)^(warn|FAIL)`, got.out)
	for _, line := range []string{
		`ok    configuration           .+: no problems; orgs: 1, sources: 1`,
		`ok    running sever           the one at .+ is ready`,
		`ok    store                   .+ is in use by a running sever; see its readiness above`,
		`ok    store space             .+ has \d+ MiB free; the store may grow by \d+ MiB`,
		`ok    acme: address           http://.+ is Okta and answers in \d+ms`,
		`ok    acme: clock             this machine is \ds (ahead of|behind) Okta`,
		`ok    acme: credential        accepted: private_key_jwt`,
		`ok    acme: read users        allowed`,
		`ok    acme: end sessions      allowed: Okta looked for a user that nobody is`,
		`ok    acme: rate limits       sessions: \d+ of 600 left, users: \d+ of 600 left`,
		`ok    okta: event hook        "Sever" is active, verified and as configured`,
		`ok    okta: secrets           1, none shorter than 16 bytes`,
		`ok    okta: listener          .+ takes the source's deliveries`,
	} {
		require.Regexp(t, `(?m)^`+line+`$`, got.out)
	}
	require.Equal(t, 13, strings.Count(got.out, "\n"))

	probes := p.written()[len(written):]
	require.Len(t, probes, 1, "the one call that would change something")
	require.Regexp(t, `^DELETE /api/v1/users/00u[0-9A-Za-z]{17}/sessions$`, probes[0])
	findings, _ := p.check()
	require.Equal(t, checkOK, found(t, findings, "acme: end sessions").Status)
	require.NotEqual(t, probes[0], p.written()[len(written)+1], "another id each time")
	require.Equal(t, exitDone, served.stop(t), "it goes on undisturbed")
}

func TestDoctorBeforeTheFirstStart(t *testing.T) {
	t.Parallel()
	p := newPractice(t, oktasim.Options{})
	findings, code := p.check()
	require.Equal(t, exitDone, code)
	require.Equal(t, finding{
		"running sever", checkWarn, "none answers at 127.0.0.1:2 (admin.listen): nothing listens there", "start `sever serve`, if it is to run here",
	}, found(t, findings, "running sever"))
	require.Equal(t, checkWarn, found(t, findings, "okta: listener").Status)
	require.Equal(t, p.store+" does not exist yet; the first start makes it", found(t, findings, "store").Message)
	require.NoDirExists(t, p.store, "doctor does not make it")
	for _, f := range findings {
		require.NotEqual(t, "okta: event hook", f.Check, "there is none in the configuration")
	}
}

func TestDoctorOnBrokenConfiguration(t *testing.T) {
	t.Parallel()
	file := writeFile(t, broken)
	got := secrets().run(t, "doctor", "--config", file)
	require.Equal(t, exitFailed, got.code)
	require.Equal(t, "sever: 4 of 4 checks failed\n", got.err)
	require.NotContains(t, got.out, "a-literal-secret")
	for _, line := range []string{
		`FAIL  configuration           \Q` + file + `\E:1: listen: .+\. Fix: .+`,
		`FAIL  configuration           \Q` + file + `\E:5: orgs\.acme\.url: .+\. Fix: .+`,
		`FAIL  configuration           \Q` + file + `\E:6: orgs\.acme\.auth\.token: .+\. Fix: .+`,
		`FAIL  configuration           \Q` + file + `\E:11: sources\.okta: unknown key "verifi"\. Fix: .+`,
	} {
		require.Regexp(t, `(?m)^`+line+`$`, got.out)
	}

	got = secrets().run(t, "doctor", "--config", file+".not-there")
	require.Equal(t, exitUsage, got.code)
	require.Empty(t, got.out)
	require.Equal(t, exitUsage, shell{}.run(t, "doctor").code)
	require.Equal(t, exitUsage, secrets().run(t, "doctor", "--config", file, "--roles", "fly").code)
	require.Equal(t, exitUsage, secrets().run(t, "doctor", "now").code)
}

// One thing is wrong, and doctor says which, and what to do.
func TestDoctorOnOkta(t *testing.T) {
	t.Parallel()
	scopes := func(scopes ...string) func(*practiceOrg) {
		return func(p *practiceOrg) { p.register(func(c *oktasim.Client) { c.Scopes = scopes }) }
	}
	roles := func(roles ...string) func(*practiceOrg) {
		return func(p *practiceOrg) { p.register(func(c *oktasim.Client) { c.Roles = append([]string{}, roles...) }) }
	}
	asks := func(scopes string) func(*practiceOrg) {
		return func(p *practiceOrg) {
			p.auth = "{type: private_key_jwt, client_id: " + serviceApp + ", key: 'file:" + p.key + "', key_id: k1, scopes: [" + scopes + "]}"
		}
	}
	fault := func(fault oktasim.Fault) func(*practiceOrg) { return func(p *practiceOrg) { p.sim.AddFaults(fault) } }
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	for name, test := range map[string]struct {
		change       func(*practiceOrg)
		check        string
		status       string
		message, fix string
	}{
		"scopes not granted": {
			scopes("okta.users.read"), "acme: credential", checkFail, "invalid_scope",
			"grant okta.users.manage and okta.users.read to the app: Admin Console, Applications, the app, Okta API Scopes",
		},
		"scope to revoke not asked for": {
			asks("okta.users.read"), "acme: end sessions", checkFail, "insufficient_scope", "grant okta.users.manage to the app",
		},
		"scope to read not asked for": {
			asks("okta.users.manage"), "acme: read users", checkWarn, "not allowed; `sever revoke` by login", "grant okta.users.read to the app",
		},
		"no role at all": {
			roles(), "acme: end sessions", checkFail, "E0000006",
			"give the role of the service app the permission okta.users.lifecycle.clearSessions",
		},
		"role to read only": {
			roles("READ_ONLY_ADMIN"), "acme: end sessions", checkFail, "E0000006", "okta.users.lifecycle.clearSessions",
		},
		"role to revoke only": {
			roles("okta.users.lifecycle.clearSessions"), "acme: read users", checkWarn, "not allowed",
			"give the role of the service app the permission okta.users.read",
		},
		"another key": {
			func(p *practiceOrg) { p.newKey() }, "acme: credential", checkFail, "invalid_client",
			"make orgs.acme.auth.client_id, key and key_id those of the app, and its public key the one in the Admin Console",
		},
		"another app": {
			func(p *practiceOrg) {
				p.auth = "{type: private_key_jwt, client_id: 0oa0000000000000none, key: 'file:" + p.key + "', key_id: k1}"
			}, "acme: credential", checkFail, "invalid_client", "orgs.acme.auth.client_id",
		},
		"a revoked API token": {
			func(p *practiceOrg) {
				p.auth = "{type: ssws, token: env:OKTA_API_TOKEN}"
				p.sim.AddFaults(oktasim.Fault{Count: 2, Status: http.StatusUnauthorized, Path: "/api/v1/users/"})
			}, "acme: credential", checkFail, "E0000011", "put a valid API token into orgs.acme.auth.token",
		},
		"nothing there": {
			func(p *practiceOrg) { p.url = "http://" + nobody }, "acme: address", checkFail, "http://" + nobody + ": nothing listens there", "correct orgs.acme.url",
		},
		"not Okta": {
			func(p *practiceOrg) { p.url = plain.URL }, "acme: address", checkFail, "answers 404, and it is not Okta", "correct orgs.acme.url",
		},
		"Okta is down": {
			fault(oktasim.Fault{Count: 9, Status: http.StatusServiceUnavailable, Path: "/api/v1/users/"}), "acme: credential", checkFail, "E0000010", "status.okta.com",
		},
		"the limit is used up": {
			fault(oktasim.Fault{Count: 2, RateLimited: true, Path: "/api/v1/users/"}), "acme: credential", checkFail, "E0000047", "Rate Limits",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPractice(t, oktasim.Options{})
			test.change(p)
			findings, _ := p.check()
			got := found(t, findings, test.check)
			require.Equal(t, test.status, got.Status, "%+v", got)
			require.Contains(t, got.Message, test.message)
			require.Contains(t, got.Fix, test.fix)
		})
	}
}

func TestDoctorNeedsToReadUsersForProtectedLogins(t *testing.T) {
	t.Parallel()
	p := newPractice(t, oktasim.Options{})
	p.register(func(c *oktasim.Client) { c.Roles = []string{"okta.users.lifecycle.clearSessions"} })
	p.more = "store: {dir: '" + p.store + "'}\npolicy: {protected: {logins: [breakglass@acme.com]}}"
	findings, _ := p.check()
	got := found(t, findings, "acme: read users")
	require.Equal(t, checkFail, got.Status)
	require.Contains(t, got.Message, "policy.protected.logins needs it")
}

func TestDoctorOnTheClock(t *testing.T) {
	t.Parallel()
	for off, want := range map[time.Duration]string{
		0: checkOK, 20 * time.Second: checkOK, -20 * time.Second: checkOK,
		time.Minute: checkWarn, -time.Minute: checkWarn, 10 * time.Minute: checkFail, -10 * time.Minute: checkFail,
	} {
		p := newPractice(t, oktasim.Options{Now: func() time.Time { return time.Now().Add(off) }})
		findings, _ := p.check()
		got := found(t, findings, "acme: clock")
		require.Equal(t, want, got.Status, "%s: %s", off, got.Message)
		if off.Abs() < time.Minute {
			continue
		}
		require.Contains(t, got.Message, map[bool]string{true: "behind Okta", false: "ahead of Okta"}[off > 0])
		require.Equal(t, "set this machine's clock by NTP", got.Fix)
		if want == checkFail {
			require.Equal(t, checkFail, found(t, findings, "acme: credential").Status, "Okta refuses to sign in")
		}
	}
}

func TestDoctorOnRateLimits(t *testing.T) {
	t.Parallel()
	p := newPractice(t, oktasim.Options{Rate: oktasim.RateLimit{Limit: 20, Window: time.Minute}})
	findings, _ := p.check()
	require.Equal(t, checkOK, found(t, findings, "acme: rate limits").Status)
	for range 8 {
		findings, _ = p.check()
	}
	got := found(t, findings, "acme: rate limits")
	require.Equal(t, checkWarn, got.Status, "%+v", got)
	require.Contains(t, got.Message, "at or below the share for others (0.1)")
}

func TestDoctorWithoutProbe(t *testing.T) {
	t.Parallel()
	p := newPractice(t, oktasim.Options{})
	findings, code := p.check("--no-probe")
	require.Equal(t, exitDone, code)
	require.Equal(t, finding{"acme: end sessions", checkWarn, "not tried (--no-probe)", "run doctor without --no-probe"}, found(t, findings, "acme: end sessions"))
	require.Empty(t, p.written())
}

func TestDoctorOnTheEventHook(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change       func(*practiceOrg)
		status       string
		message, fix string
	}{
		"missing": {func(*practiceOrg) {}, checkFail, `"Sever" is missing at Okta`, "run `sever hooks ensure okta`"},
		"not verified": {
			func(p *practiceOrg) {
				p.hook = hookAt(endpoint(p.t, http.StatusUnauthorized))
				p.run("hooks", "ensure")
			},
			checkFail, `it is "UNVERIFIED", so Okta sends it nothing`, "`sever hooks ensure okta`",
		},
		"another address": {
			func(p *practiceOrg) {
				require.Equal(p.t, exitDone, p.run("hooks", "ensure").code)
				p.hook = hookAt(endpoint(p.t, http.StatusOK))
			},
			checkFail, `"Sever": url differs`, "`sever hooks ensure okta`",
		},
		"other events": {
			func(p *practiceOrg) {
				require.Equal(p.t, exitDone, p.run("hooks", "ensure").code)
				p.hook = strings.Replace(p.hook, "user.risk.detect", "user.lifecycle.deactivate", 1)
			},
			checkWarn, `"Sever": 1 event types are missing and 1 are not in the configuration`, "`sever hooks diff okta`",
		},
		"an event that no hook gets": {
			func(p *practiceOrg) {
				p.hook = strings.Replace(p.hook, "user.risk.detect", "security.threat.detected", 1)
			},
			checkWarn, "security.threat.detected is not eligible for event hooks", "correct sources.okta.hook.events",
		},
		"out of sight": {
			func(p *practiceOrg) {
				p.register(func(c *oktasim.Client) { c.Scopes = []string{"okta.users.manage", "okta.users.read"} })
			},
			checkWarn, "cannot be looked at: ", "grant okta.eventHooks.read to the app",
		},
		"out of the role's reach": {
			func(p *practiceOrg) { p.register(func(c *oktasim.Client) { c.Roles = leastRoles()[:2] }) },
			checkWarn, "cannot be looked at: ", "the permission okta.eventhooks.read",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPractice(t, oktasim.Options{})
			p.hook = hookAt(endpoint(t, http.StatusOK))
			test.change(p)
			findings, _ := p.check()
			got := found(t, findings, "okta: event hook")
			require.Equal(t, test.status, got.Status, "%+v", got)
			require.Contains(t, got.Message, test.message)
			require.Contains(t, got.Fix, test.fix)
		})
	}
}

// A process checks only what its own roles need, and needs no other secret for it.
func TestDoctorOfSomeRoles(t *testing.T) {
	t.Parallel()
	for roles, section := range map[string]string{"receive": "okta: ", "work": "acme: "} {
		p := newPractice(t, oktasim.Options{})
		if roles == "work" {
			delete(p.shell.env, "OKTA_HOOK_SECRET")
		}
		findings, code := p.check("--roles", roles)
		require.Equal(t, exitFailed, code, "they cannot share the embedded store")
		require.Contains(t, found(t, findings, "store").Fix, "nats.url")
		for _, f := range findings {
			if strings.Contains(f.Check, ": ") {
				require.True(t, strings.HasPrefix(f.Check, section), "%s: %s", roles, f.Check)
			}
		}
	}
}

func TestDoctorHelp(t *testing.T) {
	t.Parallel()
	got := shell{}.run(t, "doctor", "--help")
	require.Equal(t, exitDone, got.code)
	for _, flag := range []string{"--config", "--roles", "--no-probe", "--json"} {
		require.Regexp(t, `(?m)^ +`+flag+`( \w+)? {2,}\S`, got.out)
	}
}
