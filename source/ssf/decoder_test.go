package ssf_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/revocation"
	"sever/source"
	"sever/source/ssf"
)

const (
	transmitterIssuer = "https://idp.example.com/123456789/"
	orgURL            = "https://acme.okta.com"
	ada               = "00u1ada2love3lace4x5"

	caep = "https://schemas.openid.net/secevent/caep/event-type/"
	risc = "https://schemas.openid.net/secevent/risc/event-type/"
	okta = "https://schemas.okta.com/secevent/okta/event-type/"
	fram = "https://schemas.openid.net/secevent/ssf/event-type/"
)

var (
	received = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	happened = time.Date(2021, 3, 9, 15, 49, 51, 0, time.UTC) // 1615304991, of the examples in CAEP 1.0
)

type claims = map[string]any

// unsigned makes a compact JWS of claims; the decoder is given what was verified before.
func unsigned(tb testing.TB, set any) []byte {
	tb.Helper()
	payload, ok := set.(string)
	if !ok {
		text, err := json.Marshal(set)
		require.NoError(tb, err)
		payload = string(text)
	}
	return []byte("e30." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".c2ln")
}

func decoder() *ssf.Decoder {
	return ssf.NewDecoder("sso", "acme", []string{orgURL}, []string{orgURL, "https://id.acme.example"})
}

func delivery(body []byte) revocation.Delivery {
	return revocation.NewDelivery("sso", "application/secevent+jwt", body, received)
}

func decode(tb testing.TB, set any) source.Decoded {
	tb.Helper()
	decoded, err := decoder().Decode(delivery(unsigned(tb, set)))
	require.NoError(tb, err)
	return decoded
}

// set is a SET of one event about Ada.
func set(uri string, payload claims) claims {
	return claims{
		"iss": transmitterIssuer, "jti": "j1", "iat": 1615305159, "aud": "https://sp.example.com/caep",
		"sub_id": claims{"format": "email", "email": "ada@example.com"}, "events": claims{uri: payload},
	}
}

func TestWholeSignal(t *testing.T) {
	t.Parallel()
	body := unsigned(t, set(caep+"session-revoked", claims{"event_timestamp": 1615304991}))
	decoded, err := decoder().Decode(delivery(body))
	require.NoError(t, err)
	require.Empty(t, decoded.Skipped)
	require.Len(t, decoded.Signals, 1)
	signal := decoded.Signals[0]
	require.Regexp(t, "^sig_[a-z2-7]{26}$", signal.ID)
	signal.ID = ""
	require.Equal(t, revocation.Signal{
		Delivery: delivery(body).ID, Source: "sso", Org: "acme", Type: "caep/session-revoked", Kind: revocation.KindSessionRevoked,
		Occurred: happened, Received: received, Person: revocation.Person{Kind: revocation.PersonEmail, Value: "ada@example.com"},
	}, signal)
}

func TestEventTypes(t *testing.T) {
	t.Parallel()
	type want struct {
		short    string
		kind     revocation.Kind
		severity revocation.Severity
		risk     string
	}
	for _, row := range []struct {
		uri     string
		payload claims
		want    want
	}{
		{caep + "session-revoked", nil, want{"caep/session-revoked", revocation.KindSessionRevoked, "", ""}},
		{caep + "credential-change", claims{"change_type": "revoke"}, want{"caep/credential-change", revocation.KindCredentialChange, "", ""}},
		{caep + "device-compliance-change", claims{"current_status": "not-compliant"}, want{"caep/device-compliance-change", revocation.KindRisk, "high", ""}},
		{caep + "risk-level-change", claims{"current_level": "HIGH", "principal": "USER"}, want{"caep/risk-level-change", revocation.KindRisk, "high", "HIGH"}},
		{caep + "risk-level-change", claims{"current_level": "medium", "principal": "DEVICE"}, want{"caep/risk-level-change", revocation.KindRisk, "medium", "MEDIUM"}},
		{caep + "risk-level-change", claims{"current_level": "Low"}, want{"caep/risk-level-change", revocation.KindRisk, "low", "LOW"}},
		{caep + "risk-level-change", claims{"current_level": "purple"}, want{"caep/risk-level-change", revocation.KindRisk, "", ""}},
		{caep + "risk-level-change", nil, want{"caep/risk-level-change", revocation.KindRisk, "", ""}},
		{caep + "assurance-level-change", claims{"change_direction": "decrease"}, want{"caep/assurance-level-change", revocation.KindRisk, "medium", ""}},
		{risc + "account-disabled", claims{"reason": "hijacking"}, want{"risc/account-disabled", revocation.KindAccountDisabled, "critical", ""}},
		{risc + "account-disabled", claims{"reason": "bulk-account"}, want{"risc/account-disabled", revocation.KindAccountDisabled, "high", ""}},
		{risc + "account-disabled", nil, want{"risc/account-disabled", revocation.KindAccountDisabled, "high", ""}},
		{risc + "account-purged", nil, want{"risc/account-purged", revocation.KindAccountDisabled, "high", ""}},
		{risc + "account-credential-change-required", nil, want{"risc/account-credential-change-required", revocation.KindCredentialCompromise, "", ""}},
		{risc + "credential-compromise", nil, want{"risc/credential-compromise", revocation.KindCredentialCompromise, "", ""}},
		{risc + "sessions-revoked", nil, want{"risc/sessions-revoked", revocation.KindSessionRevoked, "", ""}},
		{okta + "user-risk-change", claims{"current_level": "high"}, want{"okta/user-risk-change", revocation.KindRisk, "high", "HIGH"}},
		{okta + "device-risk-change", claims{"current_level": "low"}, want{"okta/device-risk-change", revocation.KindRisk, "low", "LOW"}},
	} {
		decoded := decode(t, set(row.uri, orEmpty(row.payload)))
		require.Empty(t, decoded.Skipped, "%v", row)
		require.Len(t, decoded.Signals, 1, "%v", row)
		got := decoded.Signals[0]
		require.Equal(t, row.want, want{got.Type, got.Kind, got.Severity, got.Risk})
		require.Equal(t, "ada@example.com", got.Person.Value, "%v", row)
	}
}

