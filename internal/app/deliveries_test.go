package app_test

import (
	"net/http"
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/handlers"
	"sever/revocation"
)

// What was refused in a dry run is on record as such, and differs from a policy that enforces only.
func TestADeliveryShowsWhatIsOnRecord(t *testing.T) {
	t.Parallel()
	r := newRig(t, settings{policy: "{mode: dry_run}"})
	r.deliver(suspension(person(1), "dry"))
	r.seen.await(t, audited(revocation.OutcomeRefused), 1)
	page := decode[handlers.DeliveryPage](t, r.admin(http.MethodGet, "/api/v1/deliveries", ""), http.StatusOK)
	require.Len(t, page.Deliveries, 1)
	shown := r.admin(http.MethodGet, "/api/v1/deliveries/"+page.Deliveries[0].ID, "")
	view := decode[handlers.DeliveryView](t, shown, http.StatusOK)
	require.Len(t, view.Signals, 1)
	verdict := view.Signals[0].Verdict
	require.Equal(t, handlers.DoesDryRun, verdict.Does)
	require.Equal(t, "refused", verdict.Record)
	require.False(t, verdict.Differs)
	require.Equal(t, "acme", view.Org)
	require.NotEmpty(t, view.Policy)
	require.Empty(t, view.Delivery.Body)

	missing := r.admin(http.MethodGet, "/api/v1/deliveries/"+revocation.DeriveID("dlv", "none"), "")
	require.Equal(t, http.StatusNotFound, missing.status)
	require.Empty(t, r.okta.Calls())
}

// A person signed out by a policy of another scope, or by a rule that is gone, is on record all the same.
func TestWhatAnotherPolicyDidIsOnRecord(t *testing.T) {
	t.Parallel()
	r := newRig(t, settings{policy: `{builtin: false, rules: [{name: narrow, when: "signal.type == 'user.lifecycle.suspend'", ` +
		`do: {revoke: {oauth_tokens: false, forget_devices: false}}}]}`})
	r.deliver(suspension(person(1), "narrow"))
	r.seen.await(t, audited(revocation.OutcomeRevoked), 1)
	text, err := os.ReadFile(r.file)
	require.NoError(t, err)
	without := regexp.MustCompile(`(?m)^policy: .*$`).ReplaceAll(text, []byte("policy: {builtin: false}"))
	require.NoError(t, os.WriteFile(r.file, without, 0o600))
	r.restart()
	page := decode[handlers.DeliveryPage](t, r.admin(http.MethodGet, "/api/v1/deliveries", ""), http.StatusOK)
	view := decode[handlers.DeliveryView](t, r.admin(http.MethodGet, "/api/v1/deliveries/"+page.Deliveries[0].ID, ""), http.StatusOK)
	verdict := view.Signals[0].Verdict
	require.Equal(t, handlers.DoesIgnore, verdict.Does)
	require.Equal(t, "revoked", verdict.Record)
	require.True(t, verdict.Differs)
}
