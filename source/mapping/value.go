package mapping

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode"
)

// value is a path or an expression. A nil value was not configured and gives nothing.
type value struct {
	name string // how reasons call it: the path as configured, or the setting's name
	path path
	expr *expression
}

// find gives the values that are there. An error is errTooCostly or an evalError.
func (v *value) find(s *scope) ([]any, error) {
	if v == nil {
		return nil, nil
	}
	if v.expr == nil {
		return v.path.find(s), nil
	}
	found, ok, err := v.expr.eval(s)
	if err != nil || !ok {
		return nil, err
	}
	return []any{found}, nil
}

// certainty is how much is known of something that should be one text.
type certainty int

const (
	absent  certainty = iota // not there, null or empty
	certain                  // exactly one text
	unclear                  // something else: an object, or several that differ
)

// text gives the one text that is there, without white space around it.
func (v *value) text(s *scope) (string, certainty, error) {
	found, err := v.find(s)
	if err != nil {
		return "", absent, err
	}
	text, known := oneText(found)
	return text, known, nil
}

// oneText takes a list for its elements: some senders, such as Splunk, send a list of one
// for a field that can have several values.
func oneText(found []any) (text string, known certainty) {
	for _, value := range flatten(found) {
		if value = unwrapped(value); value == nil {
			continue
		}
		next, ok := scalar(value)
		if !ok {
			return "", unclear
		}
		next = strings.TrimSpace(next)
		switch {
		case next == "":
		case known == absent:
			text, known = next, certain
		case next != text:
			return "", unclear
		}
	}
	return text, known
}

// flatten puts the elements of lists in the lists' place, one level deep.
func flatten(found []any) []any {
	var flat []any
	for _, value := range found {
		if list, ok := value.([]any); ok {
			flat = append(flat, list...)
			continue
		}
		flat = append(flat, value)
	}
	return flat
}

// scalar gives the text of a text, a number as it was written, or a bool.
func scalar(value any) (text string, ok bool) {
	switch value := value.(type) {
	case string:
		return value, true
	case json.Number:
		return value.String(), true
	case bool:
		return strconv.FormatBool(value), true
	default:
		return "", false
	}
}

// unwrapped gives x of {"value": x}, as BambooHR writes some fields.
func unwrapped(value any) any {
	if object, ok := value.(map[string]any); ok && len(object) == 1 {
		if inner, ok := object["value"]; ok {
			return inner
		}
	}
	return value
}

// isWhole reports whether a number is digits only: 1e3 and 1.0 are not how anybody is called.
func isWhole(number json.Number) bool {
	return number != "" && strings.Trim(string(number), "0123456789") == ""
}

// printable caps a text and leaves out what cannot be shown.
func printable(text string, limit int) string {
	text = strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text)
	if len(text) > limit {
		return strings.ToValidUTF8(text[:limit], "")
	}
	return text
}
