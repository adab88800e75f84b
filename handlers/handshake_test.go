package handlers_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/handlers"
)

const challengeHeader = "X-Okta-Verification-Challenge"

func TestHandshakeIsAnswered(t *testing.T) {
	t.Parallel()
	for _, method := range []string{http.MethodGet, http.MethodOptions, http.MethodPost} {
		b := setup(t)
		req := httptest.NewRequest(method, oktaHook, http.NoBody)
		req.Header.Set("Authorization", secret)
		req.Header.Set(challengeHeader, `</script>"`+challenge)
		resp := b.serve(req)

		body := bodyOf(t, resp)
		require.Equal(t, http.StatusOK, resp.StatusCode, body)
		require.JSONEq(t, `{"verification":"</script>\"`+challenge+`"}`, body)
		require.NotContains(t, body, "<", "nothing that a browser could take for a tag")
		require.Equal(t, "application/json", resp.Header.Get("Content-Type"))
		require.Equal(t, "nosniff", resp.Header.Get("X-Content-Type-Options"))
		require.Equal(t, "no-store", resp.Header.Get("Cache-Control"))
		require.Equal(t, "1", resp.Header.Get("X-Extra"))
		require.NotEmpty(t, resp.Header.Get(requestHdr))
		require.Empty(t, b.events.all())
		require.Empty(t, b.log.stored())
	}
}

func TestEveryRefusalOfAHandshake(t *testing.T) {
	t.Parallel()
	notAllowed := "use one of the methods in Allow"
	tests := map[string]struct {
		path, secret, challenge string
		status                  int
		reason, detail          string
	}{
		"no secret":              {path: oktaHook, challenge: challenge, status: 401, reason: handlers.ReasonUnauthenticated},
		"wrong secret":           {path: oktaHook, secret: "guess", challenge: challenge, status: 401, reason: handlers.ReasonUnauthenticated},
		"keys cannot be fetched": {path: oktaHook, secret: "no keys", challenge: challenge, status: 503, reason: handlers.ReasonUnverifiable, detail: "the delivery cannot be verified at the moment; send it again"},
		"no challenge":           {path: oktaHook, secret: secret, status: 405, reason: handlers.ReasonMethod, detail: notAllowed},
		"a bad challenge":        {path: oktaHook, secret: secret, challenge: "bad", status: 400, reason: handlers.ReasonHandshake, detail: "the challenge is not printable"},
		"open, bad challenge":    {path: "/v1/hooks/siem", challenge: "bad", status: 400, reason: handlers.ReasonHandshake, detail: "the challenge is not printable"},
		"open, but no challenge": {path: "/v1/hooks/siem", secret: secret, status: 405, reason: handlers.ReasonMethod, detail: notAllowed},
		"no handshake":           {path: hrHook, secret: secret, challenge: challenge, status: 405, reason: handlers.ReasonMethod, detail: notAllowed},
		"unknown source":         {path: "/v1/hooks/nobody", secret: secret, status: 404, reason: handlers.ReasonUnknownSource, detail: "there is no such source"},
		"a secret in the path":   {path: oktaHook + "/x", secret: secret, challenge: challenge, status: 404, reason: handlers.ReasonUnknownSource, detail: "there is no such source"},
	}
	for name, test := range tests {
		for _, method := range []string{http.MethodGet, http.MethodOptions} {
			t.Run(method+" "+name, func(t *testing.T) {
				t.Parallel()
				b := setup(t)
				req := httptest.NewRequest(method, test.path, http.NoBody)
				req.Header.Set("Authorization", test.secret)
				req.Header.Set(challengeHeader, test.challenge)
				resp := b.serve(req)
				require.Equal(t, test.detail, requireProblem(t, resp, test.status).Detail)
				allowed := map[string]string{hrHook: "POST"}[test.path]
				if allowed == "" && test.status == http.StatusMethodNotAllowed {
					allowed = "GET, OPTIONS, POST"
				}
				require.Equal(t, allowed, resp.Header.Get("Allow"))
				require.Len(t, b.events.all(), 1)
				require.Equal(t, test.reason, b.events.all()[0].Reason)
			})
		}
	}
}

func TestOpenHandshakeNeedsNoSecret(t *testing.T) {
	t.Parallel()
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		b := setup(t)
		req := httptest.NewRequest(method, "/v1/hooks/siem", http.NoBody)
		req.Header.Set(challengeHeader, challenge)
		require.Equal(t, http.StatusOK, b.serve(req).StatusCode)
		require.Empty(t, b.log.stored())

		post := delivery("/v1/hooks/siem", jsonBody, without("Authorization"))
		requireProblem(t, b.serve(post), http.StatusUnauthorized)
		require.Empty(t, b.log.stored())
	}
}

// A stranger who may try a handshake cannot make Sever read a large body for it.
func TestOpenHandshakeReadsLittle(t *testing.T) {
	t.Parallel()
	b := setup(t)
	long := `"` + strings.Repeat("x", 64<<10) + `"`
	requireProblem(t, b.serve(delivery("/v1/hooks/siem", long, without("Authorization"))), http.StatusRequestEntityTooLarge)
	require.Equal(t, http.StatusAccepted, b.serve(delivery("/v1/hooks/siem", long)).StatusCode)
}

func TestOpenHandshakesAreLimited(t *testing.T) {
	t.Parallel()
	b := setup(t, func(config *handlers.ReceiveConfig) { config.Now = fixedClock })
	statuses := map[int]int{}
	for range 30 {
		req := httptest.NewRequest(http.MethodGet, "/v1/hooks/siem", http.NoBody)
		req.Header.Set(challengeHeader, challenge)
		resp := b.serve(req)
		statuses[resp.StatusCode]++
		if resp.StatusCode == http.StatusServiceUnavailable {
			require.Equal(t, "1", resp.Header.Get("Retry-After"))
		}
	}
	require.Equal(t, map[int]int{200: 20, 503: 10}, statuses)
	require.Equal(t, handlers.ReasonTooMany, b.events.all()[0].Reason)
	require.Equal(t, http.StatusAccepted, b.serve(delivery("/v1/hooks/siem", jsonBody)).StatusCode, "deliveries are not")
}
