package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

const ssfToken = "ssf-token-of-the-tests"

// signals is a transmitter and the admin API of a running sever, at one address.
type signals struct {
	server *httptest.Server

	mu       sync.Mutex
	stream   map[string]any // nil: none
	state    string         // that sever was told to expect
	seen     bool
	silent   bool // the transmitter sends nothing
	calls    []string
	subjects string
}

func newSignals(t *testing.T) *signals {
	t.Helper()
	s := &signals{subjects: "ALL"}
	s.server = httptest.NewServer(s)
	t.Cleanup(s.server.Close)
	return s
}

func (s *signals) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, r.Method+" "+r.URL.Path)
	var asked map[string]any
	_ = json.NewDecoder(r.Body).Decode(&asked)
	want := ssfToken
	if strings.HasPrefix(r.URL.Path, "/api/") {
		want = adminToken
	}
	if r.URL.Path != "/.well-known/ssf-configuration" && r.Header.Get("Authorization") != "Bearer "+want {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	status, answer := s.answer(r, asked)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer)
}

func (s *signals) answer(r *http.Request, asked map[string]any) (status int, body any) {
	at := s.server.URL
	switch r.Method + " " + r.URL.Path {
	case "GET /.well-known/ssf-configuration":
		return 200, map[string]any{
			"issuer": at, "jwks_uri": at + "/keys", "configuration_endpoint": at + "/streams",
			"status_endpoint": at + "/status", "verification_endpoint": at + "/verify", "default_subjects": s.subjects,
		}
	case "POST /streams":
		s.stream = asked
		delivery := asked["delivery"].(map[string]any)
		if delivery["method"] == "urn:ietf:rfc:8936" {
			delivery["endpoint_url"] = at + "/poll"
		}
		s.stream["stream_id"], s.stream["iss"], s.stream["aud"], s.stream["events_delivered"] = "stream-1", at, "https://sever.example", asked["events_requested"]
		return 201, s.stream
	case "GET /status":
		return 200, map[string]any{"status": "paused", "reason": "maintenance"}
	case "POST /verify":
		s.seen = asked["state"] == s.state && !s.silent
		return 204, nil
	case "POST /api/v1/sources/sso/ssf/states":
		s.state = asked["state"].(string)
		return 202, nil
	case "GET /api/v1/sources/sso/ssf/states/" + s.state:
		return 200, map[string]any{"seen": s.seen}
	case "GET /streams", "DELETE /streams":
		return s.streams(r)
	default:
		return 404, nil
	}
}

func (s *signals) streams(r *http.Request) (status int, body any) {
	switch id := r.URL.Query().Get("stream_id"); {
	case s.stream == nil && id == "":
		return 200, []any{}
	case s.stream == nil || id != "" && id != "stream-1":
		return 404, nil
	case r.Method == http.MethodDelete:
		s.stream = nil
		return 204, nil
	default:
		return 200, s.stream
	}
}

// run runs a stream command with these further keys of section ssf.
func (s *signals) run(t *testing.T, keys, command string) result {
	t.Helper()
	file := installation{admin: strings.TrimPrefix(s.server.URL, "http://"), more: fmt.Sprintf(`  sso:
    type: ssf
    org: acme
    verify: {jwt: {issuer: %q, audience: ["https://sever.example"], jwks: %q}}
    ssf: {token: env:SSF_TOKEN, transmitter: %q%s}
`, s.server.URL, s.server.URL+"/keys", s.server.URL, keys)}.file(t)
	shell := secrets()
	shell.env["SSF_TOKEN"] = ssfToken
	shell.env["SSF_PUSH"] = "Bearer push-secret"
	got := shell.run(t, append(strings.Fields("ssf stream "+command), "--config", file)...)
	for _, secret := range []string{ssfToken, adminToken, "push-secret"} {
		require.NotContains(t, got.out+got.err, secret)
	}
	return got
}

const pushKeys = ", endpoint: https://sever.example/v1/hooks/sso, authorization: env:SSF_PUSH"

func TestStreamCreate(t *testing.T) {
	t.Parallel()
	s := newSignals(t)
	got := s.run(t, pushKeys, "create sso")
	require.Equal(t, exitDone, got.code, got.err)
	require.Contains(t, got.out, "sso: created stream stream-1\n  delivers https://schemas.openid.net/secevent/caep/event-type/session-revoked\n")
	require.Contains(t, got.out, "  ssf:\n    stream_id: \"stream-1\"\n  verify:\n    jwt: {issuer: \""+s.server.URL+"\", audience: [\"https://sever.example\"], jwks: ")
	require.NotContains(t, got.out, "poll:")
	require.NotContains(t, got.out, "note:")
	require.Equal(t, map[string]any{
		"method": "urn:ietf:rfc:8935", "endpoint_url": "https://sever.example/v1/hooks/sso", "authorization_header": "Bearer push-secret",
	}, s.stream["delivery"])
	require.Len(t, s.stream["events_requested"], 4)
}

