package app_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"

	"sever/internal/app"
	"sever/internal/config"
	"sever/internal/obs"
	"sever/okta/oktasim"
	"sever/source"
)

// The secrets of every test installation. No output may hold any of them.
const (
	hookSecret = "hook-secret-Zq7mW2"
	oktaToken  = "00okta-token-Xw3vR8"
	adminToken = "admin-token-Kp9bT4"
)

// settings are the sections of sever.yaml in which a test differs, in YAML.
type settings struct {
	store   string // max_size and the like; the folder is the rig's
	nats    string // in place of the store
	work    string
	receive string
	policy  string
	auth    string         // Sever's credential at Okta; usually the API token
	tls     string         // usually none
	signout string         // the sign-out page; usually none
	sources map[string]any // usually the one of Okta's event hooks
}

// calm are settings for work that leave out the wait between two calls for one person.
const calm = "{concurrency: 4, ack_wait: 5s, attempt_timeout: 4s, spacing: 0s}"

func (s settings) yaml(dir, oktaURL string) string {
	keep := fmt.Sprintf("store: {dir: %s, max_size: 1GiB}", filepath.Join(dir, "store"))
	if s.store != "" {
		keep = fmt.Sprintf("store: {dir: %s, %s}", filepath.Join(dir, "store"), s.store)
	}
	if s.nats != "" {
		keep = "nats: " + s.nats
	}
	section := func(name, given, usual string) string {
		if given == "" {
			given = usual
		}
		return name + ": " + given + "\n"
	}
	if s.signout != "" {
		keep += "\nsignout: " + s.signout
	}
	tls := ""
	if s.tls != "" {
		tls = "tls: " + s.tls + "\n"
	}
	return "listen: 127.0.0.1:0\n" + tls +
		"admin: {listen: \"127.0.0.1:0\", token: env:SEVER_ADMIN_TOKEN, url: \"https://sever.corp.example\"}\n" + keep + "\n" +
		section("work", s.work, calm) +
		// Most of Okta's 3 s: a test machine's disk may be busy.
		section("receive", s.receive, "{timeout: 2900ms, append_timeout: 2800ms}") +
		section("policy", s.policy, "{mode: enforce}") +
		"log: {level: debug, format: json}\n" +
		"orgs:\n  acme:\n    url: \"" + oktaURL + "\"\n" +
		"    " + section("auth", s.auth, "{type: ssws, token: env:OKTA_API_TOKEN}") +
		s.sourcesYAML()
}

func (s settings) sourcesYAML() string {
	if s.sources == nil {
		return "sources:\n  okta:\n    type: okta_event_hook\n    org: acme\n" +
			"    verify: {type: header, header: Authorization, secrets: [env:OKTA_HOOK_SECRET]}\n"
	}
	text, err := yaml.Marshal(map[string]any{"sources": s.sources})
	if err != nil {
		panic(err) // plain values
	}
	return string(text)
}

func secrets() map[string]string {
	return map[string]string{
		"OKTA_HOOK_SECRET": hookSecret, "OKTA_API_TOKEN": oktaToken, "SEVER_ADMIN_TOKEN": adminToken,
	}
}

// okta is a simulated one, served.
type okta struct {
	*oktasim.Server

	url string
}

func newOkta(t *testing.T) okta {
	t.Helper()
	return newOktaWith(t, oktasim.Options{Seed: 1, Token: oktaToken})
}

func newOktaWith(t *testing.T, options oktasim.Options) okta {
	t.Helper()
	sim := oktasim.New(options)
	server := httptest.NewServer(sim)
	t.Cleanup(func() {
		sim.Close()
		server.Close()
	})
	return okta{sim, server.URL}
}

// rig is a whole installation: Sever as `sever serve` runs it, and a simulated Okta.
type rig struct {
	t      *testing.T
	okta   okta
	dir    string
	file   string // the configuration
	roles  app.Roles
	needs  []config.Needs
	env    config.Lookup // the secrets; usually those of every test
	clock  *clock
	seen   *recorder
	logs   *record
	wire   *record // every answer, headers and all
	client *http.Client

	carrier http.RoundTripper // of what Sever fetches from senders; usually the network
	reload  app.Reload        // of the policy; usually none

	app  *app.App
	stop func() error // ends Run and gives its error, however often it is called
}

// newRig starts an installation that the end of the test stops.
func newRig(t *testing.T, s settings) *rig {
	t.Helper()
	r := prepareRig(t, newOkta(t), s)
	r.start()
	return r
}

