package verify

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
)

var errSecretElsewhere = errors.New("the secret stands in the body a second time, outside its place")

// cut is a secret's value in a body: the bytes from up to to, without quotes, say value.
type cut struct {
	from, to int
	value    string
}

// findField finds every value at the place, at least one.
func findField(body []byte, path []fieldStep) ([]cut, error) {
	if looksLikeJSON(body) {
		return findInJSON(body, path)
	}
	return findInForm(body, path)
}

// looksLikeJSON tells JSON from a form by the first character: senders escape brackets in
// forms, and their content type must not decide what is trusted.
func looksLikeJSON(body []byte) bool {
	start := bytes.TrimLeft(body, " \t\r\n")
	return len(start) > 0 && (start[0] == '{' || start[0] == '[')
}

func findInJSON(body []byte, path []fieldStep) ([]cut, error) {
	if !json.Valid(body) {
		return nil, errUnreadableSecret
	}
	reader := fieldReader{body: body, decoder: json.NewDecoder(bytes.NewReader(body))}
	if err := reader.value(path); err != nil {
		return nil, err
	}
	return reader.cuts, nil
}

// fieldReader walks through valid JSON and notes where the values at a place are.
type fieldReader struct {
	body    []byte
	decoder *json.Decoder
	cuts    []cut
}

// value reads the next value, in which path leads to the secret.
func (r *fieldReader) value(path []fieldStep) error {
	from := int(r.decoder.InputOffset())
	token, err := r.decoder.Token()
	if err != nil {
		return errUnreadableSecret
	}
	if len(path) == 0 {
		text, ok := token.(string)
		if !ok {
			return errUnreadableSecret
		}
		from += bytes.IndexByte(r.body[from:], '"') + 1 // past the white space and the colon or comma before it
		r.cuts = append(r.cuts, cut{from, int(r.decoder.InputOffset()) - 1, text})
		return nil
	}
	switch {
	case token == json.Delim('{') && !path[0].list:
		return r.object(path)
	case token == json.Delim('[') && path[0].list:
		return r.list(path)
	default:
		return errNoSecret
	}
}

// object reads an object's members. The key must be there once: readers of JSON do not
// agree on which of two counts.
func (r *fieldReader) object(path []fieldStep) error {
	found := false
	for r.decoder.More() {
		key, err := r.decoder.Token()
		if err != nil {
			return errUnreadableSecret
		}
		if key != path[0].key {
			if err := r.skip(); err != nil {
				return err
			}
			continue
		}
		if found {
			return errManySecrets
		}
		found = true
		if err := r.value(path[1:]); err != nil {
			return err
		}
	}
	return r.end(found)
}

// list reads a list's elements. Where every element must carry the secret, an empty list
// carries none.
func (r *fieldReader) list(path []fieldStep) error {
	found := false
	for i := 0; r.decoder.More(); i++ {
		read := r.skip
		if path[0].index == everyElement || path[0].index == i {
			found = true
			read = func() error { return r.value(path[1:]) }
		}
		if err := read(); err != nil {
			return err
		}
	}
	return r.end(found)
}

func (r *fieldReader) skip() error {
	var value json.RawMessage
	if err := r.decoder.Decode(&value); err != nil {
		return errUnreadableSecret
	}
	return nil
}

// end reads the closing bracket.
func (r *fieldReader) end(found bool) error {
	if _, err := r.decoder.Token(); err != nil && !errors.Is(err, io.EOF) {
		return errUnreadableSecret
	}
	if !found {
		return errNoSecret
	}
	return nil
}

// findInForm finds a parameter, such as secureKey or data[secret] for data.secret.
func findInForm(body []byte, path []fieldStep) ([]cut, error) {
	name := formName(path)
	if name == "" {
		return nil, errNoSecret
	}
	var cuts []cut
	from := 0
	for pair := range strings.SplitSeq(string(body), "&") {
		rawName, rawValue, _ := strings.Cut(pair, "=")
		end := from + len(pair)
		given, err := url.QueryUnescape(rawName)
		if err != nil {
			return nil, errUnreadableSecret // the error would tell what was sent
		}
		if given == name {
			value, err := url.QueryUnescape(rawValue)
			if err != nil {
				return nil, errUnreadableSecret
			}
			cuts = append(cuts, cut{end - len(rawValue), end, value})
		}
		from = end + 1
	}
	switch len(cuts) {
	case 0:
		return nil, errNoSecret
	case 1:
		return cuts, nil
	default:
		return nil, errManySecrets
	}
}

// strip takes the secrets out and changes nothing else. A body that would still hold one
// is refused: it must not be stored.
func (v *fieldVerifier) strip(body []byte, cuts []cut) ([]byte, error) {
	stripped := replace(body, cuts, nil)
	for _, s := range v.secrets {
		if bytes.Contains(stripped, []byte(s.Reveal())) {
			return nil, errSecretElsewhere
		}
	}
	return stripped, nil
}

// replace puts text in the place of every cut; the cuts are in the body's order.
func replace(body []byte, cuts []cut, text []byte) []byte {
	result := make([]byte, 0, len(body)+len(cuts)*len(text))
	from := 0
	for _, c := range cuts {
		result = append(result, body[from:c.from]...)
		result = append(result, text...)
		from = c.to
	}
	return append(result, body[from:]...)
}

// fillField puts the secret into a body that has its place already, whatever stands there.
func fillField(field string, body []byte, secret string) ([]byte, error) {
	path, err := parseField(field)
	if err != nil {
		return nil, err
	}
	cuts, err := findField(body, path)
	if err != nil {
		return nil, fmt.Errorf("find the place %q in the body to put the secret in: %w", field, err)
	}
	if !looksLikeJSON(body) {
		return replace(body, cuts, []byte(url.QueryEscape(secret))), nil
	}
	quoted, err := json.Marshal(secret)
	if err != nil {
		return nil, fmt.Errorf("write the secret as JSON: %w", err)
	}
	return replace(body, cuts, quoted[1:len(quoted)-1]), nil
}
