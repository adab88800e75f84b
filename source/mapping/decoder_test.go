package mapping_test

import (
	"encoding/base64"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/revocation"
	"sever/source"
	"sever/source/mapping"
)

func TestSignalSaysWhereItComesFrom(t *testing.T) {
	t.Parallel()
	config := mapping.Config{
		Type: "event", Kind: "alert", Severity: "level", Severities: map[string]string{"P1": "critical"}, Time: "at",
		Person: mapping.Person{Kind: "attribute", Attribute: "employeeNumber", Value: "who"},
	}
	from := delivery(`{"event":"brute force\u202e\n","level":"p1","at":1671058841,"who":4711}`).With("msg_1", nil)
	decoded, err := decoder(t, config).Decode(from)
	require.NoError(t, err)
	require.Empty(t, decoded.Skipped)
	require.Equal(t, []revocation.Signal{{
		ID: decoded.Signals[0].ID, Delivery: from.ID, Source: "siem", Org: "acme", Type: "brute force",
		Kind: revocation.KindAlert, Severity: revocation.SeverityCritical,
		Occurred: time.Unix(1671058841, 0).UTC(), Received: received(),
		Person: revocation.Person{Kind: revocation.PersonAttribute, Attribute: "employeeNumber", Value: "4711"},
	}}, decoded.Signals)
	require.Regexp(t, `^sig_[a-z2-7]+$`, decoded.Signals[0].ID)
}