func prepareRig(t *testing.T, okta okta, s settings) *rig {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	t.Cleanup(transport.CloseIdleConnections)
	r := &rig{
		t: t, okta: okta, dir: t.TempDir(), roles: app.AllRoles(), clock: &clock{}, seen: newRecorder(),
		logs: &record{}, wire: &record{},
		client: &http.Client{Transport: transport, Timeout: 20 * time.Second},
	}
	r.file = filepath.Join(r.dir, "sever.yaml")
	require.NoError(t, os.WriteFile(r.file, []byte(s.yaml(r.dir, okta.url)), 0o600))
	return r
}

func (r *rig) load() *config.Config {
	r.t.Helper()
	if r.env != nil {
		return r.loadWith(r.env)
	}
	return r.loadWith(func(name string) (string, bool) {
		value, set := secrets()[name]
		return value, set
	})
}

func (r *rig) loadWith(env config.Lookup) *config.Config {
	r.t.Helper()
	cfg, err := config.Load(r.file, env, r.needs...)
	require.NoError(r.t, err)
	return cfg
}

func (r *rig) options() app.Options {
	return app.Options{
		Roles: r.roles, Version: "test", Now: r.clock.now, Observer: r.seen.observe,
		Logger: obs.NewLogger(r.logs, slog.LevelDebug, "json"), Reload: r.reload,
	}.Fetching(r.carrier)
}

func (r *rig) start() {
	r.t.Helper()
	running, err := app.New(context.Background(), r.load(), r.options())
	require.NoError(r.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- running.Run(ctx) }()
	stop := sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	r.app, r.stop = running, stop
	r.t.Cleanup(func() { _ = stop() })
}

func (r *rig) mustStop() {
	r.t.Helper()
	require.NoError(r.t, r.stop())
	r.client.CloseIdleConnections()
}

// restart stops Sever in order and starts it on the same store.
func (r *rig) restart() {
	r.t.Helper()
	r.mustStop()
	r.start()
}

// answer is what came back for a request.
type answer struct {
	status int
	header http.Header
	body   string
}

func (r *rig) do(method, url string, header http.Header, body []byte) (answer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.Header = header
	resp, err := r.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	text, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	fmt.Fprintf(r.wire, "%s %s -> %d %v\n%s\n", method, url, resp.StatusCode, resp.Header, text)
	return answer{resp.StatusCode, resp.Header, string(text)}, err
}

func asOkta(secret string) http.Header {
	return http.Header{"Authorization": {secret}, "Content-Type": {"application/json"}}
}

// post delivers a body as Okta does, once.
func (r *rig) post(body []byte) answer {
	r.t.Helper()
	return r.postWith(asOkta(hookSecret), body)
}

func (r *rig) postWith(header http.Header, body []byte) answer {
	r.t.Helper()
	given, err := r.do(http.MethodPost, r.app.URL()+"/v1/hooks/okta", header, body)
	require.NoError(r.t, err)
	return given
}

// deliver posts a body that must be accepted.
func (r *rig) deliver(body []byte) {
	r.t.Helper()
	given := r.post(body)
	require.Equal(r.t, http.StatusNoContent, given.status, given.body)
}

// admin asks the operators' side.
func (r *rig) admin(method, path, body string) answer {
	r.t.Helper()
	header := http.Header{"Authorization": {"Bearer " + adminToken}, "Content-Type": {"application/json"}}
	given, err := r.do(method, r.app.AdminURL()+path, header, []byte(body))
	require.NoError(r.t, err)
	return given
}

// calls are the calls that the simulated Okta received. None may be anything but the
// end of one well-formed user's sessions with both flags said.
func (r *rig) calls() []oktasim.Call {
	r.t.Helper()
	calls := slices.DeleteFunc(r.okta.Calls(), func(call oktasim.Call) bool { return call.Method == http.MethodGet }) // who is who
	for _, call := range calls {
		require.Equal(r.t, http.MethodDelete, call.Method)
		require.NotEmpty(r.t, call.User)
		require.Equal(r.t, "/api/v1/users/"+call.User+"/sessions", call.Path)
		require.Equal(r.t, "forgetDevices=true&oauthTokens=true", call.Query)
	}
	return calls
}

// callsFor counts the calls for each user.
func callsFor(calls []oktasim.Call) map[string]int {
	count := make(map[string]int)
	for _, call := range calls {
		count[call.User]++
	}
	return count
}

// person is a well-formed user id of its own for each number.
func person(n int) string { return fmt.Sprintf("00uSeverTest%08d", n) }

// suspension is a delivery about one suspended person. Another name is another event.
func suspension(user, name string) []byte {
	return source.OktaSample{
		Type: "user.lifecycle.suspend", User: user, UUID: "event-" + name,
		Published: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC),
	}.Body()
}

// record gathers output of several goroutines.
type record struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buf.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buf.String()
}