func orEmpty(payload claims) claims {
	if payload == nil {
		return claims{}
	}
	return payload
}

func TestSkippedEvents(t *testing.T) {
	t.Parallel()
	long := "https://example.com/" + strings.Repeat("é", 200)
	for _, row := range []struct {
		uri     string
		payload claims
		want    source.Skipped
	}{
		{caep + "device-compliance-change", claims{"current_status": "compliant"}, source.Skipped{Type: "caep/device-compliance-change", Reason: "not_alert"}},
		{caep + "device-compliance-change", nil, source.Skipped{Type: "caep/device-compliance-change", Reason: "not_alert"}},
		{caep + "assurance-level-change", claims{"change_direction": "increase"}, source.Skipped{Type: "caep/assurance-level-change", Reason: "not_alert"}},
		{okta + "user-risk-change", claims{"current_level": "none"}, source.Skipped{Type: "okta/user-risk-change", Reason: "not_alert"}},
		{okta + "user-risk-change", claims{"current_level": "secure"}, source.Skipped{Type: "okta/user-risk-change", Reason: "not_alert"}},
		{caep + "session-established", nil, source.Skipped{Type: "caep/session-established", Reason: "unknown_type"}},
		{caep + "session-presented", nil, source.Skipped{Type: "caep/session-presented", Reason: "unknown_type"}},
		{caep + "token-claims-change", nil, source.Skipped{Type: "caep/token-claims-change", Reason: "unknown_type"}},
		{risc + "account-enabled", nil, source.Skipped{Type: "risc/account-enabled", Reason: "unknown_type"}},
		{risc + "identifier-changed", nil, source.Skipped{Type: "risc/identifier-changed", Reason: "unknown_type"}},
		{risc + "identifier-recycled", nil, source.Skipped{Type: "risc/identifier-recycled", Reason: "unknown_type"}},
		{risc + "recovery-activated", nil, source.Skipped{Type: "risc/recovery-activated", Reason: "unknown_type"}},
		{okta + "ip-change", nil, source.Skipped{Type: "okta/ip-change", Reason: "unknown_type"}},
		{fram + "verification", claims{"state": "s"}, source.Skipped{Type: "ssf/verification", Reason: "lifecycle"}},
		{fram + "stream-updated", claims{"status": "paused"}, source.Skipped{Type: "ssf/stream-updated", Reason: "lifecycle"}},
		{risc + "verification", nil, source.Skipped{Type: "risc/verification", Reason: "lifecycle"}},
		// What only looks like a known type keeps its whole name.
		{"https://evil.example/secevent/caep/event-type/session-revoked", nil, source.Skipped{Type: "https://evil.example/secevent/caep/event-type/session-revoked", Reason: "unknown_type"}},
		{caep + "session-revoked/", nil, source.Skipped{Type: "caep/session-revoked/", Reason: "unknown_type"}},
		{"x\n\x1b[2J", nil, source.Skipped{Type: `"x\n\x1b[2J"`, Reason: "unknown_type"}},
		{long, nil, source.Skipped{Type: long[:100], Reason: "unknown_type"}},
	} {
		decoded := decode(t, set(row.uri, orEmpty(row.payload)))
		require.Empty(t, decoded.Signals, row.uri)
		require.Equal(t, []source.Skipped{row.want}, decoded.Skipped)
	}
}

func TestRiskOfNobody(t *testing.T) {
	t.Parallel()
	for _, principal := range []string{"TENANT", "GROUP", "ORG_UNIT"} {
		decoded := decode(t, set(caep+"risk-level-change", claims{"current_level": "HIGH", "principal": principal}))
		require.Len(t, decoded.Signals, 1)
		require.True(t, decoded.Signals[0].Person.IsZero())
		require.Contains(t, decoded.Signals[0].NoPerson, "not of a person")
	}
}