func TestKinds(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"t":"left","p":"ada"}`:               "termination",
		`{"t":" left ","p":"ada"}`:             "termination",
		`{"t":"LEFT","p":"ada"}`:               "alert", // the sender's words are taken as they are
		`{"t":"noise","p":"ada"}`:              "-",
		`{"t":"open","p":"ada"}`:               "alert",
		`{"t":"open","state":"x","p":"ada"}`:   "-",
		`{"t":"open","state":7,"p":"ada"}`:     "?",
		`{"t":"open","state":"odd","p":"ada"}`: "?",
	} {
		config := login("p")
		config.Type, config.Kinds = "t", map[string]string{"left": "termination", "noise": "ignore"}
		config.Kind = `=!has(item.state) ? "alert" : item.state == 7 ? string(item.state + "x") : item.state == "odd" ? "oddity" : ""`
		decoded := decode(t, config, body)
		switch want {
		case "-":
			require.Equal(t, []string{source.SkippedUnknownType}, reasons(decoded), body)
		case "?":
			require.Equal(t, []string{""}, people(decoded), body)
			require.Contains(t, decoded.Signals[0].NoPerson, "kind: ", body)
		default:
			require.Equal(t, []string{"ada"}, people(decoded), body)
			require.Equal(t, want, string(decoded.Signals[0].Kind), body)
		}
	}
}

func TestUnknownTypesAreSkipped(t *testing.T) {
	t.Parallel()
	config := mapping.Config{Type: "t", Kinds: map[string]string{"left": "termination"}, Person: mapping.Person{Kind: "login", Value: "p"}}
	long := strings.Repeat("é", 80)
	decoded := decode(t, config, `{"t":"`+long+`","p":"ada"}`)
	require.Empty(t, decoded.Signals)
	require.Equal(t, []source.Skipped{{Type: strings.Repeat("é", 50), Reason: "unknown_type"}}, decoded.Skipped)
	require.Equal(t, []string{"unknown_type"}, reasons(decode(t, config, `{"p":"ada"}`)))
}

func TestSeverities(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		`"critical"`: "critical", `"HIGH"`: "high", `" Medium "`: "medium", `"low"`: "low", `"info"`: "info",
		`"WARNING"`: "medium", `9`: "critical", `"9"`: "critical", `"odd"`: "", `null`: "", `{}`: "", `["high","low"]`: "",
	} {
		config := login("p")
		config.Severity, config.Severities = "s", map[string]string{"Warning": "medium", "9": "critical"}
		require.Equal(t, want, string(decode(t, config, `{"p":"ada","s":`+value+`}`).Signals[0].Severity), value)
	}
}

func TestEach(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		each, body string
		want       []string
		err        string
	}{
		{"rows", `{"rows":[{"p":"ada"},{"p":"bob"}]}`, []string{"ada", "bob"}, ""},
		{"$body.rows", `{"rows":[{"p":"ada"}]}`, []string{"ada"}, ""},
		{"rows[*]", `{"rows":[{"p":"ada"},{"p":"bob"}]}`, []string{"ada", "bob"}, ""},
		{"rows[*].x", `{"rows":[{"x":{"p":"ada"}},{"x":{"p":"bob"}}]}`, []string{"ada", "bob"}, ""},
		{"rows[*].x", `{"rows":[{"x":{"p":"ada"}},{}]}`, nil, "no list"}, // nothing is lost silently
		{"rows[*].x[*]", `{"rows":[{"x":[{"p":"ada"}]},{"x":[]},{"x":[{"p":"bob"}]}]}`, []string{"ada", "bob"}, ""},
		{"$body", `[{"p":"ada"},{"p":"bob"}]`, []string{"ada", "bob"}, ""},
		{"[*]", `[{"p":"ada"},{"p":"bob"}]`, []string{"ada", "bob"}, ""},
		{"[*]", `{"p":"ada"}`, nil, "no list"},
		{`=body.rows.filter(r, r.ok)`, `{"rows":[{"p":"ada","ok":true},{"p":"bob","ok":false}]}`, []string{"ada"}, ""},
		{`=[{"p": body.a}]`, `{"a":"ada"}`, []string{"ada"}, ""},
		{`=type(body) == list ? body : [body]`, `{"p":"ada"}`, []string{"ada"}, ""},
		{"rows", `{"rows":[]}`, nil, ""},
		{"rows[*]", `{"rows":[]}`, nil, ""},
		{"rows", `{}`, nil, "no list"},
		{"rows[*]", `{}`, nil, "no list"},
		{"rows", `{"rows":null}`, nil, "no list"},
		{"rows", `{"rows":{"p":"ada"}}`, nil, "no list"},
		{"rows", `{"rows":["x"]}`, []string{""}, ""},
		{`=body.rows.map(r, r.nope)`, `{"rows":[{"p":"ada"}]}`, nil, "no list"},
		{`=body.rows + body.n`, `{"rows":[],"n":1}`, nil, "each: its expression"},
		{`=body.rows`, `{"rows":7}`, nil, "no list"},
	} {
		config := login("p")
		config.Each = tt.each
		decoded, err := decoder(t, config).Decode(delivery(tt.body))
		if tt.err != "" {
			require.ErrorContains(t, err, tt.err, "%s in %s", tt.each, tt.body)
			require.Empty(t, decoded)
			continue
		}
		require.NoError(t, err, "%s in %s", tt.each, tt.body)
		require.Equal(t, tt.want, people(decoded), "%s in %s", tt.each, tt.body)
		require.Equal(t, tt.want == nil, len(decoded.Skipped) == 1 && decoded.Skipped[0].Reason == "empty")
	}
}

// A recovery may carry no rows at all: an ignore rule may still know it.
func TestIgnoreWithoutTheList(t *testing.T) {
	t.Parallel()
	config := login("p")
	config.Each, config.Unwrap, config.Type = "rows", []mapping.Unwrap{{At: "rows"}}, "$body.name"
	config.Ignore = []mapping.Ignore{{When: `body.state.startsWith("Resolved")`, Reason: "resolved"}}
	decoded := decode(t, config, `{"rows":"","state":"ResolvedCritical","name":"rule 7"}`)
	require.Equal(t, []source.Skipped{{Type: "rule 7", Reason: "resolved"}}, decoded.Skipped)
	_, err := decoder(t, config).Decode(delivery(`{"rows":"","state":"Critical"}`))
	require.ErrorContains(t, err, "each: body has no list there")
	require.Equal(t, []string{"ada"}, people(decode(t, config, `{"rows":"[{\"p\":\"ada\"}]","state":"Critical"}`)))
}

func TestUnwrap(t *testing.T) {
	t.Parallel()
	encoded := base64.StdEncoding.EncodeToString([]byte(`{"text":"{\"p\":\"ada\"}"}`))
	config := login("m.data.text.p")
	config.Unwrap = []mapping.Unwrap{{At: "m.data", As: "base64"}, {At: "m.data.text", As: "json"}}
	require.Equal(t, []string{"ada"}, people(decode(t, config, `{"m":{"data":"`+encoded+`"}}`)))
	require.Equal(t, []string{"ada"}, people(decode(t, config, `{"m":{"data":"`+strings.TrimRight(encoded, "=")+`"}}`)), "not padded")
	require.Equal(t, []string{"ada"}, people(decode(t, config, `{"m":{"data":{"text":{"p":"ada"}}}}`)), "JSON already")
	for _, body := range []string{`{"m":{"data":""}}`, `{"m":{"data":null}}`, `{"m":{}}`, `{}`, `[]`} {
		require.Equal(t, []string{""}, people(decode(t, config, body)), body)
	}
	for body, want := range map[string]string{
		`{"m":{"data":"%%%"}}`: "m.data: body is not valid base64",
		`{"m":{"data":"` + base64.StdEncoding.EncodeToString([]byte(`{"text":"{\"p\":1,\"p\":2}"}`)) + `"}}`: "given twice",
		`{"m":{"data":"` + base64.StdEncoding.EncodeToString([]byte("\xff")) + `"}}`:                         "not valid UTF-8",
		`{"m":{"data":"` + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("[", 100))) + `"}}`:       "nests deeper",
	} {
		_, err := decoder(t, config).Decode(delivery(body))
		require.ErrorContains(t, err, want)
	}
	lists := login("[*].x.p")
	lists.Unwrap = []mapping.Unwrap{{At: "[*].x"}}
	require.Equal(t, []string{"ada", "bob"}, people(decode(t, lists, `[{"x":"{\"p\":\"ada\"}"},{"x":"{\"p\":\"bob\"}"}]`)))
}

