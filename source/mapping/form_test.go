package mapping_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/source/mapping"
)

func TestFormBodies(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		path, body string
		want       []string
	}{
		{"data.employeeId", "type=employee.deleted&data[employeeId]=700", []string{"700"}},
		{"data.employeeId", "type=x&data%5BemployeeId%5D=700", []string{"700"}},
		{"id", "event_name=employee.terminated&id=5f3a&company_primary_email=boss%40example.com", []string{"5f3a"}},
		{"id", "id=ada%40example.com&id=bob%40example.com", []string{"ada@example.com", "bob@example.com"}},
		{"id", "id[]=ada", []string{"ada"}},
		{"employees[*].id", "employees[0][id]=ada&employees[1][id]=bob", []string{"ada", "bob"}},
		{"employees[*].id", "employees[1][id]=bob&employees[0][id]=ada", []string{"ada", "bob"}},
		{"employees.2.id", "employees[2][id]=bob", []string{"bob"}}, // no list: 0 and 1 are missing
		{`"a[b"`, "a[b=ada", []string{"ada"}},
		{`"a]b[c]"`, "a]b[c]=ada", []string{""}}, // a]b, then c
		{`"[a]"`, "[a]=ada", []string{"ada"}},
		{"name", "name=a+b", []string{""}}, // a space
		{"name", "name=", []string{""}},
		{"name", "name", []string{""}},
		{"name", "", []string{""}},
		{"name", "&&name=ada&", []string{"ada"}},
		{"name.value", "name[value]=ada", []string{"ada"}},
	} {
		config := login(tt.path)
		config.Body = "form"
		made := decoder(t, config)
		require.True(t, made.Readable([]byte(tt.body)), tt.body)
		decoded, err := made.Decode(delivery(tt.body))
		require.NoError(t, err, tt.body)
		require.Equal(t, tt.want, people(decoded), "%s in %s", tt.path, tt.body)
	}
}

func TestBadForms(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ body, want string }{
		"bad escape":         {"a=%zz", "not a form"},
		"bad escape in name": {"%=1", "not a form"},
		"not UTF-8":          {"a=%ff", "not a form"},
		"raw not UTF-8":      {"a=\xff", "not a form"},
		"NUL":                {"a=%00", "not a form"},
		"text and object":    {"a=1&a[b]=2", "both a text and an object"},
		"object and text":    {"a[b]=2&a=1", "both a text and an object"},
		"list of objects":    {"a[][b]=1", "several things"},
		"deep":               {"a" + strings.Repeat("[a]", 16) + "=1", "deeper than 16"},
		"wide":               {strings.Repeat("a=1&", 10_000), "more than 10000"},
	} {
		config := login("a")
		config.Body = "form"
		made := decoder(t, config)
		require.False(t, made.Readable([]byte(tt.body)), name)
		_, err := made.Decode(delivery(tt.body))
		require.ErrorContains(t, err, tt.want, name)
		require.ErrorContains(t, err, "decode form: ", name)
	}
}

func TestFormJSON(t *testing.T) {
	t.Parallel()
	config := login("user")
	config.Body = "form_json"
	made := decoder(t, config)
	require.Equal(t, []string{"application/x-www-form-urlencoded"}, made.Media())
	good := "x=1&payload=" + url.QueryEscape(`{"user":"ada"}`)
	require.True(t, made.Readable([]byte(good)))
	decoded, err := made.Decode(delivery(good))
	require.NoError(t, err)
	require.Equal(t, []string{"ada"}, people(decoded))
	for body, want := range map[string]string{
		"x=1":                           "payload 0 times",
		"payload=%7B%7D&payload=%7B%7D": "payload 2 times",
		"payload=nope":                  "not valid JSON",
		"payload=" + url.QueryEscape(`{"a":1,"a":2}`): "given twice",
	} {
		_, err := made.Decode(delivery(body))
		require.ErrorContains(t, err, want)
	}
	require.False(t, made.Readable([]byte("payload=nope")))

	config.Field = "data"
	decoded, err = decoder(t, config).Decode(delivery("data=" + url.QueryEscape(`{"user":"ada"}`)))
	require.NoError(t, err)
	require.Equal(t, []string{"ada"}, people(decoded))
}

func FuzzDecodeForm(f *testing.F) {
	for _, seed := range []string{"data[employeeId]=7", "a=1&a=2", "a[]=1", "a[0][b]=1&a[1][b]=2", "a[b]=1&a=2", "%zz", "a[[b]]=1", "payload={}", "=1", "[]=1", "a[]"} {
		f.Add([]byte(seed))
	}
	forms := login("data.employeeId")
	forms.Body, forms.Each = "form", "=[body]"
	nested := login("user")
	nested.Body = "form_json"
	decoders := []*mapping.Decoder{decoder(f, forms), decoder(f, nested)}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, made := range decoders {
			checkDecoded(t, made, delivery(string(body)))
		}
	})
}
