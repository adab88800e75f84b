package policy

import (
	"bytes"
	_ "embed"

	"go.yaml.in/yaml/v4"
)

//go:embed builtin.yaml
var builtInText []byte

// BuiltIn is the policy that ships with Sever. Each call compiles it anew; callers keep it.
// A mistake in it is one of this package's source, so it stops the program; the tests
// find it first.
func BuiltIn() Policy {
	compiled, problems := Compile(nil, Options{BuiltIn: true})
	if len(problems) > 0 {
		panic("policy: built-in rule " + problems[0].Name + ": " + problems[0].Message)
	}
	return compiled
}

// builtInRules are the rules as they are written, in order.
func builtInRules() []RuleConfig {
	var rules []RuleConfig
	loader, err := yaml.NewLoader(bytes.NewReader(builtInText), yaml.WithKnownFields(true))
	if err == nil {
		err = loader.Load(&rules)
	}
	if err != nil {
		panic("policy: builtin.yaml: " + err.Error())
	}
	return rules
}
