package ssf_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"sever/revocation"
)

// FuzzDecodeSET reads whole tokens. The payload is also tried as claims in a token.
func FuzzDecodeSET(f *testing.F) {
	seed, _ := json.Marshal(set(caep+"session-revoked", claims{"event_timestamp": 1615304991643, "subject": email("ada@example.com")}))
	for _, text := range []string{string(seed), "", "e30.e30.", string(unsigned(f, string(seed))), `{"iss":"a","jti":"b","events":{"\u0000":{}}}`} {
		f.Add([]byte(text))
	}
	reader := decoder()
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, body := range [][]byte{text, unsigned(t, string(text))} {
			decoded, err := reader.Decode(delivery(body))
			if err != nil {
				if len(err.Error()) > 800 || !utf8.ValidString(err.Error()) {
					t.Fatalf("unbounded error: %d bytes", len(err.Error()))
				}
				continue
			}
			if len(decoded.Signals)+len(decoded.Skipped) == 0 || len(decoded.Signals)+len(decoded.Skipped) > 100 {
				t.Fatalf("%d signals, %d skipped", len(decoded.Signals), len(decoded.Skipped))
			}
			for _, signal := range decoded.Signals {
				checkSignal(t, signal)
			}
		}
	})
}

// FuzzSubject reads subjects only, outside and inside of the event.
func FuzzSubject(f *testing.F) {
	for _, subject := range []any{
		email("ada@example.com"), issSub(orgURL, ada), aliases(email("ada@example.com"), issSub("x", "y")),
		claims{"format": "complex", "user": issSub(orgURL, ada)},
		claims{"user": email("a@b")},
		claims{"subject_type": "iss-sub", "iss": orgURL, "sub": ada},
		claims{"format": "account", "uri": "acct:a@b"},
		[]any{},
		"x", nil,
	} {
		text, err := json.Marshal(subject)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	reader := decoder()
	f.Fuzz(func(t *testing.T, subject []byte) {
		if !json.Valid(subject) {
			t.Skip()
		}
		for _, form := range []string{
			`{"iss":"a","jti":"b","events":{"` + caep + `session-revoked":{"subject":%}}}`,
			`{"iss":"a","jti":"b","sub_id":%,"events":{"` + caep + `session-revoked":{}}}`,
		} {
			decoded, err := reader.Decode(delivery(unsigned(t, strings.Replace(form, "%", string(subject), 1))))
			if err != nil {
				continue
			}
			checkSignal(t, decoded.Signals[0])
		}
	})
}

// checkSignal wants somebody or a reason, never both, and nothing that is not what it says.
func checkSignal(t *testing.T, signal revocation.Signal) {
	t.Helper()
	switch {
	case signal.Person.IsZero() == (signal.NoPerson == ""):
		t.Fatalf("%+v", signal)
	case len(signal.NoPerson) > 400 || len(signal.Type) > 500:
		t.Fatalf("unbounded: %+v", signal)
	case signal.Person.Kind == revocation.PersonOktaID && (len(signal.Person.Value) != 20 || !strings.HasPrefix(signal.Person.Value, "00u")):
		t.Fatalf("no Okta id: %+v", signal.Person)
	case signal.Person.Kind == revocation.PersonEmail && strings.Count(signal.Person.Value, "@") != 1:
		t.Fatalf("no address: %+v", signal.Person)
	}
}
