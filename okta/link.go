package okta

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// maxLink bounds a Link header; Okta's cursors are a few hundred bytes.
const maxLink = 4 << 10

// errNextLink says that a next page was offered that we will not fetch. The link itself is untrusted and not repeated.
var errNextLink = errors.New("next link does not lead to the same list")

// nextLink is the address of the next page as a Link header has it: <https://...>; rel="next". Empty without one.
//
// https://developer.okta.com/docs/api/#link-header
func nextLink(h http.Header) string {
	for _, header := range h.Values("Link") {
		for rest := clip(header, maxLink); rest != ""; {
			var address, parameters string
			var found bool
			if _, rest, found = strings.Cut(rest, "<"); !found {
				break
			}
			if address, rest, found = strings.Cut(rest, ">"); !found {
				break
			}
			parameters, _, _ = strings.Cut(rest, "<")
			if isNext(parameters) {
				return address
			}
		}
	}
	return ""
}

func isNext(parameters string) bool {
	for parameter := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(strings.Trim(parameter, " ,\t"), "=")
		if strings.EqualFold(strings.TrimSpace(name), "rel") && strings.EqualFold(strings.Trim(strings.TrimSpace(value), `"`), "next") {
			return true
		}
	}
	return false
}

// nextQuery is the query of a next link, nil when there is no next page. A link to another scheme, host or path is refused,
// as it would take the credential somewhere else.
func (c *Client) nextQuery(link, path string) (url.Values, error) {
	if link == "" {
		return nil, nil //nolint:nilnil // no next page
	}
	u, err := url.Parse(link)
	if err != nil || !strings.EqualFold(u.Scheme, c.base.Scheme) || !strings.EqualFold(u.Host, c.base.Host) || u.User != nil || u.EscapedPath() != path {
		return nil, errNextLink
	}
	query, err := url.ParseQuery(u.RawQuery)
	if after := query.Get("after"); err != nil || !allVisibleASCII(after) || after == "" {
		return nil, errNextLink
	}
	return query, nil
}
