package verify_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/internal/secret"
	"sever/source"
	"sever/source/verify"
)

var noTime time.Time

func newPost(t *testing.T) *http.Request {
	t.Helper()
	return httptest.NewRequest(http.MethodPost, "https://sever.example.com/v1/hooks/siem?x=1", http.NoBody)
}

func fieldConfig(field string) verify.Config {
	return verify.Config{Type: "api_key", Field: field, Secrets: bothSecrets()}
}

func verifyBody(t *testing.T, field, body string) (string, error) {
	t.Helper()
	verifier, err := verify.New(fieldConfig(field), verify.Deps{})
	require.NoError(t, err)
	req := source.Request{Method: http.MethodPost, Body: []byte(body)}
	require.NoError(t, verifier.Early(req), "the body is yet to come")
	verified, err := verifier.Verify(t.Context(), req)
	require.Equal(t, body, string(req.Body), "the request's own bytes stay")
	return string(verified.Body), err
}

func TestSecretIsTakenOutOfTheBody(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ field, body, stored string }{
		"top":                       {"secureKey", `{"secureKey":"NEW","email":"ada@example.com"}`, `{"secureKey":"","email":"ada@example.com"}`},
		"old secret":                {"secureKey", `{"secureKey":"OLD"}`, `{"secureKey":""}`},
		"white space":               {"secureKey", " {\n\t\"a\" : 1.0 ,\r\n \"secureKey\" \t:\n \"NEW\" , \"b\":[ ]}\n", " {\n\t\"a\" : 1.0 ,\r\n \"secureKey\" \t:\n \"\" , \"b\":[ ]}\n"},
		"escaped value":             {"k", `{"k":"s3cret\u002dof-this-year"}`, `{"k":""}`},
		"escaped key":               {"k", `{"\u006b":"NEW"}`, `{"\u006b":""}`},
		"nested":                    {"data.secret", `{"secret":"x","data":{"n":1e400,"secret":"NEW"}}`, `{"secret":"x","data":{"n":1e400,"secret":""}}`},
		"quoted":                    {`"a.b"."c d"`, `{"a":{"b":{"c d":"x"}},"a.b":{"c d":"NEW"}}`, `{"a":{"b":{"c d":"x"}},"a.b":{"c d":""}}`},
		"an element":                {"list[1].k", `{"list":[{"k":"x"},{"k":"NEW"},{"k":7}]}`, `{"list":[{"k":"x"},{"k":""},{"k":7}]}`},
		"every element":             {"value[*].clientState", `{"value":[{"clientState":"NEW","id":1}, {"id":2,"clientState":"OLD"}]}`, `{"value":[{"clientState":"","id":1}, {"id":2,"clientState":""}]}`},
		"list at the top":           {"[*].k", `[{"k":"NEW"}]`, `[{"k":""}]`},
		"element itself":            {"keys[0]", `{"keys":["NEW","b"]}`, `{"keys":["","b"]}`},
		"duplicates elsewhere stay": {"k", `{"a":1,"a":2,"k":"NEW"}`, `{"a":1,"a":2,"k":""}`},
		"form":                      {"secureKey", "a=%41+b&secureKey=NEW&c", "a=%41+b&secureKey=&c"},
		"form, escaped":             {"secureKey", "secure%4Bey=s3cret%2dof-this-year&a=1", "secure%4Bey=&a=1"},
		"form, nested":              {"data.secret", "data[secret]=NEW&data[a]=1", "data[secret]=&data[a]=1"},
		"form, nested, escaped":     {"data.secret", "x=1&data%5Bsecret%5D=OLD", "x=1&data%5Bsecret%5D="},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := strings.NewReplacer("NEW", newSecret, "OLD", oldSecret).Replace(tt.body)
			stored, err := verifyBody(t, tt.field, body)
			require.NoError(t, err)
			require.Equal(t, tt.stored, stored)
		})
	}
}

