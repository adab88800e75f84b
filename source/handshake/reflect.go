package handshake

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"sever/source"
)

// maxReflected caps what is given back. Real values are far shorter, except Graph's.
const maxReflected = 1024

// Texts that are shown to whoever asks hold nothing of what was sent.
var (
	errUnprintable = errors.New("the value to give back is empty, too long, or holds more than printable ASCII")
	errSeveral     = errors.New("the value to give back is there several times")
)

// printable refuses what must not be reflected, even encoded.
func printable(value string, longest int) error {
	if value == "" || len(value) > longest || strings.ContainsFunc(value, func(c rune) bool { return c < ' ' || c > '~' }) {
		return errUnprintable
	}
	return nil
}

// plain refuses also what a browser could take for markup if it ignored that an answer is
// plain text. No sender's real value holds any.
func plain(value string, longest int) error {
	if strings.ContainsAny(value, "<>") {
		return errUnprintable
	}
	return printable(value, longest)
}

// single gives the only one of a header's or a parameter's values.
func single(values []string) (string, error) {
	if len(values) != 1 {
		return "", errSeveral
	}
	return values[0], nil
}

func textReply(text string) source.Reply {
	return source.Reply{Status: http.StatusOK, ContentType: "text/plain; charset=utf-8", Body: []byte(text)}
}

// jsonReply encodes value, with <, > and & escaped as encoding/json does.
func jsonReply(value any) (source.Reply, bool, error) {
	body, err := json.Marshal(value)
	if err != nil {
		return source.Reply{}, false, fmt.Errorf("encode the handshake's answer: %w", err)
	}
	return source.Reply{Status: http.StatusOK, ContentType: "application/json", Body: body}, true, nil
}

// no says that a request is not the check.
func no() (source.Reply, bool, error) { return source.Reply{}, false, nil }

// refused says why a check is not answered.
func refused(err error) (source.Reply, bool, error) { return source.Reply{}, false, err }

// object reads a body that is one JSON object with no keys but these, none of them twice.
// It stops at the first other key: most bodies are deliveries.
func object(body []byte, keys ...string) (map[string]json.RawMessage, bool) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return nil, false
	}
	members := map[string]json.RawMessage{}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return nil, false
		}
		key, isText := token.(string)
		if _, twice := members[key]; twice || !isText || !slices.Contains(keys, key) {
			return nil, false
		}
		var value json.RawMessage
		if decoder.Decode(&value) != nil {
			return nil, false
		}
		members[key] = value
	}
	return members, json.Valid(body) // valid: the object is closed, and nothing follows
}

// text gives a member that is a string.
func text(members map[string]json.RawMessage, key string) (string, bool) {
	raw := members[key]
	if len(raw) == 0 || raw[0] != '"' {
		return "", false
	}
	var value string
	err := json.Unmarshal(raw, &value)
	return value, err == nil
}
