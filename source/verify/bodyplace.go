package verify

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
)

// bodyPlace is the way to a text or number in a JSON body: keys of nested objects.
type bodyPlace []string

const maxPlaceKeys = 8

// parseBodyPlace reads a place such as data.sent_at, or data."a.b" for a key with a dot.
func parseBodyPlace(text string) (bodyPlace, error) {
	var keys bodyPlace
	for rest, more := text, true; more; {
		var key string
		if quoted, ok := strings.CutPrefix(rest, `"`); ok {
			key, rest, ok = strings.Cut(quoted, `"`)
			if !ok || rest != "" && rest[0] != '.' {
				return nil, errors.New("has a quote that is not closed before a dot")
			}
			rest, more = strings.CutPrefix(rest, ".")
		} else {
			key, rest, more = strings.Cut(rest, ".")
			if strings.ContainsAny(key, `"[]`) {
				return nil, errors.New("holds a quote or bracket inside a key")
			}
		}
		if key == "" {
			return nil, errors.New("has an empty key")
		}
		keys = append(keys, key)
	}
	if len(keys) > maxPlaceKeys {
		return nil, errors.New("is nested too deep")
	}
	return keys, nil
}

// find gives the text at the place: a string's content, or a number as it is written. A
// key that is there twice is refused, as readers differ about which one counts.
func (p bodyPlace) find(body []byte) (string, error) {
	raw := json.RawMessage(body)
	for _, key := range p {
		value, err := member(raw, key)
		if err != nil {
			return "", err
		}
		raw = value
	}
	var text string
	if len(raw) > 0 && raw[0] == '"' {
		if json.Unmarshal(raw, &text) != nil {
			return "", ErrMalformed
		}
		return text, nil
	}
	var number json.Number
	if json.Unmarshal(raw, &number) != nil || number == "" {
		return "", ErrMalformed
	}
	return number.String(), nil
}

// member gives the value of a key that an object has once.
func member(object []byte, key string) (json.RawMessage, error) {
	decoder := json.NewDecoder(bytes.NewReader(object))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return nil, ErrMalformed
	}
	var found, other json.RawMessage
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, ErrMalformed
		}
		into := &other
		if name == key {
			if found != nil {
				return nil, ErrMalformed
			}
			into = &found
		}
		if decoder.Decode(into) != nil {
			return nil, ErrMalformed
		}
	}
	if _, err := decoder.Token(); err != nil { // the closing brace
		return nil, ErrMalformed
	}
	if found == nil {
		return nil, ErrMissing
	}
	return found, nil
}
