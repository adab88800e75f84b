package config

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Policy says what an alert leads to.
type Policy struct {
	Mode      string    `yaml:"mode" jsonschema:"default=enforce,enum=enforce,enum=dry_run" doc:"enforce revokes; dry_run only records what would have been done."`
	Protected Protected `yaml:"protected" doc:"People who are never revoked, whatever an alert says."`
	Brake     *Brake    `yaml:"brake" doc:"Holds revocations when there are suddenly too many."`
	Rules     []Rule    `yaml:"rules" doc:"What each kind of signal deserves; the first that matches decides."`
}

// Protected names people who are never revoked.
type Protected struct {
	IDs    []string `yaml:"ids" jsonschema:"pattern=^00u[0-9A-Za-z]{17}$" doc:"Okta user ids, such as 00u1abcd2EFGH3ijk4x7."`
	Logins []string `yaml:"logins" doc:"Okta logins."`
	Groups []string `yaml:"groups" doc:"Okta group ids."`
}

// Brake caps the number of distinct people revoked in a window.
type Brake struct {
	Max int           `yaml:"max" jsonschema:"required,minimum=1" doc:"Most distinct people in the window; further jobs are held for approval, never dropped."`
	Per time.Duration `yaml:"per" jsonschema:"required,minimum=1s" doc:"Length of the window."`
}

// Rule is one line of the policy.
type Rule struct {
	Name string `yaml:"name" jsonschema:"required" doc:"A short name; it appears in the audit."`
	When string `yaml:"when" jsonschema:"required" doc:"A CEL expression over the signal."`
	Do   Action `yaml:"do" jsonschema:"required" doc:"What follows: revoke or ignore."`
}

// Action is what a rule leads to: exactly one of Revoke and Ignore.
type Action struct {
	Revoke *Revoke `yaml:"revoke" doc:"End the person's Okta sessions."`
	Ignore bool    `yaml:"ignore" jsonschema:"default=false" doc:"Do nothing; the signal is recorded as ignored."`
	Lane   string  `yaml:"lane" jsonschema:"default=high,enum=critical,enum=high,enum=normal,enum=bulk" doc:"How urgent the job is: critical, high, normal or bulk."`
}

// Revoke is the scope of a revocation. Both are always sent: Okta's own defaults differ from org to org.
type Revoke struct {
	OAuthTokens   bool `yaml:"oauth_tokens" jsonschema:"default=true" doc:"Also revoke the OAuth tokens that were issued to the person."`
	ForgetDevices bool `yaml:"forget_devices" jsonschema:"default=true" doc:"Also forget the devices Okta remembers for the person."`
}

// userIDForm is strict on purpose: the id becomes part of a path whose neighbour deletes the user.
var userIDForm = regexp.MustCompile(`^00u[0-9A-Za-z]{17}$`)

func (p *Policy) check(r *report) {
	for i, id := range p.Protected.IDs {
		field := fmt.Sprintf("policy.protected.ids[%d]", i)
		if !userIDForm.MatchString(id) && r.sound(field) {
			r.add(field, quote(id)+" is not an Okta user id", "write the 20 characters that start with 00u; a login goes under logins")
		}
	}
	for i, login := range p.Protected.Logins {
		if strings.TrimSpace(login) != login {
			r.add(fmt.Sprintf("policy.protected.logins[%d]", i), quote(login)+" starts or ends with a space", "remove it")
		}
	}

	first := map[string]int{}
	for i, rule := range p.Rules {
		at := fmt.Sprintf("policy.rules[%d]", i)
		if earlier, twice := first[rule.Name]; twice && rule.Name != "" {
			r.add(at+".name", fmt.Sprintf("rule [%d] has the name %s too", earlier, quote(rule.Name)), "rename one of them")
		}
		first[rule.Name] = i
		if (rule.Do.Revoke != nil) == rule.Do.Ignore && r.written(at+".do") {
			r.add(at+".do", "must hold exactly one of revoke and ignore", "write revoke: {} or ignore: true")
		}
	}
}
