package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"sever/policy"
)

// Protected names people whom no alert revokes.
type Protected struct { //nolint:recvcheck // the schema wants its method on the value
	IDs     []string `yaml:"ids" jsonschema:"pattern=^00u[0-9A-Za-z]{17}$" doc:"Okta user ids, such as 00u1abcd2EFGH3ijk4x7."`
	Logins  []string `yaml:"logins" doc:"Okta logins."`
	Groups  []string `yaml:"groups" doc:"Okta groups, by id or by name. Needs the scope okta.groups.read. Ids are better: a name that no group has protects nobody."`
	Admins  []string `yaml:"admins" doc:"Okta administrators, by the type of their role, such as SUPER_ADMIN; any for all of them. Needs the scope okta.roles.read."`
	Outcome string   `yaml:"outcome" jsonschema:"default=refused,enum=refused,enum=held" doc:"refused: never revoked, whoever asks. held: waits for an operator's approval."`
}

// Brake caps the number of distinct people revoked in a window, in each org.
type Brake struct {
	Max         int           `yaml:"max" jsonschema:"required,minimum=1,maximum=1000" doc:"Most distinct people in the window; further jobs are held, never dropped."`
	Per         time.Duration `yaml:"per" jsonschema:"required,minimum=1s,maximum=7d" doc:"Length of the window."`
	HoldFor     time.Duration `yaml:"hold_for" jsonschema:"default=0s,minimum=0s,maximum=7d" doc:"How long a job is held before it asks the brake again. 0s: until an operator approves."`
	CriticalMax int           `yaml:"critical_max" jsonschema:"default=0,minimum=0,maximum=1000" doc:"A cap of its own for the critical lane, which then does not count to max. 0: it counts."`
	PerSource   *BrakeCap     `yaml:"per_source" doc:"A further cap on each source."`
	PerRule     *BrakeCap     `yaml:"per_rule" doc:"A further cap on each rule."`
}

// BrakeCap caps a part of the people in the window.
type BrakeCap struct {
	Max int `yaml:"max" jsonschema:"required,minimum=1,maximum=1000" doc:"Most distinct people in the window."`
}

// Most gives the cap; 0 where there is none.
func (c *BrakeCap) Most() int {
	if c == nil {
		return 0
	}
	return c.Max
}

// userIDForm is strict on purpose: the id becomes part of a path whose neighbour deletes the user.
var userIDForm = regexp.MustCompile(`^00u[0-9A-Za-z]{17}$`)

func (p *Protected) check(r *report) {
	for i, id := range p.IDs {
		field := fmt.Sprintf("policy.protected.ids[%d]", i)
		if !userIDForm.MatchString(id) && r.sound(field) {
			r.add(field, quote(id)+" is not an Okta user id", "write the 20 characters that start with 00u; a login goes under logins")
		}
	}
	checkSpaces(r, "policy.protected.logins", p.Logins)
	checkSpaces(r, "policy.protected.groups", p.Groups)
	checkAdmins(r, p.Admins)
}

func checkSpaces(r *report, field string, values []string) {
	for i, value := range values {
		if strings.TrimSpace(value) != value {
			r.add(fmt.Sprintf("%s[%d]", field, i), quote(value)+" starts or ends with a space", "remove it")
		}
	}
}

// checkScopes finds OAuth scopes that the policy needs and that an org does not ask for: its jobs would only wait.
func (c *Config) checkScopes(r *report) {
	for name, org := range c.Orgs {
		if org.Auth.Type != "private_key_jwt" {
			continue
		}
		need := func(scope, by string) {
			if !slices.Contains(org.Auth.Scopes, scope) {
				r.add(by, "needs the scope "+scope+", which "+join("orgs", name)+".auth.scopes does not ask for",
					"add it there, beside okta.users.manage and okta.users.read, and grant it to the app")
			}
		}
		if len(c.Policy.Protected.Groups) > 0 {
			need("okta.groups.read", "policy.protected.groups")
		}
		if len(c.Policy.Protected.Admins) > 0 {
			need("okta.roles.read", "policy.protected.admins")
		}
		if i := slices.IndexFunc(c.Policy.Rules, func(rule policy.RuleConfig) bool { return rule.Do.Everywhere }); i >= 0 {
			need("okta.universalLogout.manage", fmt.Sprintf("policy.rules[%d].do.everywhere", i))
		}
	}
}
