package handshake_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/source/handshake"
)

func TestCloudEvents(t *testing.T) {
	t.Parallel()
	options := func(headers ...string) row { return row{request(t, http.MethodOptions, hook, "", headers...), ""} }
	is := func(r row, want string) row { r.want = want; return r }
	const origin, rate = "WebHook-Request-Origin", "WebHook-Request-Rate"
	rows := map[string]row{
		"listed":             options(origin, "eventgrid.azure.net"),
		"other case":         options(origin, "events.EXAMPLE.com"),
		"with a callback":    options(origin, "eventgrid.azure.net", "WebHook-Request-Callback", "https://hostile.example.com/"),
		"not listed":         is(options(origin, "hostile.example.com"), refusal),
		"below a listed one": is(options(origin, "hostile.eventgrid.azure.net"), refusal),
		"longer":             is(options(origin, "eventgrid.azure.net.hostile.example"), refusal),
		"a star":             is(options(origin, "*"), refusal),
		"a URL":              is(options(origin, "https://eventgrid.azure.net"), refusal),
		"twice":              is(options(origin, "eventgrid.azure.net", origin, "eventgrid.azure.net"), refusal),
		"no origin":          is(options("Origin", "eventgrid.azure.net"), notIt),
		"POST":               {request(t, http.MethodPost, hook, "{}", origin, "eventgrid.azure.net"), notIt},
		"GET":                {request(t, http.MethodGet, hook, "", origin, "eventgrid.azure.net"), notIt},
	}
	for name, value := range hostile() {
		rows[name] = is(options(origin, value), refusal)
	}
	fetches := &offline{}
	shake, err := handshake.New(settings(t, "cloudevents"), deps(fetches))
	require.NoError(t, err)
	t.Cleanup(func() { require.Empty(t, fetches.requests, "the callback is never fetched") })
	requireRows(t, shake, textType, rows)

	for name, tt := range map[string]struct {
		config handshake.Config
		asked  []string
		want   map[string]string
	}{
		"no rate":           {handshake.Config{Origins: []string{"A.example"}}, []string{origin, "a.example"}, map[string]string{"WebHook-Allowed-Origin": "a.example", "Allow": "POST"}},
		"asked":             {handshake.Config{Origins: []string{"a.example"}}, []string{origin, "a.example", rate, "120"}, map[string]string{"WebHook-Allowed-Origin": "a.example", "Allow": "POST", "WebHook-Allowed-Rate": "*"}},
		"configured":        {handshake.Config{Origins: []string{"a.example"}, Rate: 60}, []string{origin, "a.example"}, map[string]string{"WebHook-Allowed-Origin": "a.example", "Allow": "POST", "WebHook-Allowed-Rate": "60"}},
		"asked, configured": {handshake.Config{Origins: []string{"a.example"}, Rate: 60}, []string{origin, "a.example", rate, "hostile\r\n"}, map[string]string{"WebHook-Allowed-Origin": "a.example", "Allow": "POST", "WebHook-Allowed-Rate": "60"}},
		"anyone":            {handshake.Config{Origins: []string{"*"}}, []string{origin, "b.example"}, map[string]string{"WebHook-Allowed-Origin": "b.example", "Allow": "POST"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.config.Type = "cloudevents"
			reply, ok, err := build(t, tt.config).Answer(t.Context(), options(tt.asked...).req)
			require.NoError(t, err)
			require.True(t, ok)
			require.Equal(t, tt.want, reply.Header)
		})
	}
	markup := options(origin, "b.example<script>hostile").req
	_, ok, err := build(t, handshake.Config{Type: "cloudevents", Origins: []string{"*"}}).Answer(t.Context(), markup)
	require.Error(t, err)
	require.False(t, ok)
}

func TestDiscord(t *testing.T) {
	t.Parallel()
	post := func(body, want string) row { return row{request(t, http.MethodPost, hook, body), want} }
	requireRows(t, build(t, settings(t, "discord")), jsonType, map[string]row{
		"bare":            post(`{"type":1}`, `{"type":1}`),
		"in its envelope": post(`{"application_id":"1","id":"2","token":"t","type":1,"user":{"id":"3"},"version":1}`, `{"type":1}`),
		"an interaction":  post(`{"type":2,"data":{"name":"x"}}`, notIt),
		"with data":       post(`{"type":1,"data":{"name":"x"}}`, notIt),
		"as text":         post(`{"type":"1"}`, notIt),
		"as a float":      post(`{"type":1.0}`, notIt),
		"twice":           post(`{"type":1,"type":2}`, notIt),
		"empty":           post(`{}`, notIt),
		"nothing":         post(``, notIt),
		"1 MiB":           post(`{"type":`+strings.Repeat("1", 1<<20)+`}`, notIt),
		"invalid UTF-8":   post("{\"type\":1,\"x\xff\":1}", notIt),
		"GET":             {request(t, http.MethodGet, hook, `{"type":1}`), notIt},
	})
}

