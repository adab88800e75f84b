package oktasim_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/okta"
	"sever/okta/oktasim"
)

// endpoint is a hook's receiver. It passes verification and answers deliveries as told.
type endpoint struct {
	url string

	mu       sync.Mutex
	statuses []int // for the next deliveries; then 204
	requests []*http.Request
	bodies   []string
	arrived  chan struct{}
}

func newEndpoint(t *testing.T, statuses ...int) *endpoint {
	t.Helper()
	e := &endpoint{statuses: statuses, arrived: make(chan struct{}, 100)}
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	e.url = server.URL
	return e
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.requests, e.bodies = append(e.requests, r), append(e.bodies, string(body))
	if r.Method == http.MethodGet {
		_ = json.NewEncoder(w).Encode(map[string]string{"verification": r.Header.Get("X-Okta-Verification-Challenge")})
		return
	}
	defer func() { e.arrived <- struct{}{} }()
	status := http.StatusNoContent
	if len(e.statuses) > 0 {
		status, e.statuses = e.statuses[0], e.statuses[1:]
	}
	w.Header().Set("Location", "/elsewhere")
	w.WriteHeader(status)
}

// deliveries returns the POST bodies so far.
func (e *endpoint) deliveries() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var bodies []string
	for i, r := range e.requests {
		if r.Method == http.MethodPost {
			bodies = append(bodies, e.bodies[i])
		}
	}
	return bodies
}

func hookBody(uri string, types ...string) string {
	items, _ := json.Marshal(types)
	return fmt.Sprintf(`{"name":"Sever","events":{"type":"EVENT_TYPE","items":%s},"channel":{"type":"HTTP","version":"1.0.0","config":{"uri":%q,
		"headers":[{"key":"X-Other-Header","value":"my-header-value"}],
		"authScheme":{"type":"HEADER","key":"Authorization","value":"my-shared-secret"}}}}`, items, uri)
}

// register creates and verifies a hook and returns its id.
func (o org) register(uri string, types ...string) string {
	o.t.Helper()
	id := o.create(uri, types...)
	a := o.send(http.MethodPost, "/api/v1/eventHooks/"+id+"/lifecycle/verify", "")
	require.Equal(o.t, 200, a.status, string(a.body))
	return id
}

func (o org) create(uri string, types ...string) string {
	o.t.Helper()
	a := o.send(http.MethodPost, "/api/v1/eventHooks", hookBody(uri, types...))
	require.Equal(o.t, 200, a.status, string(a.body))
	return hookOf(o.t, a)["id"].(string)
}

func hookOf(t *testing.T, a answer) map[string]any {
	t.Helper()
	var h map[string]any
	a.json(t, &h)
	return h
}

func (o org) publish(body string) []oktasim.Delivery {
	o.t.Helper()
	a := o.send(http.MethodPost, "/_sim/events", body)
	require.Equal(o.t, 200, a.status, string(a.body))
	var results []oktasim.Delivery
	a.json(o.t, &results)
	return results
}

func TestHookLifecycle(t *testing.T) {
	t.Parallel()
	o, e := start(t, oktasim.Options{Org: "https://acme.okta.com/"}), newEndpoint(t)
	a := o.send(http.MethodPost, "/api/v1/eventHooks", hookBody(e.url, "user.lifecycle.suspend"))
	h := hookOf(t, a)
	id := h["id"].(string)
	require.Regexp(t, `^who[0-9A-Za-z]{17}$`, id)
	require.Equal(t, []any{"ACTIVE", "UNVERIFIED", "Sever"}, []any{h["status"], h["verificationStatus"], h["name"]})
	require.NotContains(t, string(a.body), "my-shared-secret")
	config := h["channel"].(map[string]any)["config"].(map[string]any)
	require.Equal(t, map[string]any{"type": "HEADER", "key": "authorization"}, config["authScheme"])
	require.Equal(t, "https://acme.okta.com/api/v1/eventHooks/"+id, h["_links"].(map[string]any)["self"].(map[string]any)["href"])

	path := "/api/v1/eventHooks/" + id
	require.Equal(t, "VERIFIED", hookOf(t, o.send(http.MethodPost, path+"/lifecycle/verify", ""))["verificationStatus"])
	require.Equal(t, "my-shared-secret", e.requests[0].Header.Get("Authorization"))
	require.Equal(t, "my-header-value", e.requests[0].Header.Get("X-Other-Header"))
	require.NotEmpty(t, e.requests[0].Header.Get("X-Okta-Verification-Challenge"))

	var all []map[string]any
	o.send(http.MethodGet, "/api/v1/eventHooks", "").json(t, &all)
	require.Len(t, all, 1)
	require.Equal(t, "UNVERIFIED", hookOf(t, o.send(http.MethodPut, path, hookBody(e.url+"/new", "user.lifecycle.suspend")))["verificationStatus"])
	requireError(t, o.send(http.MethodDelete, path, ""), 403, "E0000006")
	require.Equal(t, "INACTIVE", hookOf(t, o.send(http.MethodPost, path+"/lifecycle/deactivate", ""))["status"])
	require.Equal(t, "INACTIVE", hookOf(t, o.send(http.MethodGet, path, ""))["status"])
	require.Equal(t, "ACTIVE", hookOf(t, o.send(http.MethodPost, path+"/lifecycle/activate", ""))["status"])
	o.send(http.MethodPost, path+"/lifecycle/deactivate", "")
	require.Equal(t, 204, o.send(http.MethodDelete, path, "").status)
	for _, call := range [][2]string{
		{"GET", path}, {"PUT", path}, {"DELETE", path}, {"POST", path + "/lifecycle/verify"}, {"POST", path + "/lifecycle/activate"},
	} {
		requireError(t, o.send(call[0], call[1], hookBody(e.url, "x")), 404, "E0000007")
	}
}

