// Package strictjson refuses JSON that two readers could understand differently, or
// that would cost out of proportion to read. Everything Sever decodes goes through it.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Bounds far above what any sender sends: a delivery of 4 MiB full of real events
// has about 40,000 objects and arrays. Beyond them a body is hostile, and decoding it
// would cost a thousand times its size in memory.
const (
	maxDepth      = 64
	maxContainers = 1 << 16
)

// Check refuses bodies that two readers could understand differently: invalid
// UTF-8, a key given twice in one object, deep nesting, and anything behind the
// value; and bodies with so many values that decoding them would not be bounded.
// Which of two "id" keys names the person would be a guess. Time and memory are
// linear in the body.
//
// folded are keys that are the same key in any case, for readers that use
// encoding/json with structs: it takes "ID" for "id". Reading into maps folds nothing.
// The error's text is printable, on one line and of at most 400 bytes.
func Check(body []byte, folded ...string) error {
	if !utf8.Valid(body) {
		return errors.New("body is not valid UTF-8")
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var open []container
	opened := 0
	for {
		token, err := decoder.Token()
		if err != nil {
			return fmt.Errorf("body is not valid JSON near byte %d", decoder.InputOffset())
		}
		if token == json.Delim('{') || token == json.Delim('[') {
			opened++
		}
		if opened > maxContainers {
			return fmt.Errorf("body holds more than %d objects and arrays", maxContainers)
		}
		if open, err = step(open, token, folded); err != nil {
			return fmt.Errorf("%w near byte %d", err, decoder.InputOffset())
		}
		if len(open) == 0 {
			return checkNothingBehind(decoder)
		}
	}
}

// container is an array or object that is still open.
type container struct {
	keys    map[string]struct{} // nil for an array
	wantKey bool
}

func step(open []container, token json.Token, folded []string) ([]container, error) {
	switch token {
	case json.Delim('}'), json.Delim(']'):
		return valueDone(open[:len(open)-1]), nil
	case json.Delim('{'), json.Delim('['):
		if len(open) == maxDepth {
			return nil, fmt.Errorf("body nests deeper than %d", maxDepth)
		}
		if token == json.Delim('{') {
			return append(open, container{keys: make(map[string]struct{}), wantKey: true}), nil
		}
		return append(open, container{}), nil
	}
	if len(open) == 0 || !open[len(open)-1].wantKey {
		return valueDone(open), nil
	}
	return open, takeKey(&open[len(open)-1], token, folded)
}

func takeKey(object *container, token json.Token, folded []string) error {
	key, _ := token.(string)
	name := fold(key, folded)
	if _, twice := object.keys[name]; twice {
		return fmt.Errorf("key %.40q is given twice in one object", key)
	}
	object.keys[name] = struct{}{}
	object.wantKey = false
	return nil
}

func fold(key string, folded []string) string {
	for _, name := range folded {
		if strings.EqualFold(key, name) {
			return name
		}
	}
	return key
}

func valueDone(open []container) []container {
	if len(open) > 0 && open[len(open)-1].keys != nil {
		open[len(open)-1].wantKey = true
	}
	return open
}

func checkNothingBehind(decoder *json.Decoder) error {
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("body goes on behind its JSON value at byte %d", decoder.InputOffset())
	}
	return nil
}