func TestBodiesWithoutTheirSecret(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		field, body string
		want        error
	}{
		"empty":                        {"k", "", verify.ErrMissing},
		"missing":                      {"k", `{"a":1}`, verify.ErrMissing},
		"wrong":                        {"k", `{"k":"guess"}`, verify.ErrMismatch},
		"empty value":                  {"k", `{"k":""}`, verify.ErrMismatch},
		"other case":                   {"k", `{"K":"NEW"}`, verify.ErrMissing},
		"a number":                     {"k", `{"k":7}`, verify.ErrMalformed},
		"null":                         {"k", `{"k":null}`, verify.ErrMalformed},
		"an object":                    {"k", `{"k":{"k":"NEW"}}`, verify.ErrMalformed},
		"a list":                       {"k", `{"k":["NEW"]}`, verify.ErrMalformed},
		"twice":                        {"k", `{"k":"NEW","k":"NEW"}`, verify.ErrMalformed},
		"twice, one escaped":           {"k", `{"k":"NEW","\u006b":"guess"}`, verify.ErrMalformed},
		"twice, wrong first":           {"k", `{"k":"guess","k":"NEW"}`, verify.ErrMalformed},
		"twice on the way":             {"value[*].k", `{"value":[{"k":"NEW"}],"value":[{"k":"guess"}]}`, verify.ErrMalformed},
		"one element without":          {"value[*].k", `{"value":[{"k":"NEW"},{"a":1}]}`, verify.ErrMissing},
		"one element wrong":            {"value[*].k", `{"value":[{"k":"NEW"},{"k":"guess"}]}`, verify.ErrMismatch},
		"an element that is no object": {"value[*].k", `{"value":[{"k":"NEW"},"x"]}`, verify.ErrMissing},
		"no elements":                  {"value[*].k", `{"value":[]}`, verify.ErrMissing},
		"no such element":              {"value[3].k", `{"value":[{"k":"NEW"}]}`, verify.ErrMissing},
		"a list expected":              {"value[*].k", `{"value":{"k":"NEW"}}`, verify.ErrMissing},
		"an object expected":           {"value.k", `{"value":[{"k":"NEW"}]}`, verify.ErrMissing},
		"not closed":                   {"k", `{"k":"NEW"`, verify.ErrMalformed},
		"trailing":                     {"k", `{"k":"NEW"}{"k":"guess"}`, verify.ErrMalformed},
		"trailing comma":               {"k", `{"k":"NEW",}`, verify.ErrMalformed},
		"bare text":                    {"k", `"NEW"`, verify.ErrMissing},
		"too deep":                     {"k", `{"a":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `,"k":"NEW"}`, verify.ErrMalformed},
		"form, missing":                {"k", "a=NEW", verify.ErrMissing},
		"form, wrong":                  {"k", "k=guess", verify.ErrMismatch},
		"form, no value":               {"k", "k", verify.ErrMismatch},
		"form, twice":                  {"k", "k=NEW&k=NEW", verify.ErrMalformed},
		"form, twice, escaped":         {"k", "k=NEW&%6b=guess", verify.ErrMalformed},
		"form, broken name":            {"k", "k=NEW&%zz=guess", verify.ErrMalformed},
		"form, broken value":           {"k", "k=NEW%zz", verify.ErrMalformed},
		"form, a list's place":         {"[0]", "=NEW", verify.ErrMissing},
		"form, a list's place 2":       {"value[*].k", "value=NEW", verify.ErrMissing},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stored, err := verifyBody(t, tt.field, strings.ReplaceAll(tt.body, "NEW", newSecret))
			require.ErrorIs(t, err, tt.want)
			require.Empty(t, stored)
			require.NotContains(t, err.Error(), "s3cret")
			require.NotContains(t, err.Error(), "guess")
		})
	}
}

func TestBodyThatHoldsTheSecretElsewhereIsNotStored(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"k":"NEW","text":"the key is NEW."}`, `{"k":"NEW","text":"before it was OLD"}`, `{"k":"NEW","NEW":1}`, `k=NEW&text=NEW`,
	} {
		stored, err := verifyBody(t, "k", strings.NewReplacer("NEW", newSecret, "OLD", oldSecret).Replace(body))
		require.ErrorContains(t, err, "a second time")
		require.NotContains(t, err.Error(), "s3cret")
		require.Empty(t, stored)
	}
}

