package mapping_test

import (
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"sever/revocation"
	"sever/source/mapping"
)

// checkDecoded decodes twice: what comes out is bounded, complete and the same.
func checkDecoded(t *testing.T, made *mapping.Decoder, from revocation.Delivery) {
	t.Helper()
	decoded, err := made.Decode(from)
	if err != nil {
		require.LessOrEqual(t, len(err.Error()), 1000)
		require.True(t, utf8.ValidString(err.Error()))
		require.Empty(t, decoded)
		return
	}
	require.NotZero(t, len(decoded.Signals)+len(decoded.Skipped), "a delivery never vanishes")
	for _, skipped := range decoded.Skipped {
		require.LessOrEqual(t, len(skipped.Type), 100)
		require.NotEmpty(t, skipped.Reason)
	}
	for _, signal := range decoded.Signals {
		require.NotEmpty(t, signal.ID)
		require.NotEmpty(t, signal.Kind)
		require.Equal(t, "acme", signal.Org)
		require.Equal(t, "siem", signal.Source)
		require.LessOrEqual(t, len(signal.Type), 100)
		require.True(t, utf8.ValidString(signal.Type))
		require.Equal(t, signal.Person.IsZero(), signal.NoPerson != "", "somebody, or the reason why not")
		require.LessOrEqual(t, len(signal.Person.Value), 254)
		require.LessOrEqual(t, len(signal.NoPerson), 400)
	}
	again, err := made.Decode(from)
	require.NoError(t, err)
	require.Equal(t, decoded, again)
}

// everything uses every setting at once.
func everything() mapping.Config {
	return mapping.Config{
		Unwrap: []mapping.Unwrap{{At: "Message"}, {At: "Message.data", As: "base64"}},
		Each:   `=has(body.list) ? body.list : [body]`, Type: "type", Kinds: map[string]string{"end": "termination", "none": "ignore"},
		Kind: `=item.state == "open" ? "alert" : "ignore"`, Severity: "severity", Severities: map[string]string{"9": "critical"},
		Time: "time", ID: `=item.id + "/" + item.time`,
		Person:    mapping.Person{Kind: "login", Value: `=[item.user] + item.?users.orValue([])`, Extract: `(?:user:)?(.+)`, Domains: map[string]string{"CORP": "corp.example.com"}},
		Effective: &mapping.Effective{At: "date", Zone: "America/Havana", TimeOfDay: "17:30"},
		Ignore:    []mapping.Ignore{{When: `item.test == true || type.startsWith("test")`, Reason: "test"}},
		Headers:   []string{"X-Event"},
	}
}

func FuzzDecodeJSON(f *testing.F) {
	for _, seed := range []string{
		`{"type":"end","user":"ada@example.com","date":"2026-11-30","id":"1","time":"2026-11-23T09:00:00Z","severity":9}`,
		`{"list":[{"state":"open","user":"CORP\\sam","users":["bob","N/A"]},{"type":"none"},{"test":true}]}`,
		`{"Message":"{\"data\":\"e30=\"}","type":"end"}`, `{"Message":"{"}`, `{"list":{}}`, `{"list":[]}`, `{}`, `[]`, `null`, `"x"`, `{"a":1,"a":2}`, `{"type":["end"],"user":7,"date":1e9}`,
	} {
		f.Add([]byte(seed))
	}
	made := decoder(f, everything())
	f.Fuzz(func(t *testing.T, body []byte) {
		checkDecoded(t, made, delivery(string(body)))
		if _, err := made.Decode(delivery(string(body))); err == nil {
			require.True(t, made.Readable(body))
			require.True(t, json.Valid(body))
		}
	})
}

// A path is taken or refused with a reason, and what is taken can be used.
func FuzzPath(f *testing.F) {
	for _, seed := range []string{`a.b`, `a."b.c"[*][0]`, `$body`, `$header.X`, `$type`, `"a\"b\\"`, `a..b`, `[`, `[*]`, `Employee #`, `=item.a`, `=`, `=[`, `$`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		config := login(text)
		config.Headers = []string{"X"}
		problems := config.Check()
		for _, problem := range problems {
			require.Equal(t, "person.value", problem.Field)
			require.NotEmpty(t, problem.Message)
			require.LessOrEqual(t, len(problem.Message), 800)
		}
		if len(problems) > 0 {
			return
		}
		checkDecoded(t, decoder(t, config), delivery(`{"a":{"b":["ada",{"b.c":"bob"}]},"list":[[1],{"x":null}]}`))
	})
}
