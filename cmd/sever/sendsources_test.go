package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// several are sources of which two have the same type, and one secret stands wherever a
// sender can put it.
const several = `  hr-one: {type: hibob, org: acme, map: {person: {attribute: hibobId}}, verify: {secrets: [env:SENDER]}}
  hr-two: {type: hibob, org: acme, map: {person: {attribute: hibobId}}, verify: {secrets: [env:SENDER]}}
  code: {type: github, org: acme, map: {person: {attribute: githubLogin}}, verify: {secrets: [env:SENDER]}}
  query: {type: splunk, org: acme, verify: {secrets: [env:SENDER]}}
  path: {type: hmac, org: acme, verify: {type: api_key, path: true, secrets: [env:SENDER]}}
  body: {type: graph, org: acme, map: {person: {attribute: entraObjectId}}, verify: {secrets: [env:SENDER]}}
  sso: {type: ssf, org: acme, verify: {jwt: {jwks: "https://idp.example/keys", issuer: "https://idp.example", audience: [sever]}}}
  push: {type: google_pubsub, org: acme, verify: {jwt: {audience: [sever], claims: {email: push@example.com}}}}
  topic: {type: aws_sns, org: acme, verify: {sns: {topics: ["arn:aws:sns:eu-central-1:111122223333:t"]}}}
`

// senderSecret is one that a URL cannot hold as it is.
const senderSecret = "s3cret of the+sender?&#%"

func sendFrom(t *testing.T, address string, args ...string) result {
	t.Helper()
	sender := secrets()
	sender.env["SENDER"] = senderSecret
	got := sender.run(t, append([]string{"send", "--config", installation{listen: address, more: several}.file(t)}, args...)...)
	for _, written := range []string{senderSecret, "s3cret"} {
		require.NotContains(t, got.out+got.err, written, args)
	}
	return got
}

func TestSendBySourceOrType(t *testing.T) {
	t.Parallel()
	address, asked := fake(t, http.StatusAccepted, "")
	for name, hook := range map[string]string{"hr-one": "hr-one", "hr-two": "hr-two", "github": "code", "code": "code", "graph": "body"} {
		got := sendFrom(t, address, name)
		require.Equal(t, exitDone, got.code, "%s: %s", name, got.err)
		require.Equal(t, "/v1/hooks/"+hook, (<-asked).uri, name)
	}
	for name, want := range map[string]string{
		"hibob":  `has several sources of type "hibob": name one of hr-one, hr-two`,
		"stripe": `has no source "stripe"; it has body, code, hr-one, hr-two, okta, path, push, query, sso, topic`,
	} {
		got := sendFrom(t, address, name)
		require.Equal(t, exitUsage, got.code, name)
		require.Contains(t, got.err, want)
		require.Empty(t, got.out)
	}
	require.Empty(t, asked)
}

func TestSendSamples(t *testing.T) {
	t.Parallel()
	address, asked := fake(t, http.StatusAccepted, "")
	require.Equal(t, exitDone, sendFrom(t, address, "hr-one", "--sample", "left", "--person", "4711").code)
	body := (<-asked).body
	require.Contains(t, body, `"employee.left"`)
	require.Contains(t, body, `"4711"`)
	require.Equal(t, exitDone, sendFrom(t, address, "hr-one", "--type", "employee.deleted").code)
	require.Contains(t, (<-asked).body, `"employee.deleted"`)

	got := sendFrom(t, address, "hr-one", "--sample", "quit")
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.err, `--sample: hibob has no sample "quit"; it has ["alert" "left" "inactivated" "deleted" "a surname changed"`)
	require.Empty(t, asked)
}

// Whoever sends bytes of his own needs not know which headers say what they are.
func TestSendFileKeepsHeaders(t *testing.T) {
	t.Parallel()
	address, asked := fake(t, http.StatusAccepted, "")
	file := filepath.Join(t.TempDir(), "body.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"mine": true}`), 0o600))
	require.Equal(t, exitDone, sendFrom(t, address, "code").code)
	sample := <-asked
	require.Equal(t, exitDone, sendFrom(t, address, "code", "--file", file).code)
	sent := <-asked
	require.Equal(t, `{"mine": true}`, sent.body)
	for _, header := range []string{"Content-Type", "X-Github-Event", "User-Agent"} {
		require.NotEmpty(t, sent.header.Get(header))
		require.Equal(t, sample.header.Get(header), sent.header.Get(header))
	}
	require.Regexp(t, `^sha256=[0-9a-f]{64}$`, sent.header.Get("X-Hub-Signature-256"))
	require.NotEqual(t, sample.header.Get("X-Hub-Signature-256"), sent.header.Get("X-Hub-Signature-256"), "signed anew")
}

func TestSendWithoutKey(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"sso", "push", "topic"} {
		got := sendFrom(t, nobody, name)
		require.Equal(t, exitUsage, got.code, name)
		require.Contains(t, got.err, "no private key is given: sources."+name+" signs with one; name a file that holds it in PEM by --key, "+
			"and the public key in sources."+name+".verify")
	}
	for text, want := range map[string]string{
		"":             "--key: read the key: open ",
		"not PEM":      "--key: the key is not PEM",
		"-----BEGIN X": "--key: the key is not PEM",
		"-----BEGIN PRIVATE KEY-----\naGVsbG8=\n-----END PRIVATE KEY-----\n": "--key: the key is no private key that is known",
	} {
		key := filepath.Join(t.TempDir(), "key.pem")
		if text != "" {
			require.NoError(t, os.WriteFile(key, []byte(text), 0o600))
		}
		got := sendFrom(t, nobody, "sso", "--key", key)
		require.Equal(t, exitUsage, got.code, text)
		require.Contains(t, got.err, want)
	}
}

// The secret of some senders is in the URL, which is what errors like to repeat.
func TestSendKeepsTheSecretOfTheURL(t *testing.T) {
	t.Parallel()
	echoing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Request-Id", r.URL.Path+r.URL.Query().Get("token"))
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, "Cannot POST "+r.RequestURI+" "+r.URL.Query().Get("token")+" "+r.URL.Path+string(body))
	}))
	t.Cleanup(echoing.Close)
	for _, name := range []string{"query", "path", "body"} {
		got := sendFrom(t, nobody, name)
		require.Equal(t, exitFailed, got.code, name)
		require.Equal(t, "sever: send: dial tcp "+nobody+": connect: connection refused; start `sever serve`, or say by --url where senders reach it\n", got.err)

		got = sendFrom(t, strings.TrimPrefix(echoing.URL, "http://"), name)
		require.Equal(t, exitFailed, got.code, name)
		require.Contains(t, got.err, "Cannot POST /v1/hooks/"+name)
		require.Contains(t, got.err, "[secret]", name)
	}
}

func TestSendShowsNoControlCharacters(t *testing.T) {
	t.Parallel()
	hostile := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 O\u202eK\r\nX-Request-Id: a\u202eb\r\nContent-Length: 0\r\n\r\n")
			_ = conn.Close()
		}
	}))
	t.Cleanup(hostile.Close)
	got := sendFrom(t, strings.TrimPrefix(hostile.URL, "http://"), "query")
	require.Equal(t, exitDone, got.code, got.err)
	require.Contains(t, got.out, `"200 O\u202eK" in `)
	require.Contains(t, got.out, `request id "a\u202eb"`)
	require.NotRegexp(t, control, got.out+got.err)
}
