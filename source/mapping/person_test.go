package mapping_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"

	"sever/revocation"
	"sever/source/mapping"
)

func personConfig(kind string) mapping.Config {
	config := mapping.Config{Kind: "alert", Person: mapping.Person{Kind: kind, Value: "p"}}
	if kind == "attribute" {
		config.Person.Attribute = "employeeNumber"
	}
	return config
}

// Each value is JSON; the empty name means that it names nobody, with the reason.
func TestPersons(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 100)
	for _, tt := range []struct{ kind, value, name, reason string }{
		{"okta_id", `"` + ada + `"`, ada, ""},
		{"okta_id", `" ` + ada + `\n"`, ada, ""},
		{"okta_id", `"` + ada + `x"`, "", "no Okta user id"},
		{"okta_id", `"../../` + ada + `"`, "", "no Okta user id"},
		{"okta_id", `"ada@example.com"`, "", "no Okta user id"},
		{"okta_id", `["` + ada + `"]`, ada, ""},

		{"login", `"ada@example.com"`, "ada@example.com", ""},
		{"login", `" ada "`, "ada", ""},
		{"login", `"Ada.Müller@example.com"`, "Ada.Müller@example.com", ""},
		{"login", `"ad"`, "", "no login"},
		{"login", `"ada lovelace"`, "", "no login"},
		{"login", `"ada\u00a0lovelace"`, "", "no login"},
		{"login", `"ada\u200b@example.com"`, "", "no login"},
		{"login", `"ada\u202e@example.com"`, "", "no login"},
		{"login", `"ada\u0000"`, "", "no login"},
		{"login", `"ada\ufffd"`, "", "no login"},
		{"login", `"` + strings.Repeat("a", 254) + `"`, strings.Repeat("a", 254), ""},
		{"login", `"` + strings.Repeat("a", 255) + `"`, "", "no login"},
		{"login", `"` + strings.Repeat("a", 5000) + `"`, "", "neither a text"},
		{"login", `"CORP\\sam"`, "", "Windows domain"},
		{"login", `"\\sam"`, "", "Windows domain"},
		{"login", `{"value":"ada"}`, "ada", ""},
		{"login", `{"value":"ada","x":1}`, "", "neither a text"},
		{"login", `{"value":{"value":"ada"}}`, "", "neither a text"},
		{"login", `{"value":null}`, "", "stands for nobody"},
		{"login", `{"name":"ada"}`, "", "neither a text"},
		{"login", `[["ada"]]`, "", "neither a text"},
		{"login", `[]`, "", "no value"},
		{"login", `null`, "", "stands for nobody"},
		{"login", `true`, "", "neither a text"},

		{"email", `"ada@example.com"`, "ada@example.com", ""},
		{"email", `"ada"`, "", "no e-mail"},
		{"email", `"@example.com"`, "", "no e-mail"},
		{"email", `"ada@"`, "", "no e-mail"},
		{"email", `"a@b@c"`, "", "no e-mail"},
		{"email", `"Ada <ada@example.com>"`, "", "template"},
		{"email", `"ada@example.com, bob@example.com"`, "", "no e-mail"},
		{"email", `"ada@example.com,bob@example.com"`, "", "no e-mail"},

		{"attribute", `4711`, "4711", ""},
		{"attribute", `"007"`, "007", ""},
		{"attribute", `12345678901234567890123`, "12345678901234567890123", ""},
		{"attribute", `1e3`, "", "neither a text"},
		{"attribute", `1.0`, "", "neither a text"},
		{"attribute", `-7`, "", "neither a text"},
		{"attribute", `"Employee 7"`, "Employee 7", ""},
		{"attribute", `"S-1-5-21-1004336348-1177238915-682003330-512"`, "S-1-5-21-1004336348-1177238915-682003330-512", ""},
		{"attribute", `"` + long + `"`, long, ""},
		{"attribute", `"` + long + `a"`, "", "longer than 100"},
		{"attribute", `"a\tb"`, "", "cannot be printed"},
		{"attribute", `"CORP\\sam"`, `CORP\sam`, ""},
	} {
		t.Run(tt.kind+" "+printableName(tt.value), func(t *testing.T) {
			t.Parallel()
			decoded := decode(t, personConfig(tt.kind), `{"p":`+tt.value+`,"q":"someone.else@example.com","user":"someone.else@example.com"}`)
			require.Len(t, decoded.Signals, 1)
			signal := decoded.Signals[0]
			require.Equal(t, tt.name, signal.Person.Value)
			if tt.name == "" {
				require.True(t, signal.Person.IsZero())
				require.Equal(t, revocation.Person{}, signal.Person)
				require.Contains(t, signal.NoPerson, tt.reason)
				require.True(t, strings.HasPrefix(signal.NoPerson, "p: "), "says where it looked")
				return
			}
			require.Empty(t, signal.NoPerson)
			require.Equal(t, revocation.PersonKind(tt.kind), signal.Person.Kind)
			require.Equal(t, tt.kind == "attribute", signal.Person.Attribute == "employeeNumber")
		})
	}
}

func printableName(value string) string {
	if len(value) > 40 {
		value = value[:40]
	}
	return value
}

