package handshake_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/internal/secret"
	"sever/source"
	"sever/source/handshake"
)

var started = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

const topic = "arn:aws:sns:us-west-2:123456789012:alerts"

// offline fails every request, and counts them.
type offline struct{ requests []*http.Request }

func (o *offline) RoundTrip(req *http.Request) (*http.Response, error) {
	o.requests = append(o.requests, req)
	return nil, errors.New("offline")
}

func oneSecret(value string) []secret.Secret { return []secret.Secret{secret.New(value)} }

// settings makes a working config of a type.
func settings(tb testing.TB, kind string) handshake.Config {
	tb.Helper()
	switch kind {
	case "meta":
		return handshake.Config{Type: kind, Secrets: oneSecret("s3cret-token")}
	case "cloudevents":
		return handshake.Config{Type: kind, Origins: []string{"eventgrid.azure.net", "Events.example.com"}}
	case "gusto":
		return handshake.Config{Type: kind, SaveTo: filepath.Join(tb.TempDir(), "token")}
	default:
		return handshake.Config{Type: kind}
	}
}

func deps(transport http.RoundTripper) handshake.Deps {
	return handshake.Deps{
		Secrets: oneSecret("s3cret-of-source"), HTTP: &http.Client{Transport: transport}, Topics: []string{topic}, Started: started,
	}
}

func build(t *testing.T, config handshake.Config) source.Handshake { //nolint:ireturn // as New gives it
	t.Helper()
	shake, err := handshake.New(config, deps(&offline{}))
	require.NoError(t, err)
	return shake
}

func request(t *testing.T, method, target, body string, headers ...string) source.Request {
	t.Helper()
	u, err := url.ParseRequestURI(target)
	require.NoError(t, err)
	header := http.Header{}
	for i := 0; i < len(headers); i += 2 {
		header.Add(headers[i], headers[i+1])
	}
	return source.Request{Method: method, URL: u, Header: header, Body: []byte(body), Now: started.Add(time.Minute)}
}

const hook = "/v1/hooks/siem"

// What a check is answered: body, then header; notIt and refusal are the other two ends.
const (
	notIt   = "goes on as a delivery"
	refusal = "is answered 400"
)

type row struct {
	req  source.Request
	want string // the reply's body, notIt or refusal
}

func requireRows(t *testing.T, shake source.Handshake, contentType string, rows map[string]row) {
	t.Helper()
	for name, tt := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reply, ok, err := shake.Answer(t.Context(), tt.req)
			switch tt.want {
			case notIt:
				require.NoError(t, err)
				require.False(t, ok)
				require.Zero(t, reply)
			case refusal:
				require.Error(t, err)
				require.False(t, ok)
				require.Zero(t, reply)
				require.NotContains(t, err.Error(), "hostile", "what a stranger sent is not repeated")
				require.NotContains(t, err.Error(), "s3cret")
			default:
				require.NoError(t, err)
				require.True(t, ok)
				require.Equal(t, tt.want, string(reply.Body))
				require.Equal(t, contentType, reply.ContentType)
				require.Equal(t, http.StatusOK, reply.Status)
			}
		})
	}
}

const (
	jsonType = "application/json"
	textType = "text/plain; charset=utf-8"
)

// hostile are values that no handshake may reflect.
func hostile() map[string]string {
	return map[string]string{
		"line end":      "hostile\r\nSet-Cookie: a=b",
		"NUL":           "hostile\x00",
		"DEL":           "hostile\x7f",
		"not ASCII":     "hostile-ключ",
		"invalid UTF-8": "hostile\xff\xfe",
		"1 MiB":         strings.Repeat("hostile ", 1<<17),
		"empty":         "",
	}
}

func quote(t *testing.T, value string) string {
	t.Helper()
	quoted, err := json.Marshal(value)
	require.NoError(t, err)
	return string(quoted)
}

