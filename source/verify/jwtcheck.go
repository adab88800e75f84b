package verify

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"sever/source"
)

// checkJWT checks the settings of the types jwt and set.
func (c Config) checkJWT() []source.Problem {
	if c.JWT == nil {
		return []source.Problem{{
			Field:   "jwt",
			Message: "missing, so nobody knows whose tokens are accepted",
			Fix:     "add jwt: with issuer, audience, and jwks or beside it public_keys",
		}}
	}
	problems := c.checkAlgorithms()
	problems = append(problems, c.checkTokenKeys()...)
	if c.Type == "set" {
		return append(problems, c.checkSET()...)
	}
	if c.JWT.JWKS != "" && !c.bindsToken() {
		problems = append(problems, source.Problem{
			Field:   "jwt.audience",
			Message: "the owner of these keys signs tokens for other receivers too, and those would be accepted here",
			Fix:     "add jwt.audience, verify.url or jwt.claims",
		})
	}
	return problems
}

// bindsToken reports whether a token must say that it is meant for us.
func (c Config) bindsToken() bool {
	return len(c.audience()) > 0 || len(c.JWT.Claims) > 0 || c.JWT.URLHash != "" || c.JWT.BodyHash != ""
}

func (c Config) checkAlgorithms() []source.Problem {
	var problems []source.Problem
	for i, alg := range c.JWT.algorithms() {
		field := "jwt.algorithms[" + strconv.Itoa(i) + "]"
		shared := strings.HasPrefix(alg, "HS")
		switch {
		case signingMethod(alg) == nil:
			problems = append(problems, source.Problem{Field: field, Message: "no algorithm that is accepted here", Fix: "use RS256, ES256, EdDSA or one of their like"})
		case shared && c.Type == "set":
			problems = append(problems, source.Problem{Field: field, Message: "a Security Event Token is signed with a private key", Fix: "use RS256"})
		case shared && len(c.Secrets) == 0:
			problems = append(problems, source.Problem{Field: field, Message: "needs a shared secret", Fix: "add secrets, or use RS256"})
		case !shared && c.Type == "jwt" && len(c.Secrets) > 0:
			problems = append(problems, source.Problem{Field: field, Message: "no algorithm of shared secrets", Fix: "use HS256, or give jwt.jwks or public_keys in place of secrets"})
		}
	}
	return problems
}

// checkTokenKeys wants exactly one place where the keys come from, so that no public key
// is ever taken for a secret.
func (c Config) checkTokenKeys() []source.Problem {
	places := 0
	for _, given := range []bool{c.JWT.JWKS != "", len(c.PublicKeys) > 0, c.Type == "jwt" && len(c.Secrets) > 0} {
		if given {
			places++
		}
	}
	var problems []source.Problem
	if places != 1 {
		message, fix := "missing, so no signature can be checked", "add jwt.jwks, or public_keys"
		if places > 1 {
			message, fix = "keys come from several places", "keep one of jwt.jwks, public_keys and secrets"
		}
		problems = append(problems, source.Problem{Field: "jwt.jwks", Message: message, Fix: fix})
	}
	if c.JWT.JWKS != "" && !fetchable(c.JWT.JWKS) {
		problems = append(problems, source.Problem{
			Field:   "jwt.jwks",
			Message: "not an https URL, so anyone in between could give keys",
			Fix:     "write https://...; http is for loopback addresses only",
		})
	}
	return problems
}

// fetchable reports whether keys may be fetched from a URL.
func fetchable(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil {
		return false
	}
	if u.Scheme == "https" {
		return true
	}
	address, err := netip.ParseAddr(u.Hostname())
	loopback := u.Hostname() == "localhost" || err == nil && address.IsLoopback()
	return u.Scheme == "http" && loopback
}

func (c Config) checkSET() []source.Problem {
	var problems []source.Problem
	if c.JWT.Issuer == "" {
		problems = append(problems, source.Problem{Field: "jwt.issuer", Message: "missing", Fix: "write the issuer of the transmitter's configuration"})
	}
	if len(c.audience()) == 0 {
		problems = append(problems, source.Problem{Field: "jwt.audience", Message: "missing, so events for others would be accepted", Fix: "write the stream's aud"})
	}
	if c.JWT.Timeless {
		problems = append(problems, source.Problem{Field: "jwt.timeless", Message: "a Security Event Token has no expiry, and its iat is always checked", Fix: "remove it; jwt.max_age says how old an event may be"})
	}
	return problems
}
