package policy

import (
	"time"

	"sever/revocation"
)

// RuleConfig is one line of the policy as a user writes it.
type RuleConfig struct {
	Name string `yaml:"name" json:"name" jsonschema:"required" doc:"A short name of a-z, 0-9, _ and -; it appears in the audit. The name of a built-in rule replaces that one."`
	When string `yaml:"when" json:"when" jsonschema:"required" doc:"A CEL expression over signal, source and now that is true or false; see docs/policy.md."`
	Do   Action `yaml:"do" json:"do" jsonschema:"required" doc:"What follows: revoke or ignore."`
}

// Action is what a rule leads to: exactly one of Revoke and Ignore. The rest goes with Revoke only.
type Action struct {
	Revoke     *Revoke       `yaml:"revoke" json:"revoke,omitempty" doc:"End the person's Okta sessions."`
	Ignore     bool          `yaml:"ignore" json:"ignore,omitempty" jsonschema:"default=false" doc:"Do nothing; the signal is recorded as ignored."`
	Lane       string        `yaml:"lane" json:"lane,omitempty" jsonschema:"default=high,enum=critical,enum=high,enum=normal,enum=bulk" doc:"How urgent the job is: critical, high, normal or bulk."`
	Mode       string        `yaml:"mode" json:"mode,omitempty" jsonschema:"enum=enforce,enum=dry_run,enum=approve" doc:"enforce; dry_run: everything but the call; approve: held until an operator approves. The stricter of this and policy.mode applies. Default: policy.mode."`
	Delay      time.Duration `yaml:"delay" json:"delay,omitempty" jsonschema:"default=0s,minimum=0s,maximum=30d" doc:"Wait so long before the revocation."`
	Everywhere bool          `yaml:"everywhere" json:"everywhere,omitempty" jsonschema:"default=false" doc:"Also ask Okta for its global token revocation, which signs out of apps that support it."`
	Again      time.Duration `yaml:"again" json:"again,omitempty" jsonschema:"default=0s,minimum=0s,maximum=7d" doc:"A second look: revoke once more so long after the first time, at least 1m."`
}

// Revoke is the scope of a revocation. Both are always sent: Okta's own defaults differ from org to org.
type Revoke struct {
	OAuthTokens   bool `yaml:"oauth_tokens" json:"oauth_tokens" jsonschema:"default=true" doc:"Also revoke the OAuth tokens that were issued to the person."`
	ForgetDevices bool `yaml:"forget_devices" json:"forget_devices" jsonschema:"default=true" doc:"Also forget the devices Okta remembers for the person."`
}

// Problem is a mistake in a rule, or, as a Warning, what deserves a look.
type Problem struct {
	Rule    int    // which of the rules given to Compile
	Name    string // of that rule
	Field   string // below the rule, such as "do.again"
	Message string
	Fix     string
	Warning bool
}

// minAgain keeps a second look from being covered by the first, whose call takes its time.
const minAgain = time.Minute

// stricter joins what two places let be done. "" is ModeEnforce.
func stricter(a, b revocation.Mode) revocation.Mode {
	for _, mode := range []revocation.Mode{revocation.ModeDryRun, revocation.ModeApprove} {
		if a == mode || b == mode {
			return mode
		}
	}
	return ""
}
