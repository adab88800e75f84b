package contracttest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"sync"
)

// maxBody bounds what is kept of one body; whatever is longer fails.
const maxBody = 4 << 20

// Wire is a transport that holds every request and every answer against the contract and passes them on unchanged.
type Wire struct {
	contract *Contract
	base     http.RoundTripper

	mu        sync.Mutex
	exchanges []Exchange
}

// Exchange is one request and what came back.
type Exchange struct {
	Operation string // such as "GET /api/v1/users/{id}"
	Status    int    // zero without an answer
	Err       error  // what is not as documented
}

func (e Exchange) String() string { return fmt.Sprintf("%s %d", e.Operation, e.Status) }

// NewWire is a wire that sends through base.
func NewWire(contract *Contract, base http.RoundTripper) *Wire {
	return &Wire{contract: contract, base: base}
}

// Take returns the exchanges since the last time, in the order in which they ended.
func (w *Wire) Take() []Exchange {
	w.mu.Lock()
	defer w.mu.Unlock()
	taken := w.exchanges
	w.exchanges = nil
	return taken
}

// RoundTrip sends what is not as documented too: the answer to it is worth knowing.
func (w *Wire) RoundTrip(req *http.Request) (*http.Response, error) {
	sent, err := drain(req.Body)
	if err != nil {
		return nil, err
	}
	e := Exchange{Operation: w.contract.Operation(req), Err: w.contract.CheckRequest(req.Context(), req, sent)}
	defer func() { w.record(e) }()

	onward := req.Clone(req.Context()) // a transport must not change the request
	if len(sent) > 0 {
		onward.Body = io.NopCloser(bytes.NewReader(sent))
	}
	resp, err := w.base.RoundTrip(onward)
	if err != nil {
		return nil, err
	}
	got, err := drain(resp.Body)
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(got))
	e.Status = resp.StatusCode
	if e.Err == nil {
		e.Err = w.contract.CheckAnswer(req.Context(), req, resp.StatusCode, resp.Header, got)
	}
	return resp, nil
}

// CloseIdleConnections closes those of the transport underneath.
func (w *Wire) CloseIdleConnections() {
	if base, ok := w.base.(interface{ CloseIdleConnections() }); ok {
		base.CloseIdleConnections()
	}
}

func (w *Wire) record(e Exchange) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.exchanges = append(w.exchanges, e)
}

// drain reads a body to its end and closes it.
func drain(body io.ReadCloser) ([]byte, error) {
	if body == nil {
		return nil, nil
	}
	defer func() { _ = body.Close() }()
	read, err := io.ReadAll(io.LimitReader(body, maxBody+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read body: %w", err)
	case len(read) > maxBody:
		return nil, fmt.Errorf("body is longer than %d bytes", maxBody)
	}
	return read, nil
}
