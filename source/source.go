// Package source says who sends and in what shape: it knows how a delivery of its
// configured source is verified, what one-time checks its sender makes, and how it is
// decoded into signals. Bytes in, signals out; it knows nothing of queues or of Echo.
//
// This package holds the contracts and the Okta event hook. Beside it: verify
// (authentication), handshake (one-time checks of a URL), mapping (any sender's body to
// signals, by paths and CEL), ssf (Shared Signals), preset (senders as data).
package source

import (
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"time"

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
	// Media are the media types it may send, in lower case, application/*+json among them for
	// JSON of any kind; nil means just that.
	Media []string
	// Readable reports whether a body is in the shape that this source's decoder reads;
	// nil means valid JSON. An unreadable delivery is stored all the same, and answered 400.
	Readable func(body []byte) bool
	// Keep names the headers, in canonical form, that are stored with a delivery.
	Keep []string
	// Handshakes answer the sender's one-time checks of the URL.
	Handshakes []Handshake
	// PathSecret says that the source's secret follows its name in the URL.
	PathSecret bool
	// SETErrors answers errors as RFC 8935 wants them, not as RFC 9457.
	SETErrors bool
}

// Request is what came over HTTP, as far as deciding about it needs.
type Request struct {
	Method string
	URL    *url.URL // as it came: path and query, no host
	Host   string
	TLS    bool
	Header http.Header
	// Remote is who connected; where that is a trusted proxy, whom it names.
	Remote netip.Addr
	// Certificates is the client's chain, verified by our own listener or given by a
	// trusted proxy; its own certificate first.
	Certificates []*x509.Certificate
	// Body is the bytes as they came; nil before they were read.
	Body []byte
	// Now is the time to judge timestamps by.
	Now time.Time
}

// Verifier decides whether a request really comes from its source.
//
// The texts of its errors are for our own log: they hold no secret, nothing of what
// was sent, and nothing of them is shown to the sender, except a *SETError's.
type Verifier interface {
	// Early refuses what no body could make good, so that strangers cost nothing more:
	// req has no body yet. A verifier of fixed secrets decides here.
	Early(req Request) error
	// Verify decides, with the body. An error that is a *StaleError says that all else is genuine.
	Verify(ctx context.Context, req Request) (Verified, error)
}

// ErrUnavailable is wrapped by a Verifier that cannot decide because of our own trouble,
// such as keys that could not be fetched. The sender is asked to come again.
var ErrUnavailable = errors.New("cannot be verified at the moment")

// Verified is what a verifier learned of a delivery that is genuine.
type Verified struct {
	// ID is the sender's own id of the delivery, the same when it sends it again; ""
	// where it gives none.
	ID string
	// Body replaces the body where the sender's secret had to be taken out of it; else nil.
	Body []byte
}

// StaleError is a Verifier's answer to a delivery that is genuine in all but its time, which is too far from now.
// It was sent again late, the clock of one side is wrong, or it is a replay: it is no stranger's, and must not
// be acted on unseen.
type StaleError struct {
	Verified Verified
	Cause    error // what is too far from now
}

func (e *StaleError) Error() string { return "genuine, but for its time: " + e.Cause.Error() }
func (e *StaleError) Unwrap() error { return e.Cause }

// Handshake answers a sender that checks who listens at the URL. It never leads to a job.
type Handshake interface {
	// Open reports whether the check comes without the source's secret or signature.
	// Then Answer is asked before the request is verified, with at most 64 KiB of body.
	Open() bool
	// Answer looks whether req is this check. If ok, the reply is sent and nothing stored;
	// if not, the request goes on as a delivery, or as a method that is not allowed. An
	// error is answered 400; its text may be shown to the sender.
	Answer(ctx context.Context, req Request) (reply Reply, ok bool, err error)
}

// Reply answers a handshake. It is sent with X-Content-Type-Options: nosniff and no-store.
type Reply struct {
	Status      int    // default 200
	ContentType string // application/json or text/plain
	Header      map[string]string
	Body        []byte
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

// SETError is why a Security Event Token is refused, in the words of RFC 8935, section 2.4.
type SETError struct {
	Code        string // such as invalid_request
	Description string // for the transmitter: holds nothing of what was sent
}

func (e *SETError) Error() string { return e.Code + ": " + e.Description }

// Problem is a mistake in a source's settings.
type Problem struct {
	Field   string // below the section's own name, such as "timestamp.unit"
	Message string
	Fix     string
}
