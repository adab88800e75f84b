package mapping_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/source/mapping"
)

const places = `{
	"data": {"detections.user_name": "dotted", "user": "plain", "list": ["one@x", "two@x"], "wrapped": {"value": "wrapped"}, "number": 4711},
	"Employee #": "spaced", "tag::eventtype": "colons", "@odata.id": "odata", "detail-type": "dashed", "": "emptykey", "a\"b\\c": "quoted",
	"rows": [{"user": "row0"}, {"user": "row1"}, {"other": 1}], "deep": [[{"user": "deep"}]], "$x": "dollar", "a[0]": "bracket", "object": {"x": 1}, "null": null
}`

func TestPaths(t *testing.T) {
	t.Parallel()
	for path, want := range map[string][]string{
		`data."detections.user_name"`: {"dotted"},
		`data.user`:                   {"plain"},
		`$body.data.user`:             {"plain"},
		`data.list`:                   {"one@x", "two@x"},
		`data.list[*]`:                {"one@x", "two@x"},
		`data.list[1]`:                {"two@x"},
		`data.wrapped`:                {"wrapped"},
		`data.wrapped.value`:          {"wrapped"},
		`data.number`:                 {"4711"},
		`Employee #`:                  {"spaced"},
		`"Employee #"`:                {"spaced"},
		`$body."Employee #"`:          {"spaced"},
		`tag::eventtype`:              {"colons"},
		`"@odata.id"`:                 {"odata"},
		`detail-type`:                 {"dashed"},
		`""`:                          {"emptykey"},
		`"a\"b\\c"`:                   {"quoted"},
		`"$x"`:                        {"dollar"},
		`"a[0]"`:                      {"bracket"},
		`rows[*].user`:                {"row0", "row1"},
		`rows[0].user`:                {"row0"},
		`deep[0][0].user`:             {"deep"},
		`deep[*][*].user`:             {"deep"},
		`$header.X-User`:              {"header"},
		`$header.x-user`:              {"header"},

		// What is not there names nobody, and nothing else is looked at.
		`data.detections.user_name`: {""},
		`data.User`:                 {""},
		`data.list[2]`:              {""},
		`data.list.user`:            {""},
		`rows.user`:                 {""},
		`data.user.name`:            {""},
		`data[0]`:                   {""},
		`data`:                      {""},
		`object`:                    {""},
		`null`:                      {""},
		`nowhere[*].user`:           {""},
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			config := login(path)
			config.Headers = []string{"x-user"}
			made := decoder(t, config)
			require.Equal(t, []string{"X-User"}, made.Keep())
			decoded, err := made.Decode(delivery(places).With("", map[string]string{"X-User": "header"}))
			require.NoError(t, err)
			require.Equal(t, want, people(decoded))
		})
	}
}

func TestBadPaths(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		`a..b`:                         "empty key",
		`.a`:                           "empty key",
		`a.`:                           "empty key",
		` a`:                           "space at the end",
		`a .b`:                         "space at the end",
		`a"b`:                          "in quotes",
		`a]`:                           "in quotes",
		`a\b`:                          "in quotes",
		`"a`:                           "not closed",
		`"a\n"`:                        "backslash",
		`"a"b`:                         "needs a dot",
		`a[0]b`:                        "needs a dot",
		`a[`:                           "without its ]",
		`a[]`:                          "number or *",
		`a[-1]`:                        "number or *",
		`a[01]`:                        "number or *",
		`a[1e3]`:                       "number or *",
		`a[99999999999]`:               "number or *",
		`a[**]`:                        "number or *",
		`$item.a`:                      "starts with $",
		`$`:                            "starts with $",
		`$type.a`:                      "behind $type",
		`$header`:                      "one header's name",
		`$header.X.Y`:                  "one header's name",
		`$header[0]`:                   "one header's name",
		`$header.X-Not-Kept`:           "not kept",
		"a\nb":                         "control character",
		strings.Repeat("a", 501):       "longer than",
		strings.Repeat("a.", 32) + "a": "more than 32 parts",
	} {
		problems := login(path).Check()
		require.Len(t, problems, 1, path)
		require.Equal(t, "person.value", problems[0].Field, path)
		require.Contains(t, problems[0].Message, want, path)
		require.NotEmpty(t, problems[0].Fix, path)
		_, err := mapping.New(login(path), "siem", "acme")
		require.ErrorContains(t, err, "map.person.value: ", path)
	}
}

// A text is taken where a text is wanted, and a list of one for its element; several that
// differ are none.
func TestTypeIsOneText(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"t":"a"}`:                 "a",
		`{"t":" a "}`:               "a",
		`{"t":["a"]}`:               "a",
		`{"t":["a","a",null,""]}`:   "a",
		`{"t":{"value":"a"}}`:       "a",
		`{"t":7}`:                   "7",
		`{"t":1e3}`:                 "1e3",
		`{"t":true}`:                "true",
		`{"t":["a","b"]}`:           "",
		`{"t":{"value":"a","x":1}}`: "",
		`{"t":{}}`:                  "",
		`{"t":null}`:                "",
		`{}`:                        "",
		`[]`:                        "",
		`"a"`:                       "",
	} {
		config := login("t")
		config.Type = "t"
		require.Equal(t, want, decode(t, config, body).Signals[0].Type, body)
	}
}
