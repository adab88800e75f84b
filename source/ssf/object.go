package ssf

import (
	"bytes"
	"encoding/json"
	"errors"

	"sever/source/strictjson"
)

// object is a JSON object, whose keys are matched exactly.
type object map[string]any

// parseObject reads a text that is one JSON object, every key of which stands once: which
// of two subjects names the person would be a guess.
func parseObject(text []byte) (object, error) {
	if err := strictjson.Check(text); err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var found object
	if err := decoder.Decode(&found); err != nil || found == nil {
		return nil, errors.New("body is no JSON object")
	}
	return found, nil
}

// text gives a text, or "" where there is none.
func (o object) text(name string) string {
	text, _ := o[name].(string)
	return text
}

// object gives an object, or nil where there is none.
func (o object) object(name string) object { return asObject(o[name]) }

func asObject(value any) object {
	found, _ := value.(map[string]any)
	return found
}