func TestHiBob(t *testing.T) {
	t.Parallel()
	post := func(body, want string) row { return row{request(t, http.MethodPost, hook, body), want} }
	requireRows(t, build(t, settings(t, "hibob")), textType, map[string]row{
		"bare":          post(`Ping test`, ""),
		"quoted":        post(`"Ping test"`, ""),
		"object":        post(`{"text":"Ping test"}`, ""),
		"white space":   post(" \n{ \"text\" : \"Ping test\" }\r\n", ""),
		"other text":    post(`{"text":"ping test"}`, notIt),
		"longer":        post(`Ping test!`, notIt),
		"with an event": post(`{"text":"Ping test","type":"employee.left"}`, notIt),
		"twice":         post(`{"text":"Ping test","text":"Ping test"}`, notIt),
		"trailing":      post(`{"text":"Ping test"}{}`, notIt),
		"not text":      post(`{"text":["Ping test"]}`, notIt),
		"an event":      post(`{"type":"employee.left","data":{"employeeId":"1"}}`, notIt),
		"1 MiB":         post(strings.Repeat("Ping test", 1<<17), notIt),
		"invalid UTF-8": post("Ping test\xff", notIt),
		"nothing":       post("", notIt),
		"GET":           {request(t, http.MethodGet, hook, "Ping test"), notIt},
	})
}

const gustoToken = "6590f590-3dba-495e-s3cret"

func TestGustoSavesOneTokenOnce(t *testing.T) {
	t.Parallel()
	config := settings(t, "gusto")
	shake, logs := newLogged(t, config, &offline{})
	req := request(t, http.MethodPost, hook, `{"verification_token": "`+gustoToken+`"}`)

	var saved atomic.Int32
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			reply, ok, err := shake.Answer(t.Context(), req)
			if ok && err == nil && reply.Status == http.StatusAccepted && len(reply.Body) == 0 {
				saved.Add(1)
			}
		})
	}
	all.Wait()
	require.Equal(t, int32(1), saved.Load(), "the others go on, to be refused")
	content, err := os.ReadFile(config.SaveTo)
	require.NoError(t, err)
	require.Equal(t, gustoToken, string(content))
	info, err := os.Stat(config.SaveTo)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	require.NotContains(t, logs.String(), "s3cret")
	require.Contains(t, logs.String(), config.SaveTo)

	_, ok, err := shake.Answer(t.Context(), request(t, http.MethodPost, hook, `{"verification_token":"another"}`))
	require.NoError(t, err)
	require.False(t, ok)
	content, err = os.ReadFile(config.SaveTo)
	require.NoError(t, err)
	require.Equal(t, gustoToken, string(content))
}

func TestGustoSavesNothingElse(t *testing.T) {
	t.Parallel()
	at := func(after time.Duration) row {
		req := request(t, http.MethodPost, hook, `{"verification_token":"x"}`)
		req.Now = started.Add(after)
		return row{req, notIt}
	}
	post := func(body string) row { return row{request(t, http.MethodPost, hook, body), notIt} }
	rows := map[string]row{
		"before the start": at(-time.Nanosecond),
		"after an hour":    at(time.Hour),
		"after a year":     at(365 * 24 * time.Hour),
		"with an event":    post(`{"verification_token":"x","event_type":"employee.terminated"}`),
		"twice":            post(`{"verification_token":"x","verification_token":"y"}`),
		"other case":       post(`{"Verification_Token":"x"}`),
		"a number":         post(`{"verification_token":7}`),
		"markup":           post(`{"verification_token":"<b>"}`),
		"too long":         post(`{"verification_token":"` + strings.Repeat("x", 513) + `"}`),
		"an event":         post(`{"event_type":"employee.terminated"}`),
		"nothing":          post(""),
		"trailing":         post(`{"verification_token":"x"}]`),
		"GET":              {request(t, http.MethodGet, hook, `{"verification_token":"x"}`), notIt},
	}
	for name, value := range hostile() {
		rows[name] = post(`{"verification_token":` + quote(t, value) + `}`)
	}
	config := settings(t, "gusto")
	shake := build(t, config)
	last := at(time.Hour - time.Nanosecond).req
	t.Cleanup(func() { // after the rows
		require.NoFileExists(t, config.SaveTo)
		_, ok, err := shake.Answer(context.Background(), last)
		require.NoError(t, err)
		require.True(t, ok, "up to the last moment")
	})
	requireRows(t, shake, textType, rows)
}

func TestGustoFollowsNoLink(t *testing.T) {
	t.Parallel()
	config := settings(t, "gusto")
	aim := filepath.Join(t.TempDir(), "aim")
	require.NoError(t, os.Symlink(aim, config.SaveTo))
	_, ok, err := build(t, config).Answer(t.Context(), request(t, http.MethodPost, hook, `{"verification_token":"x"}`))
	require.NoError(t, err)
	require.False(t, ok)
	require.NoFileExists(t, aim)
}

func TestGustoIsAskedToComeAgain(t *testing.T) {
	t.Parallel()
	config := handshake.Config{Type: "gusto", SaveTo: filepath.Join(t.TempDir(), "missing", "token")}
	shake, logs := newLogged(t, config, &offline{})
	reply, ok, err := shake.Answer(t.Context(), request(t, http.MethodPost, hook, `{"verification_token":"`+gustoToken+`"}`))
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, http.StatusServiceUnavailable, reply.Status)
	require.NotEmpty(t, reply.Header["Retry-After"])
	require.NotContains(t, logs.String(), "s3cret")
	require.Contains(t, logs.String(), "level=ERROR")
}

func TestSharedGustoSample(t *testing.T) {
	t.Parallel()
	body := sharedFile(t, "alerts/gusto_verification_token.json")
	_, ok, err := build(t, settings(t, "gusto")).Answer(t.Context(), request(t, http.MethodPost, hook, string(body)))
	require.NoError(t, err)
	require.True(t, ok)
	event := sharedFile(t, "alerts/gusto_employee_termination_cancelled.json")
	_, ok, err = build(t, settings(t, "gusto")).Answer(t.Context(), request(t, http.MethodPost, hook, string(event)))
	require.NoError(t, err)
	require.False(t, ok)
}
