// Package source says who sends and in what shape: it verifies that a delivery
// comes from its configured source and decodes it into signals. Bytes in, signals
// out; it does no I/O and knows nothing of queues or of Echo.
package source

import (
	"net/http"

	"sever/revocation"
)

// Source is one configured sender.
type Source struct {
	Name string
	Org  string // the org its people are in

	Verifier Verifier
	Decoder  Decoder

	// Accepted is the status that tells the sender its delivery is safe: 204 or 202.
	Accepted int
	// Handshake answers the sender's one-time check of the URL; nil where it has none.
	Handshake Handshake
}

// Verifier decides whether a request really comes from its source. It sees the
// request before the body is read, so that strangers cost nothing more.
type Verifier interface {
	// Verify gives an error for anyone else. The error's text is for our own log:
	// it holds no secret and nothing of it is shown to the sender.
	Verify(header http.Header) error
}

// Handshake answers a sender that checks, by a GET, who listens at the URL.
type Handshake interface {
	// Answer gives the JSON value to answer with. Its error's text may be shown.
	Answer(header http.Header) (any, error)
	// Open reports whether the check comes without the source's secret.
	Open() bool
}

// Decoder reads a delivery.
type Decoder interface {
	// Decode finds the signals in a delivery. An error means that none of it can be
	// trusted; its text is printable and bounded.
	Decode(delivery revocation.Delivery) (Decoded, error)
}

// Decoded is what a delivery says.
type Decoded struct {
	Signals []revocation.Signal
	Skipped []Skipped
}

// Skipped is an event of a delivery that is no signal.
type Skipped struct {
	Type   string // the sender's word, bounded
	Reason string // one of a few fixed words, usable as a metric label
}
