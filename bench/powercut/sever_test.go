package powercut

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// soon is far more than anything here takes on a slow machine.
const soon = 60 * time.Second

const (
	hookSecret = "powercut-hook-secret"
	adminToken = "powercut-admin-token"
)

// buildSever builds the real binary.
func buildSever(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "sever")
	build := exec.Command("go", "build", "-o", binary, "./cmd/sever")
	build.Dir = filepath.Join("..", "..")
	said, err := build.CombinedOutput()
	require.NoError(t, err, string(said))
	return binary
}

// settings writes a sever.yaml with default settings but for the addresses and the store.
func settings(t *testing.T, store, oktaURL string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "sever.yaml")
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, `
listen: 127.0.0.1:0
admin: {listen: 127.0.0.1:0, token: env:POWERCUT_ADMIN}
store: {dir: %s, max_size: 1GiB}
policy: {mode: enforce}
work: {spacing: 0s}
log: {format: json}
orgs: {acme: {url: %q, auth: {type: ssws, token: env:POWERCUT_HOOK}}}
sources: {okta: {type: okta_event_hook, org: acme, verify: {secrets: [env:POWERCUT_HOOK]}}}
`, filepath.Join(store, "store"), oktaURL), 0o600))
	return file
}

// process is a running `sever serve`.
type process struct {
	cmd            *exec.Cmd
	client         *http.Client
	senders, admin string // URLs, known once ready is closed
	ready, ended   chan struct{}

	mu   sync.Mutex
	said []string // the log
}

func startSever(t *testing.T, binary, file string) *process {
	t.Helper()
	cmd := exec.Command(binary, "serve", "--config", file)
	cmd.Env = append(os.Environ(), "POWERCUT_ADMIN="+adminToken, "POWERCUT_HOOK="+hookSecret)
	logs, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	client := &http.Client{
		Timeout: soon, Transport: &http.Transport{},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	p := &process{cmd: cmd, client: client, ready: make(chan struct{}), ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		for lines := bufio.NewScanner(logs); lines.Scan(); {
			p.hear(lines.Text())
		}
		_ = cmd.Wait() // it is killed
	}()
	t.Cleanup(p.kill)
	return p
}

func (p *process) hear(line string) {
	p.mu.Lock()
	p.said = append(p.said, line)
	p.mu.Unlock()
	var fields struct {
		Msg     string `json:"msg"`
		Senders string `json:"senders"`
		Admin   string `json:"admin"`
	}
	if json.Unmarshal([]byte(line), &fields) == nil && fields.Msg == "ready" {
		p.senders, p.admin = fields.Senders, fields.Admin
		close(p.ready)
	}
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.ended
	p.client.CloseIdleConnections()
}

func (p *process) log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.said, "\n")
}

// awaitReady fails the test if the process ends or takes too long.
func (p *process) awaitReady(t *testing.T) {
	t.Helper()
	select {
	case <-p.ready:
	case <-p.ended:
		require.FailNow(t, "sever did not start", p.log())
	case <-time.After(soon):
		require.FailNow(t, "sever is not ready", p.log())
	}
}

// ask gets JSON from the admin API; found is false where it answers 404.
func (p *process) ask(path string, into any) (found bool, err error) {
	req, err := http.NewRequest(http.MethodGet, p.admin+path, http.NoBody)
	if err != nil {
		return false, err
	}
	req.Header.Set("Authorization", "Bearer "+adminToken)
	resp, err := p.client.Do(req)
	if err != nil {
		return false, err
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || resp.StatusCode == http.StatusNotFound {
		return false, err
	}
	if resp.StatusCode != http.StatusOK {
		return false, fmt.Errorf("%s: %s: %s", path, resp.Status, body)
	}
	return true, json.Unmarshal(body, into)
}
