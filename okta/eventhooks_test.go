package okta_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/okta"
	"sever/okta/oktasim"
)

const hookSecret = "Basic c2V2ZXI6c2VjcmV0"

// startReceiver is an endpoint that answers Okta's challenge.
func startReceiver(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != hookSecret {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"verification": r.Header.Get("X-Okta-Verification-Challenge")})
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func hookSpec(t *testing.T, uri string) okta.EventHookSpec {
	t.Helper()
	secret, err := okta.NewHookSecret(hookSecret)
	require.NoError(t, err)
	return okta.EventHookSpec{
		Name: "sever", Description: "ends sessions", URI: uri, Events: []string{"user.lifecycle.suspend", "user.session.start"}, Secret: secret,
		Filters: map[string]string{"user.session.start": "event.actor.id ne '0oa1'"}, Headers: map[string]string{"X-Env": "test"},
	}
}

func TestEventHookFromBirthToDeath(t *testing.T) {
	t.Parallel()
	client, sim := startSim(t, oktasim.Options{})
	spec := hookSpec(t, startReceiver(t))
	hook, receipt, err := client.CreateEventHook(t.Context(), spec)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, receipt.Status)
	require.False(t, hook.Created.IsZero())
	want := okta.RegisteredEventHook{
		ID: hook.ID, Status: "ACTIVE", Verification: "UNVERIFIED", Name: spec.Name, Description: spec.Description, URI: spec.URI, Events: spec.Events,
		Filters: spec.Filters, SecretHeader: "authorization", Headers: spec.Headers, Created: hook.Created, LastUpdated: hook.LastUpdated,
	}
	require.Equal(t, want, hook)

	hook, _, err = client.VerifyEventHook(t.Context(), hook.ID)
	require.NoError(t, err)
	require.Equal(t, "VERIFIED", hook.Verification)

	listed, _, err := client.ListEventHooks(t.Context())
	require.NoError(t, err)
	require.Equal(t, []okta.RegisteredEventHook{hook}, listed)
	got, _, err := client.GetEventHook(t.Context(), hook.ID)
	require.NoError(t, err)
	require.Equal(t, hook, got)

	spec.Events, spec.Filters, spec.Headers, spec.Description = []string{"user.lifecycle.suspend"}, nil, nil, ""
	hook, _, err = client.ReplaceEventHook(t.Context(), hook.ID, spec)
	require.NoError(t, err)
	require.Equal(t, spec.Events, hook.Events)
	require.Empty(t, hook.Filters)
	require.Equal(t, "UNVERIFIED", hook.Verification)

	_, err = client.DeleteEventHook(t.Context(), hook.ID)
	require.Error(t, err, "only an inactive hook can be deleted")
	hook, _, err = client.DeactivateEventHook(t.Context(), hook.ID)
	require.NoError(t, err)
	require.Equal(t, "INACTIVE", hook.Status)
	hook, _, err = client.ActivateEventHook(t.Context(), hook.ID)
	require.NoError(t, err)
	require.Equal(t, "ACTIVE", hook.Status)
	_, _, err = client.DeactivateEventHook(t.Context(), hook.ID)
	require.NoError(t, err)
	receipt, err = client.DeleteEventHook(t.Context(), hook.ID)
	require.NoError(t, err)
	require.Equal(t, http.StatusNoContent, receipt.Status)
	calls := sim.Calls()
	require.Equal(t, "DELETE /api/v1/eventHooks/"+string(hook.ID), calls[len(calls)-1].Method+" "+calls[len(calls)-1].Path)
	_, _, err = client.GetEventHook(t.Context(), hook.ID)
	require.Equal(t, okta.ClassGone, okta.ClassOf(err))
}

