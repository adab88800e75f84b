package handlers_test

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sever/handlers"
)

// listen serves the bundle as Server sets it up, on loopback.
func listen(t *testing.T, b *bundle) string {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	server.Config = handlers.Server(b.handler, handlers.ServerConfig{
		Timeout: 2 * time.Second, Logger: slog.New(slog.NewJSONHandler(b.logs, nil)),
	})
	server.Start()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// wire is one connection, written and read by hand.
type wire struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

func dial(t *testing.T, addr string) *wire {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	return &wire{t: t, conn: conn, in: bufio.NewReader(conn)}
}

func (w *wire) send(text string) {
	w.t.Helper()
	_, err := io.WriteString(w.conn, text)
	require.NoError(w.t, err)
}

// answer reads the next answer whole.
func (w *wire) answer(method string) (resp *http.Response, body string) {
	w.t.Helper()
	resp, err := http.ReadResponse(w.in, &http.Request{Method: method})
	require.NoError(w.t, err)
	return resp, bodyOf(w.t, resp)
}

func (w *wire) requireClosed() {
	w.t.Helper()
	_, err := w.in.ReadByte()
	require.Error(w.t, err)
	require.NotErrorIs(w.t, err, net.ErrClosed)
}

func post(auth, body string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: sever\r\nAuthorization: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		oktaHook, auth, len(body), body)
}

func TestConnectionIsKeptAfterEveryKindOfAnswer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := dial(t, listen(t, b))
	for _, step := range []struct {
		method, request string
		status          int
	}{
		{"POST", post(secret, jsonBody), 204},
		{"POST", post("guess", jsonBody), 401}, // its body was never read by us
		{"POST", post(secret, jsonBody), 204},
		{"POST", post(secret, "not json"), 400},
		{"POST", post(secret, ""), 400},
		{"HEAD", "HEAD " + oktaHook + " HTTP/1.1\r\nHost: sever\r\n\r\n", 405},
		{"GET", "GET /nowhere HTTP/1.1\r\nHost: sever\r\n\r\n", 404},
		{"POST", post("panic", jsonBody), 500},
		{"POST", post(secret, jsonBody), 204},
	} {
		w.send(step.request)
		resp, _ := w.answer(step.method)
		require.Equal(t, step.status, resp.StatusCode, step.request)
		require.NotEmpty(t, resp.Header.Get(requestHdr))
		require.False(t, resp.Close)
	}
	require.Len(t, b.log.stored(), 4)
}

func TestPipelinedBadThenGood(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := dial(t, listen(t, b))
	// The refused body is itself a request: it must not be taken for one.
	smuggled := post(secret, `{"smuggled":true}`)
	w.send(post("guess", smuggled) + post(secret, jsonBody))

	resp, _ := w.answer("POST")
	require.Equal(t, http.StatusUnauthorized, resp.StatusCode)
	resp, _ = w.answer("POST")
	require.Equal(t, http.StatusNoContent, resp.StatusCode)
	require.Len(t, b.log.stored(), 1)
	require.JSONEq(t, jsonBody, string(b.log.stored()[0].Body))
}

func TestChunkedDeliveryIsStoredWhole(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := dial(t, listen(t, b))
	w.send("POST " + oktaHook + " HTTP/1.1\r\nHost: sever\r\nAuthorization: " + secret +
		"\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{\"a\"\r\n3\r\n:1}\r\n0\r\n\r\n")
	resp, _ := w.answer("POST")
	require.Equal(t, http.StatusNoContent, resp.StatusCode)
	require.JSONEq(t, `{"a":1}`, string(b.log.stored()[0].Body))
}

func TestOptionsAsteriskIsAnsweredByUs(t *testing.T) {
	t.Parallel()
	w := dial(t, listen(t, setup(t)))
	w.send("OPTIONS * HTTP/1.1\r\nHost: sever\r\n\r\n")
	resp, _ := w.answer("OPTIONS")
	require.Equal(t, http.StatusNotFound, resp.StatusCode)
	require.NotEmpty(t, resp.Header.Get(requestHdr))
}

