package strictjson

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// decidingKeys are a folded list as a decoder into structs has it.
func decidingKeys() []string {
	return []string{
		"data", "events", "uuid", "eventType", "actor", "target", "id", "type", "outcome", "result",
		"securityContext", "risk", "level",
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	nested := func(open, end string, depth int) string {
		return strings.Repeat(open, depth) + strings.Repeat(end, depth)
	}
	for name, tt := range map[string]struct {
		body string
		want string // part of the error; empty: accepted
	}{
		"object":                           {`{"a":[1,2,{"b":null}],"c":"d"}`, ""},
		"array":                            {`[1,"a",true,false,null,{}]`, ""},
		"scalar":                           {`"a"`, ""},
		"number":                           {`-1.5e300`, ""},
		"number beyond a float":            {`{"a":1e999999}`, ""},
		"white space around":               {" \n\t{ } \r\n", ""},
		"same key in sibling objects":      {`[{"id":1},{"id":2}]`, ""},
		"same key in inner object":         {`{"id":{"id":1},"x":{"id":2}}`, ""},
		"key like a value":                 {`{"a":"a","b":"a"}`, ""},
		"same key after inner object":      {`{"id":{"a":1},"id":2}`, "given twice"},
		"same key after inner array":       {`{"a":[{"b":1}],"a":2}`, "given twice"},
		"deepest allowed":                  {nested("[", "]", maxDepth), ""},
		"one deeper":                       {nested("[", "]", maxDepth+1), "nests deeper"},
		"objects, one deeper":              {strings.Repeat(`{"a":`, maxDepth+1) + "1" + strings.Repeat("}", maxDepth+1), "nests deeper"},
		"100,000 nested":                   {nested("[", "]", 100_000), "nests deeper"},
		"objects, never closed":            {strings.Repeat(`{"a":`, 100_000), "nests deeper"},
		"many keys":                        {manyKeys("z"), ""},
		"many keys, the first again":       {manyKeys("k0"), `"k0" is given twice`},
		"many keys, the last again":        {manyKeys("k49"), `"k49" is given twice`},
		"as many as are looked through":    {manyKeys("k23"), `"k23" is given twice`},
		"numbers":                          {`[0,-0,1.5,-1.25e+10,1E-2,10]`, ""},
		"number that ends in a point":      {`[1.]`, "not valid JSON"},
		"number without a digit":           {`[-]`, "not valid JSON"},
		"number without an exponent":       {`[1e+]`, "not valid JSON"},
		"number that starts with a plus":   {`[+1]`, "not valid JSON"},
		"escapes":                          {`"\"\\\/\b\f\n\r\t\u00e9\ud800"`, ""},
		"escape that is none":              {`"\x"`, "not valid JSON"},
		"escape cut short":                 {`"\u12"`, "not valid JSON"},
		"word cut short":                   {`[tru]`, "not valid JSON"},
		"word in capitals":                 {`[True]`, "not valid JSON"},
		"duplicate key":                    {`{"a":1,"b":2,"a":3}`, `"a" is given twice`},
		"duplicate key, inside":            {`{"x":[{"a":1,"a":1}]}`, `"a" is given twice`},
		"duplicate key, escaped":           {`{"id":1,"\u0069d":2}`, "given twice"},
		"duplicate empty key":              {`{"":1,"":2}`, "given twice"},
		"deciding key, other case":         {`{"id":1,"ID":2}`, "given twice"},
		"deciding key, other case first":   {`{"Target":[],"target":[]}`, "given twice"},
		"deciding key, mixed case":         {`{"eventType":"a","EVENTtype":"b"}`, "given twice"},
		"deciding key, long s":             {`{"events":[],"eventſ":[]}`, "given twice"},
		"deciding key, long s escaped":     {`{"result":1,"re\u017fult":2}`, "given twice"},
		"other key, other case":            {`{"url":1,"Url":2}`, ""}, // as in debugData
		"other key, Kelvin sign":           {`{"k":1,"` + "\u212a" + `":2}`, ""},
		"invalid UTF-8":                    {"{\"a\":\"\xff\"}", "UTF-8"},
		"invalid UTF-8 behind":             {"{}\xc0", "UTF-8"},
		"half a rune":                      {"{\"\xe2\x82\":1}", "UTF-8"},
		"byte order mark":                  {"\ufeff{}", "not valid JSON"},
		"a second value":                   {`{}{}`, "goes on"},
		"a second value, spaced":           {"{}\n1", "goes on"},
		"junk behind":                      {`{}x`, "goes on"},
		"a bracket behind":                 {`{}]`, "goes on"},
		"NUL behind":                       {"{}\x00", "goes on"},
		"empty":                            {``, "not valid JSON"},
		"white space only":                 {" \n ", "not valid JSON"},
		"cut short":                        {`{"a":[1,`, "not valid JSON"},
		"cut short in a string":            {`{"a":"b`, "not valid JSON"},
		"cut short after a key":            {`{"a"`, "not valid JSON"},
		"closed wrongly":                   {`[1}`, "not valid JSON"},
		"never opened":                     {`]`, "not valid JSON"},
		"no key":                           {`{1:2}`, "not valid JSON"},
		"no colon":                         {`{"a" 1}`, "not valid JSON"},
		"no comma":                         {`[1 2]`, "not valid JSON"},
		"comma at the end of an array":     {`[1,]`, "not valid JSON"},
		"comma at the end of an object":    {`{"a":1,}`, "not valid JSON"},
		"comma first":                      {`[,1]`, "not valid JSON"},
		"comma alone at the top":           {`,`, "not valid JSON"},
		"comment":                          {`{/*a*/}`, "not valid JSON"},
		"single quotes":                    {`{'a':1}`, "not valid JSON"},
		"NaN":                              {`NaN`, "not valid JSON"},
		"leading zero":                     {`[01]`, "not valid JSON"},
		"control character in a string":    {"\"a\nb\"", "not valid JSON"},
		"form":                             {`a=b&c=d`, "not valid JSON"},
		"long duplicate key stays bounded": {`{"` + strings.Repeat("é", 5000) + `":1,"` + strings.Repeat("é", 5000) + `":1}`, "given twice"},
		"duplicate key with a line feed":   {`{"a\nb":1,"a\nb":1}`, `"a\nb" is given twice`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := Check([]byte(tt.body), decidingKeys()...)
			if tt.want == "" {
				require.NoError(t, err)
				require.True(t, json.Valid([]byte(tt.body)))
				return
			}
			require.ErrorContains(t, err, tt.want)
			require.LessOrEqual(t, len(err.Error()), 400)
			require.NotContains(t, err.Error(), "\n")
		})
	}
}

