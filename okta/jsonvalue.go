package okta

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// jsonValue is one JSON value, known to be valid, without space around it. Events are read from it without
// encoding/json, which reads each byte of them half a dozen times: to see whether it is JSON at every level that
// decodes itself, and to find where it ends (docs/decisions/0023). What is read from it are parts of one text, which
// is copied once.
type jsonValue string

// shapeError says what a value should have been, and where it stands, without repeating it: it may be anything.
type shapeError struct{ field, want string }

func (e *shapeError) Error() string {
	if e.field == "" {
		return "want " + e.want
	}
	return "field " + excerpt(e.field, 100) + ": want " + e.want
}

// inField adds where in an object an error arose.
func inField(name string, err error) error {
	shape, ok := errors.AsType[*shapeError](err)
	if !ok || shape != err { //nolint:errorlint // one that an object inside has named stays as it is
		return err
	}
	if shape.field != "" {
		name += "." + shape.field
	}
	return &shapeError{name, shape.want}
}

var (
	errNull   = errors.New("null in place of an object")
	errNoJSON = errors.New("not valid JSON")
)

func (v jsonValue) isNull() bool   { return v == "null" }
func (v jsonValue) isObject() bool { return len(v) > 0 && v[0] == '{' }

// text takes any value, because Okta's own examples disagree about types: a string as it is, null as empty, anything
// else as its JSON.
func (v jsonValue) text() string {
	var s string
	if v.string(&s) != nil {
		return string(v)
	}
	return s
}

// string takes a string. null leaves s as it is.
func (v jsonValue) string(s *string) error {
	switch {
	case v.isPlain():
		*s = string(v[1 : len(v)-1])
	case v.isNull():
	case len(v) == 0 || v[0] != '"':
		return &shapeError{want: "a string"}
	default:
		if err := json.Unmarshal([]byte(v), s); err != nil {
			return fmt.Errorf("a string: %w", errNoJSON)
		}
	}
	return nil
}

// isPlain reports whether a value is a string that says what it looks like.
func (v jsonValue) isPlain() bool {
	return len(v) >= 2 && v[0] == '"' && strings.IndexByte(string(v), '\\') < 0 && utf8.ValidString(string(v))
}

func (v jsonValue) time() time.Time { return timeOf(v.text()) }

// timeOf reads RFC 3339. A time nobody can read is no reason to lose an event: it is zero.
func timeOf(text string) time.Time {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}
	}
	return at
}

// text is jsonValue.text for what encoding/json decodes.
type text string

func (t *text) UnmarshalJSON(b []byte) error {
	*t = text(jsonValue(b).text())
	return nil
}

func (t text) time() time.Time { return timeOf(string(t)) }

// fieldName gives which of the names a key is: in any case, as with encoding/json. Empty means none.
func fieldName(key string, names ...string) string {
	for _, name := range names {
		if key == name {
			return name
		}
	}
	for _, name := range names {
		if strings.EqualFold(key, name) {
			return name
		}
	}
	return ""
}

// fields shows the members of an object, in their order, until visit fails.
func fields(b jsonValue, visit func(key string, value jsonValue) error) error {
	w := walk{text: b}
	switch w.next() {
	case '{':
	case 'n':
		return errNull
	default:
		return &shapeError{want: "an object"}
	}
	return w.each('}', func() error {
		key := w.value()
		if w.next() != ':' {
			return errNoJSON
		}
		w.at++
		if key.isPlain() {
			return visit(string(key[1:len(key)-1]), w.value())
		}
		return visit(key.text(), w.value())
	})
}

// ifFields is fields for what may be of any shape.
func ifFields(b jsonValue, visit func(key string, value jsonValue)) {
	_ = fields(b, func(key string, value jsonValue) error { visit(key, value); return nil }) // another shape holds none
}

// elements shows those of an array, in their order, until visit fails.
func elements(b jsonValue, visit func(jsonValue) error) error {
	w := walk{text: b}
	if w.next() != '[' {
		return &shapeError{want: "an array"}
	}
	return w.each(']', func() error { return visit(w.value()) })
}

// ifElements is elements for what may be of any shape.
func ifElements(b jsonValue, visit func(jsonValue)) {
	_ = elements(b, func(value jsonValue) error { visit(value); return nil }) // another shape holds none
}

// list decodes an array, each element by one. null is no list.
func list[T any](b jsonValue, one func(jsonValue) (T, error)) ([]T, error) {
	if b.isNull() {
		return nil, nil
	}
	all := []T{}
	err := elements(b, func(value jsonValue) error {
		element, err := one(value)
		if err != nil {
			return err
		}
		all = append(all, element)
		return nil
	})
	return all, err
}
