package verify

import (
	"net/textproto"
	"regexp"
	"strings"

	"sever/source"
)

// headerForm is a token of RFC 9110, section 5.6.2.
var headerForm = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$")

// reservedHeader reports whether HTTP itself gives the header its value.
func reservedHeader(name string) bool {
	switch strings.ToLower(name) {
	case "host", "content-length", "content-type", "transfer-encoding", "connection":
		return true
	default:
		return false
	}
}

// secretHeader is the header that holds the secret, verbatim. That is all that Okta's
// event hooks offer: no signature, no timestamp
// (https://developer.okta.com/docs/guides/hooks-best-practices/).
func (c Config) secretHeader() string {
	if c.Header == "" {
		return "Authorization"
	}
	return c.Header
}

func singleHeader(name string) finder {
	name = textproto.CanonicalMIMEHeaderKey(name)
	return func(req source.Request) (string, error) { return single(req.Header[name]) }
}

// single gives the only value there is.
func single(values []string) (string, error) {
	switch len(values) {
	case 0:
		return "", errNoSecret
	case 1:
		return values[0], nil
	default:
		return "", errManySecrets
	}
}
