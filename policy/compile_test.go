package policy_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/policy"
	"sever/revocation"
)

// received is when every signal of these tests came.
var received = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// revoking is a rule that revokes; ignoring is one that does not.
func revoking(name, when string) policy.RuleConfig {
	return policy.RuleConfig{Name: name, When: when, Do: policy.Action{Revoke: &policy.Revoke{OAuthTokens: true}, Lane: "normal"}}
}

func ignoring(name, when string) policy.RuleConfig {
	return policy.RuleConfig{Name: name, When: when, Do: policy.Action{Ignore: true}}
}

func compiled(tb testing.TB, options policy.Options, rules ...policy.RuleConfig) policy.Policy {
	tb.Helper()
	made, problems := policy.Compile(rules, options)
	require.False(tb, policy.Broken(problems), "%+v", problems)
	return made
}

func TestConditions(t *testing.T) {
	t.Parallel()
	signal := revocation.Signal{
		ID: "sig_1", Source: "edr", Org: "acme", Type: "Malware.Found", Kind: revocation.KindAlert, Severity: "high", Risk: "LOW",
		Occurred: received.Add(-time.Hour), Received: received, Effective: received.Add(24 * time.Hour),
		Person: revocation.Person{Kind: revocation.PersonAttribute, Attribute: "employeeNumber", Value: "A-17"},
	}
	for when, want := range map[string]bool{
		`signal.id == "sig_1"`: true, `signal.source == "edr"`: true, `source == "edr" && signal.source == source`: true,
		`signal.org == "acme"`: true, `signal.type == "Malware.Found"`: true, `signal.type == "malware.found"`: false,
		`signal.type.lowerAscii().startsWith("malware.")`: true, `signal.type.matches("^Mal.*d$")`: true,
		`signal.kind == "alert" && signal.severity in ["high", "critical"]`: true, `signal.risk != "LOW"`: false,
		`signal.person.kind == "attribute" && signal.person.attribute == "employeeNumber"`: true,
		`signal.person.value.startsWith("A-")`:                                             true,
		`now == signal.received && now.getHours() == 9`:                                    true, `now.getDayOfWeek() == 1`: true,
		`now.getHours("America/New_York") == 4`:   true,
		`now - signal.occurred > duration("59m")`: true, `signal.effective > now`: true,
		`["Malware.Found", "x"].exists(t, t == signal.type)`: true, `signal.severity == "low" ? true : source == "edr"`: true,
	} {
		decision := compiled(t, policy.Options{}, revoking("r", when)).Decide(signal)
		require.Equal(t, want, decision.Revoke, when)
		require.Empty(t, decision.Failed, when)
	}
}

// Times that a sender left out are the time of receipt, so that comparing them never fails.
func TestTimesAreTotal(t *testing.T) {
	t.Parallel()
	made := compiled(t, policy.Options{}, revoking("r", `signal.occurred == now && signal.effective == now && now - duration("8760h") < signal.occurred`))
	require.True(t, made.Decide(revocation.Signal{Received: received}).Revoke)
}

