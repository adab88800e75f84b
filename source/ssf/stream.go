package ssf

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
)

// Stream is a stream as the transmitter has it. Its authorization header is left out.
type Stream struct {
	ID        string   `json:"stream_id"`
	Issuer    string   `json:"iss"`
	Audience  []string `json:"aud"`
	Method    string   `json:"delivery_method"`
	Endpoint  string   `json:"endpoint_url"` // where it pushes to, or is polled
	Requested []string `json:"events_requested"`
	Delivered []string `json:"events_delivered"`
}

// Status is whether a stream delivers.
type Status struct {
	Status string `json:"status"` // enabled, paused or disabled
	Reason string `json:"reason,omitempty"`
}

func readStream(body []byte) (Stream, error) {
	said, err := parseObject(body)
	if err != nil {
		return Stream{}, fmt.Errorf("the transmitter's answer: %w", err)
	}
	return newStream(said)
}

func newStream(said object) (Stream, error) {
	delivery := said.object("delivery")
	stream := Stream{
		ID: said.text("stream_id"), Issuer: said.text("iss"), Audience: texts(said["aud"]),
		Method: delivery.text("method"), Endpoint: delivery.text("endpoint_url"),
		Requested: texts(said["events_requested"]), Delivered: texts(said["events_delivered"]),
	}
	if stream.ID == "" {
		return Stream{}, errors.New("the transmitter's answer has no stream_id")
	}
	return stream, nil
}

// readStreams reads a list; some transmitters give the only stream there can be by itself.
func readStreams(body []byte) ([]Stream, error) {
	if !bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("[")) {
		stream, err := readStream(body)
		if err != nil {
			return nil, err
		}
		return []Stream{stream}, nil
	}
	wrapped, err := parseObject(append(append([]byte(`{"streams":`), body...), '}'))
	if err != nil {
		return nil, fmt.Errorf("the transmitter's answer: %w", err)
	}
	list, _ := wrapped["streams"].([]any)
	var streams []Stream
	for _, entry := range list {
		stream, err := newStream(asObject(entry))
		if err != nil {
			return nil, err
		}
		streams = append(streams, stream)
	}
	return streams, nil
}

func readStatus(body []byte) (Status, error) {
	said, err := parseObject(body)
	if err != nil {
		return Status{}, fmt.Errorf("the transmitter's answer: %w", err)
	}
	status := Status{Status: said.text("status"), Reason: bounded(said.text("reason"))}
	switch status.Status {
	case "enabled", "paused", "disabled":
		return status, nil
	default:
		return Status{}, errors.New("the transmitter's answer has no status that the framework knows")
	}
}

// StreamError is an answer of a transmitter other than 2xx.
type StreamError struct {
	Op     string // what it was asked
	Status int
	Code   string // the transmitter's word for what is wrong, printable; "" if it gave none
	Fix    string // what to do
}

func (e *StreamError) Error() string {
	text := fmt.Sprintf("%s: the transmitter answered %d", e.Op, e.Status)
	if e.Code != "" {
		text += " (" + e.Code + ")"
	}
	return text + "; " + e.Fix
}

// IssuerError is a stream that another issuer than the transmitter would send.
type IssuerError struct {
	Op       string
	StreamID string
}

func (e *IssuerError) Error() string {
	return fmt.Sprintf("%s: the transmitter's answer names another issuer than ssf.transmitter for stream %.200q: "+
		"it is not to be used; delete it at the transmitter and ask its operator", e.Op, e.StreamID)
}

func newStreamError(op string, got answer) *StreamError {
	failed := &StreamError{Op: op, Status: got.status, Fix: fixOf(got.status)}
	said, err := parseObject(got.body)
	if err != nil {
		return failed
	}
	for _, name := range []string{"error", "err"} {
		if code := said.text(name); code != "" {
			failed.Code = bounded(code)
		}
	}
	return failed
}

func fixOf(status int) string {
	switch {
	case status == http.StatusUnauthorized:
		return "ssf.token is not accepted: renew it"
	case status == http.StatusForbidden:
		return "ssf.token may not do this: it needs the scope ssf.manage (ssf.read to look), or what the transmitter calls it"
	case status == http.StatusNotFound:
		return "there is no such stream: correct ssf.stream_id; `sever ssf stream status` without one lists what there is"
	case status == http.StatusConflict:
		return "there is a stream already: `sever ssf stream status` shows it; use or delete that one"
	case status == http.StatusTooManyRequests:
		return "it was asked too often: transmitters limit verifications, Okta to one in 60 s; wait and try again"
	case status >= 300 && status < 400:
		return "it redirects, which is not followed with a token: ask its operator for the final address"
	case status >= 500:
		return "it has trouble of its own: try again later"
	default:
		return "it does not understand the request: compare the ssf section with what it offers"
	}
}
