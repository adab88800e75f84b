package okta_test

import (
	"bytes"
	"encoding/csv"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/okta"
)

func TestHookEligible(t *testing.T) {
	t.Parallel()
	for eventType, want := range map[string]bool{
		"user.lifecycle.suspend":           true,
		"access.request.cancel":            true, // the first
		"user.authentication.auth_via_IDP": true, // letters keep their case
		"user.authentication.auth_via_idp": false,
		"workload_principal.update":        true,  // the last
		"security.threat.detected":         false, // in the catalogue without the tag
		"user.lifecycle":                   false,
		"":                                 false,
		"\n":                               false,
		"user.lifecycle.suspend\nuser.lifecycle.unsuspend": false,
	} {
		require.Equal(t, want, okta.HookEligible(eventType), "%q", eventType)
	}
}

// The list is the catalogue's: no type is missing, and there are as many as there are tagged.
func TestHookEligibleIsTheCatalogues(t *testing.T) {
	t.Parallel()
	rows, err := csv.NewReader(bytes.NewReader(sharedData(t, "okta/event-hook-eligible.csv"))).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 1+okta.HookEligibleCount())
	for _, row := range rows[1:] {
		require.True(t, okta.HookEligible(row[0]), row[0])
	}
}
