package okta

import "strings"

// maxChallenge bounds how much of a WWW-Authenticate header is read.
const maxChallenge = 4 << 10

// Challenge is what a WWW-Authenticate header says. Okta answers OAuth failures on its management API with an empty body,
// so this is all there is. Its texts are the vendor's: untrusted.
type Challenge struct {
	Scheme      string // Bearer or DPoP
	Error       string // such as insufficient_scope, invalid_token or invalid_dpop_proof
	Description string
}

// parseChallenges returns the first challenge that names an error, else the first one.
func parseChallenges(headers []string, clean *strings.Replacer) Challenge {
	var first Challenge
	for _, header := range headers {
		c := parseChallenge(clean.Replace(clip(header, maxChallenge)))
		if c.Error != "" {
			return c
		}
		if first == (Challenge{}) {
			first = c
		}
	}
	return first
}

// parseChallenge reads `Scheme key="value", key=value`. It takes what it can read and leaves the rest.
func parseChallenge(header string) Challenge {
	scheme, rest, _ := strings.Cut(strings.TrimSpace(header), " ")
	c := Challenge{Scheme: visibleASCII(scheme, 32)}
	for rest != "" {
		var key, value string
		key, rest, _ = strings.Cut(rest, "=")
		value, rest = challengeValue(rest)
		switch strings.ToLower(strings.Trim(key, " ,\t")) {
		case "error":
			c.Error = visibleASCII(value, 64)
		case "error_description":
			c.Description = clip(value, maxSummary)
		}
	}
	return c
}

// challengeValue takes one quoted or bare value from the front of s and returns what follows its comma.
func challengeValue(s string) (value, rest string) {
	if !strings.HasPrefix(s, `"`) {
		value, rest, _ = strings.Cut(s, ",")
		return strings.TrimSpace(value), rest
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case s[i] == '"':
			return b.String(), s[i+1:]
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), ""
}
