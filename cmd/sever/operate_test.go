package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/okta/oktasim"
	"sever/revocation"
)

// site is a running sever with a simulated Okta, both processes of their own, and a
// terminal next to them.
type site struct {
	tb    testing.TB
	serve started
	okta  string // address of the simulated Okta
	file  string // the configuration, as people at the terminal have it
	shown string // all that commands have printed
}

func newSite(tb testing.TB, more string) *site {
	tb.Helper()
	_, okta := simulating(tb)
	where := installation{okta: okta, more: more, store: filepath.Join(tb.TempDir(), "store")}
	served := secrets().startProcess(tb, "serve", "--config", where.file(tb))
	where.listen, where.admin = serving(tb, served)
	return &site{tb: tb, serve: served, okta: okta, file: where.file(tb)}
}

// run types a command line and wants an exit code.
func (s *site) run(code int, args ...string) result {
	s.tb.Helper()
	got := secrets().run(s.tb, append(args, "--config", s.file)...)
	require.Equal(s.tb, code, got.code, "sever %q: %s%s", args, got.out, got.err)
	s.shown += got.out + got.err
	return got
}

// parsed runs a command that prints JSON.
func parsed[T any](s *site, args ...string) T {
	s.tb.Helper()
	var value T
	got := s.run(exitDone, args...)
	require.NoError(s.tb, json.Unmarshal([]byte(got.out), &value), got.out)
	require.Empty(s.tb, got.err)
	return value
}

// job waits until there is a job for a person in a state, and gives it.
func (s *site) job(person, state string) revocation.JobState {
	s.tb.Helper()
	var found revocation.JobState
	require.Eventually(s.tb, func() bool {
		for _, job := range parsed[[]revocation.JobState](s, "jobs", "list", "--json") {
			if job.Job.Person.Value == person && job.State == state {
				found = job
				return true
			}
		}
		return false
	}, soon, tick, "a %s job for %s", state, person)
	return found
}

// dead waits until there are so many dead letters, and gives them.
func (s *site) dead(count int) []revocation.DeadLetter {
	s.tb.Helper()
	var letters []revocation.DeadLetter
	require.Eventually(s.tb, func() bool {
		letters = parsed[[]revocation.DeadLetter](s, "dead", "list", "--json")
		return len(letters) == count
	}, soon, tick, "%d dead letters", count)
	return letters
}

func (s *site) calls() []oktasim.Call {
	s.tb.Helper()
	_, answer := ask(s.tb, http.MethodGet, "http://"+s.okta+"/_sim/calls", "")
	var calls []oktasim.Call
	require.NoError(s.tb, json.Unmarshal([]byte(answer), &calls))
	return calls
}

// faults makes Okta's next calls fail.
func (s *site) faults(fault string) {
	s.tb.Helper()
	status, answer := ask(s.tb, http.MethodPost, "http://"+s.okta+"/_sim/faults", fault)
	require.Equal(s.tb, http.StatusNoContent, status, answer)
}

// end stops sever and looks at what it leaves: exit code 0, nothing on standard
// output, a log of JSON lines, and no secret anywhere.
func (s *site) end() {
	s.tb.Helper()
	require.Equal(s.tb, exitDone, s.serve.stop(s.tb), s.serve.err)
	require.Empty(s.tb, s.serve.out.String())
	logLines(s.tb, s.serve.err.String())
	for _, secret := range []string{hookSecret, oktaToken, adminToken} {
		require.NotContains(s.tb, s.serve.err.String(), secret)
		require.NotContains(s.tb, s.shown, secret)
	}
}

const ada, bob = "00uada00000000000001", "00ubob00000000000002"

