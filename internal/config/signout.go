package config

import (
	"net/mail"
	"net/url"
	"regexp"
	"strings"
	"unicode"
)

// SignOut is the page on which people end their own sessions. It is served where the section is given.
type SignOut struct {
	Org       string `yaml:"org" jsonschema:"required" doc:"The org, from orgs, whose sessions people end."`
	SignInURL string `yaml:"sign_in_url" doc:"Where people sign in to that org, such as its custom domain https://id.acme.com; their cookie belongs to this host alone. Default: the org's url."`
	Title     string `yaml:"title" jsonschema:"default=Sign out of your sessions" doc:"Heading of the page."`
	Support   string `yaml:"support" doc:"Whom people ask when it does not work: plain text, mailto:ADDRESS or an https link. It is on the page for everyone to see."`
}

// maxShownText keeps the page's texts to a few lines on a phone, in bytes.
const maxShownText = 200

// plainHost is a host that a Content-Security-Policy can name: neither IPv6 nor punctuation that a policy would read
// as its own.
var plainHost = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$`)

// SignInURL is where the people of the sign-out page sign in: scheme, host and maybe a port. Without a page it is empty.
func (c *Config) SignInURL() string {
	switch {
	case c.SignOut == nil:
		return ""
	case c.SignOut.SignInURL != "":
		return c.SignOut.SignInURL
	default:
		return c.Orgs[c.SignOut.Org].URL
	}
}

func (c *Config) checkSignOut(r *report) {
	if c.SignOut == nil {
		return
	}
	const signIn = "signout.sign_in_url"
	checkOrgName(r, "signout.org", c.SignOut.Org, c.Orgs)
	if c.SignOut.SignInURL != "" {
		checkOrgURL(r, signIn, c.SignOut.SignInURL)
	}
	if u, err := url.Parse(c.SignInURL()); err == nil && u.Hostname() != "" && !plainHost.MatchString(u.Hostname()) && r.sound(signIn) {
		r.add(signIn, "its host cannot be named in the page's policy", "write a host of letters, digits, . and -, or an IPv4 address; other scripts as xn--")
	}
	c.SignOut.checkTexts(r)
	if c.TLS != nil && c.TLS.ClientCA != "" {
		r.warn("signout", "only browsers with a client certificate can open the page, because of tls.client_ca", "remove client_ca, unless people have such certificates")
	}
}

func (s *SignOut) checkTexts(r *report) {
	for field, text := range map[string]string{"signout.title": s.Title, "signout.support": s.Support} {
		if len(text) > maxShownText || strings.ContainsFunc(text, unicode.IsControl) {
			r.add(field, "is longer than 200 bytes, or than one line", "shorten it")
		}
	}
	address, isMail := strings.CutPrefix(s.Support, "mailto:")
	switch {
	case isMail:
		if parsed, err := mail.ParseAddress(address); err != nil || parsed.Address != address {
			r.add("signout.support", "mailto: is not followed by one plain address", "write mailto:help@acme.com")
		}
	case strings.Contains(s.Support, "://"):
		if u, err := url.Parse(s.Support); err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
			r.add("signout.support", "is not an https link", "write https://help.acme.com, or plain text without ://")
		}
	}
}
