package mapping_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/source/mapping"
)

// Each case breaks one thing of a configuration that uses everything.
func TestCheck(t *testing.T) {
	t.Parallel()
	require.Empty(t, everything().Check())
	for name, tt := range map[string]struct {
		change  func(*mapping.Config)
		field   string
		message string
	}{
		"body":               {func(c *mapping.Config) { c.Body = "xml" }, "body", "no form"},
		"field":              {func(c *mapping.Config) { c.Field = "x" }, "field", "form_json"},
		"unwrap at":          {func(c *mapping.Config) { c.Unwrap[1].At = "" }, "unwrap[1].at", "empty"},
		"unwrap header":      {func(c *mapping.Config) { c.Unwrap[1].At = "$header.X-Event" }, "unwrap[1].at", "into the body"},
		"unwrap all":         {func(c *mapping.Config) { c.Unwrap[0].At = "$body" }, "unwrap[0].at", "into the body"},
		"unwrap as":          {func(c *mapping.Config) { c.Unwrap[0].As = "xml" }, "unwrap[0].as", "not known"},
		"unwraps":            {func(c *mapping.Config) { c.Unwrap = make([]mapping.Unwrap, 5); fillUnwraps(c) }, "unwrap", "more than 4"},
		"each path":          {func(c *mapping.Config) { c.Each = "a..b" }, "each", "empty key"},
		"each expression":    {func(c *mapping.Config) { c.Each = "=1" }, "each", "a list is wanted"},
		"each header":        {func(c *mapping.Config) { c.Each = "$header.X-Event" }, "each", "into the body"},
		"type":               {func(c *mapping.Config) { c.Type = "[" }, "type", "without its ]"},
		"no type":            {func(c *mapping.Config) { c.Type = "" }, "type", "kinds needs it"},
		"type of wrong type": {func(c *mapping.Config) { c.Type = "=[item.x]" }, "type", "a text is wanted"},
		"kind word":          {func(c *mapping.Config) { c.Kind = "alarm" }, "kind", `"alarm" is no kind`},
		"kind expression":    {func(c *mapping.Config) { c.Kind = "=1 +" }, "kind", "does not compile"},
		"kinds word":         {func(c *mapping.Config) { c.Kinds["end"] = "fired" }, "kinds", `"fired" of "end"`},
		"nothing has a kind": {func(c *mapping.Config) { c.Kind, c.Kinds = "", nil }, "kind", "nothing says"},
		"severity":           {func(c *mapping.Config) { c.Severity = "=item.x > 1" }, "severity", "gives bool"},
		"severities word":    {func(c *mapping.Config) { c.Severities["9"] = "bad" }, "severities", `"bad" of "9"`},
		"severities twice":   {func(c *mapping.Config) { c.Severities = map[string]string{"a": "low", "A": "high"} }, "severities", "given twice"},
		"time":               {func(c *mapping.Config) { c.Time = `"` }, "time", "not closed"},
		"id":                 {func(c *mapping.Config) { c.ID = "$x" }, "id", "starts with $"},
		"header not kept":    {func(c *mapping.Config) { c.ID = "$header.X-Other" }, "id", "not kept"},
		"header name":        {func(c *mapping.Config) { c.Headers = []string{"X-Event", "a b"} }, "headers[1]", "no header's name"},
		"no person kind":     {func(c *mapping.Config) { c.Person.Kind = "" }, "person.kind", "missing"},
		"person kind":        {func(c *mapping.Config) { c.Person.Kind = "upn" }, "person.kind", "not known"},
		"no person value":    {func(c *mapping.Config) { c.Person.Value = "" }, "person.value", "missing"},
		"no attribute":       {func(c *mapping.Config) { c.Person.Kind, c.Person.Domains = "attribute", nil }, "person.attribute", "missing"},
		"attribute name": {func(c *mapping.Config) {
			c.Person = mapping.Person{Kind: "attribute", Attribute: `x" or "1`, Value: "p"}
		}, "person.attribute", "no name"},
		"attribute of a login":  {func(c *mapping.Config) { c.Person.Attribute = "x" }, "person.attribute", "only for kind: attribute"},
		"domains of an id":      {func(c *mapping.Config) { c.Person.Kind = "okta_id" }, "person.domains", "only for"},
		"domain":                {func(c *mapping.Config) { c.Person.Domains["CORP"] = "@x" }, "person.domains", "no domain"},
		"domain twice":          {func(c *mapping.Config) { c.Person.Domains["corp"] = "x" }, "person.domains", "given twice"},
		"extract":               {func(c *mapping.Config) { c.Person.Extract = "(" }, "person.extract", "no regular expression"},
		"extract, no group":     {func(c *mapping.Config) { c.Person.Extract = "a" }, "person.extract", "0 groups"},
		"extract, two groups":   {func(c *mapping.Config) { c.Person.Extract = "(a)(b)" }, "person.extract", "2 groups"},
		"extract that escapes":  {func(c *mapping.Config) { c.Person.Extract = "a)|(b" }, "person.extract", "no regular expression"},
		"extract too long":      {func(c *mapping.Config) { c.Person.Extract = "(" + strings.Repeat("a", 5000) + ")" }, "person.extract", "longer"},
		"no date":               {func(c *mapping.Config) { c.Effective.At = "" }, "effective.at", "missing"},
		"date":                  {func(c *mapping.Config) { c.Effective.At = "a." }, "effective.at", "empty key"},
		"zone":                  {func(c *mapping.Config) { c.Effective.Zone = "Mars/Olympus" }, "effective.zone", "no time zone"},
		"the machine's zone":    {func(c *mapping.Config) { c.Effective.Zone = "Local" }, "effective.zone", "no time zone"},
		"time of day":           {func(c *mapping.Config) { c.Effective.TimeOfDay = "24:01" }, "effective.time_of_day", "no time of day"},
		"short time of day":     {func(c *mapping.Config) { c.Effective.TimeOfDay = "7:30" }, "effective.time_of_day", "no time of day"},
		"ignore, no condition":  {func(c *mapping.Config) { c.Ignore[0].When = "" }, "ignore[0].when", "missing"},
		"ignore, no bool":       {func(c *mapping.Config) { c.Ignore[0].When = `"x"` }, "ignore[0].when", "true or false is wanted"},
		"ignore, no expression": {func(c *mapping.Config) { c.Ignore[0].When = "item.status ==" }, "ignore[0].when", "does not compile"},
		"ignore reason":         {func(c *mapping.Config) { c.Ignore[0].Reason = "because" }, "ignore[0].reason", "no reason"},
		"repeat":                {func(c *mapping.Config) { c.Repeat = -time.Second }, "repeat", "negative"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := everything()
			tt.change(&config)
			problems := config.Check()
			require.Len(t, problems, 1)
			require.Equal(t, tt.field, problems[0].Field)
			require.Contains(t, problems[0].Message, tt.message)
			require.NotEmpty(t, problems[0].Fix)
			_, err := mapping.New(config, "siem", "acme")
			require.ErrorContains(t, err, "map."+tt.field+": ")
		})
	}
}

func fillUnwraps(c *mapping.Config) {
	for i := range c.Unwrap {
		c.Unwrap[i].At = "Message"
	}
}

// All mistakes are told at once.
func TestCheckTellsAll(t *testing.T) {
	t.Parallel()
	var fields []string
	for _, problem := range (mapping.Config{Body: "xml", Each: "[", Person: mapping.Person{Extract: "("}, Ignore: []mapping.Ignore{{}}}).Check() {
		fields = append(fields, problem.Field)
	}
	require.Equal(t, []string{"body", "each", "kind", "person.kind", "person.value", "person.extract", "ignore[0].reason", "ignore[0].when"}, fields)
}