func TestHookValidation(t *testing.T) {
	t.Parallel()
	o := start(t, oktasim.Options{})
	base := func(change func(hook, events, channel, config map[string]any)) string {
		var h map[string]any
		require.NoError(t, json.Unmarshal([]byte(hookBody("https://sever.example/x", "a")), &h))
		channel := h["channel"].(map[string]any)
		change(h, h["events"].(map[string]any), channel, channel["config"].(map[string]any))
		b, err := json.Marshal(h)
		require.NoError(t, err)
		return string(b)
	}
	require.Equal(t, 200, o.send(http.MethodPost, "/api/v1/eventHooks", base(func(_, _, _, _ map[string]any) {})).status)
	for name, body := range map[string]string{
		"name":       base(func(h, _, _, _ map[string]any) { h["name"] = "" }),
		"type":       base(func(_, e, _, _ map[string]any) { e["type"] = "X" }),
		"items":      base(func(_, e, _, _ map[string]any) { e["items"] = []string{} }),
		"many items": base(func(_, e, _, _ map[string]any) { e["items"] = make([]string, 301) }),
		"channel":    base(func(_, _, c, _ map[string]any) { c["type"] = "SMS" }),
		"version":    base(func(_, _, c, _ map[string]any) { c["version"] = "1" }),
		"http":       base(func(_, _, _, c map[string]any) { c["uri"] = "http://sever.example" }),
		"file":       base(func(_, _, _, c map[string]any) { c["uri"] = "file:///x" }),
		"userinfo":   base(func(_, _, _, c map[string]any) { c["uri"] = "https://a:b@sever.example" }),
		"no uri":     base(func(_, _, _, c map[string]any) { c["uri"] = "" }),
		"auth type": base(func(_, _, _, c map[string]any) {
			c["authScheme"] = map[string]any{"type": "OAUTH", "key": "a", "value": "b"}
		}),
		"auth value": base(func(_, _, _, c map[string]any) {
			c["authScheme"] = map[string]any{"type": "HEADER", "key": "a", "value": ""}
		}),
		"header":     base(func(_, _, _, c map[string]any) { c["headers"] = []any{map[string]any{"key": "a b", "value": "x"}} }),
		"line break": base(func(_, _, _, c map[string]any) { c["headers"] = []any{map[string]any{"key": "a", "value": "x\r\ny"}} }),
	} {
		a := o.send(http.MethodPost, "/api/v1/eventHooks", body)
		require.Equal(t, 400, a.status, name)
		requireError(t, a, 400, "E0000001")
	}
	requireError(t, o.send(http.MethodPost, "/api/v1/eventHooks", "{"), 400, "E0000003")
}