func TestStreamCreatePoll(t *testing.T) {
	t.Parallel()
	s := newSignals(t)
	s.subjects = "NONE"
	got := s.run(t, ", events: ['https://example.com/event']", "create sso --poll")
	require.Equal(t, exitDone, got.code, got.err)
	require.Contains(t, got.out, "    poll: {url: \""+s.server.URL+"/poll\"}\n")
	require.Contains(t, got.out, "note: this transmitter sends nothing until people are added")
	require.Equal(t, []any{"https://example.com/event"}, s.stream["events_requested"])
}

func TestStreamCreateNeedsAWay(t *testing.T) {
	t.Parallel()
	s := newSignals(t)
	got := s.run(t, "", "create sso")
	require.Equal(t, exitUsage, got.code)
	require.Equal(t, "sever: sources.sso.ssf.endpoint: missing; give https://HOST/v1/hooks/sso, or create the stream with --poll\n", got.err)
	require.NotContains(t, s.calls, "POST /streams")
}

func TestStreamStatus(t *testing.T) {
	t.Parallel()
	s := newSignals(t)
	got := s.run(t, "", "status sso")
	require.Equal(t, result{exitDone, "sso: the transmitter has no stream for this token; `sever ssf stream create sso` makes one\n", ""}, got)
	s.run(t, pushKeys, "create sso")
	for _, how := range []string{"status sso", "status sso --stream stream-1"} {
		got = s.run(t, "", how)
		require.Equal(t, exitDone, got.code, got.err)
		require.Contains(t, got.out, "sso: stream stream-1 is paused (reason: maintenance)\n  urn:ietf:rfc:8935 https://sever.example/v1/hooks/sso\n")
	}
	got = s.run(t, ", stream_id: stream-2", "status sso")
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.err, "sever: sources.sso: read the stream: the transmitter answered 404; there is no such stream: correct ssf.stream_id")

	var reports []map[string]any
	got = s.run(t, ", stream_id: stream-1", "status sso --json")
	require.NoError(t, json.Unmarshal([]byte(got.out), &reports))
	require.Equal(t, "stream-1", reports[0]["stream_id"])
	require.Equal(t, "paused", reports[0]["status"])
}

func TestStreamVerify(t *testing.T) {
	t.Parallel()
	s := newSignals(t)
	s.run(t, pushKeys, "create sso")
	got := s.run(t, ", stream_id: stream-1", "verify sso")
	require.Equal(t, exitDone, got.code, got.err)
	require.Regexp(t, `^sso: verified; the event came \S+s after it was asked for\n$`, got.out)
	require.Len(t, s.state, 26, "nobody guesses it")

	got = s.run(t, "", "verify sso --stream stream-1 --json")
	require.Contains(t, got.out, `"verified": true`)
	require.Equal(t, exitUsage, s.run(t, "", "verify sso").code, "which stream?")
	require.Equal(t, exitUsage, s.run(t, "", "verify sso --stream stream-1 --admin nowhere").code)
}

func TestStreamVerifyInVain(t *testing.T) {
	t.Parallel()
	s := newSignals(t)
	s.silent = true
	got := s.run(t, ", stream_id: stream-1", "verify sso --wait 10ms")
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.err, "no verification event of it was accepted within 10ms")
	require.Empty(t, got.out)

	got = s.run(t, ", stream_id: stream-1", "verify sso --admin http://"+nobody)
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.err, "no sever answers at http://"+nobody)
}

func TestStreamDelete(t *testing.T) {
	t.Parallel()
	s := newSignals(t)
	s.run(t, pushKeys, "create sso")
	require.Equal(t, exitUsage, s.run(t, "", "delete sso").code, "which stream?")
	got := s.run(t, ", stream_id: stream-1", "delete sso")
	require.Equal(t, result{exitDone, "sso: deleted stream stream-1; remove ssf.stream_id from the configuration\n", ""}, got)
	require.Nil(t, s.stream)
	require.Equal(t, exitFailed, s.run(t, ", stream_id: stream-1", "delete sso --json").code)
}

func TestStreamOfWhat(t *testing.T) {
	t.Parallel()
	s := newSignals(t)
	got := s.run(t, "", "status okta")
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.err, "sources.okta.ssf: missing; add ssf: {transmitter: https://..., token: env:NAME}")
	got = s.run(t, "", "status nobody")
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.err, `has no source "nobody"`)
	require.Empty(t, s.calls)
	for _, line := range []string{"ssf", "ssf stream", "ssf stream create", "ssf stream verify a b", "ssf stream bogus"} {
		require.Equal(t, exitUsage, shell{}.run(t, strings.Fields(line)...).code, line)
	}
}
