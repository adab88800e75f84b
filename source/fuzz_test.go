package source

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"sever/okta"
	"sever/revocation"
	"sever/source/strictjson"
)

// seeds are the payloads in testdata, and what is awkward about JSON.
func seeds(f *testing.F) {
	f.Helper()
	names, err := filepath.Glob(filepath.Join("testdata", "*.json"))
	if err != nil || len(names) == 0 {
		f.Fatalf("no payloads in testdata: %v", err)
	}
	for _, name := range names {
		body, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	for _, body := range []string{
		``, ` `, `null`, `{}`, `[]`, `{"data":{"events":[]}}`, `{"data":{"events":[null]}}`, `{"a":1,"a":2}`, `{"id":1,"ID":2}`, `[1,]`, `{}{}`,
		"\ufeff{}", "{\"\xff\":1}", `{"eventſ":1}`, strings.Repeat("[", 100), `{"data":{"events":[{"eventType":"user.session.start","actor":{"id":"00u1?x=","type":"User"},"outcome":{"result":"SUCCESS"}}]}}`,
	} {
		f.Add([]byte(body))
	}
}

func FuzzDecode(f *testing.F) {
	seeds(f)
	decoder := NewOktaEventHook("acme")
	f.Fuzz(func(t *testing.T, body []byte) {
		delivery := revocation.NewDelivery("okta", "application/json", body, time.Unix(1_800_000_000, 0))
		decoded, err := decoder.Decode(delivery)
		if err != nil {
			if len(err.Error()) > 1000 || len(decoded.Signals)+len(decoded.Skipped) > 0 {
				t.Fatalf("an error of %d bytes, with %d signals", len(err.Error()), len(decoded.Signals))
			}
			return
		}
		if strictjson.Check(body, oktaKeys()...) != nil {
			t.Fatal("decoded what strictjson refuses")
		}
		for _, skipped := range decoded.Skipped {
			if len(skipped.Type) > maxTypeText || !utf8.ValidString(skipped.Type) {
				t.Fatalf("type %q", skipped.Type)
			}
		}
		for _, signal := range decoded.Signals {
			checkSignal(t, signal, delivery)
		}
		again, err := decoder.Decode(delivery)
		if err != nil || len(again.Signals) != len(decoded.Signals) {
			t.Fatal("decoded differently a second time")
		}
		for i := range again.Signals {
			if again.Signals[i].ID != decoded.Signals[i].ID {
				t.Fatal("another id for the same signal")
			}
		}
	})
}

func checkSignal(t *testing.T, signal revocation.Signal, delivery revocation.Delivery) {
	t.Helper()
	if signal.Delivery != delivery.ID || signal.Org != "acme" || signal.ID == "" {
		t.Fatalf("whose signal is this: %+v", signal)
	}
	if signal.Person.IsZero() {
		if signal.NoPerson == "" || len(signal.NoPerson) > 400 {
			t.Fatalf("no person, and this reason: %q", signal.NoPerson)
		}
		return
	}
	if _, err := okta.ParseUserID(signal.Person.Value); err != nil || signal.Person.Kind != revocation.PersonOktaID || signal.NoPerson != "" {
		t.Fatalf("person %+v: %v", signal.Person, err)
	}
}
