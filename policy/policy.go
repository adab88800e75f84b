// Package policy says what a signal deserves. It is a pure function of the signal:
// no I/O, no clock. What it decides is a value with the name of the rule that
// decided, so that it can be logged, tested and explained.
package policy

import (
	"fmt"
	"slices"
	"time"

	"cel.dev/cel-go/cel"

	"sever/revocation"
)

// Decision is what a signal deserves.
type Decision struct {
	Revoke bool   // else the signal is ignored, which is counted and not an error
	Rule   string // the rule that decided
	Lane   revocation.Lane
	Scope  revocation.Scope

	Mode       revocation.Mode // the stricter of the rule's and the whole policy's; "" is ModeEnforce
	Delay      time.Duration   // the job waits so long first
	Everywhere bool            // Okta's global token revocation too
	Again      time.Duration   // revoke once more so long after; 0 for not
	Version    string          // of the policy that decided

	// Failed are the rules that could not be evaluated for this signal before one decided.
	// A revocation is then held for approval, see Decide.
	Failed []error
}

// Rule is one compiled rule.
type Rule struct {
	RuleConfig

	BuiltIn bool

	compiled *cel.Ast
	program  cel.Program
}

// NoRule names the decision on signals that no rule asks for.
const NoRule = "no_rule"

// Policy is an ordered list of rules; the first that matches decides. The zero Policy
// ignores everything.
type Policy struct {
	rules   []Rule
	mode    revocation.Mode
	version string
}

// Rules lists the rules in the order in which they are asked.
func (p Policy) Rules() []Rule { return slices.Clone(p.rules) }

// Version is the same for the same rules in the same order and mode, wherever they are compiled.
func (p Policy) Version() string { return p.version }

// Mode is what the whole policy lets be done; "" is ModeEnforce.
func (p Policy) Mode() revocation.Mode { return p.mode }

// Decide gives what a signal deserves.
//
// A rule can fail on a signal, such as by a date that is out of range. Whether it would
// have matched is then not known, so neither is which rule is the first to match: to ignore
// could lose an alert, and to revoke could hit the wrong person. An operator decides: where
// the failed rule or the next that matches asks for a revocation, it is held for approval.
func (p Policy) Decide(signal revocation.Signal) Decision {
	facts := &facts{signal: signal}
	var failed []error
	var inDoubt *Rule // the first rule that failed and asks for a revocation
	for i := range p.rules {
		rule := &p.rules[i]
		matches, err := rule.matches(facts)
		if err != nil {
			failed = append(failed, err)
			if inDoubt == nil && rule.Do.Revoke != nil {
				inDoubt = rule
			}
			continue
		}
		if matches {
			return p.decision(rule, inDoubt, failed)
		}
	}
	return p.decision(nil, inDoubt, failed)
}

func (p Policy) decision(matched, inDoubt *Rule, failed []error) Decision {
	if inDoubt != nil && (matched == nil || matched.Do.Revoke == nil) {
		matched = inDoubt
	}
	decision := Decision{Rule: NoRule, Version: p.version, Failed: failed}
	if matched == nil {
		return decision
	}
	decision.Rule = matched.Name
	do := matched.Do
	if do.Revoke == nil {
		return decision
	}
	decision.Revoke, decision.Lane = true, revocation.Lane(do.Lane)
	decision.Scope = revocation.Scope{OAuthTokens: do.Revoke.OAuthTokens, ForgetDevices: do.Revoke.ForgetDevices}
	decision.Delay, decision.Everywhere, decision.Again = do.Delay, do.Everywhere, do.Again
	decision.Mode = stricter(p.mode, revocation.Mode(do.Mode))
	if len(failed) > 0 {
		decision.Mode = stricter(decision.Mode, revocation.ModeApprove)
	}
	return decision
}

// matches evaluates the rule's condition. Its error says nothing of what the signal holds.
func (r *Rule) matches(facts *facts) (bool, error) {
	result, _, err := r.program.Eval(facts)
	if err != nil {
		return false, fmt.Errorf("policy rule %s could not be evaluated: %s", r.Name, whyFailed(err))
	}
	matches, _ := result.Value().(bool) // checked when it was compiled
	return matches, nil
}
