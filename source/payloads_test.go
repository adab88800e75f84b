package source_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/source"
)

func TestDecodePayloads(t *testing.T) {
	t.Parallel()
	type found struct {
		eventType, person, risk string
	}
	const risky = "HIGH"
	for name, tt := range map[string]struct {
		signals []found
		skipped []string
	}{
		"suspend-by-risky-admin.json":       {[]found{{"user.lifecycle.suspend", ada, ""}}, nil},
		"session-start-without-nulls.json":  {[]found{{"user.session.start", ada, risky}}, nil},
		"session-start-with-nulls.json":     {[]found{{"user.session.start", ada, "LOW"}}, nil},
		"risk-detect.json":                  {[]found{{"user.risk.detect", grace, risky}}, nil},
		"reported-suspicious-activity.json": {[]found{{"user.account.report_suspicious_activity_by_enduser", ada, ""}}, nil},
		"reevaluation-failed.json":          {[]found{{"policy.auth_reevaluate.fail", grace, ""}}, nil},
		"batch.json": {
			[]found{
				{"user.lifecycle.suspend", grace, ""},
				{"user.lifecycle.suspend", ada, ""},
				{"user.account.lock", ada, ""},
				{"group.user_membership.remove", ada, ""},
				{"user.lifecycle.suspend", "", ""},
			},
			[]string{source.SkippedEcho, source.SkippedEcho, source.SkippedOutcome, source.SkippedUnknownType},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body, err := os.ReadFile(filepath.Join("testdata", name))
			require.NoError(t, err)
			decoded := decode(t, string(body))
			var signals []found
			for _, signal := range decoded.Signals {
				signals = append(signals, found{signal.Type, signal.Person.Value, signal.Risk})
			}
			require.Equal(t, tt.signals, signals)
			var skipped []string
			for _, skip := range decoded.Skipped {
				skipped = append(skipped, skip.Reason)
			}
			require.Equal(t, tt.skipped, skipped)
		})
	}
}

func TestOktaSampleIsDecodedAsItSays(t *testing.T) {
	t.Parallel()
	published := time.Date(2026, 3, 14, 10, 0, 0, 5e6, time.FixedZone("east", 3600))
	for _, eventType := range []string{"user.lifecycle.suspend", "user.session.start"} {
		sample := source.OktaSample{Type: eventType, User: ada, Risk: "HIGH", Published: published}
		first, second := decode(t, string(sample.Body())), decode(t, string(sample.Body()))
		require.Equal(t, []string{ada}, people(first))
		require.True(t, published.Equal(first.Signals[0].Occurred))
		require.NotEqual(t, first.Signals[0].ID, second.Signals[0].ID, "made up anew, it is another event")
		sample.UUID = "uuid-1"
		named := decode(t, string(sample.Body())).Signals[0].ID
		require.Equal(t, named, decode(t, string(sample.Body())).Signals[0].ID, "by its uuid it is the same event")
	}
	odd := source.OktaSample{Type: `a"b`, User: "\x00"}
	require.True(t, json.Valid(odd.Body()))
}