func TestPlacesInABody(t *testing.T) {
	t.Parallel()
	for field, want := range map[string]bool{
		"k": true, "a.b.c": true, `"a.b"`: true, `"a.b".c`: true, "value[*].clientState": true, "[0].k": true, "[*][12]": true, "Employee #": true, "tag::x": true, "k[9999]": true,
		"":  true, // no field: another place, or none
		".": false, ".k": false, "k.": false, "a..b": false, `"k`: false, `a"b"`: false, `""`: false, "k[": false, "k[]": false, "k[-1]": false, "k[x]": false, "k]": false,
		"k[10000]": false, "[0]k": false, "k[*]x": false, strings.Repeat("a.", 16) + "a": false,
	} {
		config := fieldConfig(field)
		if field == "" {
			config.Query = "k"
		}
		require.Equal(t, want, len(config.Check()) == 0, field)
	}
}

func TestSignFillsThePlace(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ field, body, want string }{
		"JSON":    {"value[*].k", `{"value": [{"k": ""}, {"k":"old"}]}`, `{"value": [{"k": "NEW"}, {"k":"NEW"}]}`},
		"form":    {"k", "a=1&k=&b=2", "a=1&k=NEW&b=2"},
		"missing": {"k", `{"a":1}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body, err := verify.Sign(fieldConfig(tt.field), nil, newPost(t), []byte(tt.body), noTime)
			require.Equal(t, tt.want == "", err != nil)
			require.Equal(t, strings.ReplaceAll(tt.want, "NEW", newSecret), string(body))
		})
	}
}

// Whatever the rest of a body is, it stays byte for byte, and the secret goes.
func TestStrippingChangesNothingElse(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		before, after := randomMembers(random), randomMembers(random)
		escaped := randomEscapes(random, newSecret)
		format := "{" + before + `"k"` + space(random) + ":" + space(random) + `"%s"` + space(random) + strings.TrimRight(","+after, ",") + "}"
		format = strings.ReplaceAll(format, ",}", "}")
		body := fmt.Sprintf(format, escaped)
		require.True(t, json.Valid([]byte(body)), body)
		stored, err := verifyBody(t, "k", body)
		require.NoError(t, err, body)
		require.Equal(t, fmt.Sprintf(format, ""), stored)
		require.NotContains(t, stored, newSecret)
	}
}

func space(random *rand.Rand) string { return strings.Repeat(" \n", random.IntN(3)) }

func randomMembers(random *rand.Rand) string {
	values := []string{"1", "-0.50", "1e9", "null", "true", `"a\"k\": \"x"`, `"ü\u00fc"`, `{"k":"inner"}`, `[ {"k" : 1} , "k" ]`, `""`}
	var members strings.Builder
	for i := range random.IntN(4) {
		fmt.Fprintf(&members, "%s\"m%d\"%s:%s%s,", space(random), i, space(random), space(random), values[random.IntN(len(values))])
	}
	return members.String()
}

func randomEscapes(random *rand.Rand, text string) string {
	var escaped strings.Builder
	for _, c := range text {
		if random.IntN(3) == 0 {
			fmt.Fprintf(&escaped, `\u%04x`, c)
			continue
		}
		escaped.WriteRune(c)
	}
	return escaped.String()
}

// FuzzStripSecret looks that nothing that is accepted holds the secret, that it is as long
// as what came less the secret, and that JSON stays JSON.
func FuzzStripSecret(f *testing.F) {
	const key = "k3y-that-nobody-guesses"
	for _, body := range []string{`{"k":"KEY"}`, `{"k":"KEY","k":"KEY"}`, `[{"k":"KEY"},{"k":"KEY"}]`, "k=KEY&a=b", `{"a":{"k":"KEY"}}`, " {\"k\" :\n\"KEY\"}", `{"k":"\u004bEY"}`} {
		for _, field := range []string{"k", "[*].k", "a.k"} {
			f.Add(field, body)
		}
	}
	f.Fuzz(func(t *testing.T, field, body string) {
		body = strings.ReplaceAll(body, "KEY", key)
		config := verify.Config{Type: "api_key", Field: field, Secrets: []secret.Secret{secret.New(key)}}
		verifier, err := verify.New(config, verify.Deps{})
		if err != nil {
			return
		}
		verified, err := verifier.Verify(t.Context(), source.Request{Body: []byte(body)})
		if err != nil {
			require.NotContains(t, err.Error(), key)
			return
		}
		require.NotContains(t, string(verified.Body), key)
		require.Less(t, len(verified.Body), len(body))
		if json.Valid([]byte(body)) {
			require.True(t, json.Valid(verified.Body))
			return
		}
		require.Equal(t, strings.Count(body, "&"), bytes.Count(verified.Body, []byte("&")))
	})
}