// manyKeys is an object of fifty keys and one more.
func manyKeys(last string) string {
	var body strings.Builder
	for i := range 50 {
		fmt.Fprintf(&body, `"k%d":{"k%d":1},`, i, i)
	}
	return "{" + body.String() + `"` + last + `":1}`
}

// Every folded key is refused twice in any case that encoding/json would take for it.
func TestCheckFoldsTheKeysItIsGiven(t *testing.T) {
	t.Parallel()
	for _, key := range decidingKeys() {
		for _, other := range []string{strings.ToUpper(key), strings.ToLower(key), strings.ToUpper(key[:1]) + key[1:], strings.ReplaceAll(key, "s", "ſ")} {
			if other == key {
				continue
			}
			require.ErrorContains(t, Check([]byte(`{"`+key+`":1,"`+other+`":2}`), decidingKeys()...), "given twice", "%s %s", key, other)
			require.NoError(t, Check([]byte(`{"`+other+`":2}`), decidingKeys()...), "once is once")
			require.NoError(t, Check([]byte(`{"`+key+`":1,"`+other+`":2}`)), "maps keep both apart")
		}
	}
}

// Megabytes of anything are refused or taken in the time that reading them takes.
func TestCheckIsLinear(t *testing.T) {
	t.Parallel()
	const size = 1 << 20
	for name, tt := range map[string]struct {
		body string
		good bool
	}{
		"opening brackets": {strings.Repeat("[", 10*size), false},
		"opening objects":  {strings.Repeat(`{"":`, 3*size), false},
		"flat array":       {"[" + strings.Repeat("1,", size/2) + "1]", true},
		"one long string":  {`"` + strings.Repeat("x", 10*size) + `"`, true},
		"empty arrays":     {"[" + strings.Repeat("[],", size/3) + "[]]", false},
		"as many as real":  {"[" + strings.Repeat("[],", 40_000) + "[]]", true},
		"empty events":     {`{"data":{"events":[` + strings.Repeat("{},", size) + `{}]}}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			done := make(chan error, 1)
			go func() { done <- Check([]byte(tt.body), decidingKeys()...) }()
			select {
			case err := <-done:
				require.Equal(t, tt.good, err == nil)
			case <-time.After(30 * time.Second): // seconds under the race detector; a quadratic reader takes hours
				require.Fail(t, "still reading")
			}
		})
	}
}

func TestValidGoesAsDeepAsEncodingJSON(t *testing.T) {
	t.Parallel()
	for _, depth := range []int{1, maxDepth, maxDepth + 1, jsonDepth - 1, jsonDepth, jsonDepth + 1, 1 << 20} {
		body := []byte(strings.Repeat("[", depth) + strings.Repeat("]", depth))
		require.Equal(t, json.Valid(body), Valid(body), depth)
	}
	many := []byte("[" + strings.Repeat("[],", 2*maxContainers) + "[]]")
	require.True(t, Valid(many))
}

func BenchmarkCheck(b *testing.B) {
	b.Run("keys", func(b *testing.B) {
		benchmarkCheck(b, `{"data":{"events":[`+strings.Repeat(manyKeys("z")+",", 4)+`{}]}}`)
	})
	b.Run("text", func(b *testing.B) {
		benchmarkCheck(b, `{"data":{"events":[{"displayMessage":"`+strings.Repeat("The user signed in. ", 140)+`"}]}}`)
	})
}

func benchmarkCheck(b *testing.B, text string) {
	b.Helper()
	body := []byte(text)
	for name, check := range map[string]func([]byte) error{
		"scanner":                func(body []byte) error { return Check(body, decidingKeys()...) },
		"tokens":                 func(body []byte) error { return byTokens(body, decidingKeys()...) },
		"valid":                  func(body []byte) error { return errUnless(Valid(body)) },
		"valid of encoding/json": func(body []byte) error { return errUnless(json.Valid(body)) },
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				require.NoError(b, check(body))
			}
		})
	}
}

func errUnless(valid bool) error {
	if !valid {
		return errors.New("not valid")
	}
	return nil
}
