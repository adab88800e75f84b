package config

// checkUnsupported refuses settings that have their final form already and no effect yet. A setting that is
// accepted and ignored would leave someone believing in a protection that is not there. Delete each part when its
// feature arrives.
func (c *Config) checkUnsupported(r *report) {
	if len(c.Policy.Protected.Groups) > 0 {
		r.add("policy.protected.groups", "protected groups are not available yet", "list their members under ids or logins")
	}
	if c.Policy.Brake != nil {
		r.add("policy.brake", "the brake is not available yet", "remove it; mode: dry_run shows what an alert would do")
	}
	if len(c.Policy.Rules) > 0 {
		r.add("policy.rules", "rules are not available yet", "remove them; the built-in policy applies")
	}
}
