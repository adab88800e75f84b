package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/revocation"
)

// asking are the commands that ask a running sever.
func asking() []string {
	return []string{
		"revoke 00u1practice2person3 --reason r", "jobs list", "jobs show j", "jobs cancel j",
		"dead list", "dead show d", "dead redrive d", "dead drop d",
		"holds list", "holds show h", "holds approve h --reason r", "holds reject h --reason r",
	}
}

func TestNoSeverIsRunning(t *testing.T) {
	t.Parallel()
	const want = "no sever answers at http://" + nobody + ": start `sever serve`, or name its admin address by --admin"
	file := installation{admin: nobody}.file(t)
	for _, line := range asking() {
		for _, how := range [][]string{{"--config", file}, {"--admin", "http://" + nobody}, {"--admin", "http://" + nobody + "/"}} {
			got := secrets().run(t, append(strings.Fields(line), how...)...)
			require.Equal(t, exitFailed, got.code, "%s %s", line, how)
			require.Contains(t, got.err, want)
			require.Empty(t, got.out)
		}
	}
}

func TestAdminAddressIsWrong(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"127.0.0.1:8081", "localhost:8081", "ftp://localhost", "http://", "http://a b", "://"} {
		for _, line := range asking() {
			got := shell{}.run(t, append(strings.Fields(line), "--admin", address)...)
			require.Equal(t, exitUsage, got.code, "%s: %s", address, got.err)
			require.Contains(t, got.err, "--admin", address)
		}
	}
}

func TestAdminToken(t *testing.T) {
	t.Parallel()
	address, asked := fake(t, http.StatusOK, `{}`)
	file := installation{admin: address}.file(t)
	for name, tt := range map[string]struct {
		shell shell
		args  []string
		want  string
	}{
		"--admin, from the environment":     {secrets(), []string{"--admin", "http://" + address}, "Bearer " + adminToken},
		"--admin, none":                     {shell{}, []string{"--admin", "http://" + address}, ""},
		"--admin, empty":                    {shell{env: map[string]string{"SEVER_ADMIN_TOKEN": ""}}, []string{"--admin", "http://" + address}, ""},
		"--config, as it says":              {secrets(), []string{"--config", file}, "Bearer " + adminToken},
		"--config needs no Okta token":      {shell{env: map[string]string{"SEVER_ADMIN_TOKEN": "t"}}, []string{"--config", file}, "Bearer t"},
		"--admin wins over --config's host": {secrets(), []string{"--config", "/not/read", "--admin", "http://" + address}, "Bearer " + adminToken},
	} {
		got := tt.shell.run(t, append([]string{"jobs", "list"}, tt.args...)...)
		require.Equal(t, exitDone, got.code, "%s: %s", name, got.err)
		sent := <-asked
		require.Equal(t, tt.want, sent.header.Get("Authorization"), name)
	}
}

func TestAdminRequests(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]struct{ request, body string }{
		"jobs list":                                {"GET /api/v1/jobs?limit=100&org=&state=", ""},
		"jobs list --org acme --state pending":     {"GET /api/v1/jobs?limit=100&org=acme&state=pending", ""},
		"jobs list --limit 7 --org a&b":            {"GET /api/v1/jobs?limit=7&org=a%26b&state=", ""},
		"jobs show job_1":                          {"GET /api/v1/jobs/job_1", ""},
		"jobs show ../dead?x#y":                    {"GET /api/v1/jobs/..%2Fdead%3Fx%23y", ""},
		"dead list --limit 7":                      {"GET /api/v1/dead?limit=7", ""},
		"dead show dead_1":                         {"GET /api/v1/dead/dead_1", ""},
		"dead show a/../../jobs":                   {"GET /api/v1/dead/a%2F..%2F..%2Fjobs", ""},
		"dead redrive dead_1":                      {"POST /api/v1/dead/dead_1/redrive", "{}"},
		"dead redrive a/b":                         {"POST /api/v1/dead/a%2Fb/redrive", "{}"},
		"dead drop dead_1 --reason a&b=c":          {"DELETE /api/v1/dead/dead_1?reason=a%26b%3Dc", ""},
		"jobs cancel job_1 --reason done":          {"DELETE /api/v1/jobs/job_1?reason=done", ""},
		"holds list --limit 7":                     {"GET /api/v1/holds?limit=7", ""},
		"holds list --why brake":                   {"GET /api/v1/holds?limit=100&why=brake", ""},
		"holds show hold_1":                        {"GET /api/v1/holds/hold_1", ""},
		"holds approve hold_1 --reason r --by ada": {"POST /api/v1/holds/hold_1/approve", `{"by":"ada","reason":"r"}`},
		"holds approve hold_1 --reason r":          {"POST /api/v1/holds/hold_1/approve", `{"reason":"r"}`},
		"holds reject a/b --reason done":           {"POST /api/v1/holds/a%2Fb/reject", `{"reason":"done"}`},
		"dead drop dead_1":                         {"DELETE /api/v1/dead/dead_1?reason=", ""},
		"revoke 00u1practice2person3 --reason r --wait 0": {
			"POST /api/v1/revocations",
			`{"org":"","person":{"kind":"okta_id","value":"00u1practice2person3"},"reason":"r","lane":"critical"}`,
		},
		"revoke ada@example.com --reason r --wait 0 --org acme --lane bulk": {
			"POST /api/v1/revocations",
			`{"org":"acme","person":{"kind":"login","value":"ada@example.com"},"reason":"r","lane":"bulk"}`,
		},
	} {
		address, asked := fake(t, http.StatusOK, `{}`)
		got := shell{}.run(t, append(strings.Fields(line), "--admin", "http://"+address)...)
		require.Equal(t, exitDone, got.code, "%s: %s", line, got.err)
		sent := <-asked
		require.Equal(t, want.request, sent.method+" "+sent.uri, line)
		require.Equal(t, want.body, sent.body, line)
		if want.body != "" {
			require.Equal(t, "application/json", sent.header.Get("Content-Type"), line)
		}
	}
}

func TestAdminRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		status       int
		answer, want string
	}{
		"with a detail":         {http.StatusUnauthorized, `{"status":401,"title":"Unauthorized","detail":"send the admin token"}`, "send the admin token"},
		"without a detail":      {http.StatusNotFound, `{"status":404,"title":"Not Found"}`, "sever answered 404 Not Found"},
		"not by sever":          {http.StatusBadGateway, `<h1>proxy</h1>`, "sever answered 502 Bad Gateway"},
		"with nothing":          {http.StatusInternalServerError, ``, "sever answered 500 Internal Server Error"},
		"a redirect":            {http.StatusFound, ``, "sever answered 302 Found"},
		"playing with the tty":  {http.StatusNotFound, `{"detail":"a\u001b]0;title\u0007"}`, `"a\x1b]0;title\a"`},
		"with another's status": {http.StatusNotFound, `{"status":200,"title":"OK\u001b[2J"}`, `sever answered 200 "OK\x1b[2J"`},
	} {
		address, _ := fake(t, tt.status, tt.answer)
		for _, line := range asking() {
			got := shell{}.run(t, append(strings.Fields(line), "--admin", "http://"+address)...)
			require.Equal(t, exitFailed, got.code, "%s: %s", name, line)
			require.True(t, strings.HasSuffix(got.err, tt.want+"\n"), "%s: %s: %q", name, line, got.err)
			require.Empty(t, got.out, name)
		}
	}
}

func TestAdminAnswersNonsense(t *testing.T) {
	t.Parallel()
	address, _ := fake(t, http.StatusOK, `<h1>a login page</h1>`)
	for _, line := range []string{"jobs list", "jobs show j", "dead list", "dead show d", "revoke a --reason r"} {
		got := shell{}.run(t, append(strings.Fields(line), "--admin", "http://"+address)...)
		require.Equal(t, exitFailed, got.code, line)
		require.Contains(t, got.err, "decode sever's answer", line)
	}
}

// The token must not go to wherever a redirect points.
func TestAdminFollowsNoRedirect(t *testing.T) {
	t.Parallel()
	var reached atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	defer elsewhere.Close()
	redirecting := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	defer redirecting.Close()
	for _, line := range asking() {
		got := secrets().run(t, append(strings.Fields(line), "--admin", redirecting.URL)...)
		require.Equal(t, exitFailed, got.code, line)
		require.Contains(t, got.err, "307", line)
	}
	require.Zero(t, reached.Load())
}

