package ssf_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/source"
	"sever/source/ssf"
)

// sharedData finds the folder of public samples beside the checkout, which not everyone has.
func sharedData(tb testing.TB) string {
	tb.Helper()
	dir, err := os.Getwd()
	require.NoError(tb, err)
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		parent := filepath.Dir(dir)
		require.NotEqual(tb, parent, dir, "no go.mod above the test")
		dir = parent
	}
	data := filepath.Join(dir, "..", "shared", "data")
	if _, err := os.Stat(data); os.IsNotExist(err) {
		tb.Skip("no shared data folder beside the checkout: the samples in it are not checked")
	}
	return data
}

// sharedSets are all samples of SETs, by file name.
func sharedSets(tb testing.TB) map[string]string {
	tb.Helper()
	sets := map[string]string{}
	for _, pattern := range []string{"okta/ssf/*.json", "alerts/caep*.json", "alerts/ssf*.json"} {
		files, err := filepath.Glob(filepath.Join(sharedData(tb), pattern))
		require.NoError(tb, err)
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(tb, err)
			sets[filepath.Base(file)] = string(text)
		}
	}
	return sets
}

func TestSharedSets(t *testing.T) {
	t.Parallel()
	// What the decoder is to make of each: a signal's type, kind and severity, or why not.
	want := map[string]string{
		"caep-spec-01-session-revoked.json":                    `caep/session-revoked session_revoked "": a subject of format "opaque" names nobody in Okta`,
		"caep-spec-03-session-revoked.json":                    `caep/session-revoked session_revoked "": the subject's issuer is not this Okta org, so its sub is no Okta user id`,
		"caep-spec-05-token-claims-change.json":                "caep/token-claims-change unknown_type",
		"caep-spec-07-credential-change.json":                  `caep/credential-change credential_change "": the subject's issuer is not this Okta org, so its sub is no Okta user id`,
		"caep-spec-10-device-compliance-change.json":           `caep/device-compliance-change risk "high": the complex subject has no user`,
		"caep-spec-13-risk-level-change.json":                  `caep/risk-level-change risk "low": the subject's issuer is not this Okta org, so its sub is no Okta user id`,
		"okta-receiver-example-4.json":                         "risc/identifier-changed unknown_type",
		"okta-transmitter-user_account_reset_password.json":    `caep/credential-change credential_change "": okta user id`,
		"okta-transmitter-user_session_end.json":               "caep/session-revoked echo",
		"risc-spec-01-account-credential-change-required.json": `risc/account-credential-change-required credential_compromise "": the subject's issuer`,
		"risc-spec-04-credential-compromise.json":              `risc/credential-compromise credential_compromise "": the subject's issuer`,
		"ssf-spec-01-verification.json":                        "ssf/verification lifecycle",
		"ssf-spec-03-account-disabled.json":                    `risc/account-disabled account_disabled "critical": a subject of format "phone_number"`,
		"ssf-spec-05-session-revoked.json":                     `caep/session-revoked session_revoked "": the subject's issuer`,
		"caep_session_revoked_1_claims.json":                   `caep/session-revoked session_revoked "": a subject of format "opaque" names nobody in Okta`,
		"caep_session_revoked_2_claims.json":                   `caep/session-revoked session_revoked "": the subject's issuer`,
		"caep_session_revoked_3_claims.json":                   `caep/session-revoked session_revoked "": the subject's issuer`,
		"ssf_verification_event_claims.json":                   "ssf/verification lifecycle",
	}
	oktas := []string{"https://org.okta.com", "https://transmitter.okta.com"}
	reader := ssf.NewDecoder("sso", "acme", oktas, oktas)
	for name, text := range sharedSets(t) {
		decoded, err := reader.Decode(delivery(unsigned(t, text)))
		require.NoError(t, err, name)
		require.Contains(t, want, name, "a new sample: say what it means")
		require.Contains(t, summary(decoded), want[name], name)
	}
}

// TestSharedSetsOfOurOrg makes the samples' issuer the org's own, with Okta user ids.
func TestSharedSetsOfOurOrg(t *testing.T) {
	t.Parallel()
	for name, text := range sharedSets(t) {
		var body claims
		require.NoError(t, json.Unmarshal([]byte(text), &body))
		adopt(body)
		adopted, err := json.Marshal(body)
		require.NoError(t, err)
		decoded, err := decoder().Decode(delivery(unsigned(t, string(adopted))))
		require.NoError(t, err)
		for _, signal := range decoded.Signals {
			if signal.Person.IsZero() {
				require.Regexp(t, "opaque|phone_number|has no user", signal.NoPerson, name)
				continue
			}
			require.Equal(t, ada, signal.Person.Value, name)
		}
	}
}

// adopt turns every iss_sub inside a value into one of Ada.
func adopt(value claims) {
	if value["format"] == "iss_sub" {
		value["iss"], value["sub"] = orgURL, ada
	}
	for _, inner := range value {
		if inner, ok := inner.(claims); ok {
			adopt(inner)
		}
	}
}

func summary(decoded source.Decoded) string {
	var text strings.Builder
	for _, signal := range decoded.Signals {
		text.WriteString(signal.Type + " " + string(signal.Kind) + ` "` + string(signal.Severity) + `": ` + signal.Person.Value + signal.NoPerson)
	}
	for _, skipped := range decoded.Skipped {
		text.WriteString(skipped.Type + " " + skipped.Reason)
	}
	return text.String()
}
