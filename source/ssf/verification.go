package ssf

import (
	"context"
	"net/http"

	"sever/source"
)

// Verification answers verification events (Shared Signals Framework 1.0, 8.1.4): a SET
// that holds one and nothing else. It is asked after the SET's signature and claims were
// verified, and trusts them.
type Verification struct {
	states   *States
	streamID string
}

var _ source.Handshake = (*Verification)(nil)

// NewVerification makes one. streamID is the stream that an event must name; "" for any,
// as long as the transmitter has not said what its id is.
func NewVerification(states *States, streamID string) *Verification {
	return &Verification{states: states, streamID: streamID}
}

// Open is false: the event is signed like any other.
func (*Verification) Open() bool { return false }

// Answer accepts a verification that was asked for, and one that the transmitter sends by
// itself, which has no state. The error is a *source.SETError.
func (v *Verification) Answer(_ context.Context, req source.Request) (source.Reply, bool, error) {
	if req.Method != http.MethodPost {
		return source.Reply{}, false, nil
	}
	set, err := readToken(req.Body)
	if err != nil || len(set.events) != 1 || !isVerification(set.events[0].uri) {
		return source.Reply{}, false, nil //nolint:nilerr // what no SET is goes on to the decoder, which says so
	}
	if refused := v.check(set); refused != nil {
		return source.Reply{}, true, refused
	}
	return source.Reply{Status: http.StatusAccepted}, true, nil
}

func (v *Verification) check(set token) error {
	payload := set.events[0].payload
	if v.streamID != "" && streamOf(set) != v.streamID {
		return &source.SETError{Code: "invalid_request", Description: "The subject of the verification event is not this stream's id."}
	}
	state, given := payload["state"]
	if !given || state == nil {
		return nil
	}
	if text, _ := state.(string); !v.states.see(text) {
		return &source.SETError{Code: "invalid_state", Description: "The state of the verification event is not one that was asked for."}
	}
	return nil
}

// streamOf gives the stream that a verification event is about: its subject must be opaque.
func streamOf(set token) string {
	subject := set.subject
	if subject == nil {
		subject = set.events[0].payload.object("subject")
	}
	if format, problem := formatOf(subject); problem != "" || format != "opaque" {
		return ""
	}
	return subject.text("id")
}
