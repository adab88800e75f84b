package verify

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/textproto"
	"net/url"
	"slices"
	"strings"

	"sever/source"
)

// template says what is signed. It is compiled once, so that a request is only filled in.
type template []piece

type piece struct {
	kind string // a placeholder's name, "header", or "" for text as it stands
	text string // the text, or the header's canonical name
}

// placeholders are the names that may stand in braces, {header:NAME} excepted.
var placeholders = map[string]bool{ //nolint:gochecknoglobals // fixed table
	"body": true, "timestamp": true, "id": true, "url": true, "method": true, "query": true, "sorted_query": true,
	"path": true, "body_sha256": true, "body_sha256_raw": true, "form": true,
}

// compileTemplate reads Config.Signed; its errors are for the person who wrote it.
func compileTemplate(text string) (template, error) {
	if text == "" {
		text = "{body}"
	}
	var pieces template
	for text != "" {
		end := strings.IndexAny(text, `{}\`)
		if end < 0 {
			end = len(text)
		}
		if end > 0 {
			pieces = pieces.literal(text[:end])
			text = text[end:]
			continue
		}
		part, rest, err := special(text)
		if err != nil {
			return nil, err
		}
		if part.kind == "" {
			pieces = pieces.literal(part.text)
		} else {
			pieces = append(pieces, part)
		}
		text = rest
	}
	return pieces, nil
}

// special reads the placeholder or escape that text begins with.
func special(text string) (part piece, rest string, err error) {
	switch {
	case strings.HasPrefix(text, `\n`):
		return piece{text: "\n"}, text[2:], nil
	case strings.HasPrefix(text, `\\`):
		return piece{text: `\`}, text[2:], nil
	case text[0] == '\\':
		return piece{}, "", errors.New(`has a backslash that is neither \n nor \\`)
	case text[0] == '}':
		return piece{}, "", errors.New("has a closing brace without an opening one")
	}
	name, rest, closed := strings.Cut(text[1:], "}")
	if !closed || strings.Contains(name, "{") {
		return piece{}, "", errors.New("has a brace that is not closed")
	}
	if header, ok := strings.CutPrefix(name, "header:"); ok {
		if !headerForm.MatchString(header) {
			return piece{}, "", errors.New("has a {header:NAME} whose NAME is no header's name")
		}
		return piece{kind: "header", text: textproto.CanonicalMIMEHeaderKey(header)}, rest, nil
	}
	if !placeholders[name] {
		return piece{}, "", fmt.Errorf("has an unknown placeholder {%.40q}", name)
	}
	return piece{kind: name}, rest, nil
}

// literal adds text, to the last piece if that is text too: a rule about what follows a
// placeholder then sees all of it.
func (t template) literal(text string) template {
	if last := len(t) - 1; last >= 0 && t[last].kind == "" {
		t[last].text += text
		return t
	}
	return append(t, piece{text: text})
}

func (t template) has(kinds ...string) bool {
	return slices.ContainsFunc(t, func(p piece) bool { return slices.Contains(kinds, p.kind) })
}

// hasHeader reports whether the header of that name, in canonical form, is signed.
func (t template) hasHeader(name string) bool {
	return slices.Contains(t, piece{kind: "header", text: name})
}

// dotAfter reports whether a placeholder is set off from what follows by a dot.
func (t template) dotAfter(kind string) bool {
	for i, p := range t[:max(0, len(t)-1)] {
		if p.kind == kind && strings.HasPrefix(t[i+1].text, ".") && t[i+1].kind == "" {
			return true
		}
	}
	return false
}

// filled is a template with the request that it is filled in from. Every header that the template
// names is there.
type filled struct {
	template  template
	req       source.Request
	base      string // the URL as the sender knows it, without query; "" for the one that came
	timestamp string
	id        string
	form      string
	stale     error // why the timestamp is too far from now
}

// write writes what is signed, the body as it stands, all else by way of scratch, which
// it gives back for the next time.
func (m *filled) write(w io.Writer, scratch []byte) []byte {
	scratch = scratch[:0]
	for _, p := range m.template {
		if p.kind != "body" {
			scratch = m.append(scratch, p)
			continue
		}
		_, _ = w.Write(scratch) // a hash or a buffer: neither fails
		_, _ = w.Write(m.req.Body)
		scratch = scratch[:0]
	}
	_, _ = w.Write(scratch)
	return scratch
}

func (m *filled) append(to []byte, p piece) []byte {
	switch p.kind {
	case "timestamp":
		return append(to, m.timestamp...)
	case "id":
		return append(to, m.id...)
	case "method":
		return append(to, m.req.Method...)
	case "form":
		return append(to, m.form...)
	case "header":
		value, _ := headerValue(m.req, p.text)
		return append(to, value...)
	case "url", "path", "query", "sorted_query":
		return m.appendURL(to, p.kind)
	case "body_sha256":
		sum := sha256.Sum256(m.req.Body)
		return hex.AppendEncode(to, sum[:])
	case "body_sha256_raw":
		sum := sha256.Sum256(m.req.Body)
		return append(to, sum[:]...)
	default:
		return append(to, p.text...)
	}
}

func (m *filled) appendURL(to []byte, kind string) []byte {
	query := m.req.URL.RawQuery
	switch kind {
	case "path":
		return append(to, m.req.URL.EscapedPath()...)
	case "query":
		return append(to, query...)
	case "sorted_query":
		return append(to, sortedQuery(query)...)
	}
	if m.base != "" {
		to = append(to, m.base...)
	} else {
		scheme := "http://"
		if m.req.TLS {
			scheme = "https://"
		}
		to = append(append(append(to, scheme...), m.req.Host...), m.req.URL.EscapedPath()...)
	}
	if query != "" {
		to = append(append(to, '?'), query...)
	}
	return to
}

// sortedQuery sorts the pairs of a query by name, each as it came; pairs of one name keep
// their order.
func sortedQuery(query string) string {
	pairs := strings.Split(query, "&")
	slices.SortStableFunc(pairs, func(a, b string) int {
		nameA, _, _ := strings.Cut(a, "=")
		nameB, _, _ := strings.Cut(b, "=")
		return strings.Compare(nameA, nameB)
	})
	return strings.Join(pairs, "&")
}

// sortedForm is how Twilio signs a form: names and values in turn, sorted, nothing between
// (https://www.twilio.com/docs/usage/webhooks/webhooks-security). Where one value ends and
// the next name begins is not signed.
func sortedForm(body []byte) (string, error) {
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return "", ErrMalformed // the error would quote the body
	}
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	var text strings.Builder
	for _, name := range names {
		slices.Sort(values[name])
		for _, value := range slices.Compact(values[name]) {
			text.WriteString(name)
			text.WriteString(value)
		}
	}
	return text.String(), nil
}
