package notice

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

var errSigningKey = errors.New("is not a Standard Webhooks secret: whsec_ and the base64 of 24 to 64 bytes")

const (
	attemptTimeout = 10 * time.Second
	maxAnswer      = 64 << 10         // bytes of an answer that are read, so that the connection can be used again
	maxRetryAfter  = 10 * time.Minute // most that a receiver's Retry-After can ask for
)

// newClient follows no redirect: a notice goes where the configuration says, or nowhere.
func newClient() *http.Client {
	return &http.Client{
		// No connection is worth keeping until the next notice.
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true},
		Timeout:       attemptTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// slack posts to an incoming webhook: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks/.
type slack struct {
	client *http.Client
	url    string
}

func (s slack) send(ctx context.Context, _ Notice, text string) error {
	body, err := json.Marshal(map[string]string{"text": text})
	if err != nil {
		return fmt.Errorf("encode the notice: %w", err)
	}
	req, err := newPost(ctx, s.url, body)
	if err != nil {
		return err
	}
	return post(s.client, req)
}

// escaped is n with every text made safe: nothing that we quote means something to Slack,
// such as <!channel>. Links stay links:
// https://docs.slack.dev/messaging/formatting-message-text/#escaping.
func (n Notice) escaped() Notice {
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace
	n.Title = escape(n.Title)
	examples := make([]Example, len(n.Examples))
	for i, e := range n.Examples {
		examples[i] = Example{
			What: escape(e.What), Source: escape(e.Source), Reason: escape(e.Reason), ID: escape(e.ID),
			Person: escape(e.Person), Approve: escape(e.Approve), Reject: escape(e.Reject),
		}
	}
	n.Examples = examples
	return n
}

// webhook posts JSON and signs it by Standard Webhooks 1.0:
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md.
type webhook struct {
	client *http.Client
	url    string
	key    []byte
}

// payload is the body of a generic webhook.
type payload struct {
	Type      string      `json:"type"` // sever.notice.KIND
	Timestamp time.Time   `json:"timestamp"`
	Data      payloadData `json:"data"`
}

type payloadData struct {
	Kind          Kind             `json:"kind"`
	Title         string           `json:"title"`
	Text          string           `json:"text"`
	Org           string           `json:"org,omitempty"`
	Count         int              `json:"count"`
	Examples      []payloadExample `json:"examples"`
	Commands      []string         `json:"commands,omitempty"`
	LeftOut       int              `json:"left_out,omitempty"`
	LeftOutEvents int              `json:"left_out_events,omitempty"`
}

type payloadExample struct {
	What    string `json:"what"`
	Source  string `json:"source,omitempty"`
	Reason  string `json:"reason,omitempty"`
	ID      string `json:"id,omitempty"`
	Person  string `json:"person,omitempty"`
	Approve string `json:"approve,omitempty"`
	Reject  string `json:"reject,omitempty"`
}

func (w webhook) send(ctx context.Context, n Notice, text string) error {
	data := payloadData{
		Kind: n.Kind, Title: n.Title, Text: text, Org: n.Org, Count: n.Count, Examples: make([]payloadExample, 0, len(n.Examples)),
		Commands: n.Commands, LeftOut: n.LeftOut, LeftOutEvents: n.LeftOutEvents,
	}
	for _, e := range n.Examples {
		data.Examples = append(data.Examples, payloadExample(e))
	}
	body, err := json.Marshal(payload{Type: "sever.notice." + string(n.Kind), Timestamp: n.Since, Data: data})
	if err != nil {
		return fmt.Errorf("encode the notice: %w", err)
	}
	req, err := newPost(ctx, w.url, body)
	if err != nil {
		return err
	}
	sentAt := strconv.FormatInt(time.Now().Unix(), 10)
	req.Header.Set("Webhook-Id", n.ID)
	req.Header.Set("Webhook-Timestamp", sentAt)
	req.Header.Set("Webhook-Signature", "v1,"+sign(w.key, n.ID, sentAt, body))
	return post(w.client, req)
}

func sign(key []byte, id, sentAt string, body []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + sentAt + "."))
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func newPost(ctx context.Context, address string, body []byte) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("make the request: the url is not one") // the error would repeat it
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "sever")
	return req, nil
}

// sendError is a try that failed. Its text holds nothing of the URL or of the answer.
type sendError struct {
	err       error
	permanent bool          // another try would come to the same
	after     time.Duration // the receiver asks for so much time; 0 where it does not say
}

func (e *sendError) Error() string { return e.err.Error() }
func (e *sendError) Unwrap() error { return e.err }

func post(client *http.Client, req *http.Request) error {
	resp, err := client.Do(req)
	if err != nil {
		if failed, ok := errors.AsType[*url.Error](err); ok {
			err = failed.Err // the URL is a secret
		}
		return &sendError{err: fmt.Errorf("send: %w", err)}
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer))
	if resp.StatusCode/100 == 2 {
		return nil
	}
	return &sendError{
		err:       fmt.Errorf("the receiver answered with status %d", resp.StatusCode),
		permanent: permanent(resp.StatusCode), after: retryAfter(resp.Header),
	}
}

// permanent reports whether a status will be the same next time: what the receiver says of
// the request itself, and redirects, which are not followed.
func permanent(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	default:
		return status < http.StatusInternalServerError
	}
}

func retryAfter(header http.Header) time.Duration {
	seconds, err := strconv.ParseUint(header.Get("Retry-After"), 10, 16)
	if err != nil {
		return 0
	}
	return min(time.Duration(seconds)*time.Second, maxRetryAfter)
}
