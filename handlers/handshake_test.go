package handlers_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/handlers"
	"sever/source"
)

const challengeHeader = "X-Okta-Verification-Challenge"

func TestHandshakeIsAnswered(t *testing.T) {
	t.Parallel()
	for _, method := range []string{http.MethodGet, http.MethodOptions} {
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
		require.NotEmpty(t, resp.Header.Get(requestHdr))
		require.Empty(t, b.events.all())
		require.Empty(t, b.log.stored())
	}
}

func TestEveryRefusalOfAHandshake(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		path, secret, challenge string
		status                  int
		reason, detail          string
	}{
		"no secret":              {path: oktaHook, challenge: challenge, status: 401, reason: handlers.ReasonUnauthenticated},
		"wrong secret":           {path: oktaHook, secret: "guess", challenge: challenge, status: 401, reason: handlers.ReasonUnauthenticated},
		"no challenge":           {path: oktaHook, secret: secret, status: 400, reason: handlers.ReasonHandshake, detail: "the X-Okta-Verification-Challenge header is missing"},
		"open, but no challenge": {path: "/v1/hooks/siem", status: 400, reason: handlers.ReasonHandshake, detail: "the X-Okta-Verification-Challenge header is missing"},
		"no handshake":           {path: hrHook, secret: secret, status: 405, reason: handlers.ReasonMethod, detail: "use one of the methods in Allow"},
		"unknown source":         {path: "/v1/hooks/nobody", secret: secret, status: 404, reason: handlers.ReasonUnknownSource, detail: "there is no such source"},
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
				require.Equal(t, test.status == http.StatusMethodNotAllowed, resp.Header.Get("Allow") == "POST")
				require.Len(t, b.events.all(), 1)
				require.Equal(t, test.reason, b.events.all()[0].Reason)
			})
		}
	}
}

func TestOpenHandshakeNeedsNoSecret(t *testing.T) {
	t.Parallel()
	b := setup(t)
	req := httptest.NewRequest(http.MethodGet, "/v1/hooks/siem", http.NoBody)
	req.Header.Set(challengeHeader, challenge)
	require.Equal(t, http.StatusOK, b.serve(req).StatusCode)

	post := delivery("/v1/hooks/siem", jsonBody, without("Authorization"))
	requireProblem(t, b.serve(post), http.StatusUnauthorized)
}

func TestHandshakeThatCannotBeEncodedIsOurTrouble(t *testing.T) {
	t.Parallel()
	b := setup(t)
	handler, err := handlers.NewReceiver(b.log, []source.Source{{
		Name: "odd", Verifier: headerVerifier{}, Accepted: http.StatusNoContent,
		Handshake: echoHandshake{open: true, answer: make(chan int)},
	}}, b.config)
	require.NoError(t, err)
	resp := serve(handler, httptest.NewRequest(http.MethodGet, "/v1/hooks/odd", http.NoBody))

	require.Empty(t, requireProblem(t, resp, http.StatusInternalServerError).Detail)
	require.Equal(t, handlers.ReasonInternal, b.events.all()[0].Reason)
	require.Contains(t, b.logs.String(), "encode the handshake's answer")
	require.Equal(t, 1, strings.Count(b.logs.String(), "\n"))
}
