package oktasim_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/okta"
	"sever/okta/oktasim"
)

func TestLogFilterAndWords(t *testing.T) {
	t.Parallel()
	o := start(t, oktasim.Options{})
	o.publish(`{"eventType":"user.lifecycle.suspend","uuid":"1","target":[{"id":"a","type":"AppInstance"},{"id":"` + alice + `","type":"User"}]}`)
	o.publish(`{"eventType":"user.session.start","uuid":"2","severity":"WARN","displayMessage":"Alice came in","client":{"ipAddress":"192.0.2.7"}}`)
	o.publish(`{"eventType":"user.session.end","uuid":"3","target":null,"weight":7}`)
	for _, tc := range []struct {
		parameter, text string
		want            []string
	}{
		{"filter", `eventType eq "user.session.start"`, []string{"2"}},
		{"filter", `eventType sw "user.session."`, []string{"2", "3"}},
		{"filter", `eventType ne "user.session.end" and severity eq "WARN"`, []string{"2"}},
		{"filter", `target.id eq "` + alice + `"`, []string{"1"}},
		{"filter", `target.type co "stance" or client.ipAddress ew ".7"`, []string{"1", "2"}},
		{"filter", `debugContext.debugData.requestId eq "x"`, []string{}},
		{"filter", `uuid gt "1" and uuid lt "3"`, []string{"2"}},
		{"filter", `uuid ge "2" and uuid le "2"`, []string{"2"}},
		{"filter", `weight eq 7`, []string{"3"}},
		{"filter", `published gt "2020-01-01T00:00:00.000Z"`, []string{"1", "2", "3"}},
		{"q", "alice", []string{"2"}},
		{"q", "ALICE 192.0.2.7", []string{"2"}},
		{"q", "alice suspend", []string{}},
		{"q", "eventType", []string{}}, // values only
	} {
		a := o.send(http.MethodGet, "/api/v1/logs?"+url.Values{tc.parameter: {tc.text}}.Encode(), "")
		require.Equal(t, 200, a.status, tc.text)
		var events []okta.LogEvent
		a.json(t, &events)
		got := []string{}
		for _, e := range events {
			got = append(got, e.UUID)
		}
		require.Equal(t, tc.want, got, tc.text)
	}
	a := o.send(http.MethodGet, "/api/v1/logs?limit=1&filter="+url.QueryEscape(`eventType sw "user.session."`), "")
	require.Contains(t, string(a.body), `"uuid":"2"`)
	next := must(url.Parse(links(t, a)["next"]))
	require.Contains(t, string(o.send(http.MethodGet, next.RequestURI(), "").body), `"uuid":"3"`, "a page keeps its filter")
	for _, bad := range []url.Values{
		{"filter": {`eventType pr`}}, {"filter": {`not (eventType eq "x")`}}, {"q": {strings.Repeat("x", 41)}}, {"q": {strings.Repeat("x ", 11)}},
	} {
		requireError(t, o.send(http.MethodGet, "/api/v1/logs?"+bad.Encode(), ""), 400, "E0000001")
	}
}

func TestHookFilter(t *testing.T) {
	t.Parallel()
	o := start(t, oktasim.Options{})
	for expression, want := range map[string]int{
		`event.actor.id ne '0oaOther'`:                                         1,
		`event.actor.id ne '0oaSever'`:                                         0,
		`event.actor.id eq '0oaSever' && event.outcome.result eq 'SUCCESS'`:    1,
		`event.actor.id eq 'x' || event.actor.type eq "PublicClientAppEntity"`: 1,
		`event.actor.id eq 'x' || event.actor.type eq 'User'`:                  0,
		`event.target.?[type eq 'User' && id eq 'x'].size()>0`:                 1, // not understood: let through
	} {
		e := newEndpoint(t)
		var body map[string]any
		require.NoError(t, json.Unmarshal([]byte(hookBody(e.url, "a", "b")), &body))
		body["events"].(map[string]any)["filter"] = map[string]any{"type": "EXPRESSION_LANGUAGE", "eventFilterMap": []any{
			map[string]any{"event": "a", "condition": map[string]any{"expression": expression}},
		}}
		created := o.send(http.MethodPost, "/api/v1/eventHooks", string(must(json.Marshal(body))))
		require.Equal(t, 200, created.status)
		require.Contains(t, string(created.body), "eventFilterMap", "it is given back")
		path := "/api/v1/eventHooks/" + hookOf(t, created)["id"].(string)
		require.Equal(t, 200, o.send(http.MethodPost, path+"/lifecycle/verify", "").status)
		actor := `"actor":{"id":"0oaSever","type":"PublicClientAppEntity"}`
		require.Len(t, o.publish(`{"eventType":"a",`+actor+`}`), want, expression)
		require.Len(t, o.publish(`{"eventType":"b",`+actor+`}`), 1, "another type is not filtered")
		o.send(http.MethodPost, path+"/lifecycle/deactivate", "")
	}
}
