package policy

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"

	"sever/revocation"
)

// Options say what a policy is compiled for.
type Options struct {
	BuiltIn bool            // the built-in rules come after the given ones
	Mode    revocation.Mode // of the whole policy; "" is ModeEnforce

	// Sources and Orgs are the configured names. A rule that compares with any other can
	// never be true. Nil leaves that unchecked.
	Sources, Orgs []string
}

// maxRules bounds what one signal can cost.
const maxRules = 500

// ruleName is strict because names become metric labels and parts of messages.
var ruleName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

// Compile makes a policy of a user's rules. The policy is good only if no problem is more
// than a warning.
func Compile(rules []RuleConfig, options Options) (Policy, []Problem) {
	env, err := newEnv()
	if err != nil {
		return Policy{}, []Problem{{Message: err.Error(), Fix: "report this as a bug"}}
	}
	c := &compiler{env: env, options: options}
	if len(rules) > maxRules {
		c.add(maxRules, "", "", fmt.Sprintf("there are more than %d rules", maxRules), "join some of them")
		return Policy{}, c.problems
	}
	policy := Policy{mode: stricter(options.Mode, ""), rules: c.compileAll(rules)}
	if len(c.problems) == 0 {
		policy.version = version(policy)
		c.lint(policy.rules)
	}
	return policy, c.problems
}

// Broken reports whether any of the problems is more than a warning.
func Broken(problems []Problem) bool {
	return slices.ContainsFunc(problems, func(p Problem) bool { return !p.Warning })
}

type compiler struct {
	env      *cel.Env
	options  Options
	problems []Problem
}

func (c *compiler) add(rule int, name, field, message, fix string) {
	c.problems = append(c.problems, Problem{Rule: rule, Name: name, Field: field, Message: message, Fix: fix})
}

// compileAll gives the rules in the order in which they are asked: the user's first.
func (c *compiler) compileAll(rules []RuleConfig) []Rule {
	first := make(map[string]int, len(rules))
	var compiled []Rule
	for i, config := range rules {
		c.checkName(i, config.Name, first)
		c.checkAction(i, config)
		rule := Rule{RuleConfig: config}
		c.compile(i, &rule)
		compiled = append(compiled, rule)
	}
	if !c.options.BuiltIn {
		return compiled
	}
	for _, config := range builtInRules() {
		if _, replaced := first[config.Name]; !replaced {
			rule := Rule{RuleConfig: config, BuiltIn: true}
			c.compile(len(compiled), &rule)
			compiled = append(compiled, rule)
		}
	}
	return compiled
}

func (c *compiler) checkName(i int, name string, first map[string]int) {
	earlier, twice := first[name]
	switch {
	case name == "": // the configuration says that it is missing
	case twice:
		c.add(i, name, "name", fmt.Sprintf("rule [%d] has the name %q too", earlier, name), "rename one of them")
	case name == NoRule:
		c.add(i, name, "name", fmt.Sprintf("%q stands for signals that no rule asks for", name), "choose another name")
	case !ruleName.MatchString(name):
		c.add(i, name, "name", fmt.Sprintf("%.100q cannot be a name", name), "use up to 64 of a-z, 0-9, _ and -, starting with a letter or a digit")
	}
	first[name] = i
}

func (c *compiler) checkAction(i int, rule RuleConfig) {
	do := rule.Do
	if (do.Revoke != nil) == do.Ignore {
		c.add(i, rule.Name, "do", "must hold exactly one of revoke and ignore", "write revoke: {} or ignore: true")
		return
	}
	if do.Again != 0 && do.Again < minAgain {
		c.add(i, rule.Name, "do.again", fmt.Sprintf("%s is too soon for a second look", do.Again), "use at least 1m")
	}
	if do.Ignore && (do.Mode != "" || do.Delay != 0 || do.Everywhere || do.Again != 0) {
		c.add(i, rule.Name, "do", "mode, delay, everywhere and again mean nothing beside ignore", "remove them, or write revoke: {}")
	}
}

// compile checks a rule's condition. That of a rule without one is reported as missing already.
func (c *compiler) compile(i int, rule *Rule) {
	if strings.TrimSpace(rule.When) == "" {
		c.add(i, rule.Name, "when", "missing", `write a condition such as signal.kind == "alert"`)
		return
	}
	compiled, problem := check(c.env, rule.When)
	if problem != nil {
		c.add(i, rule.Name, "when", problem.Message, problem.Fix)
		return
	}
	program, err := plan(c.env, compiled)
	if err != nil {
		c.add(i, rule.Name, "when", "does not compile: "+firstLine(err.Error()), "correct it")
		return
	}
	rule.compiled, rule.program = compiled, program
}

func plan(env *cel.Env, compiled *cel.Ast) (cel.Program, error) { //nolint:ireturn // cel-go's type
	program, err := env.Program(compiled, cel.CostLimit(maxCost), cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	return program, nil
}

// check parses a condition, looks for names that there are not, and type-checks it.
func check(env *cel.Env, text string) (*cel.Ast, *Problem) {
	parsed, issues := env.Parse(text)
	if issues.Err() != nil {
		return nil, &Problem{Message: complaint(issues), Fix: "correct the CEL expression"}
	}
	if problem := unknownName(parsed.NativeRep()); problem != nil {
		return nil, problem
	}
	checked, issues := env.Check(parsed)
	if issues.Err() != nil {
		return nil, &Problem{Message: complaint(issues), Fix: "compare values of the same type; docs/policy.md lists each field's"}
	}
	if !checked.OutputType().IsExactType(cel.BoolType) {
		return nil, &Problem{
			Message: fmt.Sprintf("gives %s where true or false is wanted", checked.OutputType()),
			Fix:     `compare it with something, as in signal.kind == "alert"`,
		}
	}
	if !constantPatterns(checked) {
		return nil, &Problem{
			Message: "uses matches with a pattern that is not written out: what a sender sends must not be one",
			Fix:     "write the pattern as a text",
		}
	}
	return checked, nil
}

// constantPatterns reports whether all regular expressions are written in the condition
// itself, where their size was checked.
func constantPatterns(checked *cel.Ast) bool {
	calls := ast.MatchDescendants(ast.NavigateAST(checked.NativeRep()), ast.FunctionMatcher("matches"))
	return !slices.ContainsFunc(calls, func(call ast.NavigableExpr) bool {
		args := call.AsCall().Args()
		return args[len(args)-1].Kind() != ast.LiteralKind
	})
}

// complaint is what cel-go says first, with the column.
func complaint(issues *cel.Issues) string {
	all := issues.Errors()
	if len(all) == 0 {
		return "does not compile: " + firstLine(issues.Err().Error())
	}
	first := all[0]
	return fmt.Sprintf("column %d: %s", first.Location.Column()+1, firstLine(first.Message))
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return fmt.Sprintf("%.200s", strings.ToValidUTF8(line, "?"))
}

// version is derived from all that decides, so that the same policy has the same version in
// every process.
func version(p Policy) string {
	parts := []string{string(p.mode)}
	for _, rule := range p.rules {
		text, err := json.Marshal(rule.RuleConfig)
		if err != nil {
			panic("policy: " + err.Error()) // plain values only
		}
		parts = append(parts, string(text))
	}
	return revocation.DeriveID("pol", parts...)[:len("pol_")+12]
}