func TestWhichHandshakesAreOpen(t *testing.T) {
	t.Parallel()
	for kind, open := range map[string]bool{
		"okta": false, "graph": true, "event_grid": false, "cloudevents": true, "sns": false, "slack": false,
		"zoom": false, "crc": true, "meta": true, "discord": false, "hibob": true, "gusto": true,
	} {
		require.Equal(t, open, build(t, settings(t, kind)).Open(), kind)
	}
	withoutSecret, err := handshake.New(handshake.Config{Type: "okta"}, handshake.Deps{WithoutSecret: true})
	require.NoError(t, err)
	require.True(t, withoutSecret.Open())
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		config handshake.Config
		fields []string
	}{
		"no type":                {handshake.Config{}, []string{"type"}},
		"unknown type":           {handshake.Config{Type: "firm", SaveTo: "x"}, []string{"type"}},
		"all that is not used":   {handshake.Config{Type: "okta", Secrets: oneSecret("x"), Origins: []string{"a"}, Rate: 1, SaveTo: "f"}, []string{"secrets", "origins", "rate", "save_to"}},
		"no origins":             {handshake.Config{Type: "cloudevents"}, []string{"origins"}},
		"bad origins":            {handshake.Config{Type: "cloudevents", Origins: []string{"https://a.example", "*", "a.example:443", "*.example.com", "", "-a", "a.example"}}, []string{"origins[0]", "origins[2]", "origins[3]", "origins[4]", "origins[5]"}},
		"negative rate":          {handshake.Config{Type: "cloudevents", Origins: []string{"*"}, Rate: -1}, []string{"rate"}},
		"cloudevents":            {handshake.Config{Type: "cloudevents", Origins: []string{"*"}, Rate: 5}, nil},
		"gusto without a file":   {handshake.Config{Type: "gusto"}, []string{"save_to"}},
		"meta without a token":   {handshake.Config{Type: "meta"}, []string{"secrets"}},
		"meta, not read":         {handshake.Config{Type: "meta", Secrets: []secret.Secret{{}}}, nil},
		"zoom with its own":      {handshake.Config{Type: "zoom", Secrets: oneSecret("x")}, nil},
		"zoom with the source's": {handshake.Config{Type: "zoom"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var fields []string
			for _, problem := range tt.config.Check() {
				fields = append(fields, problem.Field)
				require.NotEmpty(t, problem.Message)
				require.NotEmpty(t, problem.Fix)
			}
			require.Equal(t, tt.fields, fields)
			if len(tt.fields) > 0 {
				_, err := handshake.New(tt.config, deps(&offline{}))
				require.ErrorContains(t, err, tt.fields[0])
			}
		})
	}
}

func TestNewAsksForWhatItNeeds(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		kind   string
		change func(*handshake.Config, *handshake.Deps)
	}{
		"zoom, no secret":     {"zoom", func(_ *handshake.Config, d *handshake.Deps) { d.Secrets = nil }},
		"zoom, unread secret": {"zoom", func(_ *handshake.Config, d *handshake.Deps) { d.Secrets = []secret.Secret{{}} }},
		"crc, unread own":     {"crc", func(c *handshake.Config, _ *handshake.Deps) { c.Secrets = []secret.Secret{{}} }},
		"meta, unread":        {"meta", func(c *handshake.Config, _ *handshake.Deps) { c.Secrets = append(c.Secrets, secret.Secret{}) }},
		"sns, no client":      {"sns", func(_ *handshake.Config, d *handshake.Deps) { d.HTTP = nil }},
		"sns, no topics":      {"sns", func(_ *handshake.Config, d *handshake.Deps) { d.Topics = nil }},
		"gusto, no start":     {"gusto", func(_ *handshake.Config, d *handshake.Deps) { d.Started = time.Time{} }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config, needs := settings(t, tt.kind), deps(&offline{})
			tt.change(&config, &needs)
			shake, err := handshake.New(config, needs)
			require.Error(t, err)
			require.Nil(t, shake)
		})
	}
}

// newLogged makes a handshake whose log is read.
func newLogged(t *testing.T, config handshake.Config, transport http.RoundTripper) (source.Handshake, *bytes.Buffer) { //nolint:ireturn // as New gives it
	t.Helper()
	var logs bytes.Buffer
	needs := deps(transport)
	needs.Logger = slog.New(slog.NewTextHandler(&logs, nil))
	shake, err := handshake.New(config, needs)
	require.NoError(t, err)
	return shake, &logs
}

// sharedFile reads public samples beside the checkout, which not everyone has.
func sharedFile(t *testing.T, name string) []byte {
	t.Helper()
	dir, err := os.Getwd()
	require.NoError(t, err)
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		parent := filepath.Dir(dir)
		require.NotEqual(t, parent, dir, "no go.mod above the test")
		dir = parent
	}
	content, err := os.ReadFile(filepath.Join(dir, "..", "shared", "data", name))
	if os.IsNotExist(err) {
		t.Skipf("no shared data folder beside the checkout with %s in it", name)
	}
	require.NoError(t, err)
	return content
}
