package config

import (
	"fmt"
	"maps"
	"slices"

	"sever/policy"
	"sever/revocation"
)

// CompilePolicy makes the policy that the file asks for. A configuration that was loaded has
// no problems here but warnings.
func (c *Config) CompilePolicy() (policy.Policy, []policy.Problem) {
	return policy.Compile(c.Policy.Rules, policy.Options{
		BuiltIn: c.Policy.BuiltIn, Mode: revocation.Mode(c.Policy.Mode),
		Sources: slices.Sorted(maps.Keys(c.Sources)), Orgs: slices.Sorted(maps.Keys(c.Orgs)),
	})
}

// checkRules reports what the compiler finds, except of a setting that has a problem already.
func (c *Config) checkRules(r *report) {
	for i, rule := range c.Policy.Rules {
		lane := fmt.Sprintf("policy.rules[%d].do.lane", i)
		if rule.Do.Ignore && r.written(lane) {
			r.add(lane, "means nothing beside ignore", "remove it")
		}
	}
	_, problems := c.CompilePolicy()
	for _, problem := range problems {
		field := "policy.rules"
		if problem.Field != "" {
			field = fmt.Sprintf("policy.rules[%d].%s", problem.Rule, problem.Field)
		}
		switch {
		case !r.sound(field):
		case problem.Warning:
			r.warn(field, "rule "+quote(problem.Name)+" "+problem.Message, problem.Fix)
		default:
			r.add(field, problem.Message, problem.Fix)
		}
	}
}
