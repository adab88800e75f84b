package revocation

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// at is a second of the story, before or after its start.
func at(second int) time.Time {
	return time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC).Add(time.Duration(second) * time.Second)
}

const ada = "00uada00000000000001"

func TestScopeIncludes(t *testing.T) {
	t.Parallel()
	nothing, tokens, devices, both := Scope{}, Scope{OAuthTokens: true}, Scope{ForgetDevices: true}, Scope{OAuthTokens: true, ForgetDevices: true}
	for _, tt := range []struct {
		done, asked Scope
		want        bool
	}{
		{nothing, nothing, true},
		{nothing, tokens, false},
		{nothing, devices, false},
		{nothing, both, false},
		{tokens, nothing, true},
		{tokens, tokens, true},
		{tokens, devices, false},
		{tokens, both, false},
		{devices, nothing, true},
		{devices, tokens, false},
		{devices, devices, true},
		{devices, both, false},
		{both, nothing, true},
		{both, tokens, true},
		{both, devices, true},
		{both, both, true},
	} {
		require.Equal(t, tt.want, tt.done.Includes(tt.asked), "%+v includes %+v", tt.done, tt.asked)
	}
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		outcome          Outcome
		finishes, clears bool
	}{
		{OutcomeRevoked, true, true},
		{OutcomeGone, true, true},
		{OutcomeCovered, true, false},
		{OutcomeRefused, true, false},
		{OutcomeFailed, false, false},
		{OutcomeHeld, false, false},
		{OutcomeDead, false, false},
		{"", false, false},
		{"of a later version", false, false},
	} {
		require.Equal(t, tt.finishes, tt.outcome.Finishes(), "%q finishes", tt.outcome)
		require.Equal(t, tt.clears, Record{Outcome: tt.outcome, User: ada}.Clears(), "%q clears", tt.outcome)
		require.False(t, Record{Outcome: tt.outcome}.Clears(), "%q says nothing of a user nobody knows", tt.outcome)
	}
}

func TestCovered(t *testing.T) {
	t.Parallel()
	full, none := Scope{OAuthTokens: true, ForgetDevices: true}, Scope{}
	for name, tt := range map[string]struct {
		outcome  Outcome
		began    time.Time
		done     Scope
		asked    Scope
		margin   time.Duration
		received time.Time
		want     bool
	}{
		"begun after receipt":                  {OutcomeRevoked, at(11), full, full, 0, at(10), true},
		"begun a moment after receipt":         {OutcomeRevoked, at(10).Add(1), full, full, 0, at(10), true},
		"begun at the same instant":            {OutcomeRevoked, at(10), full, full, 0, at(10), false},
		"begun before receipt":                 {OutcomeRevoked, at(9), full, full, 0, at(10), false},
		"begun within the margin":              {OutcomeRevoked, at(11), full, full, 2 * time.Second, at(10), false},
		"begun at the margin's end":            {OutcomeRevoked, at(12), full, full, 2 * time.Second, at(10), false},
		"begun after the margin":               {OutcomeRevoked, at(12).Add(1), full, full, 2 * time.Second, at(10), true},
		"narrower scope was done":              {OutcomeRevoked, at(11), none, full, 0, at(10), false},
		"half the scope was done":              {OutcomeRevoked, at(11), Scope{OAuthTokens: true}, full, 0, at(10), false},
		"wider scope was done":                 {OutcomeRevoked, at(11), full, none, 0, at(10), true},
		"gone after receipt":                   {OutcomeGone, at(11), full, full, 0, at(10), true},
		"gone after receipt, whatever scope":   {OutcomeGone, at(11), none, full, 0, at(10), true},
		"gone before receipt, maybe back":      {OutcomeGone, at(9), full, full, 0, at(10), false},
		"gone at the same instant":             {OutcomeGone, at(10), full, full, 0, at(10), false},
		"gone within the margin":               {OutcomeGone, at(11), full, full, time.Second, at(10), false},
		"covered by another is no proof":       {OutcomeCovered, at(11), full, full, 0, at(10), false},
		"refused revoked nothing":              {OutcomeRefused, at(11), full, full, 0, at(10), false},
		"failed revoked nothing":               {OutcomeFailed, at(11), full, full, 0, at(10), false},
		"dead revoked nothing":                 {OutcomeDead, at(11), full, full, 0, at(10), false},
		"held revoked nothing":                 {OutcomeHeld, at(11), full, full, 0, at(10), false},
		"zero record":                          {"", time.Time{}, none, none, 0, time.Time{}, false},
		"other time zone, same instant":        {OutcomeRevoked, at(10).In(time.FixedZone("east", 3600)), full, full, 0, at(10), false},
		"other time zone, a second afterwards": {OutcomeRevoked, at(11).In(time.FixedZone("west", -3600)), full, full, 0, at(10), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			newest := Record{Job: Job{Scope: tt.done}, Outcome: tt.outcome, Began: tt.began, User: ada}
			require.Equal(t, tt.want, Covered(Job{Scope: tt.asked, Received: tt.received}, newest, tt.margin))
		})
	}
}

// Ending the sessions does less than the global token revocation, and nothing does more.
func TestCoveredEverywhere(t *testing.T) {
	t.Parallel()
	full := Scope{OAuthTokens: true, ForgetDevices: true}
	for _, tt := range []struct{ done, asked, want bool }{
		{false, false, true}, {true, false, true}, {false, true, false}, {true, true, true},
	} {
		newest := Record{Job: Job{Scope: full, Everywhere: tt.done}, Outcome: OutcomeRevoked, Began: at(11), User: ada}
		require.Equal(t, tt.want, Covered(Job{Scope: full, Everywhere: tt.asked, Received: at(10)}, newest, 0), "%+v", tt)
		newest.Outcome = OutcomeGone
		require.True(t, Covered(Job{Scope: full, Everywhere: tt.asked, Received: at(10)}, newest, 0), "who is gone is gone everywhere")
	}
}
