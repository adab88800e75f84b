package main

import (
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/revocation"
	"sever/source"
)

// request is what a fake Sever was asked.
type request struct {
	method, uri string
	header      http.Header
	body        string
}

// fake answers every request alike and keeps what it was asked.
func fake(tb testing.TB, status int, answer string) (address string, asked <-chan request) {
	tb.Helper()
	requests := make(chan request, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			body = []byte("not read: " + err.Error())
		}
		requests <- request{r.Method, r.RequestURI, r.Header, string(body)}
		w.Header().Set("X-Request-Id", "req-1")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer) // who hung up needs no answer
	}))
	tb.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://"), requests
}

func TestSendAsTheSenderWould(t *testing.T) {
	t.Parallel()
	address, asked := fake(t, http.StatusNoContent, "")
	bytesOfFile := filepath.Join(t.TempDir(), "body")
	require.NoError(t, os.WriteFile(bytesOfFile, []byte("{ \"any\": \"bytes\"\xff}\n"), 0o600))
	file := installation{listen: address}.file(t)
	for name, tt := range map[string]struct {
		args []string
		body string // empty: made up
	}{
		"made up":            {nil, ""},
		"a file":             {[]string{"--file", bytesOfFile}, "{ \"any\": \"bytes\"\xff}\n"},
		"standard input":     {[]string{"--file", "-"}, "from stdin\x00"},
		"to another address": {[]string{"--config", installation{}.file(t), "--url", "http://" + address}, ""},
	} {
		sender := secrets()
		sender.in = "from stdin\x00"
		got := sender.run(t, append([]string{"send", "okta", "--config", file}, tt.args...)...)
		require.Equal(t, exitDone, got.code, "%s: %s", name, got.err)
		require.Empty(t, got.err, name)
		require.Regexp(t, `^204 No Content in [0-9.]+[mµ]?s, request id req-1\n$`, got.out, name)
		sent := <-asked
		require.Equal(t, "POST /v1/hooks/okta", sent.method+" "+sent.uri, name)
		require.Equal(t, hookSecret, sent.header.Get("X-Practice-Secret"), name)
		require.Equal(t, "application/json", sent.header.Get("Content-Type"), name)
		if tt.body != "" {
			require.Equal(t, tt.body, sent.body, name)
		} else {
			require.Equal(t, "00u1practice2person3", personIn(t, sent.body).Person.Value, name)
		}
	}
}

// personIn decodes a made-up delivery as Sever would.
func personIn(tb testing.TB, body string) revocation.Signal {
	tb.Helper()
	decoded, err := source.NewOktaEventHook("acme").Decode(revocation.NewDelivery("okta", "application/json", []byte(body), time.Now()))
	require.NoError(tb, err)
	require.Empty(tb, decoded.Skipped)
	require.Len(tb, decoded.Signals, 1)
	return decoded.Signals[0]
}

// Whatever type is practised, the made-up event is about the person asked for.
func TestSendMakesUpEvents(t *testing.T) {
	t.Parallel()
	address, asked := fake(t, http.StatusNoContent, "")
	file := installation{listen: address}.file(t)
	seen := map[string]bool{}
	for _, kind := range []string{
		"user.lifecycle.suspend", "user.lifecycle.deactivate", "user.lifecycle.delete.initiated",
		"user.account.report_suspicious_activity_by_enduser", "user.session.start", "user.lifecycle.suspend",
	} {
		got := secrets().run(t, "send", "okta", "--config", file, "--type", kind, "--person", "00uada00000000000001")
		require.Equal(t, exitDone, got.code, got.err)
		signal := personIn(t, (<-asked).body)
		require.Equal(t, kind, signal.Type)
		require.Equal(t, revocation.Person{Kind: revocation.PersonOktaID, Value: "00uada00000000000001"}, signal.Person)
		require.WithinDuration(t, time.Now(), signal.Occurred, time.Minute)
		require.False(t, seen[signal.ID], "each is an event of its own, not a duplicate")
		seen[signal.ID] = true
	}
}

func TestSendNotAccepted(t *testing.T) {
	t.Parallel()
	for status, line := range map[int]string{
		http.StatusUnauthorized:       "401 Unauthorized",
		http.StatusServiceUnavailable: "503 Service Unavailable",
		http.StatusFound:              "302 Found",
	} {
		address, _ := fake(t, status, "why\x1b[2Jnot")
		got := secrets().run(t, "send", "okta", "--config", installation{listen: address}.file(t))
		require.Equal(t, exitFailed, got.code, line)
		require.True(t, strings.HasPrefix(got.out, line+" in "), got.out)
		require.Equal(t, "sever: not accepted: \"why\\x1b[2Jnot\"\n", got.err)
	}
}

func TestSendToNobody(t *testing.T) {
	t.Parallel()
	got := secrets().run(t, "send", "okta", "--config", installation{listen: nobody}.file(t))
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.err, nobody)
	require.Contains(t, got.err, "connection refused")
	require.Empty(t, got.out)
	require.NotContains(t, got.err, hookSecret)
}

func TestSendWrongly(t *testing.T) {
	t.Parallel()
	file := installation{}.file(t)
	for line, want := range map[string]string{
		"jira":                        file + ` has no source "jira"`,
		"okta --file /not/there.json": "--file: open /not/there.json",
		"okta --url ://x":             "--url",
		"okta --url 127.0.0.1:8080":   "--url",
		"okta --url localhost:8080":   "--url",
	} {
		got := secrets().run(t, append([]string{"send", "--config", file}, strings.Fields(line)...)...)
		require.Equal(t, exitUsage, got.code, "%s: %s", line, got.err)
		require.Contains(t, got.err, want)
	}
	forgetful := secrets()
	delete(forgetful.env, "OKTA_HOOK_SECRET")
	got := forgetful.run(t, "send", "okta", "--config", file)
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.err, "OKTA_HOOK_SECRET")

	delete(forgetful.env, "OKTA_API_TOKEN")
	forgetful.env["OKTA_HOOK_SECRET"] = hookSecret
	got = forgetful.run(t, "send", "okta", "--config", file, "--url", "http://"+nobody)
	require.Equal(t, exitFailed, got.code, "a sender needs no secret but its own: %s", got.err)
}

// A redirect must not carry the secret to wherever it points.
func TestSendFollowsNoRedirect(t *testing.T) {
	t.Parallel()
	var reached atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	defer elsewhere.Close()
	redirecting := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	defer redirecting.Close()
	got := secrets().run(t, "send", "okta", "--config", installation{}.file(t), "--url", redirecting.URL)
	require.Zero(t, reached.Load())
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.out, "307 Temporary Redirect")
}

// With tls in the configuration senders speak HTTPS, and so does send. The test's
// certificate is no one's, which is as far as it gets.
func TestSendSpeaksTLSWhereConfigured(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // the handshake fails on purpose
	server.StartTLS()
	defer server.Close()
	pair := server.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	require.NoError(t, err)
	dir := t.TempDir()
	for name, block := range map[string]*pem.Block{
		"cert": {Type: "CERTIFICATE", Bytes: pair.Certificate[0]}, "key": {Type: "PRIVATE KEY", Bytes: key},
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600))
	}
	file := installation{
		listen: server.Listener.Addr().String(), more: "tls: {cert: file:" + dir + "/cert, key: file:" + dir + "/key}",
	}.file(t)
	got := secrets().run(t, "send", "okta", "--config", file)
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.err, "certificate", got.out)
}