func TestCompileRefuses(t *testing.T) {
	t.Parallel()
	known := policy.Options{BuiltIn: true, Sources: []string{"okta", "hr"}, Orgs: []string{"acme"}}
	for name, tt := range map[string]struct {
		rules []policy.RuleConfig
		want  string // rule, field: message; fix
	}{
		"unknown field":      {one(`signal.sevrity == "high"`), `0 when: there is no signal.sevrity; did you mean signal.severity?`},
		"unknown subfield":   {one(`signal.person.valeu == "x"`), `0 when: there is no signal.person.valeu; did you mean signal.person.value?`},
		"the signal itself":  {one(`signal == "x"`), `0 when: there is no signal; did you mean`},
		"has":                {one(`has(signal.severity)`), `0 when: has() is of no use`},
		"own signal":         {one(`["x"].exists(signal, signal == "x")`), `0 when: names a variable of its own`},
		"unknown variable":   {one(`sorce == "okta"`), `0 when: column 1: undeclared reference to 'sorce'`},
		"no CEL":             {one(`signal.type = "x"`), `0 when: column 13`},
		"not a bool":         {one(`signal.type`), `0 when: gives string where true or false is wanted`},
		"dyn":                {one(`dyn(signal.type)`), `0 when: gives dyn where true or false is wanted`},
		"wrong types":        {one(`signal.type == 1`), `0 when: column 13`},
		"sender's pattern":   {one(`"x".matches(signal.type)`), `0 when: uses matches with a pattern that is not written out`},
		"bad pattern":        {one(`signal.type.matches("(")`), `0 when: does not compile`},
		"empty":              {one(" "), `0 when: missing`},
		"too long":           {one(`signal.type == "` + strings.Repeat("x", 4000) + `"`), `0 when:`},
		"unknown kind":       {one(`signal.kind == "alrt"`), `0 when: signal.kind is never "alrt"; did you mean alert?`},
		"unknown severity":   {one(`signal.severity in ["high", "hihg"]`), `0 when: signal.severity is never "hihg"; did you mean high?`},
		"unknown source":     {one(`source == "otka"`), `0 when: source is never "otka"; did you mean okta?`},
		"unknown org":        {one(`signal.org == "acne"`), `0 when: signal.org is never "acne"; did you mean acme?`},
		"withdrawals":        {one(`signal.kind == "withdrawal"`), `0 when: asks about withdrawals`},
		"contradiction":      {one(`signal.type == "a" && signal.type == "b"`), `0 when: can never be true`},
		"contradiction, not": {one(`signal.type in ["a", "b"] && !(signal.type == "a") && signal.type != "b"`), `0 when: can never be true`},
		"contradiction beside what is not understood": {
			one(`signal.type.startsWith("u") && signal.kind == "risk" && signal.kind == "alert"`), `0 when: can never be true`,
		},
		"the same part and its opposite": {one(`now.getHours() > 8 && !(now.getHours() > 8)`), `0 when: can never be true`},
		"constant":                       {one(`1 == 2 && signal.type == "a" && false`), `0 when: can never be true`},
		"always":                         {one(`signal.kind == "alert" || signal.kind != "alert"`), `0 when: is true of every signal, so that no rule after it is ever asked, nor any built-in one`},
		"all kinds of severities": {
			one(`signal.severity in ["critical", "high", "medium", "low", "info", ""]`), `0 when: is true of every signal`,
		},
		"twice": {
			[]policy.RuleConfig{revoking("a", `signal.type == "x" && source == "hr"`), revoking("b", `source == "hr" && signal.type == "x"`)},
			`1 when: is never asked: rule a before it has the same condition; put it before a, or remove it`,
		},
		"shadowed": {
			[]policy.RuleConfig{ignoring("wide", `source == "hr"`), revoking("narrow", `signal.source == "hr" && signal.type == "x"`)},
			`1 when: is never asked: rule wide before it matches every signal that it would`,
		},
		"shadowed by several": {
			[]policy.RuleConfig{ignoring("a", `signal.type == "x" && source == "hr"`), ignoring("b", `signal.type == "x" && source == "okta"`), revoking("c", `signal.type == "x"`)},
			`2 when: is never asked: the rules before it decide every signal`,
		},
		"name twice":      {[]policy.RuleConfig{revoking("a", `signal.type == "x"`), revoking("a", `signal.type == "y"`)}, `1 name: rule [0] has the name "a" too`},
		"reserved name":   {[]policy.RuleConfig{revoking(policy.NoRule, `signal.type == "x"`)}, `0 name: "no_rule" stands for`},
		"bad name":        {[]policy.RuleConfig{revoking("A b", `signal.type == "x"`)}, `0 name: "A b" cannot be a name`},
		"nothing to do":   {[]policy.RuleConfig{{Name: "a", When: `signal.type == "x"`}}, `0 do: must hold exactly one of revoke and ignore`},
		"both to do":      {[]policy.RuleConfig{{Name: "a", When: `signal.type == "x"`, Do: policy.Action{Ignore: true, Revoke: &policy.Revoke{}}}}, `0 do: must hold exactly one`},
		"ignore and more": {[]policy.RuleConfig{{Name: "a", When: `signal.type == "x"`, Do: policy.Action{Ignore: true, Mode: "approve"}}}, `0 do: mode, delay, everywhere and again mean nothing beside ignore`},
		"again too soon":  {[]policy.RuleConfig{{Name: "a", When: `signal.type == "x"`, Do: policy.Action{Revoke: &policy.Revoke{}, Again: time.Second}}}, `0 do.again: 1s is too soon`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, problems := policy.Compile(tt.rules, known)
			require.Len(t, problems, 1)
			p := problems[0]
			require.Contains(t, strconv.Itoa(p.Rule)+" "+p.Field+": "+p.Message+"; "+p.Fix, tt.want)
			require.False(t, p.Warning)
			require.True(t, policy.Broken(problems))
		})
	}
}

