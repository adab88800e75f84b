package verify

import (
	"fmt"
	"strings"
	"unicode"

	"sever/source"
)

// checkFixed finds the mistakes of the types that ask for a fixed secret, an address or nothing.
func (c Config) checkFixed() []source.Problem {
	switch c.Type {
	case "header", "":
		return append(checkSecretHeader(c.secretHeader()), c.checkSecrets(carriedByHeader)...)
	case "basic":
		return append(c.checkUser(), c.checkSecrets(carriedByBasic)...)
	case "bearer":
		return c.checkSecrets(carriedByBearer)
	case "api_key":
		return c.checkAPIKey()
	case "ip":
		return c.checkNetworks()
	case "none":
		return c.checkNone()
	default:
		return []source.Problem{{Field: "type", Message: "there is no such way to verify", Fix: "use one of those that docs/sources.md lists, such as hmac or header"}}
	}
}

func checkSecretHeader(name string) []source.Problem {
	switch {
	case !headerForm.MatchString(name): // not repeated: it may be the secret, put here by mistake
		return []source.Problem{{Field: "header", Message: "is not a header's name", Fix: "use letters, digits and -, such as Authorization"}}
	case reservedHeader(name):
		return []source.Problem{{Field: "header", Message: fmt.Sprintf("%q has a meaning of its own in HTTP", name), Fix: "use Authorization, or a name such as X-Sever-Secret"}}
	default:
		return nil
	}
}

// carrier says why its place cannot carry a secret unchanged, so that nothing would ever
// match it; "" if it can.
type carrier func(secret string) string

// checkSecrets looks at those secrets that were read: a process that needs none of them
// has them empty, and New refuses an empty one.
func (c Config) checkSecrets(carried carrier) []source.Problem {
	if len(c.Secrets) == 0 {
		return []source.Problem{{Field: "secrets", Message: "no secret given", Fix: "add at least one env:NAME or file:PATH"}}
	}
	var problems []source.Problem
	first := map[string]int{}
	for i, s := range c.Secrets {
		value := s.Reveal()
		if value == "" {
			continue
		}
		problem := source.Problem{Field: fmt.Sprintf("secrets[%d]", i)}
		earlier, twice := first[value]
		reason := carried(value)
		switch {
		case twice:
			problem.Message, problem.Fix = fmt.Sprintf("is the same secret as entry [%d]", earlier), "remove one, or give the new value"
		case reason != "":
			problem.Message, problem.Fix = reason, "correct the secret where it is kept"
		default:
			first[value] = i
			continue
		}
		problems = append(problems, problem)
	}
	return problems
}

func carriedByHeader(secret string) string {
	if strings.ContainsFunc(secret, isControl) || strings.TrimSpace(secret) != secret {
		return "holds a control character, or a space at its start or end, which a header cannot carry"
	}
	return ""
}

func carriedByBasic(secret string) string {
	if strings.ContainsFunc(secret, isControl) {
		return "holds a control character, which a password of Basic authentication cannot" // RFC 7617, section 2
	}
	return ""
}

func carriedByBearer(secret string) string {
	if strings.ContainsFunc(secret, func(c rune) bool { return isControl(c) || unicode.IsSpace(c) }) {
		return "holds a space or a control character, which a bearer token cannot"
	}
	return ""
}

func carriedByPath(secret string) string {
	if strings.Contains(secret, "/") || secret == "." || secret == ".." {
		return "is a dot or holds a slash, which proxies change in a URL's path"
	}
	return ""
}

func carriedAnywhere(string) string { return "" }

func isControl(c rune) bool { return c < ' ' || c == 0x7f }

func (c Config) checkUser() []source.Problem {
	if c.User != "" && !strings.Contains(c.User, ":") && !strings.ContainsFunc(c.User, isControl) {
		return nil
	}
	return []source.Problem{{Field: "user", Message: "is empty, or holds a colon or a control character", Fix: "give the user name that the sender was set up with; RFC 7617 allows no colon in it"}}
}

func (c Config) checkAPIKey() []source.Problem {
	places := 0
	for _, given := range []bool{c.Header != "", c.Query != "", c.Path, c.Field != ""} {
		if given {
			places++
		}
	}
	if places != 1 {
		problem := source.Problem{Field: "type", Message: fmt.Sprintf("api_key has %d places for the secret, it needs one", places), Fix: "give exactly one of header, query, path and field"}
		return append([]source.Problem{problem}, c.checkSecrets(carriedAnywhere)...)
	}
	switch {
	case c.Header != "":
		return append(checkSecretHeader(c.Header), c.checkSecrets(carriedByHeader)...)
	case c.Path:
		return c.checkSecrets(carriedByPath)
	case c.Field != "":
		return append(c.checkField(), c.checkSecrets(carriedAnywhere)...)
	default:
		return c.checkSecrets(carriedAnywhere)
	}
}

func (c Config) checkField() []source.Problem {
	if _, err := parseField(c.Field); err == nil {
		return nil
	}
	return []source.Problem{{Field: "field", Message: "is not a place in a body", Fix: `write it as secureKey, data.secret, "a key.with dots" or value[*].clientState`}}
}

// checkNetworks does not ask for insecure: true, as the list may stand beside another
// verifier: whoever puts verifiers together asks ProvesSender.
func (c Config) checkNetworks() []source.Problem {
	if len(c.Networks) == 0 {
		return []source.Problem{{Field: "networks", Message: "no network given", Fix: "add the sender's addresses, such as 192.0.2.0/24"}}
	}
	var problems []source.Problem
	for i, text := range c.Networks {
		if _, err := parseNetwork(text); err != nil {
			problems = append(problems, source.Problem{Field: fmt.Sprintf("networks[%d]", i), Message: "is " + err.Error(), Fix: "write a network such as 192.0.2.0/24 or 2001:db8::/32, or one address"})
		}
	}
	return problems
}

func (c Config) checkNone() []source.Problem {
	if c.Insecure {
		return nil
	}
	return []source.Problem{{Field: "insecure", Message: "type none lets anyone end anybody's sessions", Fix: "choose another type; for a test on your own machine, add insecure: true"}}
}
