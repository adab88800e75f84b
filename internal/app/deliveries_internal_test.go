package app

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/handlers"
	"sever/policy"
	"sever/revocation"
	"sever/source"
)

func TestWhatASignalWouldCome(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	person := revocation.Person{Kind: revocation.PersonLogin, Value: "ada@acme.example"}
	announced := revocation.Signal{Kind: revocation.KindTermination, Person: person, Effective: now.Add(time.Hour)}
	due := revocation.Signal{Kind: revocation.KindTermination, Person: person, Effective: now}
	someone := revocation.Signal{Person: person}
	revoke := policy.Decision{Revoke: true}
	for name, tt := range map[string]struct {
		signal   revocation.Signal
		decision policy.Decision
		want     string
	}{
		"no rule":                          {someone, policy.Decision{}, handlers.DoesIgnore},
		"nobody":                           {revocation.Signal{}, revoke, handlers.DoesNobody},
		"nobody, no rule":                  {revocation.Signal{}, policy.Decision{}, handlers.DoesIgnore},
		"revoke":                           {someone, revoke, handlers.DoesRevoke},
		"enforce":                          {someone, policy.Decision{Revoke: true, Mode: revocation.ModeEnforce}, handlers.DoesRevoke},
		"dry run":                          {someone, policy.Decision{Revoke: true, Mode: revocation.ModeDryRun}, handlers.DoesDryRun},
		"approve":                          {someone, policy.Decision{Revoke: true, Mode: revocation.ModeApprove}, handlers.DoesHold},
		"delay":                            {someone, policy.Decision{Revoke: true, Delay: time.Minute}, handlers.DoesHold},
		"a date to come":                   {announced, revoke, handlers.DoesHold},
		"a date that has come":             {due, revoke, handlers.DoesRevoke},
		"an announced one that is ignored": {announced, policy.Decision{}, handlers.DoesIgnore},
	} {
		judge := &judge{now: now}
		require.Equal(t, tt.want, judge.does(tt.signal, tt.decision), name)
	}
	for does, want := range map[string]bool{
		handlers.DoesRevoke: true, handlers.DoesHold: true, handlers.DoesDryRun: false, handlers.DoesIgnore: false, handlers.DoesNobody: false,
	} {
		require.Equal(t, want, acts(does), does)
	}
	for onRecord, want := range map[string]bool{
		"none": false, "refused": false, "revoked": true, "covered": true, "gone": true, "held": true, "pending": true, "dead": true,
	} {
		require.Equal(t, want, acted(onRecord), onRecord)
	}
}

// A decoder that panics is one delivery's trouble.
func TestADecoderThatPanicsIsOneProblem(t *testing.T) {
	t.Parallel()
	judge := &judge{sources: map[string]source.Source{"okta": {Name: "okta"}}} // without a decoder
	require.Contains(t, judge.read(revocation.Delivery{Source: "okta"}).problem, "the decoder panicked")
	require.Contains(t, judge.read(revocation.Delivery{Source: "gone"}).problem, "not configured any more")
}
