package verify

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/dunglas/httpsfv"

	"sever/source"
)

func (c Config) checkHTTPSignature() []source.Problem {
	problems := c.checkSignatureKeys()
	for i, text := range c.Covers {
		if _, err := componentID(text); err != nil {
			problems = append(problems, source.Problem{Field: "covers[" + strconv.Itoa(i) + "]", Message: err.Error(), Fix: `write a field's name in lower case, @method and its like, or @query-param;name="x"`})
		}
	}
	if len(c.Covers) > 0 && !slices.Contains(c.Covers, contentDigest) && !c.Insecure {
		problems = append(problems, source.Problem{
			Field:   "covers",
			Message: "content-digest is missing, without which anyone in between can change the body",
			Fix:     "add content-digest, or insecure: true for a test",
		})
	}
	if _, err := c.knownURL(); err != nil {
		problems = append(problems, source.Problem{Field: "url", Message: "not the URL of a source", Fix: "write https://HOST/v1/hooks/NAME"})
	}
	if c.Timestamp != nil && c.Timestamp.Tolerance < 0 {
		problems = append(problems, source.Problem{Field: "timestamp.tolerance", Message: "negative", Fix: "write how far created may be off, or 0s for no check"})
	}
	return problems
}

func (c Config) checkSignatureKeys() []source.Problem {
	var problems []source.Problem
	switch {
	case len(c.Secrets) == 0 && len(c.PublicKeys) == 0:
		problems = append(problems, source.Problem{Field: "public_keys", Message: "missing, so no signature can be checked", Fix: "add the sender's public_keys, or secrets for hmac-sha256"})
	case len(c.Secrets) > 0 && len(c.PublicKeys) > 0:
		problems = append(problems, source.Problem{Field: "public_keys", Message: "keys come from several places", Fix: "keep public_keys, or secrets for hmac-sha256"})
	}
	return problems
}

// knownURL is the URL as the sender knows it, or nil.
func (c Config) knownURL() (*url.URL, error) {
	if c.URL == "" {
		return nil, nil //nolint:nilnil // none is given
	}
	known, err := url.Parse(c.URL)
	if err != nil || known.Scheme == "" || known.Host == "" {
		return nil, errors.New("verify.url: not an absolute URL")
	}
	return known, nil
}

// coveredComponents are those that must be signed: content-digest if nothing is said, and
// none if insecure says that fewer will do.
func (c Config) coveredComponents() ([]string, error) {
	covers := c.Covers
	if len(covers) == 0 && !c.Insecure {
		covers = []string{contentDigest}
	}
	ids := make([]string, 0, len(covers))
	for i, text := range covers {
		id, err := componentID(text)
		if err != nil {
			return nil, fmt.Errorf("verify.covers[%d]: %w", i, err)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// componentID serializes a component as settings write it, such as @query-param;name="x".
func componentID(text string) (string, error) {
	name, params, _ := strings.Cut(text, ";")
	if params != "" {
		params = ";" + params
	}
	item, err := httpsfv.UnmarshalItem([]string{quoted(name) + params})
	if err != nil || name == "" || name != strings.ToLower(name) {
		return "", errors.New("not a component of RFC 9421")
	}
	id, err := httpsfv.Marshal(item)
	if err != nil {
		return "", errors.New("not a component of RFC 9421")
	}
	return id, nil
}

func quoted(name string) string { return `"` + name + `"` }