func TestVerifyEventHookOfAnEndpointThatFails(t *testing.T) {
	t.Parallel()
	client, _ := startSim(t, oktasim.Options{})
	spec := hookSpec(t, startReceiver(t))
	spec.Secret, _ = okta.NewHookSecret("another")
	hook, _, err := client.CreateEventHook(t.Context(), spec)
	require.NoError(t, err)
	_, receipt, err := client.VerifyEventHook(t.Context(), hook.ID)
	require.Equal(t, okta.ClassInvalid, okta.ClassOf(err))
	require.Equal(t, http.StatusBadRequest, receipt.Status)
}

func TestEventHookCallsNeedAnID(t *testing.T) {
	t.Parallel()
	for _, id := range []okta.EventHookID{"", "who", alice, "who8vt36qfNpCGz9H1e6/", "who8vt36qfNpCGz9H1e6?x=", "../users/" + alice, "who8vt36qfNpCGz9H1e６"} {
		sent := &recorder{}
		client := newClient(t, "https://acme.okta.com", func(c *okta.Config) { c.Transport = sent })
		spec := hookSpec(t, "https://sever.acme.com/v1/hooks/okta")
		_, _, get := client.GetEventHook(t.Context(), id)
		_, _, replace := client.ReplaceEventHook(t.Context(), id, spec)
		_, _, verify := client.VerifyEventHook(t.Context(), id)
		_, _, activate := client.ActivateEventHook(t.Context(), id)
		_, _, deactivate := client.DeactivateEventHook(t.Context(), id)
		_, remove := client.DeleteEventHook(t.Context(), id)
		for _, err := range []error{get, replace, verify, activate, deactivate, remove} {
			var invalid *okta.InvalidEventHookIDError
			require.ErrorAs(t, err, &invalid, "%q", id)
			require.Equal(t, okta.ClassInvalid, okta.ClassOf(err))
		}
		require.Empty(t, sent.seen)
	}
}

func TestEventHookSpecIsChecked(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		field  string
		change func(*okta.EventHookSpec)
	}{
		"no name":            {"Name", func(s *okta.EventHookSpec) { s.Name = "" }},
		"long name":          {"Name", func(s *okta.EventHookSpec) { s.Name = strings.Repeat("x", 256) }},
		"no URI":             {"URI", func(s *okta.EventHookSpec) { s.URI = "" }},
		"plain http":         {"URI", func(s *okta.EventHookSpec) { s.URI = "http://acme.com/hook" }},
		"password in URI":    {"URI", func(s *okta.EventHookSpec) { s.URI = "https://u:hunter2@acme.com/hook" }},
		"fragment":           {"URI", func(s *okta.EventHookSpec) { s.URI = "https://acme.com/#x" }},
		"no events":          {"Events", func(s *okta.EventHookSpec) { s.Events, s.Filters = nil, nil }},
		"too many events":    {"Events", func(s *okta.EventHookSpec) { s.Events = make([]string, 301) }},
		"filter for nothing": {"Filters", func(s *okta.EventHookSpec) { s.Filters = map[string]string{"user.session.end": "true"} }},
		"bad header":         {"SecretHeader", func(s *okta.EventHookSpec) { s.SecretHeader = "X A" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sent := &recorder{}
			client := newClient(t, "https://acme.okta.com", func(c *okta.Config) { c.Transport = sent })
			spec := hookSpec(t, "https://sever.acme.com/v1/hooks/okta")
			tc.change(&spec)
			_, _, err := client.CreateEventHook(t.Context(), spec)
			var invalid *okta.InvalidEventHookError
			require.ErrorAs(t, err, &invalid)
			require.Equal(t, tc.field, invalid.Field)
			require.Equal(t, okta.ClassInvalid, okta.ClassOf(err))
			require.NotContains(t, err.Error(), "hunter2")
			require.Empty(t, sent.seen)
		})
	}
}