func TestEchoes(t *testing.T) {
	t.Parallel()
	for _, issuer := range []string{orgURL, orgURL + "/"} {
		for uri, echo := range map[string]bool{
			caep + "session-revoked": true, risc + "sessions-revoked": true, caep + "credential-change": false, risc + "credential-compromise": false,
		} {
			own := set(uri, claims{})
			own["iss"] = issuer
			decoded := decode(t, own)
			if echo {
				require.Equal(t, source.SkippedEcho, decoded.Skipped[0].Reason, uri)
				require.Empty(t, decoded.Signals)
				continue
			}
			require.Len(t, decoded.Signals, 1, uri)
		}
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		at, toe any
		want    time.Time
	}{
		{1615304991, nil, happened},
		{1615304991643, nil, happened.Add(643 * time.Millisecond)},
		{1615304991.5, nil, happened.Add(500 * time.Millisecond)},
		{1615304991, 1, happened},
		{nil, 1615304991, happened},
		{"1615304991", 1615304991, happened},
		{-5, 1615304991, happened},
		{0, 1615304991, happened},
		{json.Number("1e300"), 1615304991, happened},
		{true, claims{}, time.Unix(1615305159, 0).UTC()}, // iat
	} {
		payload, body := claims{}, set(caep+"session-revoked", nil)
		if row.at != nil {
			payload["event_timestamp"] = row.at
		}
		if row.toe != nil {
			body["toe"] = row.toe
		}
		body["events"] = claims{caep + "session-revoked": payload}
		require.Equal(t, row.want, decode(t, body).Signals[0].Occurred, "%v", row)
	}
	without := set(caep+"session-revoked", claims{})
	delete(without, "iat")
	require.Zero(t, decode(t, without).Signals[0].Occurred)
}

func TestSeveralEvents(t *testing.T) {
	t.Parallel()
	several := set(caep+"session-revoked", claims{})
	several["events"] = claims{
		risc + "credential-compromise": claims{}, caep + "session-revoked": claims{}, caep + "session-presented": claims{},
	}
	decoded := decode(t, several)
	require.Equal(t, decoded, decode(t, several), "in the same order each time")
	require.Len(t, decoded.Signals, 2)
	require.NotEqual(t, decoded.Signals[0].ID, decoded.Signals[1].ID)
	require.Len(t, decoded.Skipped, 1)
}

func TestSignalID(t *testing.T) {
	t.Parallel()
	id := func(change func(claims)) string {
		body := set(caep+"session-revoked", claims{})
		change(body)
		return decode(t, body).Signals[0].ID
	}
	same := id(func(claims) {})
	require.Equal(t, same, id(func(c claims) { c["iat"] = 1700000000; c["txn"] = "other" }), "the same jti again is the same event")
	for name, change := range map[string]func(claims){
		"jti":    func(c claims) { c["jti"] = "j2" },
		"iss":    func(c claims) { c["iss"] = "https://other.example" },
		"event":  func(c claims) { c["events"] = claims{risc + "account-purged": claims{}} },
		"person": func(c claims) { c["sub_id"] = claims{"format": "email", "email": "bob@example.com"} },
		"nobody": func(c claims) { c["sub_id"] = claims{"format": "opaque", "id": "1"} },
	} {
		require.NotEqual(t, same, id(change), name)
	}
}

func TestRefusedTokens(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ body, want string }{
		"empty":         {"", "three parts"},
		"two parts":     {"e30.e30", "three parts"},
		"four parts":    {"e30.e30.e30.e30", "three parts"},
		"bad base64":    {"e30.!!!.c2ln", "not base64url"},
		"padded base64": {"e30.e30=.c2ln", "not base64url"},
		"JSON":          {`{"iss":"x"}`, "three parts"},
	} {
		_, err := decoder().Decode(delivery([]byte(row.body)))
		require.ErrorContains(t, err, row.want, name)
	}
	many := claims{}
	for i := range 101 {
		many[caep+strings.Repeat("x", i)] = claims{}
	}
	for want, body := range map[string]any{
		"no JSON object":               `[]`,
		"not valid JSON":               `{`,
		"given twice":                  `{"iss":"a","iss":"b"}`,
		"not valid UTF-8":              "{\"iss\":\"\xff\"}",
		"goes on behind":               `{}{}`,
		"nests deeper":                 `{"a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`,
		"iss and jti":                  `{"iss":"a","jti":7,"events":{"x":{}}}`,
		"iss and jti must":             `{"iss":"a","jti":"` + strings.Repeat("j", 3000) + `","events":{"x":{}}}`,
		"sub_id is no object":          `{"iss":"a","jti":"b","sub_id":"ada","events":{"x":{}}}`,
		"holds 0 events":               `{"iss":"a","jti":"b"}`,
		"holds 0 events; 1":            `{"iss":"a","jti":"b","events":[]}`,
		"is no object":                 `{"iss":"a","jti":"b","events":{"x":"y"}}`,
		"holds 101 events; 1 to 100 a": claims{"iss": "a", "jti": "b", "events": many},
	} {
		_, err := decoder().Decode(delivery(unsigned(t, body)))
		require.ErrorContains(t, err, want)
		require.Less(t, len(err.Error()), 400)
	}
	_, err := decoder().Decode(delivery(append(unsigned(t, set(caep+"session-revoked", claims{})), '\n')))
	require.NoError(t, err, "a line end behind it is no harm")
}
