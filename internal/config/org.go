package config

import (
	"net/url"
	"strings"
)

// Org is one Okta tenant.
type Org struct {
	URL    string `yaml:"url" jsonschema:"required" doc:"The org's own address, such as https://acme.okta.com, or its custom domain. http only for a loopback address."`
	Auth   Auth   `yaml:"auth" jsonschema:"required" doc:"How Sever proves to Okta who it is."`
	Budget Budget `yaml:"budget" doc:"How much of Okta's rate limits Sever may use."`
}

// Auth is the credential for one org.
type Auth struct {
	Type     string `yaml:"type" jsonschema:"required,enum=ssws,enum=private_key_jwt" doc:"ssws for an API token, private_key_jwt for an OAuth service app."`
	Token    Secret `yaml:"token" doc:"The API token; for ssws."`
	ClientID string `yaml:"client_id" doc:"The service app's client id, such as 0oa1abcd2EFGH3ijk4x7; for private_key_jwt."`
	Key      File   `yaml:"key" doc:"The service app's private key in PEM, as file:PATH; for private_key_jwt. It is read again before every token, so a changed file needs no restart."`
	KeyID    string `yaml:"key_id" doc:"The key's id (kid) at Okta; for private_key_jwt."`

	NextKey   File   `yaml:"next_key" doc:"While keys are rotated: a second key, tried when Okta refuses the first."`
	NextKeyID string `yaml:"next_key_id" doc:"The second key's id (kid) at Okta."`

	Scopes []string `yaml:"scopes" doc:"OAuth scopes to ask for, all granted to the app; default okta.users.manage and okta.users.read. sever hooks asks for okta.eventHooks.read and .manage by itself."`
	DPoP   bool     `yaml:"dpop" jsonschema:"default=true" doc:"Bind tokens to this process by DPoP. Okta ignores it where the app does not want it."`
}

// Budget is the share of an org's rate limits that Sever leaves alone.
type Budget struct {
	Reserve float64 `yaml:"reserve" jsonschema:"default=0.1,minimum=0,maximum=0.9" doc:"Share of every Okta limit left to others, 0 to 0.9; critical revocations may spend it."`
}

func (o Org) check(r *report, at string) {
	if o.URL != "" {
		checkOrgURL(r, at+".url", o.URL)
	}
	o.Auth.check(r, at+".auth")
}

// checkOrgName wants the name of an org that there is; none given is another's problem.
func checkOrgName(r *report, at, name string, orgs map[string]Org) {
	if _, known := orgs[name]; name == "" || known || !r.sound("orgs") {
		return
	}
	names := make([]string, 0, len(orgs))
	for known := range orgs {
		names = append(names, known)
	}
	r.add(at, "there is no org "+quote(name), suggestSorted(name, names))
}

// checkOrgURL never repeats the URL: it may carry a password.
func checkOrgURL(r *report, at, text string) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || (u.Scheme != "https" && u.Scheme != "http"):
		r.add(at, "is not an https URL", "write https://acme.okta.com")
	case u.Scheme == "http" && !loopbackHost(u.Hostname()):
		r.add(at, "http would send the Okta credential unencrypted", "write https; http is for loopback addresses only")
	case u.User != nil:
		r.add(at, "holds a user or password", "write https://acme.okta.com; the credential goes under auth")
	case u.Path != "" || strings.ContainsAny(text, "?#"):
		r.add(at, "has more than a host", "end it after the host, without a slash: https://acme.okta.com")
	case isAdminConsole(u.Hostname()):
		r.add(at, "is the admin console, which serves no API", "remove -admin from the host")
	}
}

// isAdminConsole recognises the host that administrators tend to copy from their browser.
func isAdminConsole(host string) bool {
	org, domain, _ := strings.Cut(strings.ToLower(host), ".")
	switch domain {
	case "okta.com", "oktapreview.com", "okta-emea.com":
		return strings.HasSuffix(org, "-admin")
	default:
		return false
	}
}

func (a Auth) check(r *report, at string) {
	ssws := []credential{{at + ".token", a.Token.IsSet()}}
	oauth := []credential{{at + ".client_id", a.ClientID != ""}, {at + ".key", a.Key != ""}, {at + ".key_id", a.KeyID != ""}}
	switch a.Type {
	case "ssws":
		requireCredentials(r, a.Type, ssws, oauth)
		checkHeaderSecret(r, at+".token", a.Token)
	case "private_key_jwt":
		requireCredentials(r, a.Type, oauth, ssws)
		if (a.NextKey == "") != (a.NextKeyID == "") && r.sound(at+".next_key", at+".next_key_id") {
			r.add(r.firstWritten(at+".next_key", at+".next_key_id"), "next_key and next_key_id go together", "give both, or none")
		}
	}
}

type credential struct {
	field string
	set   bool
}

func requireCredentials(r *report, authType string, needed, foreign []credential) {
	for _, c := range needed {
		if !c.set && r.sound(c.field) {
			r.add(c.field, "missing; auth type "+authType+" needs it", "add it")
		}
	}
	for _, c := range foreign {
		if r.written(c.field) {
			r.add(c.field, "does not go with auth type "+authType, "remove it, or change the type")
		}
	}
}