func TestEventHookBodyIsTheDocumentedOne(t *testing.T) {
	t.Parallel()
	var body map[string]any
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		_ = json.Unmarshal(b, &body)
	}))
	t.Cleanup(server.Close)
	_, _, err := newClient(t, server.URL).CreateEventHook(t.Context(), hookSpec(t, "https://sever.acme.com/v1/hooks/okta"))
	require.Equal(t, okta.ClassWrongURL, okta.ClassOf(err), "an empty answer is no hook")
	sent, err := json.Marshal(body)
	require.NoError(t, err)
	require.JSONEq(t, `{"name":"sever","description":"ends sessions",
		"events":{"type":"EVENT_TYPE","items":["user.lifecycle.suspend","user.session.start"],"filter":{"type":"EXPRESSION_LANGUAGE",
			"eventFilterMap":[{"event":"user.session.start","condition":{"expression":"event.actor.id ne '0oa1'"}}]}},
		"channel":{"type":"HTTP","version":"1.0.0","config":{"uri":"https://sever.acme.com/v1/hooks/okta","headers":[{"key":"X-Env","value":"test"}],
			"authScheme":{"type":"HEADER","key":"Authorization","value":"`+hookSecret+`"}}}}`, string(sent))
}

func TestEventHookSamplesAreRead(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"RetrieveAnEventHook.json", "RetrieveAnEventHookWithFilter.json"} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			body := sharedData(t, "okta/api/"+file)
			var sample struct {
				ID okta.EventHookID `json:"id"`
			}
			require.NoError(t, json.Unmarshal(body, &sample))
			client := newClient(t, "https://acme.okta.com", func(c *okta.Config) { c.Transport = canned{200, nil, string(body)} })
			hook, _, err := client.GetEventHook(t.Context(), sample.ID)
			require.NoError(t, err)
			require.NotEmpty(t, hook.Events)
			require.Equal(t, "authorization", hook.SecretHeader)
			require.Equal(t, strings.Contains(file, "Filter"), len(hook.Filters) == 1)
		})
	}
}

func TestEventHookCallsRefuseStrangeAnswers(t *testing.T) {
	t.Parallel()
	const id = "who8vt36qfNpCGz9H1e6"
	for _, body := range []string{"", "[]", "{}", `{"id":"who/../x"}`, `{"id":"who8vt36qfNpCGz9H1e7"}`, "<html>"} {
		client := newClient(t, "https://acme.okta.com", func(c *okta.Config) { c.Transport = canned{200, nil, body} })
		_, _, err := client.GetEventHook(t.Context(), id)
		require.Equal(t, okta.ClassWrongURL, okta.ClassOf(err), body)
	}
	for _, answer := range []canned{
		{200, nil, "{}"}, {200, nil, `[{"id":"x"}]`}, {200, map[string]string{"Link": `<https://acme.okta.com/api/v1/eventHooks?after=1>; rel="next"`}, "[]"},
	} {
		client := newClient(t, "https://acme.okta.com", func(c *okta.Config) { c.Transport = answer })
		_, _, err := client.ListEventHooks(t.Context())
		require.Equal(t, okta.ClassWrongURL, okta.ClassOf(err), answer.body)
	}
}

func TestHookSecretIsNeverShown(t *testing.T) {
	t.Parallel()
	spec := hookSpec(t, "https://sever.acme.com/v1/hooks/okta")
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", spec.Secret, "spec", spec)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", spec.Secret, "spec", spec)
	require.NotContains(t, log.String()+fmt.Sprintf("%v %+v %#v %s %x", spec, spec, spec, spec.Secret, spec.Secret), hookSecret)

	echo := canned{400, nil, `{"errorCode":"E0000001","errorSummary":"bad value ` + hookSecret + `","errorCauses":[{"errorSummary":"` + hookSecret + `"}]}`}
	client := newClient(t, "https://acme.okta.com", func(c *okta.Config) { c.Transport = echo })
	_, _, err := client.CreateEventHook(t.Context(), spec)
	require.NotContains(t, err.Error(), hookSecret)
	e, ok := errors.AsType[*okta.Error](err)
	require.True(t, ok)
	require.NotContains(t, fmt.Sprintf("%#v", *e), hookSecret)

	for _, bad := range []string{"", "  ", "a\nb", "é"} {
		_, err := okta.NewHookSecret(bad)
		require.Error(t, err, "%q", bad)
	}
}