func one(when string) []policy.RuleConfig { return []policy.RuleConfig{revoking("mine", when)} }

// What looks alike but is not found to be a mistake.
func TestCompileTakes(t *testing.T) {
	t.Parallel()
	for name, rules := range map[string][]policy.RuleConfig{
		"an overlap":            {revoking("a", `signal.type == "x"`), revoking("b", `source == "hr"`)},
		"narrow before wide":    {ignoring("a", `source == "hr" && signal.type == "x"`), revoking("b", `source == "hr"`)},
		"texts of other case":   {revoking("a", `signal.type == "x"`), revoking("b", `signal.type == "X"`)},
		"different patterns":    {revoking("a", `signal.type.startsWith("a")`), revoking("b", `signal.type.startsWith("ab")`)},
		"two fields, one value": {revoking("a", `signal.type == "high" && signal.severity == "high"`)},
		"nothing left over":     {revoking("a", `signal.severity == ""`), revoking("b", `signal.severity != "" && signal.type != "t"`)},
		"everything at the end": {revoking("a", `signal.type == "x"`), ignoring("rest", "true")},
	} {
		options := policy.Options{Sources: []string{"okta", "hr"}}
		_, problems := policy.Compile(rules, options)
		require.Empty(t, problems, name)
	}
}

func TestBuiltInRulesComeAfter(t *testing.T) {
	t.Parallel()
	suspend := revocation.Signal{Type: "user.lifecycle.suspend", Received: received}
	deactivate := revocation.Signal{Type: "user.lifecycle.deactivate", Received: received}

	// The name of a built-in rule replaces it.
	made, problems := policy.Compile([]policy.RuleConfig{revoking("suspended", `signal.type == "user.lifecycle.suspend" && source == "okta"`)}, policy.Options{BuiltIn: true})
	require.Empty(t, problems)
	require.Equal(t, policy.NoRule, made.Decide(suspend).Rule)
	require.Equal(t, "deactivated", made.Decide(deactivate).Rule)
	require.Len(t, made.Rules(), len(policy.BuiltIn().Rules()))

	// Another name before it works, but is worth a word.
	made, problems = policy.Compile([]policy.RuleConfig{ignoring("ours", `signal.type == "user.lifecycle.suspend"`)}, policy.Options{BuiltIn: true})
	require.Len(t, problems, 1)
	require.True(t, problems[0].Warning)
	require.Contains(t, problems[0].Message, "leaves nothing to the built-in rule suspended")
	require.Equal(t, "ours", made.Decide(suspend).Rule)

	made = compiled(t, policy.Options{}, ignoring("ours", `signal.type == "user.lifecycle.suspend"`))
	require.Equal(t, policy.NoRule, made.Decide(deactivate).Rule, "without the built-in rules")
}

func TestDecisionCarriesTheAction(t *testing.T) {
	t.Parallel()
	rule := policy.RuleConfig{Name: "r", When: "true", Do: policy.Action{
		Revoke: &policy.Revoke{ForgetDevices: true}, Lane: "bulk", Mode: "approve", Delay: time.Minute, Everywhere: true, Again: time.Hour,
	}}
	made := compiled(t, policy.Options{}, rule)
	require.Equal(t, policy.Decision{
		Revoke: true, Rule: "r", Lane: revocation.LaneBulk, Scope: revocation.Scope{ForgetDevices: true}, Mode: revocation.ModeApprove,
		Delay: time.Minute, Everywhere: true, Again: time.Hour, Version: made.Version(),
	}, made.Decide(revocation.Signal{Received: received}))
}

// The stricter of the rule's mode and that of the whole policy applies.
func TestModes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ whole, rule, want revocation.Mode }{
		{"", "", ""},
		{"", "enforce", ""},
		{"", "approve", "approve"},
		{"", "dry_run", "dry_run"},
		{"enforce", "", ""},
		{"enforce", "enforce", ""},
		{"enforce", "approve", "approve"},
		{"enforce", "dry_run", "dry_run"},
		{"approve", "", "approve"},
		{"approve", "enforce", "approve"},
		{"approve", "approve", "approve"},
		{"approve", "dry_run", "dry_run"},
		{"dry_run", "", "dry_run"},
		{"dry_run", "enforce", "dry_run"},
		{"dry_run", "approve", "dry_run"},
		{"dry_run", "dry_run", "dry_run"},
	} {
		rule := revoking("r", "true")
		rule.Do.Mode = string(tt.rule)
		made := compiled(t, policy.Options{Mode: tt.whole}, rule)
		require.Equal(t, tt.want, made.Decide(revocation.Signal{Received: received}).Mode, "%+v", tt)
	}
}

