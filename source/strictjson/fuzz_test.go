package strictjson

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func FuzzCheck(f *testing.F) {
	for _, body := range []string{
		``, ` `, `null`, `{}`, `[]`, `{"data":{"events":[]}}`, `{"data":{"events":[null]}}`, `{"a":1,"a":2}`, `{"id":1,"ID":2}`, `[1,]`, `{}{}`,
		"\ufeff{}", "{\"\xff\":1}", `{"eventſ":1}`, strings.Repeat("[", 100), `{"a":[1,"a",true,false,null,{"b":-1.5e300}],"\u0061":"\ud800"}`,
	} {
		f.Add([]byte(body))
	}
	f.Add([]byte(`{"` + strings.Join(strings.Split("abcdefghijklmnopqrstuvwxyzABCDEFG", ""), `":1,"`) + `":2}`))
	f.Add([]byte("[0,-0,1.0,-1e+5,1E-2,01,1.,.5,-,+1,1e]"))
	f.Fuzz(func(t *testing.T, body []byte) {
		err := Check(body, decidingKeys()...)
		if want := byTokens(body, decidingKeys()...); (err == nil) != (want == nil) {
			t.Fatalf("not as encoding/json reads it: %v, not %v", err, want)
		}
		if err == nil && !json.Valid(body) {
			t.Fatal("accepted what encoding/json refuses")
		}
		if Valid(body) != json.Valid(body) {
			t.Fatalf("valid is %v", Valid(body))
		}
		if err == nil && Check(body) != nil {
			t.Fatal("folding keys made a body better")
		}
		if err != nil && (len(err.Error()) > 400 || !utf8.ValidString(err.Error())) {
			t.Fatalf("unbounded error: %d bytes", len(err.Error()))
		}
	})
}
