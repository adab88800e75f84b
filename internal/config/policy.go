package config

import "sever/policy"

// Policy says what an alert leads to.
type Policy struct {
	Mode      string    `yaml:"mode" jsonschema:"default=enforce,enum=enforce,enum=dry_run,enum=approve" doc:"enforce revokes; dry_run only records what would have been done; approve holds every job until an operator approves it."`
	Protected Protected `yaml:"protected" doc:"People whom no alert revokes."`
	Approvals Approvals `yaml:"approvals" doc:"What is asked for before a job that is held for an operator goes."`
	Brake     *Brake    `yaml:"brake" doc:"Holds revocations when there are suddenly too many."`
	BuiltIn   bool      `yaml:"builtin" jsonschema:"default=true" doc:"Ask the rules that ship with Sever after those below; sever policy show prints them."`

	Rules []policy.RuleConfig `yaml:"rules" doc:"What each kind of signal deserves; the first that matches decides."`
}

func (p *Policy) check(r *report) {
	p.Protected.check(r)
}
