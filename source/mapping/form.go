package mapping

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bounds far above what any sender's form has.
const (
	maxPairs     = 10_000
	maxFormDepth = 16
)

var errTextAndObject = errors.New("body has a form field that is both a text and an object")

// parseForm reads name=value pairs. data[employeeId]=7 is data.employeeId; a name that
// comes several times, or ends in [], is a list; so are names numbered from [0] on.
func parseForm(body []byte) (any, error) {
	root := &formNode{}
	err := eachPair(body, func(name, value string) error {
		return root.add(formKeys(name), value)
	})
	if err != nil {
		return nil, err
	}
	return root.object(), nil
}

// formField gives the one value of a field.
func formField(body []byte, field string) (text string, err error) {
	found := 0
	err = eachPair(body, func(name, value string) error {
		if name == field {
			text = value
			found++
		}
		return nil
	})
	if err == nil && found != 1 {
		err = fmt.Errorf("body has the form field %s %d times, not once", printable(field, 100), found)
	}
	return text, err
}

func eachPair(body []byte, do func(name, value string) error) error {
	if bytes.Count(body, []byte("&")) >= maxPairs {
		return fmt.Errorf("body has more than %d form fields", maxPairs)
	}
	for pair := range strings.SplitSeq(string(body), "&") {
		if pair == "" {
			continue
		}
		rawName, rawValue, _ := strings.Cut(pair, "=")
		name, err := unescape(rawName)
		if err != nil {
			return err
		}
		value, err := unescape(rawValue)
		if err != nil {
			return err
		}
		if err := do(name, value); err != nil {
			return err
		}
	}
	return nil
}

func unescape(raw string) (string, error) {
	text, err := url.QueryUnescape(raw)
	if err != nil || !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return "", errors.New("body is not a form in UTF-8")
	}
	return text, nil
}

// formKeys splits a[b][c] into a, b, c. A name that is not written so is one key.
func formKeys(name string) []string {
	first, rest, nested := strings.Cut(name, "[")
	if !nested || first == "" || !strings.HasSuffix(rest, "]") {
		return []string{name}
	}
	keys := append([]string{first}, strings.Split(strings.TrimSuffix(rest, "]"), "][")...)
	for _, key := range keys[1:] {
		if strings.ContainsAny(key, "[]") {
			return []string{name}
		}
	}
	return keys
}

// formNode holds values or further names, never both.
type formNode struct {
	values []string
	list   bool // its name ended in []
	below  map[string]*formNode
}

func (n *formNode) add(keys []string, value string) error {
	if len(keys) > maxFormDepth {
		return fmt.Errorf("body has a form field that nests deeper than %d", maxFormDepth)
	}
	for i, key := range keys {
		if key == "" && i > 0 {
			if i < len(keys)-1 {
				return errors.New("body has a form field with [] in the middle of its name, which could mean several things")
			}
			n.list = true
			break
		}
		if len(n.values) > 0 {
			return errTextAndObject
		}
		if n.below == nil {
			n.below = map[string]*formNode{}
		}
		if n.below[key] == nil {
			n.below[key] = &formNode{}
		}
		n = n.below[key]
	}
	if len(n.below) > 0 {
		return errTextAndObject
	}
	n.values = append(n.values, value)
	return nil
}

func (n *formNode) value() any {
	switch {
	case len(n.below) > 0:
		if list := n.numbered(); list != nil {
			return list
		}
		return n.object()
	case len(n.values) == 1 && !n.list:
		return n.values[0]
	default:
		list := make([]any, len(n.values))
		for i, value := range n.values {
			list[i] = value
		}
		return list
	}
}

func (n *formNode) object() map[string]any {
	object := make(map[string]any, len(n.below))
	for key, node := range n.below {
		object[key] = node.value()
	}
	return object
}

// numbered gives a list if the names below are exactly 0, 1, 2 and so on.
func (n *formNode) numbered() []any {
	list := make([]any, len(n.below))
	for i := range list {
		node, ok := n.below[strconv.Itoa(i)]
		if !ok {
			return nil
		}
		list[i] = node.value()
	}
	return list
}
