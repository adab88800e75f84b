package verify

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"sever/internal/secret"
	"sever/source"
)

// FuzzSignedHeader sends header values that nobody signed: none may be accepted, or lead
// to more work than the bounds allow.
func FuzzSignedHeader(f *testing.F) {
	for _, header := range []string{
		"", "sha256=", "sha256=00ff", "t=1772600767,v1=00", "t=Infinity,v1=" + strings.Repeat("a", 64),
		"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= v1a,", strings.Repeat("v1=,", 20), ";;==,,  ",
	} {
		f.Add(header, "1772600767", "msg_1", `{"at":1772600767}`)
	}
	verifiers := fuzzVerifiers(f)
	f.Fuzz(func(t *testing.T, header, timestamp, id, body string) {
		req := source.Request{
			Method: http.MethodPost, URL: &url.URL{Path: "/"}, Body: []byte(body), Now: time.Unix(1772600767, 0),
			Header: http.Header{"X-Sig": {header}, "X-Time": {timestamp}, "X-Id": {id}},
		}
		for _, v := range verifiers {
			if _, err := v.Verify(t.Context(), req); err == nil {
				t.Fatal("accepted")
			} else if len(err.Error()) > 100 {
				t.Fatal("says too much")
			}
			in, err := v.form.find(req)
			if err == nil && (in.count == 0 || in.count > maxCandidates || len(header) > maxSignatureHeader) {
				t.Fatal("not bounded")
			}
			for _, signature := range v.form.decode(&in) {
				if len(signature) == 0 || len(signature) > len(header) {
					t.Fatal("a signature longer than its text, or empty")
				}
			}
		}
	})
}

func fuzzVerifiers(f *testing.F) []*signed {
	f.Helper()
	base := Config{Type: "hmac", Header: "X-Sig", Secrets: []secret.Secret{secret.New("a secret")}}
	list := func(item, pair string) *List { return &List{Item: item, Pair: pair, Field: "v1"} }
	configs := []Config{base, base, base, base, base}
	configs[1].Prefix, configs[1].Encoding = "sha256=", "base64url"
	configs[2].List, configs[2].Timestamp, configs[2].Signed = list(",", "="), &Timestamp{Field: "t", Tolerance: time.Minute}, "{timestamp}.{body}"
	configs[3].List, configs[3].Encoding, configs[3].ID = list(" ", ","), "base64", &Place{Header: "X-Id"}
	configs[3].Timestamp, configs[3].Signed = &Timestamp{Header: "X-Time", Unit: "rfc3339"}, "{id}.{timestamp}.{body}"
	configs[4].Timestamp, configs[4].ID = &Timestamp{Body: "at"}, &Place{Body: "data.id"}
	var verifiers []*signed
	for _, config := range configs {
		v, err := New(config, Deps{})
		if err != nil {
			f.Fatal(err)
		}
		verifiers = append(verifiers, v.(*signed))
	}
	return verifiers
}

// FuzzTemplate compiles any text: what compiles has known pieces only, and literal text
// comes out as it stands.
func FuzzTemplate(f *testing.F) {
	for _, text := range []string{"", "{body}", `v0:{timestamp}:{body}\n\\`, "{header:X-A}", "{", "}", `\`, "{body_sha256_raw}{form}", "{{body}}"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		compiled, err := compileTemplate(text)
		if err != nil {
			return
		}
		for i, p := range compiled {
			switch {
			case p.kind == "" && (p.text == "" || strings.ContainsAny(p.text, "{}")):
				t.Fatalf("%q: a bad literal", text)
			case p.kind == "" && i > 0 && compiled[i-1].kind == "":
				t.Fatalf("%q: literals are not joined", text)
			case p.kind == "header" && !headerForm.MatchString(p.text):
				t.Fatalf("%q: a bad header", text)
			case p.kind != "" && p.kind != "header" && !placeholders[p.kind]:
				t.Fatalf("%q: an unknown piece", text)
			}
		}
		m := &filled{template: compiled, req: source.Request{URL: &url.URL{}, Body: []byte("b")}}
		var count writerFunc = func([]byte) {}
		m.write(count, nil)
		if !strings.ContainsAny(text, `{}\`) && text != "" && string(m.write(count, nil)) != text {
			t.Fatalf("%q is not written as it stands", text)
		}
	})
}
