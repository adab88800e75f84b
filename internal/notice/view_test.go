package notice

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"sever/revocation"
)

// nosy are events that hold a person wherever one can stand.
func nosy() map[string]revocation.Event {
	last := revocation.Record{
		Job: job(), User: janeID,
		Reason: `find "Jane Doe", ` + strings.ToUpper(jane) + `, ACME\jane.doe, ` + janeID + ` and other@example.org: alert about jane doe, jane.doe@EXAMPLE.com`,
	}
	braked := job()
	return map[string]revocation.Event{
		"held":       held("hold_1"),
		"braked":     {Step: stepBraked, Org: "acme", Source: "okta", Job: &braked, Type: braked.Type, Reason: "the brake holds " + jane},
		"dead job":   {Step: revocation.StepDeadLetter, Org: "acme", Source: "okta", Job: &last.Job, Record: &last, Reason: last.Reason},
		"dead input": {Step: revocation.StepDeadLetter, Org: "acme", Source: "okta", Delivery: "del_1", Reason: "alert about Jane Doe: no login jane.doe in it"},
		"paused":     paused(),
		"resumed":    {Step: stepResumed, Org: "acme", Reason: jane},
		"policy":     {Step: revocation.StepTrouble, Stage: stagePolicy, Err: errors.New("protects " + jane)},
	}
}

func shown(t *testing.T, event revocation.Event, people bool) (n Notice, text string) {
	t.Helper()
	in, ok := incidentOf(event)
	require.True(t, ok)
	b := batch{id: "msg_1", kind: in.kind, org: in.org, count: 1, since: time.Unix(0, 0), incidents: []incident{in}}
	n = b.view(people, sampleLinks, 0, 0)
	parsed, err := parseText("")
	require.NoError(t, err)
	text, err = render(parsed, n)
	require.NoError(t, err)
	return n, text
}

func TestNoticesNameNobodyByDefault(t *testing.T) {
	t.Parallel()
	for name, event := range nosy() {
		n, text := shown(t, event, false)
		all := strings.ToLower(fmt.Sprintf("%+v %s", n, text))
		for _, person := range []string{"jane", strings.ToLower(janeID), "other@"} {
			require.NotContains(t, all, person, name)
		}
	}
}

func TestALoginWithoutAnAddressIsHiddenToo(t *testing.T) {
	t.Parallel()
	last := revocation.Record{Job: job(), Reason: "no user has exactly the login JDoe"}
	last.Job.Person.Value = "jdoe"
	n, _ := shown(t, revocation.Event{Step: revocation.StepDeadLetter, Record: &last, Reason: last.Reason}, false)
	require.Equal(t, "no user has exactly the login …", n.Examples[0].Reason)
}

func TestNoticesNamePeopleWhereAsked(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"held", "braked", "dead job"} {
		n, text := shown(t, nosy()[name], true)
		require.Equal(t, jane, n.Examples[0].Person, name)
		require.Contains(t, text, jane, name)
	}
	_, text := shown(t, nosy()["dead input"], true)
	require.Contains(t, text, "no login jane.doe in it", "what is wrong with the delivery")
}

func TestDefaultText(t *testing.T) {
	t.Parallel()
	in, _ := incidentOf(held("hold_1"))
	other, _ := incidentOf(held("hold_2"))
	b := batch{id: "msg_1", kind: KindHeld, org: "acme", count: 7, incidents: []incident{in, other}}
	parsed, err := parseText("")
	require.NoError(t, err)
	links := func(hold revocation.Hold) (approve, reject string) {
		return "https://s.test/a/" + hold.Key, "https://s.test/r/" + hold.Key
	}
	text, err := render(parsed, b.view(false, links, 2, 31))
	require.NoError(t, err)
	require.Equal(t, `Sever, acme: 7 jobs wait for an operator
- rule suspended from okta: rule suspended asks for an approval for … [hold_1]
  approve: https://s.test/a/hold_1
  reject: https://s.test/r/hold_1
- rule suspended from okta: rule suspended asks for an approval for … [hold_2]
  approve: https://s.test/a/hold_2
  reject: https://s.test/r/hold_2
- and 5 more
> sever holds list
2 earlier notices, about 31 events, could not be sent here.`, text)
}

func TestTestNotice(t *testing.T) {
	t.Parallel()
	parsed, err := parseText("")
	require.NoError(t, err)
	text, err := render(parsed, newTest().view(false, nil, 0, 0))
	require.NoError(t, err)
	require.Equal(t, "Sever: this is a test; notices of this channel arrive", text)
}

func TestTemplates(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                               "",
		"{{.Kind}} {{.Org}} {{.Count}}":  "",
		"{{(index .Examples 0).ID}}":     "index out of range", // a notice of a kind without examples must not break it
		"{{.Titel}}":                     "can't evaluate field Titel",
		"{{.Title":                       "unclosed action",
		"{{if eq .Kind `held`}}x{{end}}": "it writes nothing for",
	} {
		err := checkText(text)
		if want == "" {
			require.NoError(t, err, text)
		} else {
			require.ErrorContains(t, err, want, text)
		}
	}
}

func TestTextsAreBounded(t *testing.T) {
	t.Parallel()
	parsed, err := parseText("{{range 100000}}ä{{end}}")
	require.NoError(t, err)
	text, err := render(parsed, Notice{})
	require.NoError(t, err)
	require.LessOrEqual(t, len(text), maxText)
	require.True(t, utf8.ValidString(text))

	long := printable(strings.Repeat("ä", 500) + "\n")
	require.LessOrEqual(t, len(long), maxReason)
	require.True(t, utf8.ValidString(long))
	require.Equal(t, "a b c", printable("a\nb\x1bc"))
}
