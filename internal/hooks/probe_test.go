package hooks_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/internal/hooks"
)

const (
	secretHeader = "X-Sever-Secret"
	secret       = "a-secret-of-the-tests"
)

func client() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// echo is an endpoint as it should be.
func echo(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet || r.Header.Get(secretHeader) != secret {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]string{"verification": r.Header.Get("X-Okta-Verification-Challenge")})
}

func TestProbe(t *testing.T) {
	t.Parallel()
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(code)
		}
	}
	for name, test := range map[string]struct {
		endpoint    http.HandlerFunc
		reason, fix string
	}{
		"as it should be": {endpoint: echo},
		"another secret":  {status(401), "the endpoint answers 401", "another secret or header"},
		"forbidden":       {status(403), "the endpoint answers 403", "proxy that refuses"},
		"another path":    {status(404), "the endpoint answers 404", "/v1/hooks/NAME"},
		"another method":  {status(405), "the endpoint answers 405", "/v1/hooks/NAME"},
		"a redirect":      {status(302), "the endpoint answers 302", "no redirects"},
		"a bad request":   {status(400), "the endpoint answers 400", "X-Okta-Verification-Challenge"},
		"trouble":         {status(502), "the endpoint answers 502", "sever doctor"},
		"no body":         {status(200), "the endpoint answers 200 without the challenge", "something other than Sever"},
		"another answer": {
			func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"verification":"something"}`) },
			"the endpoint answers 200 without the challenge", "something other than Sever",
		},
		"a cut connection": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "there is no answer", "check the address"},
	} {
		server := httptest.NewServer(test.endpoint)
		err := hooks.Probe(t.Context(), client(), server.URL, secretHeader, secret)
		server.Close()
		if test.reason == "" {
			require.NoError(t, err, name)
			continue
		}
		problem, ok := errors.AsType[*hooks.ProbeError](err)
		require.True(t, ok, name)
		require.Equal(t, test.reason, problem.Reason, name)
		require.Contains(t, problem.Fix, test.fix, name)
		require.NotContains(t, err.Error(), secret, name)
		require.Equal(t, name == "a cut connection", problem.Silent, name)
	}
}

func TestProbeWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	secure := httptest.NewUnstartedServer(http.HandlerFunc(echo))
	secure.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	plain := httptest.NewServer(http.HandlerFunc(echo))
	t.Cleanup(plain.Close)
	for uri, reason := range map[string]string{
		closed.URL: "nothing listens there",
		secure.URL: "the TLS certificate is not valid: x509: certificate signed by unknown authority",
		strings.Replace(plain.URL, "http:", "https:", 1): "the port does not speak TLS",
		"http://%zz": "the address is no URL",
	} {
		err := hooks.Probe(t.Context(), client(), uri, secretHeader, secret)
		problem, ok := errors.AsType[*hooks.ProbeError](err)
		require.True(t, ok, uri)
		require.Equal(t, reason, problem.Reason, uri)
		require.NotEmpty(t, problem.Fix, uri)
	}
}

func TestProbeOfASilentEndpoint(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	t.Cleanup(silent.Close)
	t.Cleanup(func() { close(release) })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := hooks.Probe(ctx, client(), silent.URL, secretHeader, secret)
	require.EqualError(t, err, "there is no answer in time; open the way through the firewall; Okta waits 3 s")
}
