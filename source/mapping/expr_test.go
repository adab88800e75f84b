package mapping_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/revocation"
	"sever/source/mapping"
)

const account = `{
	"Name": "ada", "UPNSuffix": "example.com", "number": 4711, "big": 18446744073709551615, "huge": 123456789012345678901234567890, "half": 1.5, "exp": 1e3,
	"entities": [{"kind": "Account", "Name": "ada", "UPNSuffix": "example.com"}, {"kind": "Host", "Name": "web1"}, {"kind": "Account", "Name": "bob", "UPNSuffix": "example.com"}],
	"detail-type": "x", "null": null, "flag": true, "map": {"z": 1, "a": 2, "m": 3, "b": 4, "y": 5}, "wrapped": {"value": "Inactive"}
}`

// Expressions that give persons; "" stands for nobody.
func TestExpressions(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string][]string{
		`item.Name + "@" + item.UPNSuffix`:                                                {"ada@example.com"},
		`item.entities.filter(e, e.kind == "Account").map(e, e.Name + "@" + e.UPNSuffix)`: {"ada@example.com", "bob@example.com"},
		`body.Name`:        {"ada"},
		`header["X-User"]`: {"eve"},
		`type + "er"`:      {"typer"},
		`type(item.number) == int ? "int" : "other"`: {"int"},
		`item.number`:                  {"4711"},
		`item.big`:                     {"18446744073709551615"},
		`item.huge`:                    {"123456789012345678901234567890"},
		`string(item.huge)`:            {"123456789012345678901234567890"},
		`item.half`:                    {""},
		`item.exp`:                     {""},
		`double(item.number)`:          {""}, // 4711.0 is nobody's number
		`item.?Name`:                   {"ada"},
		`item.?nope`:                   {""},
		`item.?nope.orValue("bob")`:    {"bob"},
		`item.nope`:                    {""},
		`item.nope.nope`:               {""},
		`item["null"]`:                 {""},
		`item["null"].x`:               {""},
		`item.entities[7].Name`:        {""},
		`header["Nope"]`:               {""},
		`item.flag`:                    {""},
		`item.map`:                     {""},
		`item.map.map(k, "user-" + k)`: {"user-a", "user-b", "user-m", "user-y", "user-z"}, // always in this order
		`item.wrapped == {"value": "Inactive"} ? "yes" : "no"`: {"yes"},
		`item.wrapped`:                        {"Inactive"},
		"item.`detail-type` + \"yz\"":         {"xyz"},
		`[{"value": "ada"}, "bob"].map(x, x)`: {"ada", "bob"},
		`item.Name.upperAscii()`:              {"ADA"},
		`item.entities.map(e, e.UPNSuffix)`:   {""}, // one has none: nobody is named
		`timestamp("2026-11-23T00:00:00Z")`:   {"2026-11-23T00:00:00Z"},
		`1 / (item.number - 4711)`:            {""},
		`item.number + "x"`:                   {""},
	} {
		t.Run(expression, func(t *testing.T) {
			t.Parallel()
			config := login("=" + expression)
			config.Type, config.Headers = `="typ"`, []string{"X-User"}
			if strings.HasPrefix(expression, "[{") { // a list of anything is known when it is there
				config.Person.Value = `=item.?x.orValue(` + expression + `)`
			}
			decoded, err := decoder(t, config).Decode(delivery(account).With("", map[string]string{"X-User": "eve"}))
			require.NoError(t, err)
			require.Equal(t, want, people(decoded))
			for _, signal := range decoded.Signals {
				require.NotContains(t, signal.NoPerson, "example.com")
				require.Equal(t, signal.Person.IsZero(), strings.HasPrefix(signal.NoPerson, "person.value: "))
			}
		})
	}
}