// A resend is the same signal; a second alert is another.
func TestSignalIDs(t *testing.T) {
	t.Parallel()
	ids := func(config mapping.Config, from revocation.Delivery) []string {
		decoded, err := decoder(t, config).Decode(from)
		require.NoError(t, err)
		var ids []string
		for _, signal := range decoded.Signals {
			ids = append(ids, signal.ID)
		}
		return ids
	}
	at := func(body string, after time.Duration) revocation.Delivery {
		return revocation.NewDelivery("siem", "", []byte(body), received().Add(after))
	}
	const body, week = `{"id":"1","t":"x","p":["ada","bob","N/A"]}`, 7 * 24 * time.Hour
	plain := login("p")
	plain.Type, plain.Repeat = "t", 10*time.Minute
	first := ids(plain, at(body, 0))
	require.Len(t, first, 3)
	require.NotEqual(t, first[0], first[1])
	require.NotEqual(t, first[0], first[2])
	require.Equal(t, first, ids(plain, at(body, 9*time.Minute)), "a resend")
	require.NotEqual(t, first, ids(plain, at(body, week)), "the same bytes next week are another alert")

	never := plain
	never.Repeat = 0
	once := ids(never, at(body, 0))
	require.Equal(t, once, ids(never, at(body, 0)), "the same delivery, decoded again")
	require.NotEqual(t, once, ids(never, at(body, time.Nanosecond)))

	byDelivery := ids(plain, at(body, 0).With("msg_1", nil))
	require.Equal(t, byDelivery, ids(plain, at(body, week).With("msg_1", nil)), "the sender says that it is the same")
	require.NotEqual(t, byDelivery, ids(plain, at(body, 0).With("msg_2", nil)))

	byEvent := plain
	byEvent.ID = "id"
	require.Equal(t, ids(byEvent, at(body, 0)), ids(byEvent, at(body+" ", week).With("msg_2", nil)), "in other bytes, in another delivery")
	require.NotEqual(t, ids(byEvent, at(body, 0)), ids(byEvent, at(strings.Replace(body, `"1"`, `"2"`, 1), 0)))
	require.NotEqual(t, ids(byEvent, at(body, 0))[0], ids(byEvent, at(strings.Replace(body, `"x"`, `"y"`, 1), 0))[0])
	for _, id := range []string{`""`, `"N/A"`, `"$ID"`, `"{{id}}"`, `null`, `{}`} { // the same for every event, so no id
		nothing := strings.Replace(body, `"1"`, id, 1)
		require.NotEqual(t, ids(byEvent, at(nothing, 0)), ids(byEvent, at(nothing, week)), id)
	}

	items := login("p")
	items.Each, items.Repeat = "$body", time.Hour
	two := ids(items, at(`[{"p":"ada"},{"p":"ada"}]`, 0))
	require.NotEqual(t, two[0], two[1], "two alerts of one delivery")

	one, err := mapping.New(plain, "siem", "acme")
	require.NoError(t, err)
	other, err := mapping.New(plain, "siem", "other")
	require.NoError(t, err)
	a, err := one.Decode(at(body, 0))
	require.NoError(t, err)
	b, err := other.Decode(at(body, 0))
	require.NoError(t, err)
	require.NotEqual(t, a.Signals[0].ID, b.Signals[0].ID)
}

