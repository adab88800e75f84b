package ssf

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"sever/internal/secret"
)

// question is one request to a transmitter.
type question struct {
	method string
	url    string
	token  secret.Secret // sent as a bearer token if set
	body   any           // sent as JSON, unless nil
	limit  int64         // most bytes of an answer
}

// answer is what a transmitter said.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) ok() bool { return a.status >= 200 && a.status < 300 }

// withoutRedirects copies a client: a bearer token goes where it was told to and nowhere else.
func withoutRedirects(client *http.Client) *http.Client {
	careful := *client
	careful.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &careful
}

// ask sends a question. Its errors leave out the URL, which may hold what is not for a log.
func ask(ctx context.Context, client *http.Client, q question) (answer, error) {
	req, err := q.request(ctx)
	if err != nil {
		return answer{}, err
	}
	resp, err := client.Do(req)
	if err != nil {
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err
		}
		return answer{}, fmt.Errorf("reach the transmitter: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, q.limit+1))
	if err != nil {
		return answer{}, fmt.Errorf("read the transmitter's answer: %w", err)
	}
	if int64(len(body)) > q.limit {
		return answer{}, fmt.Errorf("the transmitter's answer is larger than %d bytes", q.limit)
	}
	return answer{status: resp.StatusCode, header: resp.Header, body: body}, nil
}

func (q question) request(ctx context.Context) (*http.Request, error) {
	var body io.Reader
	if q.body != nil {
		text, err := json.Marshal(q.body)
		if err != nil {
			return nil, fmt.Errorf("encode the question: %w", err)
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, q.method, q.url, body)
	if err != nil {
		return nil, errors.New("the transmitter's address is no URL")
	}
	req.Header.Set("Accept", "application/json")
	if q.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if q.token.IsSet() {
		req.Header.Set("Authorization", "Bearer "+q.token.Reveal())
	}
	return req, nil
}