func TestOperateJobs(t *testing.T) {
	t.Parallel()
	s := newSite(t, "log: {level: debug}")
	require.Empty(t, parsed[[]revocation.JobState](s, "jobs", "list", "--json"))
	require.Regexp(t, `^JOB +STATE.*\n$`, s.run(exitDone, "jobs", "list").out)

	sent := s.run(exitDone, "send", "okta", "--person", ada)
	require.Regexp(t, `^204 No Content in .*, request id \S+\n$`, sent.out)
	listed := s.job(ada, revocation.StateFinished)
	require.Equal(t, revocation.OutcomeRevoked, listed.Record.Outcome)
	require.Equal(t, http.StatusNoContent, listed.Record.Call.Status)
	require.Equal(t, "user.lifecycle.suspend", listed.Job.Type)
	require.Equal(t, listed, parsed[revocation.JobState](s, "jobs", "show", listed.Job.ID))
	require.Regexp(t, `(?m)^`+listed.Job.ID+` +finished +revoked +acme +critical +`+ada+` +suspended +20`, s.run(exitDone, "jobs", "list").out)

	byHand := s.run(exitDone, "revoke", bob, "--reason", "lost laptop")
	require.Regexp(t, `^revoked: Okta ended the sessions \(`+bob+`\)\nOkta answered 204, request id \S+\n$`, byHand.out)
	require.Regexp(t, `^job job_\S+ is on lane critical of acme\n$`, byHand.err)
	require.Equal(t, "lost laptop", s.job(bob, revocation.StateFinished).Job.Reason)

	again := s.run(exitDone, "revoke", ada, "--reason", "once more", "--lane", "bulk", "--org", "acme", "--json")
	var state revocation.JobState
	require.NoError(t, json.Unmarshal([]byte(again.out), &state), "only JSON on standard output")
	require.Equal(t, revocation.OutcomeRevoked, state.Record.Outcome)
	require.Equal(t, revocation.LaneBulk, state.Job.Lane)

	for _, call := range s.calls() {
		require.Equal(t, "DELETE /api/v1/users/"+call.User+"/sessions?forgetDevices=true&oauthTokens=true", call.Method+" "+call.Path+"?"+call.Query)
	}
	require.Len(t, s.calls(), 3)
	s.end()
}

func TestOperateByLogin(t *testing.T) {
	t.Parallel()
	s := newSite(t, "policy: {protected: {ids: ["+bob+"]}}")
	status, answer := ask(t, http.MethodPut, "http://"+s.okta+"/_sim/users/"+ada, `{"login":"ada@acme.example"}`)
	require.Equal(t, http.StatusOK, status, answer)
	require.Contains(t, s.run(exitDone, "revoke", "ada@acme.example", "--reason", "r").out, "("+ada+")")

	nobodys := s.run(exitFailed, "revoke", "eve@acme.example", "--reason", "r")
	require.Regexp(t, `(?m)^dead: `, nobodys.out)
	require.Regexp(t, `(?m)^sever: the sessions were not ended: .*login`, nobodys.err)
	letter := s.dead(1)[0]
	require.Equal(t, "eve@acme.example", letter.Job.Person.Value)
	require.Equal(t, revocation.StateDead, s.job("eve@acme.example", revocation.StateDead).State)

	protected := s.run(exitFailed, "revoke", bob, "--reason", "r")
	require.Regexp(t, `(?m)^refused: `, protected.out)
	require.Contains(t, protected.err, "the sessions were not ended")
	s.end()
}

func TestOperateRefusals(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	unknown := "job_" + strings.Repeat("a", 26)
	for line, want := range map[string]string{
		"revoke " + ada + " --reason r --org globex": "globex",
		"revoke " + ada + " --reason r --lane now":   `"now" is none of`,
		"jobs list --state lost":                     "state must be",
		"jobs list --limit 0":                        "limit must be a whole number from 1 to 1000",
		"jobs list --org a/b":                        "org is not the name of an org",
		"jobs show " + unknown:                       "nothing with this id",
		"jobs show ../dead":                          "nothing with this id",
		"jobs cancel " + unknown:                     "nothing with this id",
		"dead list --limit 5000":                     "limit must be",
		"dead show " + unknown:                       "nothing with this id",
		"dead redrive " + unknown:                    unknown + ": ",
		"dead drop " + unknown + " --reason r":       unknown + ": ",
	} {
		got := s.run(exitFailed, strings.Fields(line)...)
		require.Contains(t, strings.ToLower(got.err), strings.ToLower(want), line)
		require.Empty(t, got.out, line)
	}
	stranger := secrets()
	stranger.env["SEVER_ADMIN_TOKEN"] = "guessed"
	for _, line := range asking() {
		got := stranger.run(t, append(strings.Fields(line), "--config", s.file)...)
		require.Equal(t, exitFailed, got.code, line)
		require.Contains(t, got.err, "send Authorization: Bearer with the admin token", line)
	}
	s.end()
}

