package mapping

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"sever/revocation"
	"sever/source/strictjson"
)

// The forms of a body.
const (
	formJSON        = "json"
	formForm        = "form"
	formFormJSON    = "form_json"
	formCloudEvents = "cloudevents"
)

// defaultField is the form's field that GitHub and others put their JSON into.
const defaultField = "payload"

// read gives the bodies in a delivery: one, except in a batch of CloudEvents.
func (d *Decoder) read(delivery revocation.Delivery) ([]any, error) {
	switch d.form {
	case formForm:
		body, err := parseForm(delivery.Body)
		return []any{body}, err
	case formFormJSON:
		text, err := formField(delivery.Body, d.field)
		if err != nil {
			return nil, err
		}
		body, err := parseJSON([]byte(text))
		return []any{body}, err
	case formCloudEvents:
		return parseCloudEvents(delivery)
	default:
		body, err := parseJSON(delivery.Body)
		return []any{body}, err
	}
}

// Readable reports whether a body has the form of this source's bodies. It is quick, so
// it lets through what Decode may still refuse, such as a key that is given twice.
func (d *Decoder) Readable(body []byte) bool {
	switch d.form {
	case formForm:
		_, err := parseForm(body)
		return err == nil
	case formFormJSON:
		text, err := formField(body, d.field)
		return err == nil && strictjson.Valid([]byte(text))
	case formCloudEvents:
		return len(bytes.TrimSpace(body)) == 0 || strictjson.Valid(body) // an event in headers needs no data
	default:
		return strictjson.Valid(body)
	}
}

// Media gives the media types of this source's bodies, in lower case. A star stands for
// any text, as in application/*+json. Amazon SNS and some iPaaS send JSON as text/plain.
func (d *Decoder) Media() []string {
	switch d.form {
	case formForm, formFormJSON:
		return []string{"application/x-www-form-urlencoded"}
	case formCloudEvents:
		return []string{"application/cloudevents+json", "application/cloudevents-batch+json", "application/json", "application/*+json", "text/plain"}
	default:
		return []string{"application/json", "application/*+json", "text/json", "text/plain"}
	}
}

// maxCommas bounds the values of one JSON text, commas inside of texts included. Real
// events have fewer than one in sixteen bytes of the largest delivery; decoded, a value
// costs a hundred bytes however short it was written.
const maxCommas = 1 << 18

// parseJSON decodes strictly. Numbers keep their text: 4711 is an employee, not a float.
func parseJSON(body []byte) (any, error) {
	if bytes.Count(body, []byte(",")) > maxCommas {
		return nil, fmt.Errorf("body holds more than %d values", maxCommas)
	}
	if err := strictjson.Check(body); err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, errors.New("body cannot be read as JSON")
	}
	return value, nil
}

// unwrapping is a text inside the body that is JSON itself.
type unwrapping struct {
	name   string // the path as configured
	above  []step
	last   step
	base64 bool
}

// apply puts what the text says in its place. What is missing or empty, or is JSON
// already, stays as it is. Each text is smaller than the body it is in, and there are at
// most maxUnwraps, so all of it is linear in the body.
func (u unwrapping) apply(body any) error {
	for _, holder := range descend(body, u.above) {
		if err := u.last.put(holder, u.parse); err != nil {
			return fmt.Errorf("%s: %w", u.name, err)
		}
	}
	return nil
}

func (u unwrapping) parse(value any) (any, error) {
	text, ok := value.(string)
	if !ok || strings.TrimSpace(text) == "" {
		return value, nil
	}
	if !u.base64 {
		return parseJSON([]byte(text))
	}
	decoded, err := decodeBase64(text)
	if err != nil {
		return nil, err
	}
	return parseJSON(decoded)
}

// decodeBase64 takes the standard and the URL alphabet, padded or not. Mixed, they are refused.
func decodeBase64(text string) ([]byte, error) {
	text = strings.TrimRight(text, "=")
	encoding := base64.RawStdEncoding
	if strings.ContainsAny(text, "-_") {
		encoding = base64.RawURLEncoding
	}
	decoded, err := encoding.DecodeString(text)
	if err != nil {
		return nil, errors.New("body is not valid base64")
	}
	return decoded, nil
}