// Several ids are done one after the other; the first that fails is named.
func TestDeadLettersOneByOne(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "dead_2") {
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"detail":"not found"}`) // who hung up needs no answer
		}
	}))
	defer server.Close()
	for verb, done := range map[string]string{"redrive": "on its way again", "drop": "dropped"} {
		got := shell{}.run(t, "dead", verb, "dead_1", "dead_2", "dead_3", "--admin", server.URL)
		require.Equal(t, exitFailed, got.code)
		require.Equal(t, "dead_1: "+done+"\n", got.out)
		require.Equal(t, "sever: dead_2: not found\n", got.err)
	}
}

// serveJSON answers by path; the last answer of a path is repeated.
func serveJSON(tb testing.TB, answers map[string][]any) (url string) {
	tb.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		left := answers[r.URL.Path] // requests come one after the other
		if len(left) == 0 {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		if len(left) > 1 {
			answers[r.URL.Path] = left[1:]
		}
		_ = json.NewEncoder(w).Encode(left[0])
	}))
	tb.Cleanup(server.Close)
	return server.URL
}

func TestRevokeFollowsTheJob(t *testing.T) {
	t.Parallel()
	job := revocation.Job{ID: "job_1", Org: "acme", Lane: revocation.LaneCritical}
	record := func(outcome revocation.Outcome) *revocation.Record {
		return &revocation.Record{Job: job, Outcome: outcome, Reason: "for a \x1b[31mreason", User: "00uada00000000000001"}
	}
	called := record(revocation.OutcomeRevoked)
	called.Call = &revocation.Call{Status: 204, RequestID: "req\x1b[2J"}
	pending := revocation.JobState{Job: job, State: revocation.StatePending}
	const reason = `"for a \x1b[31mreason"`
	for name, tt := range map[string]struct {
		last     revocation.JobState
		code     int
		out, err string
	}{
		"revoked": {
			revocation.JobState{Job: job, State: revocation.StateFinished, Record: called},
			exitDone,
			"revoked: " + reason + " (00uada00000000000001)\nOkta answered 204, request id \"req\\x1b[2J\"\n", "",
		},
		"covered": {
			revocation.JobState{Job: job, State: revocation.StateFinished, Record: record(revocation.OutcomeCovered)},
			exitDone,
			"covered: " + reason + " (00uada00000000000001)\n", "",
		},
		"gone": {
			revocation.JobState{Job: job, State: revocation.StateFinished, Record: record(revocation.OutcomeGone)},
			exitDone,
			"gone: " + reason + " (00uada00000000000001)\n", "",
		},
		"refused": {
			revocation.JobState{Job: job, State: revocation.StateFinished, Record: record(revocation.OutcomeRefused)},
			exitFailed,
			"refused: " + reason + " (00uada00000000000001)\n", "sever: the sessions were not ended: " + reason + "\n",
		},
		"dead": {
			revocation.JobState{Job: job, State: revocation.StateDead, Record: record(revocation.OutcomeDead)},
			exitFailed,
			"dead: " + reason + " (00uada00000000000001)\n", "sever: the sessions were not ended: " + reason + "\n",
		},
		"dead before any attempt": {
			revocation.JobState{Job: job, State: revocation.StateDead},
			exitFailed,
			"", "sever: job job_1 is a dead letter: see `sever dead list`\n",
		},
		"of a later version": {
			revocation.JobState{Job: job, State: revocation.StateFinished, Record: record("held")},
			exitFailed,
			"held: " + reason + " (00uada00000000000001)\n", "sever: outcome \"held\" is unknown to this version\n",
		},
	} {
		url := serveJSON(t, map[string][]any{
			"/api/v1/revocations": {job}, "/api/v1/jobs/job_1": {pending, pending, tt.last},
		})
		got := shell{}.run(t, "revoke", "00uada00000000000001", "--reason", "r", "--admin", url)
		require.Equal(t, result{tt.code, tt.out, "job job_1 is on lane critical of acme\n" + tt.err}, got, name)
	}
}

func TestRevokeDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	job := revocation.Job{ID: "job_1", Org: "acme", Lane: revocation.LaneCritical}
	url := serveJSON(t, map[string][]any{
		"/api/v1/revocations": {job}, "/api/v1/jobs/job_1": {revocation.JobState{Job: job, State: revocation.StatePending}},
	})
	got := shell{}.run(t, "revoke", "a", "--reason", "r", "--admin", url, "--wait", "300ms")
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.err, "job job_1 is still pending after 300ms; it goes on, see `sever jobs show job_1`")

	got = shell{}.run(t, "revoke", "a", "--reason", "r", "--admin", url, "--wait", "0")
	require.Equal(t, exitDone, got.code, "not waiting is no failure")
}

func TestRevokeWhenTheJobCannotBeSeen(t *testing.T) {
	t.Parallel()
	url := serveJSON(t, map[string][]any{"/api/v1/revocations": {revocation.Job{ID: "job_1"}}})
	got := shell{}.run(t, "revoke", "a", "--reason", "r", "--admin", url)
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.err, "sever answered 404 Not Found")
}
