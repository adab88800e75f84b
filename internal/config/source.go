package config

import (
	"fmt"
	"regexp"
	"strings"
)

// Source is one configured sender.
type Source struct {
	Type   string `yaml:"type" jsonschema:"required,enum=okta_event_hook" doc:"Who sends, which settles the shape of its deliveries: okta_event_hook."`
	Org    string `yaml:"org" jsonschema:"required" doc:"The org, from orgs, in which the people it names are revoked."`
	Verify Verify `yaml:"verify" jsonschema:"required" doc:"How its deliveries are authenticated. There is no source without this."`
	Hook   *Hook  `yaml:"hook" doc:"The event hook at Okta as code, for sever hooks and sever doctor. Without it, keep the hook by hand."`
}

// Verify authenticates deliveries by a secret that the sender puts in a header.
type Verify struct {
	Type                   string   `yaml:"type" jsonschema:"default=header,enum=header" doc:"header: the sender repeats a fixed secret in a header."`
	Header                 string   `yaml:"header" jsonschema:"default=Authorization" doc:"The header's name."`
	Secrets                []Secret `yaml:"secrets" doc:"Accepted values, at least one. To rotate, list old and new until the sender has changed over."`
	ChallengeWithoutSecret bool     `yaml:"challenge_without_secret" jsonschema:"default=false" doc:"Answer Okta's one-time verification GET even without the secret. Okta does not say whether it sends the secret there."`
}

// headerForm is a token of RFC 9110, section 5.6.2.
var headerForm = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$")

func (s Source) check(r *report, at string, orgs map[string]Org) {
	checkOrgName(r, at+".org", s.Org, orgs)
	if r.written(at+".verify") && r.sound(at+".verify") {
		s.Verify.check(r, at+".verify")
	}
	s.Hook.check(r, at+".hook", strings.TrimPrefix(at, "sources."))
}

func (v Verify) check(r *report, at string) {
	switch {
	case !r.sound(at + ".header"):
	case !headerForm.MatchString(v.Header): // not repeated: it may be the secret, put here by mistake
		r.add(at+".header", "is not a header's name", "use letters, digits and -, such as Authorization")
	case reservedHeader(v.Header):
		r.add(at+".header", quote(v.Header)+" has a meaning of its own in HTTP", "use Authorization, or a name such as X-Sever-Secret")
	}

	secrets := at + ".secrets"
	if len(v.Secrets) == 0 && r.sound(secrets) {
		r.add(secrets, "no secret given", "add at least one env:NAME or file:PATH")
	}
	first := map[string]int{}
	for i, secret := range v.Secrets {
		field := fmt.Sprintf("%s[%d]", secrets, i)
		if secret.Reveal() == "" {
			continue
		}
		checkHeaderSecret(r, field, secret)
		if earlier, twice := first[secret.Reveal()]; twice {
			r.add(field, fmt.Sprintf("is the same secret as entry [%d]", earlier), "remove one, or give the new value")

			continue
		}
		first[secret.Reveal()] = i
	}
}

func reservedHeader(name string) bool {
	switch strings.ToLower(name) {
	case "host", "content-length", "content-type", "transfer-encoding", "connection":
		return true
	default:
		return false
	}
}

// checkHeaderSecret refuses a secret that no HTTP header can carry unchanged, so that nothing would ever match it.
func checkHeaderSecret(r *report, field string, secret Secret) {
	value := secret.Reveal()
	if strings.ContainsFunc(value, func(c rune) bool { return c < ' ' || c == 0x7f }) || strings.TrimSpace(value) != value {
		r.add(field, "holds a control character, or a space at its start or end", "a header cannot carry it: correct the secret where it is kept")
	}
}
