package okta

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"time"
)

const (
	// callTimeout is the backstop for callers whose context has no deadline.
	callTimeout = 30 * time.Second
	// maxErrorBody bounds an error answer; Okta's are a few hundred bytes.
	maxErrorBody = 64 << 10
	// maxDrain bounds what is read only to keep the connection alive.
	maxDrain = 64 << 10
)

// Receipt is what is known about one call. It is filled as far as the call got, also when an error is returned. After a
// second attempt Status, RequestID and Rate are those of the newest answer.
type Receipt struct {
	Status    int    // HTTP status; 0 when Okta gave no answer
	RequestID string // X-Okta-Request-Id: the same id stands in Okta's System Log as debugContext.debugData.requestId
	Attempts  int    // requests sent: 0 when nothing was, 2 when the [Learner] had a stale token or DPoP nonce mended
	Began     time.Time
	Ended     time.Time
	Rate      Rate

	next string // the Link header's rel=next, as it came
}

// operation is one kind of call: where it goes, which rate limit bucket pays and what counts as success.
type operation struct {
	name    string
	bucket  string
	target  target
	header  http.Header
	want    int
	maxBody int64
}

// do makes one attempt, and a second one at once when Okta refused the first for its token or DPoP nonce alone: such a
// refusal comes before any effect. The body is returned only when the status is the wanted one.
func (c *Client) do(ctx context.Context, op operation) ([]byte, Receipt, error) {
	receipt := Receipt{Began: c.now()}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	body, again, err := c.attempt(ctx, op, &receipt)
	if again {
		body, _, err = c.attempt(ctx, op, &receipt)
	}
	receipt.Ended = c.now()
	return body, receipt, err
}

// attempt sends one request. It also reports whether the Authorizer expects better of another one.
func (c *Client) attempt(ctx context.Context, op operation, receipt *Receipt) (_ []byte, again bool, err error) {
	if err := c.budget.acquire(ctx, op.name, op.bucket); err != nil {
		return nil, false, err
	}
	defer c.budget.release(op.bucket)
	// From here on, and not from the caller's start: one who waited for a turn has as much time as any other.
	ctx, cancel := context.WithTimeout(ctx, c.attemptTimeout)
	defer cancel()
	req, err := c.request(ctx, op)
	if err != nil {
		return nil, false, err
	}
	receipt.Attempts++
	receipt.Began = c.now()
	// The transport is used without an http.Client around it, so there is nothing that could follow a redirect.
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		return nil, false, newTransportError(ctx, op.name, err, req)
	}
	defer func() {
		// A little more is read so that the connection can be used again; whatever is left goes with it.
		_, _ = io.CopyN(io.Discard, resp.Body, maxDrain)
		_ = resp.Body.Close()
	}()
	body, err := c.read(op, req, resp, receipt)
	return body, c.learn(req, resp, err), err
}

// read takes in an answer: its headers into the receipt and the budget, its body when the status is the wanted one.
func (c *Client) read(op operation, req *http.Request, resp *http.Response, receipt *Receipt) ([]byte, error) {
	receipt.Status = resp.StatusCode
	receipt.RequestID = visibleASCII(resp.Header.Get("X-Okta-Request-Id"), 128)
	receipt.Rate = parseRate(resp.Header)
	receipt.next = nextLink(resp.Header)
	c.budget.update(op.bucket, *receipt)
	if resp.StatusCode != op.want {
		// What could be read of an error body helps; the status stands without it.
		body, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
		return nil, newError(op.name, resp, *receipt, body, credentials(req))
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, op.maxBody+1))
	if err != nil {
		return nil, newTransportError(req.Context(), op.name, err, req)
	}
	if int64(len(body)) > op.maxBody {
		return nil, unexpectedAnswer(op.name, *receipt, errors.New("body is too large"))
	}
	return body, nil
}

// learn shows an answer to the Authorizer, when it cares to see one.
func (c *Client) learn(req *http.Request, resp *http.Response, err error) (again bool) {
	learner, ok := c.auth.(Learner)
	return ok && learner.Learn(req, resp.Header, err)
}

// request builds and authorizes the request and, as the last step, holds it against the operation's target.
func (c *Client) request(ctx context.Context, op operation) (*http.Request, error) {
	address := c.base.Scheme + "://" + c.base.Host + op.target.requestURI()
	req, err := http.NewRequestWithContext(ctx, op.target.method, address, op.target.reader())
	if err != nil {
		return nil, fmt.Errorf("%s: %w: not a URL", op.name, ErrUnsafeRequest)
	}
	maps.Copy(req.Header, op.header)
	op.target.describe(req.Header)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.userAgent)
	if err := c.auth.Authorize(ctx, req); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", op.name, ErrAuthorize, err)
	}
	if err := op.target.check(req, c.base); err != nil {
		return nil, fmt.Errorf("%s: %w", op.name, err)
	}
	return req, nil
}