func TestOperateCancel(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	s.faults(`{"count":1000,"status":503}`)
	pending := s.run(exitFailed, "revoke", ada, "--reason", "r", "--wait", "1ms")
	require.Contains(t, pending.err, "is still pending after 1ms; it goes on")
	job := s.job(ada, revocation.StatePending).Job
	require.Equal(t, job.ID+": cancelled\n", s.run(exitDone, "jobs", "cancel", job.ID, "--reason", "wrong Ada").out)
	cancelled := s.job(ada, revocation.StateFinished)
	require.Equal(t, revocation.OutcomeRefused, cancelled.Record.Outcome)
	require.Contains(t, cancelled.Record.Reason, "wrong Ada")
	require.Empty(t, parsed[[]revocation.JobState](s, "jobs", "list", "--json", "--state", "pending"))
	require.Len(t, parsed[[]revocation.JobState](s, "jobs", "list", "--json", "--state", "finished"), 1)
	require.Contains(t, s.run(exitFailed, "jobs", "cancel", job.ID).err, "not pending")
	s.end()
}

func TestOperateDeadLetters(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	body := "not { JSON \x00\xff\x1b[2J\r\n"
	broken := filepath.Join(t.TempDir(), "body")
	require.NoError(t, os.WriteFile(broken, []byte(body), 0o600))
	sent := s.run(exitFailed, "send", "okta", "--file", broken)
	require.Regexp(t, `^400 Bad Request in `, sent.out)
	require.Contains(t, sent.err, "not accepted: ")

	letter := s.dead(1)[0]
	require.Equal(t, "okta", letter.Source)
	require.Empty(t, letter.Delivery.Body, "a listing leaves bodies out")
	require.Regexp(t, `(?m)^`+letter.ID+` +20\S+ +okta +delivery dlv_\S+ +\S`, s.run(exitDone, "dead", "list").out)
	require.Equal(t, body, string(parsed[revocation.DeadLetter](s, "dead", "show", letter.ID).Delivery.Body))
	require.Equal(t, body, s.run(exitDone, "dead", "show", letter.ID, "--raw").out, "byte by byte")

	require.Equal(t, letter.ID+": on its way again\n", s.run(exitDone, "dead", "redrive", letter.ID).out)
	var second revocation.DeadLetter
	require.Eventually(t, func() bool {
		letters := parsed[[]revocation.DeadLetter](s, "dead", "list", "--json")
		if len(letters) != 1 || letters[0].ID == letter.ID {
			return false
		}
		second = letters[0]
		return true
	}, soon, tick, "it is as broken as before: a letter of its own")
	require.Equal(t, 1, second.Delivery.Redrives)
	require.Equal(t, body, s.run(exitDone, "dead", "show", second.ID, "--raw").out)

	require.Equal(t, second.ID+": dropped\n", s.run(exitDone, "dead", "drop", second.ID, "--reason", "junk").out)
	require.Empty(t, s.dead(0))
	require.Empty(t, s.calls(), "none of this was about a person")
	s.end()
}

// A job that Okta refused is mended by hand: once the cause is gone, a redrive ends
// the sessions after all.
func TestOperateRedriveOfAJob(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	s.faults(`{"status":403,"code":"E0000006"}`)
	s.run(exitDone, "send", "okta", "--person", ada)
	letter := s.dead(1)[0]
	require.Equal(t, ada, letter.Job.Person.Value)
	require.Equal(t, http.StatusForbidden, letter.Last.Call.Status)
	require.Empty(t, s.run(exitDone, "dead", "show", letter.ID, "--raw").out, "a job has no bytes to show")
	s.run(exitDone, "dead", "redrive", letter.ID)
	require.Equal(t, revocation.OutcomeRevoked, s.job(ada, revocation.StateFinished).Record.Outcome)
	require.Empty(t, s.dead(0))
	s.end()
}

// What send made up from standard input, and sent twice, acts once.
func TestOperateDuplicate(t *testing.T) {
	t.Parallel()
	s := newSite(t, "log: {level: debug}")
	address, asked := fake(t, http.StatusNoContent, "")
	s.run(exitDone, "send", "okta", "--person", ada, "--url", "http://"+address)
	sender := secrets()
	sender.in = (<-asked).body
	for range 2 {
		got := sender.run(t, "send", "okta", "--config", s.file, "--file", "-")
		require.Equal(t, exitDone, got.code, got.err)
	}
	s.job(ada, revocation.StateFinished)
	s.serve.err.await(t, `"msg":"signal ignored".*"reason":"duplicate"`)
	require.Len(t, s.calls(), 1)
	require.Len(t, parsed[[]revocation.JobState](s, "jobs", "list", "--json"), 1)
	s.end()
}
