package handlers_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/handlers"
	"sever/revocation"
	"sever/source"
)

const (
	secret     = "s3cret-of-the-sender"
	bodySecret = "b0dy-secret-of-the-sender"
	challenge  = "ch4llenge-of-the-sender"
	oktaHook   = "/v1/hooks/okta"
	hrHook     = "/v1/hooks/hr"
	jsonBody   = `{"eventType":"com.okta.event_hook","data":{"events":[]}}`
	problemCT  = "application/problem+json"
	requestHdr = "X-Request-Id"
)

// headerVerifier takes a request whose Authorization is the secret. X-Sign is a signature
// of the body: its length.
type headerVerifier struct{}

func (headerVerifier) Early(req source.Request) error {
	if req.Header.Get("Authorization") == "panic" {
		panic("the verifier fell over " + secret)
	}
	if req.Header.Get("Authorization") == "no keys" {
		return fmt.Errorf("fetch the keys: %w", source.ErrUnavailable)
	}
	if req.Header.Get("Authorization") != secret {
		return errors.New("the Authorization header is not one of the secrets")
	}
	return nil
}

func (headerVerifier) Verify(_ context.Context, req source.Request) (source.Verified, error) {
	if signed := req.Header.Get("X-Sign"); signed != "" && signed != strconv.Itoa(len(req.Body)) {
		return source.Verified{}, errors.New("the signature does not match")
	}
	verified := source.Verified{ID: req.Header.Get("X-Id")}
	if bytes.Contains(req.Body, []byte(bodySecret)) {
		verified.Body = bytes.ReplaceAll(req.Body, []byte(bodySecret), nil)
	}
	return verified, nil
}

// echoHandshake answers as Okta wants it.
type echoHandshake struct{ open bool }

func (h echoHandshake) Open() bool { return h.open }

func (h echoHandshake) Answer(_ context.Context, req source.Request) (source.Reply, bool, error) {
	given := req.Header.Get("X-Okta-Verification-Challenge")
	switch given {
	case "":
		return source.Reply{}, false, nil
	case "bad":
		return source.Reply{}, false, errors.New("the challenge is not printable")
	}
	body, err := json.Marshal(map[string]string{"verification": given})
	return source.Reply{ContentType: "application/json", Body: body, Header: map[string]string{"X-Extra": "1"}}, true, err
}

// memoryLog keeps copies, as a real log must by the time Append gives nil.
type memoryLog struct {
	mu         sync.Mutex
	deliveries []revocation.Delivery
	err        error
	before     func(ctx context.Context) // runs first, when set
}

func (l *memoryLog) Append(ctx context.Context, delivery revocation.Delivery) error {
	if l.before != nil {
		l.before(ctx)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return l.err
	}
	delivery.Body = bytes.Clone(delivery.Body)
	l.deliveries = append(l.deliveries, delivery)
	return nil
}

func (l *memoryLog) stored() []revocation.Delivery {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]revocation.Delivery(nil), l.deliveries...)
}

// eventLog is an observer that remembers.
type eventLog struct {
	mu     sync.Mutex
	events []revocation.Event
}

func (l *eventLog) observe(event revocation.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, event)
}

func (l *eventLog) all() []revocation.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]revocation.Event(nil), l.events...)
}

// lockedBuffer is a log's output that a test may read while others write.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

type bundle struct {
	handler http.Handler
	log     *memoryLog
	events  *eventLog
	logs    *lockedBuffer
	config  handlers.ReceiveConfig
}

func sources() []source.Source {
	return []source.Source{
		{Name: "okta", Org: "acme", Verifier: headerVerifier{}, Accepted: http.StatusNoContent, Handshakes: []source.Handshake{echoHandshake{}}},
		{Name: "hr", Org: "acme", Verifier: headerVerifier{}, Accepted: http.StatusAccepted},
		{Name: "siem", Org: "acme", Verifier: headerVerifier{}, Accepted: http.StatusAccepted, Handshakes: []source.Handshake{echoHandshake{open: true}}},
	}
}

func setup(t *testing.T, adjust ...func(*handlers.ReceiveConfig)) *bundle {
	t.Helper()
	b := &bundle{log: &memoryLog{}, events: &eventLog{}, logs: &lockedBuffer{}}
	b.config = handlers.ReceiveConfig{
		Observer: b.events.observe,
		Logger:   slog.New(slog.NewJSONHandler(b.logs, nil)),
	}
	for _, change := range adjust {
		change(&b.config)
	}
	handler, err := handlers.NewReceiver(b.log, sources(), b.config)
	require.NoError(t, err)
	b.handler = handler
	return b
}

func (b *bundle) serve(req *http.Request) *http.Response { return serve(b.handler, req) }

func serve(handler http.Handler, req *http.Request) *http.Response {
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, req)
	return recorder.Result()
}

// delivery is a request that is as it should be, but for what adjust does to it.
func delivery(path, body string, adjust ...func(*http.Request)) *http.Request {
	req := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	req.Header.Set("Authorization", secret)
	req.Header.Set("Content-Type", "application/json")
	for _, change := range adjust {
		change(req)
	}
	return req
}

func with(name, value string) func(*http.Request) {
	return func(req *http.Request) { req.Header.Set(name, value) }
}

func without(name string) func(*http.Request) {
	return func(req *http.Request) { req.Header.Del(name) }
}

func method(name string) func(*http.Request) {
	return func(req *http.Request) { req.Method = name }
}

func bodyOf(t *testing.T, resp *http.Response) string {
	t.Helper()
	var buf bytes.Buffer
	_, err := buf.ReadFrom(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return buf.String()
}

type problemBody struct {
	Type      string `json:"type"`
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Detail    string `json:"detail"`
	RequestID string `json:"request_id"`
}

// requireProblem checks that an answer is a well-formed problem, and gives it.
func requireProblem(t *testing.T, resp *http.Response, status int) problemBody {
	t.Helper()
	body := bodyOf(t, resp)
	require.Equal(t, status, resp.StatusCode, body)
	require.Equal(t, problemCT, resp.Header.Get("Content-Type"))
	var got problemBody
	require.NoError(t, json.Unmarshal([]byte(body), &got))
	require.Equal(t, "about:blank", got.Type)
	require.Equal(t, http.StatusText(status), got.Title)
	require.Equal(t, status, got.Status)
	require.NotEmpty(t, got.RequestID)
	require.Equal(t, []string{got.RequestID}, resp.Header[requestHdr])
	return got
}

func fixedClock() time.Time { return time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC) }
