package mapping

import (
	"bytes"
	"errors"
	"fmt"
	"mime"
	"net/url"
	"strings"
	"unicode/utf8"

	"sever/revocation"
)

// cePrefix starts the names of the headers that hold an event in binary mode.
// https://github.com/cloudevents/spec/blob/main/cloudevents/bindings/http-protocol-binding.md
const cePrefix = "Ce-"

// ceHeaders are the headers of the attributes that the specification names. Extensions
// are read as well if config.Headers keeps them.
func ceHeaders() []string {
	return []string{"Ce-Dataschema", "Ce-Id", "Ce-Source", "Ce-Specversion", "Ce-Subject", "Ce-Time", "Ce-Type"}
}

// parseCloudEvents gives the events of a delivery, each as in structured mode: id, source,
// type, subject, time, data. Its shape decides what a delivery is: headers make an event, a list is a batch, an object is one.
func parseCloudEvents(delivery revocation.Delivery) ([]any, error) {
	if _, binary := delivery.Headers["Ce-Specversion"]; binary && !isStructured(delivery.ContentType) {
		event, err := binaryEvent(delivery)
		if err != nil {
			return nil, err
		}
		return []any{event}, checkEvent(event)
	}
	body, err := parseJSON(delivery.Body)
	if err != nil {
		return nil, err
	}
	events, batch := body.([]any)
	if !batch {
		events = []any{body}
	}
	if len(events) > maxItems {
		return nil, errTooManyItems
	}
	for _, event := range events {
		if err := checkEvent(event); err != nil {
			return nil, err
		}
		if err := takeBase64(event); err != nil {
			return nil, err
		}
	}
	return events, nil
}

func isStructured(contentType string) bool {
	media, _, _ := mime.ParseMediaType(contentType)
	return strings.HasPrefix(media, "application/cloudevents")
}

func binaryEvent(delivery revocation.Delivery) (map[string]any, error) {
	event := map[string]any{}
	for name, value := range delivery.Headers {
		attribute, ok := strings.CutPrefix(name, cePrefix)
		if !ok {
			continue
		}
		text, err := url.PathUnescape(value) // header values are percent-encoded there
		if err != nil || !utf8.ValidString(text) {
			return nil, errors.New("an attribute of the CloudEvent is not percent-encoded UTF-8")
		}
		event[strings.ToLower(attribute)] = text
	}
	delete(event, "data")
	if len(bytes.TrimSpace(delivery.Body)) == 0 {
		return event, nil
	}
	data, err := parseJSON(delivery.Body)
	if err != nil {
		return nil, err
	}
	event["data"] = data
	return event, nil
}

// checkEvent asks for the attributes that every event has.
func checkEvent(event any) error {
	object, ok := event.(map[string]any)
	if !ok {
		return errors.New("body is no CloudEvent and no list of them")
	}
	for _, name := range []string{"specversion", "id", "source", "type"} {
		if text, ok := object[name].(string); !ok || text == "" {
			return fmt.Errorf("body is no CloudEvent: %s is missing", name)
		}
	}
	return nil
}

// takeBase64 reads data that is given as base64 of JSON.
func takeBase64(event any) error {
	object, _ := event.(map[string]any)
	text, ok := object["data_base64"].(string)
	if !ok {
		return nil
	}
	if _, twice := object["data"]; twice {
		return errors.New("body is a CloudEvent with both data and data_base64")
	}
	decoded, err := decodeBase64(text)
	if err != nil {
		return fmt.Errorf("data_base64: %w", err)
	}
	data, err := parseJSON(decoded)
	if err != nil {
		return fmt.Errorf("data_base64: %w", err)
	}
	object["data"] = data
	return nil
}
