package ssf

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"sever/internal/secret"
)

const (
	maxMetadata = 64 << 10
	maxStream   = 1 << 20
)

// How SETs are delivered (RFC 8935, RFC 8936).
const (
	MethodPush = "urn:ietf:rfc:8935"
	MethodPoll = "urn:ietf:rfc:8936"
)

// Client manages streams at one transmitter (Shared Signals Framework 1.0, 8.1). It makes
// one attempt at each call.
type Client struct {
	metadata Metadata
	token    secret.Secret
	http     *http.Client
}

// Discover reads a transmitter's configuration and makes a client for it. issuer is an
// https URL, or http to loopback; token is sent to the endpoints that the configuration
// names, not with this first question. No redirect of client is followed.
func Discover(ctx context.Context, issuer string, token secret.Secret, client *http.Client) (*Client, error) {
	at, err := wellKnown(issuer)
	if err != nil {
		return nil, fmt.Errorf("ssf.transmitter: %w", err)
	}
	c := &Client{token: token, http: withoutRedirects(client)}
	const op = "read the transmitter's configuration"
	got, err := ask(ctx, c.http, question{method: http.MethodGet, url: at.String(), limit: maxMetadata})
	if err != nil {
		return nil, fmt.Errorf("%s at %s: %w", op, at.Host, err)
	}
	if got.status != http.StatusOK {
		return nil, &StreamError{Op: op, Status: got.status, Fix: "check ssf.transmitter: its configuration is to be at " + at.String()}
	}
	if c.metadata, err = readMetadata(got.body, issuer); err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	return c, nil
}

// Metadata gives what the transmitter says of itself.
func (c *Client) Metadata() Metadata { return c.metadata }

// StreamRequest is the stream to create.
type StreamRequest struct {
	Endpoint      string        // where SETs are pushed to; "" to poll for them
	Authorization secret.Secret // the Authorization header of each push, if any
	Events        []string      // event types, as URIs
	Description   string
}

// Create makes a stream. One whose issuer is another than the transmitter is not to be
// used (8.1.1.1): then the error is an *IssuerError.
func (c *Client) Create(ctx context.Context, request StreamRequest) (Stream, error) {
	const op = "create the stream"
	delivery := map[string]string{"method": MethodPoll}
	if request.Endpoint != "" {
		delivery = map[string]string{"method": MethodPush, "endpoint_url": request.Endpoint}
		if request.Authorization.IsSet() {
			delivery["authorization_header"] = request.Authorization.Reveal()
		}
	}
	if offered := c.metadata.DeliveryMethods; len(offered) > 0 && !slices.Contains(offered, delivery["method"]) {
		return Stream{}, fmt.Errorf("%s: the transmitter does not offer delivery by %s", op, delivery["method"])
	}
	body := map[string]any{"delivery": delivery, "events_requested": request.Events, "description": request.Description}
	got, err := c.call(ctx, op, http.MethodPost, c.metadata.Configuration, "", body)
	if err != nil {
		return Stream{}, err
	}
	return c.stream(op, got)
}

// Get reads a stream's configuration.
func (c *Client) Get(ctx context.Context, id string) (Stream, error) {
	const op = "read the stream"
	got, err := c.call(ctx, op, http.MethodGet, c.metadata.Configuration, id, nil)
	if err != nil {
		return Stream{}, err
	}
	return c.stream(op, got)
}

// List reads the configurations of all streams that the token may see.
func (c *Client) List(ctx context.Context) ([]Stream, error) {
	const op = "list the streams"
	got, err := c.call(ctx, op, http.MethodGet, c.metadata.Configuration, "", nil)
	if refused, ok := errors.AsType[*StreamError](err); ok && refused.Status == http.StatusNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	streams, err := readStreams(got)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	return streams, nil
}

// Status reads whether a stream is enabled, paused or disabled.
func (c *Client) Status(ctx context.Context, id string) (Status, error) {
	const op = "read the stream's status"
	got, err := c.call(ctx, op, http.MethodGet, c.metadata.Status, id, nil)
	if err != nil {
		return Status{}, err
	}
	status, err := readStatus(got)
	if err != nil {
		return Status{}, fmt.Errorf("%s: %w", op, err)
	}
	return status, nil
}

// Verify asks for a verification event with this state.
func (c *Client) Verify(ctx context.Context, id, state string) error {
	body := map[string]string{"stream_id": id, "state": state}
	_, err := c.call(ctx, "ask for a verification event", http.MethodPost, c.metadata.Verification, "", body)
	return err
}

// Delete ends a stream. What the transmitter has not delivered is lost.
func (c *Client) Delete(ctx context.Context, id string) error {
	_, err := c.call(ctx, "delete the stream", http.MethodDelete, c.metadata.Configuration, id, nil)
	return err
}

// call asks one of the transmitter's endpoints, about the stream id unless that is "".
func (c *Client) call(ctx context.Context, op, method, endpoint, id string, body any) ([]byte, error) {
	if endpoint == "" {
		return nil, fmt.Errorf("%s: the transmitter names no endpoint for this", op)
	}
	at, err := url.Parse(endpoint)
	if err != nil {
		return nil, fmt.Errorf("%s: the transmitter's endpoint is no URL", op)
	}
	if id != "" {
		query := at.Query()
		query.Set("stream_id", id)
		at.RawQuery = query.Encode()
	}
	got, err := ask(ctx, c.http, question{method: method, url: at.String(), token: c.token, body: body, limit: maxStream})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	if !got.ok() {
		return nil, newStreamError(op, got)
	}
	return got.body, nil
}

func (c *Client) stream(op string, body []byte) (Stream, error) {
	stream, err := readStream(body)
	if err != nil {
		return Stream{}, fmt.Errorf("%s: %w", op, err)
	}
	if stream.Issuer != c.metadata.Issuer {
		return Stream{}, &IssuerError{Op: op, StreamID: stream.ID}
	}
	return stream, nil
}