func TestBadExpressions(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]string{
		``:                             "does not compile",
		`item.`:                        "does not compile",
		`nope`:                         "undeclared reference",
		`now`:                          "undeclared reference",
		`item.x == 1`:                  "gives bool where",
		`{"a": 1}`:                     "gives map(string, int) where",
		`[[item.x]]`:                   "gives list(list(dyn)) where",
		`b"bytes"`:                     "gives bytes where",
		`1 + "a"`:                      "no matching overload",
		`"a".matches("(") ? "a" : "b"`: "does not compile",
		`item.x.matches("` + strings.Repeat("(a{1000})", 100) + `") ? "a" : "b"`: "does not compile",
		`"` + strings.Repeat("a", 5000) + `"`:                                    "does not compile",
		`item.x.matches(item.y) ? "a" : "b"`:                                     "pattern that is not written out",
		`matches(item.x, item.y) ? "a" : "b"`:                                    "pattern that is not written out",
		`item.x.matches("a" + "b") ? "a" : "b"`:                                  "pattern that is not written out",
		strings.Repeat("(", 1000):                                                "does not compile",
	} {
		problems := login("=" + expression).Check()
		require.Len(t, problems, 1, expression)
		require.Equal(t, "person.value", problems[0].Field)
		require.Contains(t, problems[0].Message, want)
		require.NotContains(t, problems[0].Message, "\n")
		require.LessOrEqual(t, len(problems[0].Message), 400)
	}
}

// What an ignore rule asks for and is not there makes it false; what it cannot decide
// leaves the event to a person.
func TestIgnore(t *testing.T) {
	t.Parallel()
	for when, want := range map[string]string{
		`item.status == "resolved"`:                   "resolved",
		`body.status == "resolved"`:                   "resolved",
		`type == "detection"`:                         "resolved",
		`header["X-Event"] == "ping"`:                 "resolved",
		`= item.status == "resolved"`:                 "resolved",
		`item.yes`:                                    "resolved",
		`item.nope == 1 || item.status == "resolved"`: "resolved",
		`item.status != "resolved"`:                   "",
		`item.nope == "x"`:                            "",
		`!(item.nope == "x")`:                         "",
		`item.nope.nope`:                              "",
		`has(item.nope)`:                              "",
		`item.list[3] == 1`:                           "",
		`item.list.exists(x, x == 1)`:                 "",
		`item.status`:                                 "undecided",
		`item.status < 5`:                             "undecided",
		`1 / 0 == 1`:                                  "undecided",
		`item["null"].startsWith("x")`:                "undecided",
		`item.list.map(a, "x")[0] == "x"`:             "",
	} {
		config := login("user")
		config.Type, config.Headers = "type", []string{"X-Event"}
		config.Ignore = []mapping.Ignore{{When: when, Reason: "resolved"}}
		decoded, err := decoder(t, config).Decode(delivery(`{"status":"resolved","type":"detection","yes":true,"list":[],"user":"ada","null":null}`).
			With("", map[string]string{"X-Event": "ping"}))
		require.NoError(t, err)
		switch want {
		case "resolved":
			require.Equal(t, []string{"resolved"}, reasons(decoded), when)
			require.Equal(t, "detection", decoded.Skipped[0].Type)
			require.Empty(t, decoded.Signals, when)
		case "":
			require.Equal(t, []string{"ada"}, people(decoded), when)
		case "undecided":
			require.Equal(t, []string{""}, people(decoded), when)
			require.Equal(t, revocation.KindAlert, decoded.Signals[0].Kind)
			require.Contains(t, decoded.Signals[0].NoPerson, "ignore[0].when: ", when)
		}
	}
}

// Whatever the body does to an expression, it costs seconds at most.
func TestExpressionsAreBounded(t *testing.T) {
	t.Parallel()
	wide := `{"rows":[` + strings.TrimSuffix(strings.Repeat(`"aaaaaaaaaaaaaaaaaaaa",`, 4000), ",") + `]}`
	one := login(`=body.rows.filter(a, body.rows.exists(b, b + "x" == a))`)
	decoded := decode(t, one, wide)
	require.Equal(t, []string{""}, people(decoded))
	require.Contains(t, decoded.Signals[0].NoPerson, "costs too much")

	many := login(`=body.rows.exists(b, b == item + "x") ? "a" : "b"`)
	many.Each = "rows"
	_, err := decoder(t, many).Decode(delivery(wide))
	require.ErrorContains(t, err, "cost too much")
}
