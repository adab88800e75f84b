package app_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/internal/app"
	"sever/internal/config"
	"sever/revocation"
)

// ruleFor is a policy whose rule of this name asks for every suspension.
func ruleFor(name string) string {
	return `{builtin: false, rules: [{name: ` + name + `, when: 'signal.type == "user.lifecycle.suspend"', do: {revoke: {}, lane: critical}}]}`
}

// newReloading starts an installation that takes a changed policy, and gives what stands for SIGHUP.
func newReloading(t *testing.T, s settings) (r *rig, hangups chan<- os.Signal) {
	t.Helper()
	r = prepareRig(t, newOkta(t), s)
	signals := make(chan os.Signal)
	r.reload = app.Reload{File: r.file, Now: signals, Load: func() (*config.Config, error) {
		return config.Load(r.file, func(string) (string, bool) { return "", false }, config.Needs(0))
	}}
	r.start()
	return r, signals
}

// change puts another policy into the file at once, as editors and Kubernetes do.
func (r *rig) change(policy string) {
	r.t.Helper()
	next := filepath.Join(r.t.TempDir(), "next.yaml")
	require.NoError(r.t, os.WriteFile(next, []byte(settings{policy: policy}.yaml(r.dir, r.okta.url)), 0o600))
	require.NoError(r.t, os.Rename(next, r.file))
}

func (r *rig) reloads(result string) string {
	r.t.Helper()
	return regexp.MustCompile(`sever_policy_reloads_total\{result="` + result + `"\} (\d+)`).FindStringSubmatch(r.admin("GET", "/metrics", "").body)[1]
}

// While the policy changes all the time, every alert is decided by one policy or the other,
// whole, and acted on once.
func TestReloadUnderLoad(t *testing.T) {
	t.Parallel()
	const people = 150
	r, hangups := newReloading(t, settings{policy: ruleFor("even")})
	for n := range people {
		if n%10 == 5 {
			r.change(ruleFor([]string{"even", "odd"}[n/10%2]))
			hangups <- os.Interrupt // any signal
		}
		r.deliver(suspension(person(n), strconv.Itoa(n)))
		if n%3 == 0 {
			r.deliver(suspension(person(n), strconv.Itoa(n))) // a resend
		}
	}
	records := r.seen.await(t, audited(revocation.OutcomeRevoked), people)
	require.Len(t, records, people)
	versions := make(map[string]string)
	for _, event := range records {
		job := event.Record.Job
		require.Equal(t, job.Rule, versionRule(versions, job), "one version, one policy")
	}
	require.Len(t, versions, 2, "both policies decided, and the audit says which")
	for user, times := range callsFor(r.calls()) {
		require.Equal(t, 1, times, user)
	}
	require.Len(t, r.calls(), people)
	require.Empty(t, r.seen.find(step(revocation.StepDeadLetter)))
}

// versionRule notes which rule a version of the policy decided by, and gives it.
func versionRule(versions map[string]string, job revocation.Job) string {
	if _, known := versions[job.Policy]; !known {
		versions[job.Policy] = job.Rule
	}
	return versions[job.Policy]
}

// A mistake anywhere in the file leaves the old policy in force, and is said loudly.
func TestReloadRefusesABrokenPolicy(t *testing.T) {
	t.Parallel()
	r, hangups := newReloading(t, settings{policy: ruleFor("good")})
	inTrouble := func(event revocation.Event) bool {
		return event.Step == revocation.StepTrouble && event.Stage == "policy"
	}
	for i, broken := range []string{
		strings.Replace(ruleFor("bad"), "signal.type", "signal.tipe", 1),
		`{rules: [{name: bad, when: 'true', do: {ignore: true}}]}`,
		`{rules: [`,
		`{unknown: 1}`,
	} {
		r.change(broken)
		hangups <- os.Interrupt
		r.seen.await(t, inTrouble, i+1)
		name := fmt.Sprint("broken", i)
		r.deliver(suspension(person(i), name))
		require.Equal(t, "good", r.seen.await(t, audited(revocation.OutcomeRevoked), i+1)[i].Record.Job.Rule)
	}
	require.Equal(t, "0", r.reloads("taken"))
	require.Contains(t, r.logs.String(), "the changed policy is refused, the old one stays in force")
	require.Contains(t, r.logs.String(), "there is no signal.tipe")
	require.NotContains(t, r.seen.find(inTrouble)[0].Err.Error(), "tipe", "a notice has no use for the details")

	r.change(ruleFor("mended"))
	hangups <- os.Interrupt
	hangups <- os.Interrupt // taken after the first is done with
	r.deliver(suspension(person(99), "mended"))
	require.Equal(t, "mended", r.seen.await(t, audited(revocation.OutcomeRevoked), 5)[4].Record.Job.Rule)
	require.Equal(t, "1", r.reloads("taken"))
	require.NotEqual(t, "0", r.reloads("refused"))
}

// The file is watched: no signal is needed. The mode is taken too, also by the work stage.
func TestReloadByFileChange(t *testing.T) {
	t.Parallel()
	r, _ := newReloading(t, settings{policy: "{mode: dry_run}"})
	r.deliver(suspension(person(1), "dry"))
	refused := r.seen.await(t, audited(revocation.OutcomeRefused), 1)
	require.Contains(t, refused[0].Record.Reason, "dry run")
	require.Empty(t, r.calls())

	r.change("{mode: enforce, protected: {ids: [" + person(3) + "]}}")
	require.Eventually(t, func() bool { return r.reloads("taken") == "1" }, soon, tick)
	r.deliver(suspension(person(2), "real"))
	r.seen.await(t, audited(revocation.OutcomeRevoked), 1)
	require.Len(t, r.calls(), 1)
	require.Contains(t, r.logs.String(), "policy.protected, policy.brake or policy.approvals changed: that takes effect at the next start only")
	require.Contains(t, r.logs.String(), `"old_version":"`+refused[0].Record.Job.Policy+`"`)

	r.change("{mode: dry_run}")
	require.Eventually(t, func() bool { return r.reloads("taken") == "2" }, soon, tick)
	r.deliver(suspension(person(4), "dry again"))
	r.seen.await(t, audited(revocation.OutcomeRefused), 2)
	require.Len(t, r.calls(), 1)
}