// What stands for nobody, and what a template left behind, names nobody of any kind.
func TestPersonlessWordsAndTemplates(t *testing.T) {
	t.Parallel()
	words := []string{
		"", " ", "n/a", "N/A", "NA", "-", "--", "none", "None", "NULL", "nil", "unknown", "Unknown", "UNDEFINED", "(empty)", "Not Available", " n/a ", "(null)", "<none>",
		"{{user}}", "{{ user.name }}", "x{{user}}@example.com", "${user}", "a${user}", "$USER", "$USER_EMAIL", "$result.user$", "<user>", "<user@example.com>", "%{user}", "%{[user][name]}", "[[user]]", "x[[user", "{{",
	}
	for _, kind := range []string{"okta_id", "login", "email", "attribute"} {
		made := decoder(t, personConfig(kind))
		for _, word := range words {
			text, err := json.Marshal(map[string]any{"p": word, "user": "bob@example.com"})
			require.NoError(t, err)
			decoded, err := made.Decode(delivery(string(text)))
			require.NoError(t, err)
			require.Equal(t, []string{""}, people(decoded), "%s %q", kind, word)
			require.Regexp(t, "stands for nobody|template", decoded.Signals[0].NoPerson, "%s %q", kind, word)
		}
	}
}

func TestWindowsDomains(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		`CORP\sam`:            "sam@corp.example.com",
		`corp\sam`:            "sam@corp.example.com",
		`Lab\sam`:             "sam@lab.example.com",
		`sam`:                 "sam",
		`sam@x.example.com`:   "sam@x.example.com",
		`OTHER\sam`:           "",
		`\sam`:                "",
		`CORP\`:               "",
		`CORP\CORP\sam`:       "",
		`CORP\sam@other.com`:  "",
		`NT AUTHORITY\SYSTEM`: "",
		`CORP\sam smith`:      "",
		`CORP/sam smith`:      "",
	} {
		config := personConfig("login")
		config.Person.Domains = map[string]string{"CORP": "corp.example.com", "lab": "lab.example.com"}
		text, err := json.Marshal(map[string]any{"p": value})
		require.NoError(t, err)
		require.Equal(t, []string{want}, people(decode(t, config, string(text))), value)
	}
}

func TestExtract(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ pattern, value, want string }{
		{`[^:]+:(.+)`, "AROA123:ada@example.com", "ada@example.com"},
		{`^[^:]+:(.+)$`, "AROA123:ada@example.com", "ada@example.com"},
		{`[^:]+:(.+)`, "AIDA123", ""},
		{`user (\S+)`, "user ada logged in", ""}, // not all of it
		{`user (\S+)`, "the user ada", ""},
		{`(?m)^user (\S+)$`, "user ada\nuser bob", ""},
		{`a:(.*)`, "a:", ""},
		{`a:(.*)`, "a:N/A", ""},
		{`a:(.*)`, "a: ada ", "ada"},
		{`(?:x)?(ada|bob)?x`, "x", ""},
	} {
		config := personConfig("login")
		config.Person.Extract = tt.pattern
		text, err := json.Marshal(map[string]any{"p": tt.value})
		require.NoError(t, err)
		require.Equal(t, []string{tt.want}, people(decode(t, config, string(text))), "%s on %q", tt.pattern, tt.value)
	}
}

// One signal for each distinct person; a bad entry is not passed over silently.
func TestLists(t *testing.T) {
	t.Parallel()
	for list, want := range map[string][]string{
		`["ada","bob"]`:                          {"ada", "bob"},
		`["ada"," ada ","bob","ada"]`:            {"ada", "bob"},
		`["ada","N/A"]`:                          {"ada", ""},
		`["N/A","-",null,{},"ada"]`:              {"ada", ""},
		`["N/A","-"]`:                            {""},
		`[{"value":"ada"},{"value":"bob"},4711]`: {"ada", "bob", "4711"},
	} {
		decoded := decode(t, personConfig("login"), `{"p":`+list+`}`)
		require.Equal(t, want, people(decoded), list)
	}
}

// No value but the one at the configured place ever names anybody, whatever stands beside it.
func FuzzPerson(f *testing.F) {
	for _, seed := range []string{"ada@example.com", `CORP\sam`, "N/A", "{{x}}", ada, "4711", "a b", "\u202eada", "", "$USER", "<a@b>"} {
		f.Add(seed, "bob@example.com")
	}
	made := map[string]*mapping.Decoder{}
	for _, kind := range []string{"okta_id", "login", "email", "attribute"} {
		config := personConfig(kind)
		if kind == "login" {
			config.Person.Domains = map[string]string{"CORP": "corp.example.com"}
		}
		made[kind] = decoder(f, config)
	}
	f.Fuzz(func(t *testing.T, value, other string) {
		text, err := json.Marshal(map[string]any{"p": value, "user": other, "email": other, "owner": []string{other}, "P": other})
		require.NoError(t, err)
		for kind, made := range made {
			decoded, err := made.Decode(delivery(string(text)))
			if err != nil {
				continue // JSON of broken UTF-8
			}
			require.Len(t, decoded.Signals, 1)
			signal := decoded.Signals[0]
			if signal.Person.IsZero() {
				require.NotEmpty(t, signal.NoPerson)
				require.LessOrEqual(t, len(signal.NoPerson), 400)
				continue
			}
			require.Equal(t, revocation.PersonKind(kind), signal.Person.Kind)
			if !strings.Contains(value, `\`) {
				require.Equal(t, strings.TrimSpace(strings.ToValidUTF8(value, "\ufffd")), signal.Person.Value)
			}
			require.NotContains(t, signal.Person.Value, "{{")
			for _, r := range signal.Person.Value {
				require.True(t, unicode.IsPrint(r))
			}
		}
	})
}