func TestHeadersAreBounded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := dial(t, listen(t, b))
	w.send("GET /nowhere HTTP/1.1\r\nHost: sever\r\nX-Fill: " + strings.Repeat("a", 80<<10))
	resp, _ := w.answer("GET")
	require.Equal(t, http.StatusRequestHeaderFieldsTooLarge, resp.StatusCode)
	require.Empty(t, b.events.all())
}

// pipeListener hands out in-memory connections, which keep a synctest bubble's time.
type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { close(l.done); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

// inBubble runs a test against a real server in virtual time.
func inBubble(t *testing.T, test func(b *bundle, w *wire), adjust ...func(*handlers.ReceiveConfig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, adjust...)
		server := handlers.Server(b.handler, handlers.ServerConfig{Timeout: 2 * time.Second})
		listener := &pipeListener{conns: make(chan net.Conn, 1), done: make(chan struct{})}
		served := make(chan error, 1)
		go func() { served <- server.Serve(listener) }()
		near, far := net.Pipe()
		listener.conns <- far

		test(b, &wire{t: t, conn: near, in: bufio.NewReader(near)})
		require.NoError(t, near.Close())
		require.NoError(t, server.Close())
		require.ErrorIs(t, <-served, http.ErrServerClosed)
	})
}

func TestSlowBodyIsCutOffWithinOktasPatience(t *testing.T) {
	t.Parallel()
	inBubble(t, func(b *bundle, w *wire) {
		t := w.t // the bubble's own
		began := time.Now()
		request := post(secret, jsonBody)
		w.send(request[:len(request)-5])
		resp, body := w.answer("POST")
		require.Equal(t, http.StatusServiceUnavailable, resp.StatusCode, body)
		require.Equal(t, "1", resp.Header.Get("Retry-After"))
		require.Equal(t, 2*time.Second, time.Since(began))
		require.True(t, resp.Close)
		require.Empty(t, b.log.stored())
		require.Equal(t, handlers.ReasonSlowBody, b.events.all()[0].Reason)
	})
}

func TestTooLargeIsAnsweredWithoutTheRest(t *testing.T) {
	t.Parallel()
	const limit = 1 << 10
	head := "POST " + oktaHook + " HTTP/1.1\r\nHost: sever\r\nAuthorization: " + secret + "\r\nContent-Type: application/json\r\n"
	for name, request := range map[string]string{
		"announced": head + "Expect: 100-continue\r\nContent-Length: 1048576\r\n\r\n",
		"chunked":   head + "Transfer-Encoding: chunked\r\n\r\n401\r\n" + strings.Repeat("1", limit+1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(b *bundle, w *wire) {
				t := w.t // the bubble's own
				began := time.Now()
				w.send(request)
				resp, body := w.answer("POST")
				require.Equal(t, http.StatusRequestEntityTooLarge, resp.StatusCode, body)
				require.Contains(t, body, "larger than 1024 bytes")
				require.Zero(t, time.Since(began), "the rest is not waited for")
				require.True(t, resp.Close)
				w.requireClosed()
				require.Empty(t, b.log.stored())
			}, func(c *handlers.ReceiveConfig) { c.MaxBody = limit })
		})
	}
}

func TestSlowHeadersAreCutOff(t *testing.T) {
	t.Parallel()
	inBubble(t, func(b *bundle, w *wire) {
		t := w.t // the bubble's own
		began := time.Now()
		w.send("POST /v1/hooks/okta HTTP/1.1\r\nHost:")
		_, err := io.ReadAll(w.in)
		require.NoError(t, err)
		require.Equal(t, 750*time.Millisecond, time.Since(began))
		require.Empty(t, b.events.all())
	})
}

func TestIdleConnectionIsKeptAWhile(t *testing.T) {
	t.Parallel()
	inBubble(t, func(b *bundle, w *wire) {
		t := w.t // the bubble's own
		w.send(post(secret, jsonBody))
		resp, _ := w.answer("POST")
		require.Equal(t, http.StatusNoContent, resp.StatusCode)

		<-time.After(89 * time.Second)
		w.send(post(secret, `{"second":1}`))
		resp, _ = w.answer("POST")
		require.Equal(t, http.StatusNoContent, resp.StatusCode)

		idle := time.Now()
		w.requireClosed()
		require.Equal(t, 90*time.Second, time.Since(idle))
		require.Len(t, b.log.stored(), 2)
	})
}
