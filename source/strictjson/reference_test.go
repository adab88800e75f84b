package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// byTokens is Check written with encoding/json's tokens: slow, and what the scanner is held against.
func byTokens(body []byte, folded ...string) error {
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
	name := (&keys{folded: folded}).fold(key)
	if _, twice := object.keys[name]; twice {
		return fmt.Errorf("key %.40q is given twice in one object", key)
	}
	object.keys[name] = struct{}{}
	object.wantKey = false
	return nil
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
