package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"

	"sever/revocation"
)

// Step is what one rule says to a signal.
type Step struct {
	Rule    string `json:"rule"`
	BuiltIn bool   `json:"builtin"`
	Matches bool   `json:"matches"`
	Decides bool   `json:"decides"`         // the first that matches
	Why     string `json:"why,omitempty"`   // the part that is not true, and what the signal says; holds text of the signal
	Error   string `json:"error,omitempty"` // it could not be evaluated
}

// Explain asks every rule, also those after the one that decides.
func (p Policy) Explain(signal revocation.Signal) (Decision, []Step) {
	facts := &facts{signal: signal}
	decided := p.Decide(signal)
	found := false
	steps := make([]Step, 0, len(p.rules))
	for i := range p.rules {
		rule := &p.rules[i]
		step := Step{Rule: rule.Name, BuiltIn: rule.BuiltIn}
		matches, err := rule.matches(facts)
		switch {
		case err != nil:
			step.Error = err.Error()
			step.Decides = !found && rule.Name == decided.Rule
		case matches:
			step.Matches, step.Decides = true, !found && rule.Name == decided.Rule
		default:
			step.Why = rule.whyNot(facts)
		}
		found = found || step.Decides
		steps = append(steps, step)
	}
	return decided, steps
}

// whyNot names the first part of a condition that is not true, with the fields that it asks.
func (r *Rule) whyNot(facts *facts) string {
	native := r.compiled.NativeRep()
	env, err := newEnv()
	if err != nil {
		return ""
	}
	for _, part := range conjuncts(native.Expr()) {
		text, err := cel.ExprToString(part, native.SourceInfo())
		if err != nil {
			return ""
		}
		compiled, issues := env.Compile(text)
		if issues.Err() != nil {
			return ""
		}
		program, err := plan(env, compiled)
		if err != nil {
			return ""
		}
		if result, _, err := program.Eval(facts); err != nil || result.Value() == true {
			continue
		}
		return text + " is not true" + facts.said(part)
	}
	return ""
}

func conjuncts(expr ast.Expr) []ast.Expr {
	if expr.Kind() != ast.CallKind || expr.AsCall().FunctionName() != operators.LogicalAnd {
		return []ast.Expr{expr}
	}
	var parts []ast.Expr
	for _, arg := range expr.AsCall().Args() {
		parts = append(parts, conjuncts(arg)...)
	}
	return parts
}

// said gives the values of the fields that a part asks.
func (f *facts) said(part ast.Expr) string {
	var values []string
	ast.PreOrderVisit(part, ast.NewExprVisitor(func(expr ast.Expr) {
		if expr.Kind() != ast.IdentKind {
			return
		}
		name := expr.AsIdent()
		value, ok := f.ResolveName(name)
		if !ok {
			return
		}
		text := fmt.Sprintf("%s is %.100q", name, value)
		if at, isTime := value.(time.Time); isTime {
			text = name + " is " + at.UTC().Format(time.RFC3339)
		}
		if !slices.Contains(values, text) {
			values = append(values, text)
		}
	}))
	if len(values) == 0 {
		return ""
	}
	return ": " + strings.Join(values, ", ")
}
