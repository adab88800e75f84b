package main

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/internal/app"
	"sever/internal/config"
)

func TestServeEndsOnASignal(t *testing.T) {
	t.Parallel()
	for _, signal := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		served := secrets().startProcess(t, "serve", "--config", installation{}.file(t))
		senders, admin := serving(t, served)
		resp, err := newHTTPClient(soon).Get("http://" + admin + "/readyz")
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, http.StatusOK, resp.StatusCode)

		served.signal(signal)
		require.Equal(t, exitDone, served.wait(t), "%s: %s", signal, served.err)
		require.Empty(t, served.out.String(), "logs are no results")
		last := logLines(t, served.err.String())
		require.Equal(t, "stopped", last[len(last)-1]["msg"])
		_, err = net.Dial("tcp", senders)
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
	}
}

// logLines parses a log; a line that is not JSON fails the test.
func logLines(tb testing.TB, text string) []map[string]any {
	tb.Helper()
	var parsed []map[string]any
	for line := range strings.Lines(text) {
		var fields map[string]any
		require.NoError(tb, json.Unmarshal([]byte(line), &fields), "%s", line)
		parsed = append(parsed, fields)
	}
	require.NotEmpty(tb, parsed)
	return parsed
}

func TestServeStoppedWhileStarting(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var out, err bytes.Buffer
	code := execute(ctx, secrets().cli(&out, &err), []string{"serve", "--config", installation{}.file(t)})
	require.Equal(t, exitDone, code, err.String())
}

func TestServeLogsAsConfigured(t *testing.T) {
	t.Parallel()
	quiet := secrets().start(t, "serve", "--config", installation{more: "log: {level: error}"}.file(t))
	require.Equal(t, exitDone, quiet.stop(t), quiet.err.String())
	require.Empty(t, quiet.err.String(), "ready and stopped are below the level")

	served := secrets().start(t, "serve", "--config", installation{more: "log: {format: text}"}.file(t))
	served.err.await(t, `level=INFO msg=ready senders=http://127\.0\.0\.1:\d+ admin=http://127\.0\.0\.1:\d+ roles=dispatch,receive,work version=dev`)
	require.Equal(t, exitDone, served.stop(t), served.err.String())
}

func TestServeWarns(t *testing.T) {
	t.Parallel()
	secret := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(secret, []byte(oktaToken), 0o600))
	require.NoError(t, os.Chmod(secret, 0o644))
	file := installation{}.file(t)
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, []byte(strings.ReplaceAll(string(text), "env:OKTA_API_TOKEN", "file:"+secret)), 0o600))
	served := secrets().start(t, "serve", "--config", file)
	serving(t, served)
	require.Equal(t, exitDone, served.stop(t), served.err.String())
	warning := logLines(t, served.err.String())[0]
	require.Equal(t, "WARN", warning["level"])
	require.Equal(t, file, warning["file"])
	require.Equal(t, "orgs.acme.auth.token", warning["field"])
	require.NotEmpty(t, warning["fix"])
}

func TestServeOnABusyPort(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, taken.Close()) }()
	address := taken.Addr().String()
	for field, where := range map[string]installation{"listen": {listen: address}, "admin.listen": {admin: address}} {
		got := secrets().run(t, "serve", "--config", where.file(t))
		require.Equal(t, exitFailed, got.code, field)
		require.Regexp(t, `(?m)^sever: start: `+field+`: .*\Q`+address+`\E.*; choose a free port in the configuration$`, got.err)
		require.Empty(t, got.out)
	}
}

func TestServeOnAStoreInUse(t *testing.T) {
	t.Parallel()
	store := filepath.Join(t.TempDir(), "store")
	first := secrets().startProcess(t, "serve", "--config", installation{store: store}.file(t))
	serving(t, first)
	second := secrets().run(t, "serve", "--config", installation{store: store}.file(t))
	require.Equal(t, exitFailed, second.code)
	require.Contains(t, second.err, "store folder is in use by another process: "+store)
	require.Contains(t, second.err, "store.dir", "the field to change")

	require.Equal(t, exitDone, first.stop(t))
	third := secrets().start(t, "serve", "--config", installation{store: store}.file(t))
	serving(t, third)
	require.Equal(t, exitDone, third.stop(t), "the folder is free again")
}

func TestServeRoles(t *testing.T) {
	t.Parallel()
	for roles, want := range map[string]string{
		"cook":         `role "cook" is unknown: name some of receive, dispatch, work`,
		"work,cook":    `role "cook" is unknown`,
		"":             `role "" is unknown`,
		"work":         "nats.url",
		"receive,work": "nats.url",
	} {
		got := secrets().run(t, "serve", "--config", installation{}.file(t), "--roles", roles)
		require.Equal(t, exitUsage, got.code, "%q: %s", roles, got.err)
		require.Contains(t, got.err, want)
	}
	served := secrets().start(t, "serve", "--config", installation{}.file(t), "--roles", "work, receive,dispatch")
	serving(t, served)
	require.Equal(t, exitDone, served.stop(t), "all roles need no nats, in any order")
}

// A process gets by without the secrets of the roles it has not, and not without
// those of the roles it has.
func TestServeReadsOnlyTheSecretsOfItsRoles(t *testing.T) {
	t.Parallel()
	file := installation{nats: "nats://" + nobody}.file(t)
	for _, tt := range []struct {
		roles, forgotten string
		code             int
	}{
		{"work", "OKTA_HOOK_SECRET", exitFailed}, // NATS is not there: all was well until then
		{"work", "OKTA_API_TOKEN", exitUsage},
		{"receive", "OKTA_API_TOKEN", exitFailed},
		{"receive", "OKTA_HOOK_SECRET", exitUsage},
		{"dispatch", "OKTA_API_TOKEN", exitFailed},
		{"dispatch", "OKTA_HOOK_SECRET", exitFailed},
		{"dispatch", "SEVER_ADMIN_TOKEN", exitUsage},
		{"receive,dispatch,work", "OKTA_HOOK_SECRET", exitUsage},
	} {
		forgetful := secrets()
		delete(forgetful.env, tt.forgotten)
		got := forgetful.run(t, "serve", "--config", file, "--roles", tt.roles)
		require.Equal(t, tt.code, got.code, "%s without %s: %s", tt.roles, tt.forgotten, got.err)
		if tt.code == exitUsage {
			require.Contains(t, got.err, tt.forgotten)
		} else {
			require.Contains(t, got.err, "nats.url")
		}
	}
}

func TestNeedsOf(t *testing.T) {
	t.Parallel()
	const admin, queue, notices = config.AdminSecrets, config.QueueSecrets, config.NoticeSecrets
	for roles, want := range map[app.Roles][]config.Needs{
		{Receive: true}:                 {admin, queue, config.SenderSecrets}, // which tells nobody
		{Dispatch: true}:                {admin, queue, notices},
		{Receive: true, Dispatch: true}: {admin, queue, notices, config.SenderSecrets},
		{Work: true}:                    {admin, queue, notices, config.OktaSecrets},
		app.AllRoles():                  {admin, queue, notices, config.SenderSecrets, config.OktaSecrets},
	} {
		require.ElementsMatch(t, want, needsOf(roles), roles)
	}
}

func TestLogLevel(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]slog.Level{
		"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError, "loud": slog.LevelInfo,
	} {
		require.Equal(t, want, logLevel(name), name)
	}
}
