package source_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/okta"
	"sever/policy"
	"sever/revocation"
	"sever/source"
)

func TestOktaHookEvents(t *testing.T) {
	t.Parallel()
	events := source.OktaHookEvents()
	require.Equal(t, []string{
		"user.account.report_suspicious_activity_by_enduser",
		"user.authentication.auth_via_mfa",
		"user.lifecycle.deactivate",
		"user.lifecycle.delete.initiated",
		"user.lifecycle.suspend",
		"user.risk.change",
		"user.risk.detect",
		"user.session.context.change",
		"user.session.start",
	}, events)
	for _, event := range events {
		require.True(t, okta.HookEligible(event), event)
	}
	// The policy acts on no type that the hook would not bring.
	for _, event := range source.OktaTypeNames() {
		if policy.BuiltIn().Decide(revocation.Signal{Type: event}).Revoke {
			require.True(t, slices.Contains(events, event), event)
		}
	}
}