// A rule that cannot be evaluated neither loses an alert nor revokes: an operator decides.
func TestRulesThatFail(t *testing.T) {
	t.Parallel()
	const fails = `int(signal.id) > 1`
	signal := revocation.Signal{ID: "person@example.com", Type: "x", Received: received}
	other := ignoring("other", `signal.type == "y"`)
	for name, tt := range map[string]struct {
		rules []policy.RuleConfig
		rule  string
		mode  revocation.Mode
	}{
		"revoke alone":              {[]policy.RuleConfig{revoking("bad", fails), other}, "bad", "approve"},
		"ignore alone":              {[]policy.RuleConfig{ignoring("bad", fails), other}, "", ""},
		"revoke, then revoke":       {[]policy.RuleConfig{revoking("bad", fails), revoking("good", `signal.type == "x"`)}, "good", "approve"},
		"ignore, then revoke":       {[]policy.RuleConfig{ignoring("bad", fails), revoking("good", `signal.type == "x"`)}, "good", "approve"},
		"revoke, then ignore":       {[]policy.RuleConfig{revoking("bad", fails), ignoring("good", `signal.type == "x"`)}, "bad", "approve"},
		"ignore, then ignore":       {[]policy.RuleConfig{ignoring("bad", fails), ignoring("good", `signal.type == "x"`)}, "", ""},
		"after the one that counts": {[]policy.RuleConfig{revoking("good", `signal.type == "x"`), ignoring("bad", fails)}, "good", ""},
	} {
		decision := compiled(t, policy.Options{}, tt.rules...).Decide(signal)
		require.Equal(t, tt.rule != "", decision.Revoke, name)
		require.Equal(t, tt.mode, decision.Mode, name)
		if tt.rule != "" {
			require.Equal(t, tt.rule, decision.Rule, name)
		}
		require.Equal(t, tt.rules[0].Name == "bad", len(decision.Failed) == 1, name)
		require.NotContains(t, fmt.Sprint(decision.Failed), "person", "it says nothing of the signal")
	}
	dry := compiled(t, policy.Options{Mode: "dry_run"}, revoking("bad", fails), other).Decide(signal)
	require.Equal(t, revocation.ModeDryRun, dry.Mode)
}

func TestCostIsBounded(t *testing.T) {
	t.Parallel()
	nested := `signal.id.split("").exists(a, signal.id.split("").exists(b, a + b == "zz"))`
	decision := compiled(t, policy.Options{}, revoking("r", nested)).Decide(revocation.Signal{ID: strings.Repeat("x", 2000), Received: received})
	require.Len(t, decision.Failed, 1)
	require.ErrorContains(t, decision.Failed[0], "costs too much")
	require.Equal(t, revocation.ModeApprove, decision.Mode)
}

func TestVersion(t *testing.T) {
	t.Parallel()
	base := compiled(t, policy.Options{}, revoking("a", `signal.type == "x"`), revoking("b", `signal.type == "y"`)).Version()
	require.Regexp(t, `^pol_[a-z2-7]{12}$`, base)
	require.Equal(t, base, compiled(t, policy.Options{Mode: "enforce"}, revoking("a", `signal.type == "x"`), revoking("b", `signal.type == "y"`)).Version())
	changed := revoking("b", `signal.type == "y"`)
	changed.Do.Again = time.Hour
	for name, other := range map[string]policy.Policy{
		"order":    compiled(t, policy.Options{}, revoking("b", `signal.type == "y"`), revoking("a", `signal.type == "x"`)),
		"name":     compiled(t, policy.Options{}, revoking("a", `signal.type == "x"`), revoking("c", `signal.type == "y"`)),
		"when":     compiled(t, policy.Options{}, revoking("a", `signal.type == "x"`), revoking("b", `signal.type == "z"`)),
		"do":       compiled(t, policy.Options{}, revoking("a", `signal.type == "x"`), changed),
		"mode":     compiled(t, policy.Options{Mode: "dry_run"}, revoking("a", `signal.type == "x"`), revoking("b", `signal.type == "y"`)),
		"built-in": compiled(t, policy.Options{BuiltIn: true}, revoking("a", `signal.type == "x"`), revoking("b", `signal.type == "y"`)),
	} {
		require.NotEqual(t, base, other.Version(), name)
	}
}