func TestVerificationFailures(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer   func(http.ResponseWriter, *http.Request)
		attempts int
	}{
		"wrong echo": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"verification":"x"}`) }, 1},
		"no JSON":    {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `ok`) }, 1},
		"401":        {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }, 1},
		"redirect":   {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/x", http.StatusFound) }, 1},
		"503":        {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }, 2},
		"hangs":      {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			attempts := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				attempts++
				mu.Unlock()
				tc.answer(w, r)
			}))
			t.Cleanup(server.Close)
			o := start(t, oktasim.Options{HookTimeout: 200 * time.Millisecond})
			id := o.create(server.URL, "x")
			requireError(t, o.send(http.MethodPost, "/api/v1/eventHooks/"+id+"/lifecycle/verify", ""), 400, "E0000001")
			require.Equal(t, "UNVERIFIED", hookOf(t, o.send(http.MethodGet, "/api/v1/eventHooks/"+id, ""))["verificationStatus"])
			mu.Lock()
			defer mu.Unlock()
			require.Equal(t, tc.attempts, attempts)
		})
	}
}

func TestDelivery(t *testing.T) {
	t.Parallel()
	o, e := start(t, oktasim.Options{Org: "https://acme.okta.com"}), newEndpoint(t)
	id := o.register(e.url+"/v1/hooks/okta", "user.lifecycle.suspend")
	results := o.publish(`{"eventType":"user.lifecycle.suspend","target":[{"id":"` + alice + `","type":"User"}],"severity":null}`)
	require.Equal(t, []oktasim.Delivery{{Hook: id, Status: 204, Attempts: 1}}, results)

	r := e.requests[1]
	require.Equal(t, []string{"POST", "/v1/hooks/okta", "application/json", "application/json", "my-shared-secret", "my-header-value"}, []string{
		r.Method, r.URL.Path, r.Header.Get("Content-Type"), r.Header.Get("Accept"), r.Header.Get("Authorization"), r.Header.Get("X-Other-Header"),
	})
	var hook okta.EventHook
	require.NoError(t, json.Unmarshal([]byte(e.bodies[1]), &hook))
	require.Equal(t, "com.okta.event_hook", hook.EventType)
	require.Equal(t, "1.0", hook.EventTypeVersion)
	require.Equal(t, "0.1", hook.CloudEventsVersion)
	require.Equal(t, "application/json", hook.ContentType)
	require.Equal(t, "https://acme.okta.com/api/v1/eventHooks/"+id, hook.Source)
	require.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, hook.EventID)
	require.False(t, hook.EventTime.IsZero())
	require.Len(t, hook.Data.Events, 1)
	event := hook.Data.Events[0]
	require.Equal(t, []okta.Entity{{ID: alice, Type: "User"}}, event.Target)
	require.NotEmpty(t, event.UUID)
	require.False(t, event.Published.IsZero())
	require.Equal(t, "SUCCESS", event.Outcome.Result)
	require.NotNil(t, event.Actor)
	require.Empty(t, event.Severity, "what was given stays, null included")
	require.NotEmpty(t, event.Client.IPChain, "hooks carry the chain under client")
	require.NotContains(t, e.bodies[1], `"request":`)

	logged := o.send(http.MethodGet, "/api/v1/logs", "")
	require.Contains(t, string(logged.body), event.UUID)
	require.Contains(t, string(logged.body), `"request":`)
}

func TestDeliveryRetriesLikeOkta(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answers []int
		want    oktasim.Delivery
	}{
		"fine":         {[]int{200}, oktasim.Delivery{Status: 200, Attempts: 1}},
		"once more":    {[]int{503, 204}, oktasim.Delivery{Status: 204, Attempts: 2}},
		"gives up":     {[]int{503, 500, 204}, oktasim.Delivery{Status: 500, Attempts: 2, Error: "the endpoint answered 500"}},
		"not on 4xx":   {[]int{429, 204}, oktasim.Delivery{Status: 429, Attempts: 1, Error: "the endpoint answered 429"}},
		"not followed": {[]int{307, 204}, oktasim.Delivery{Status: 307, Attempts: 1, Error: "the endpoint answered 307"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, e := start(t, oktasim.Options{}), newEndpoint(t, tc.answers...)
			tc.want.Hook = o.register(e.url, "x")
			require.Equal(t, []oktasim.Delivery{tc.want}, o.publish(`{"eventType":"x"}`))
			bodies := e.deliveries()
			require.Len(t, bodies, tc.want.Attempts)
			require.Equal(t, bodies[0], bodies[len(bodies)-1], "the same delivery again, eventId included")
			failed := tc.want.Error != ""
			require.Equal(t, failed, len(o.eventsOf("event_hook.delivery")) == 1)
		})
	}
}

func (o org) eventsOf(eventType string) []okta.LogEvent {
	o.t.Helper()
	var all, kept []okta.LogEvent
	o.send(http.MethodGet, "/api/v1/logs?limit=1000", "").json(o.t, &all)
	for _, e := range all {
		if e.EventType == eventType {
			kept = append(kept, e)
		}
	}
	return kept
}

func TestDeliveryTimesOut(t *testing.T) {
	t.Parallel()
	o, e := start(t, oktasim.Options{HookTimeout: 200 * time.Millisecond}), newEndpoint(t)
	id := o.register(e.url, "x")
	hung := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			e.ServeHTTP(w, r)
			return
		}
		_, _ = io.Copy(io.Discard, r.Body) // only then is the end of the connection noticed
		<-r.Context().Done()
	}))
	t.Cleanup(hung.Close)
	second := o.register(hung.URL, "x")
	results := o.publish(`{"eventType":"x"}`)
	require.Equal(t, oktasim.Delivery{Hook: id, Status: 204, Attempts: 1}, results[0])
	require.Equal(t, []any{second, 0, 2}, []any{results[1].Hook, results[1].Status, results[1].Attempts})
	require.NotEmpty(t, results[1].Error)
}

func TestWhoGetsWhat(t *testing.T) {
	t.Parallel()
	o, e := start(t, oktasim.Options{}), newEndpoint(t)
	both := o.register(e.url+"/both", "a", "b")
	onlyA := o.register(e.url+"/a", "a")
	o.create(e.url+"/unverified", "a", "b")
	inactive := o.register(e.url+"/inactive", "a", "b")
	o.send(http.MethodPost, "/api/v1/eventHooks/"+inactive+"/lifecycle/deactivate", "")

	require.Empty(t, o.publish(`{"eventType":"c"}`))
	results := o.publish(`[{"eventType":"a"},{"eventType":"b"},{"eventType":"c"}]`)
	require.Equal(t, []oktasim.Delivery{{Hook: both, Status: 204, Attempts: 1}, {Hook: onlyA, Status: 204, Attempts: 1}}, results)
	var first, second okta.EventHook
	bodies := e.deliveries()
	require.Len(t, bodies, 2)
	require.NoError(t, json.Unmarshal([]byte(bodies[0]), &first))
	require.NoError(t, json.Unmarshal([]byte(bodies[1]), &second))
	require.Len(t, first.Data.Events, 2, "events that are close come together")
	require.Len(t, second.Data.Events, 1)
	require.Equal(t, first.Data.Events[0].UUID, second.Data.Events[0].UUID, "one event")
	require.NotEqual(t, first.EventID, second.EventID, "two deliveries")
}

func TestRevocationEchoes(t *testing.T) {
	t.Parallel()
	o, e := start(t, oktasim.Options{}), newEndpoint(t)
	o.register(e.url, "user.session.clear")
	a := o.send(http.MethodDelete, "/api/v1/users/"+alice+"/sessions", "")
	select {
	case <-e.arrived:
	case <-time.After(10 * time.Second):
		t.Fatal("the hook was not called")
	}
	var hook okta.EventHook
	require.NoError(t, json.Unmarshal([]byte(e.deliveries()[0]), &hook))
	event := hook.Data.Events[0]
	require.Equal(t, "user.session.clear", event.EventType)
	require.Equal(t, []okta.Entity{{ID: alice, Type: "User", AlternateID: alice + "@example.com", DisplayName: alice + "@example.com"}}, event.Target)
	require.Equal(t, "PublicClientAppEntity", event.Actor.Type)
	require.Equal(t, a.header.Get("X-Okta-Request-Id"), event.DebugContext.DebugData["requestId"], "the proof of effect")
	logged := o.eventsOf("user.session.clear")
	require.Len(t, logged, 1)
	require.Equal(t, event.UUID, logged[0].UUID)
}

func TestCloseWaitsForDeliveries(t *testing.T) {
	t.Parallel()
	began := make(chan struct{}, 100)
	hung := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			_ = json.NewEncoder(w).Encode(map[string]string{"verification": r.Header.Get("X-Okta-Verification-Challenge")})
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		began <- struct{}{}
		<-r.Context().Done()
	}))
	t.Cleanup(hung.Close)
	o := start(t, oktasim.Options{HookTimeout: time.Hour})
	o.register(hung.URL, "user.session.clear")
	for range 50 {
		require.Equal(t, 204, o.send(http.MethodDelete, "/api/v1/users/"+alice+"/sessions", "").status)
	}
	<-began
	closed := make(chan struct{})
	go func() {
		o.sim.Close()
		o.sim.Close() // twice is fine
		close(closed)
	}()
	select {
	case <-closed:
	case <-time.After(10 * time.Second):
		t.Fatal("close does not end")
	}
	require.GreaterOrEqual(t, len(o.eventsOf("event_hook.delivery")), 1+len(began), "every delivery that began was seen to its end")
}