func TestLimits(t *testing.T) {
	t.Parallel()
	config := login("p")
	config.Each = "rows"
	rows := func(row string, count int) string {
		return `{"rows":[` + strings.TrimSuffix(strings.Repeat(row+",", count), ",") + `]}`
	}
	require.Len(t, decode(t, config, rows(`{"p":"ada"}`, 5000)).Signals, 5000)
	_, err := decoder(t, config).Decode(delivery(rows(`{"p":"ada"}`, 5001)))
	require.ErrorContains(t, err, "more than 5000 events")

	var names []string
	for i := range 10_001 {
		names = append(names, `"user`+strconv.Itoa(i)+`"`)
	}
	_, err = decoder(t, login("p")).Decode(delivery(`{"p":[` + strings.Join(names, ",") + `]}`))
	require.ErrorContains(t, err, "more than 10000 persons")
	require.Len(t, decode(t, login("p"), `{"p":[`+strings.Join(names[1:], ",")+`]}`).Signals, 10_000)
}

// Four megabytes of anything cost a bounded amount of memory, and no stack.
func TestMemoryIsBounded(t *testing.T) { //nolint:paralleltest // it measures what the process allocates
	const size = 4 << 20
	config := everything()
	config.Repeat = time.Minute
	made := decoder(t, config)
	form := login("a")
	form.Body = "form"
	forms := decoder(t, form)
	for name, tt := range map[string]struct {
		made *mapping.Decoder
		body string
	}{
		"deep":        {made, strings.Repeat("[", size)},
		"objects":     {made, "[" + strings.Repeat("{},", size/3) + "{}]"},
		"flat":        {made, "[" + strings.Repeat("1,", size/2) + "1]"},
		"most":        {made, "[" + strings.Repeat("1,", 1<<18) + "1]"},
		"items":       {made, `{"list":[` + strings.Repeat("1,", size/2) + "1]}"},
		"people":      {made, `{"state":"open","user":"ada","users":[` + strings.Repeat(`"",`, size/3) + `""]}`},
		"text":        {made, `{"state":"open","type":"` + strings.Repeat("a", size) + `"}`},
		"unwrapped":   {made, `{"Message":"` + strings.Repeat("[", size) + `"}`},
		"deep form":   {forms, "a" + strings.Repeat("[a]", size/3) + "=1"},
		"wide form":   {forms, strings.Repeat("a&", size/2)},
		"nested form": {forms, strings.Repeat("a"+strings.Repeat("[b]", 15)+"=1&", 9000)},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _ = made.Decode(delivery(`{}`))
		_, err := tt.made.Decode(delivery(tt.body))
		runtime.ReadMemStats(&after)
		allocated := (after.TotalAlloc - before.TotalAlloc) >> 20
		t.Logf("%s: %d MiB in all: %v", name, allocated, err)
		require.Less(t, allocated, uint64(128), name)
	}
}

func TestReadableAndMedia(t *testing.T) {
	t.Parallel()
	made := decoder(t, login("p"))
	require.True(t, made.Readable([]byte(`{"p":1}`)))
	require.False(t, made.Readable([]byte(`Ping test`)))
	require.Contains(t, made.Media(), "text/plain")
	require.Empty(t, made.Keep())
	cloud := decoder(t, events())
	require.True(t, cloud.Readable(nil))
	require.True(t, cloud.Readable([]byte(`{}`)))
	require.False(t, cloud.Readable([]byte(`{`)))
	require.Contains(t, cloud.Media(), "application/cloudevents-batch+json")
}

func BenchmarkDecode(b *testing.B) {
	body := `{"type":"end","state":"open","user":"ada@example.com","severity":9,"id":"1","time":"2026-11-23T09:00:00Z","pad":"` + strings.Repeat("x", 1800) + `"}`
	paths := mapping.Config{Type: "type", Kind: "alert", Severity: "severity", ID: "id", Time: "time", Person: mapping.Person{Kind: "login", Value: "user"}}
	expression := paths
	expression.Person.Value = `=item.user`
	for name, config := range map[string]mapping.Config{"paths": paths, "one expression": expression, "everything": everything()} {
		b.Run(name, func(b *testing.B) {
			made := decoder(b, config)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := made.Decode(delivery(body)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
