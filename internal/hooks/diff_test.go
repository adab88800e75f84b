package hooks_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sever/internal/hooks"
	"sever/okta"
)

func wanted() okta.EventHookSpec {
	return okta.EventHookSpec{
		Name: "Sever", URI: "https://sever.acme.com/v1/hooks/okta", SecretHeader: "X-Sever-Secret",
		Events: []string{"user.lifecycle.suspend", "user.lifecycle.deactivate"},
	}
}

func registered(change func(*okta.RegisteredEventHook)) okta.RegisteredEventHook {
	hook := okta.RegisteredEventHook{
		ID: "who8vt36qfNpCGz9H1e6", Status: "ACTIVE", Verification: "VERIFIED", Name: "Sever", URI: "https://sever.acme.com/v1/hooks/okta",
		Events: []string{"user.lifecycle.deactivate", "user.lifecycle.suspend"}, SecretHeader: "x-sever-secret",
	}
	if change != nil {
		change(&hook)
	}
	return hook
}

func TestCompare(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*okta.RegisteredEventHook)
		want   []hooks.Change
	}{
		"same, in another order": {nil, nil},
		"other url": {
			func(h *okta.RegisteredEventHook) { h.URI = "https://old.acme.com" },
			[]hooks.Change{{Field: "url", Remove: []string{"https://old.acme.com"}, Add: []string{"https://sever.acme.com/v1/hooks/okta"}}},
		},
		"other header": {
			func(h *okta.RegisteredEventHook) { h.SecretHeader = "authorization" },
			[]hooks.Change{{Field: "secret_header", Remove: []string{"authorization"}, Add: []string{"x-sever-secret"}}},
		},
		"no header": {
			func(h *okta.RegisteredEventHook) { h.SecretHeader = "" },
			[]hooks.Change{{Field: "secret_header", Add: []string{"x-sever-secret"}}},
		},
		"inactive": {
			func(h *okta.RegisteredEventHook) { h.Status = "INACTIVE" },
			[]hooks.Change{{Field: "status", Remove: []string{"INACTIVE"}, Add: []string{"ACTIVE"}}},
		},
		"unverified": {
			func(h *okta.RegisteredEventHook) { h.Verification = "UNVERIFIED" },
			[]hooks.Change{{Field: "verification", Remove: []string{"UNVERIFIED"}, Add: []string{"VERIFIED"}}},
		},
		"other events": {
			func(h *okta.RegisteredEventHook) {
				h.Events = []string{"user.session.start", "user.lifecycle.suspend", "user.session.end"}
			},
			[]hooks.Change{{Field: "events", Remove: []string{"user.session.end", "user.session.start"}, Add: []string{"user.lifecycle.deactivate"}}},
		},
		"what the configuration has no word for": {
			func(h *okta.RegisteredEventHook) { h.Description, h.Headers = "by hand", map[string]string{"A": "b"} }, nil,
		},
	} {
		other := registered(func(h *okta.RegisteredEventHook) { h.Name, h.URI = "sever", "https://elsewhere" })
		hook := registered(test.change)
		diff, err := hooks.Compare(wanted(), []okta.RegisteredEventHook{other, hook})
		require.NoError(t, err, name)
		require.Equal(t, &hook, diff.Hook, name)
		require.Equal(t, test.want, diff.Changes, name)
		require.Equal(t, test.want == nil, diff.Same(), name)
	}
}

func TestCompareWithNone(t *testing.T) {
	t.Parallel()
	diff, err := hooks.Compare(wanted(), []okta.RegisteredEventHook{registered(func(h *okta.RegisteredEventHook) { h.Name = "other" })})
	require.NoError(t, err)
	require.Nil(t, diff.Hook)
	require.False(t, diff.Same())
	require.Empty(t, diff.Notes)
	require.Equal(t, []hooks.Change{
		{Field: "name", Add: []string{"Sever"}},
		{Field: "url", Add: []string{"https://sever.acme.com/v1/hooks/okta"}},
		{Field: "secret_header", Add: []string{"x-sever-secret"}},
		{Field: "status", Add: []string{"ACTIVE"}},
		{Field: "verification", Add: []string{"VERIFIED"}},
		{Field: "events", Add: []string{"user.lifecycle.deactivate", "user.lifecycle.suspend"}},
	}, diff.Changes)
}

func TestCompareWithTwo(t *testing.T) {
	t.Parallel()
	_, err := hooks.Compare(wanted(), []okta.RegisteredEventHook{registered(nil), registered(nil)})
	require.EqualError(t, err, `okta has 2 event hooks with the name "Sever" (who8vt36qfNpCGz9H1e6, who8vt36qfNpCGz9H1e6): `+
		"remove or rename all but one in the Admin Console")
}

func TestCompareNotes(t *testing.T) {
	t.Parallel()
	diff, err := hooks.Compare(wanted(), []okta.RegisteredEventHook{registered(func(h *okta.RegisteredEventHook) {
		h.Filters = map[string]string{"user.lifecycle.suspend": "event.actor.id ne '0oa1'"}
		h.Headers = map[string]string{"X-Env": "a value to keep"}
	})})
	require.NoError(t, err)
	require.True(t, diff.Same())
	require.Len(t, diff.Notes, 3)
	require.Contains(t, diff.Notes[0], "--set-secret")
	require.Contains(t, diff.Notes[1], "Okta filters user.lifecycle.suspend")
	require.Contains(t, diff.Notes[2], `"X-Env"`)
	require.NotContains(t, diff.Notes[2], "a value to keep", "it may be a secret after all")
}
