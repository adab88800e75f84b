package okta_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/okta"
)

// signInWith is the error of a call whose token request gets the answer.
func signInWith(t *testing.T, answer canned) error {
	t.Helper()
	client, server := startStrict(t)
	server.set(func(s *strictOkta) { s.refuse = func(int) *canned { return &answer } })
	receipt, err := revoke(t, client)
	require.Error(t, err)
	require.ErrorIs(t, err, okta.ErrAuthorize)
	require.Zero(t, receipt.Attempts)
	requirePrintable(t, err.Error())
	_, api := server.counts()
	require.Zero(t, api)
	return err
}

func TestEveryTokenAnswerHasItsClass(t *testing.T) {
	t.Parallel()
	const page = "<html>some proxy</html>"
	for _, tc := range []struct {
		name   string
		answer canned
		code   string
		want   okta.Class
	}{
		{"client", canned{401, nil, `{"error":"invalid_client","error_description":"The client secret is wrong."}`}, "invalid_client", okta.ClassCredential},
		{"client as a 400", canned{400, nil, `{"error":"invalid_client"}`}, "invalid_client", okta.ClassCredential},
		{"client in API shape", canned{401, nil, `{"errorCode":"invalid_client","errorSummary":"Invalid value for 'client_id' parameter."}`}, "invalid_client", okta.ClassCredential},
		{"scope", canned{400, nil, `{"error":"invalid_scope"}`}, "invalid_scope", okta.ClassCredential},
		{"unauthorized", canned{400, nil, `{"error":"unauthorized_client"}`}, "unauthorized_client", okta.ClassCredential},
		{"denied", canned{403, nil, `{"error":"access_denied"}`}, "access_denied", okta.ClassCredential},
		{"proof", canned{400, nil, `{"error":"invalid_dpop_proof"}`}, "invalid_dpop_proof", okta.ClassCredential},
		{"nonce without one", canned{400, nil, `{"error":"use_dpop_nonce"}`}, "use_dpop_nonce", okta.ClassTemporary},
		{"400 page", canned{400, nil, page}, "", okta.ClassCredential},
		{"403 page", canned{403, nil, page}, "", okta.ClassCredential},
		{"code that is none", canned{400, nil, `{"error":"not a code"}`}, "", okta.ClassCredential},
		{"code of a wrong type", canned{401, nil, `{"error":7,"error_description":"x"}`}, "", okta.ClassCredential},
		{"rate", canned{429, rateHeaders("300", "0"), code("E0000047")}, "E0000047", okta.ClassRateLimited},
		{"rate page", canned{429, nil, page}, "", okta.ClassRateLimited},
		{"concurrency", canned{429, rateHeaders("0", "0"), code("E0000047")}, "E0000047", okta.ClassConcurrency},
		{"request timeout", canned{408, nil, ""}, "", okta.ClassTemporary},
		{"too early", canned{425, nil, ""}, "", okta.ClassTemporary},
		{"internal", canned{500, nil, code("E0000009")}, "E0000009", okta.ClassTemporary},
		{"gateway", canned{502, nil, page}, "", okta.ClassTemporary},
		{"not found", canned{404, nil, page}, "", okta.ClassWrongURL},
		{"method", canned{405, nil, ""}, "", okta.ClassWrongURL},
		{"redirect", canned{302, nil, ""}, "", okta.ClassWrongURL},
		{"created", canned{201, nil, `{"token_type":"Bearer","access_token":"t","expires_in":3600}`}, "", okta.ClassWrongURL},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			err := signInWith(t, tc.answer)
			var refused *okta.OAuthError
			require.ErrorAs(t, err, &refused)
			require.Equal(t, tc.code, refused.Code)
			require.Equal(t, tc.answer.status, refused.Status)
			require.Equal(t, "Ztoken1", refused.RequestID)
			require.Equal(t, tc.want, okta.ClassOf(err))
			require.Equal(t, tc.want, refused.Class())
			_, limited := okta.RetryAt(err, time.Now())
			require.Equal(t, tc.name == "rate", limited)
		})
	}
}

func TestAnswersThatAreNoToken(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"":          "not a token",
		"<html>":    "not a token",
		"[]":        "not a token",
		`{"x":`:     "not a token",
		`{}`:        "access_token",
		`{"a":"b"}`: "access_token",
		`{"token_type":"Bearer","expires_in":3600}`:                                                                   "access_token",
		`{"token_type":"Bearer","access_token":"","expires_in":3600}`:                                                 "access_token",
		`{"token_type":"Bearer","access_token":"hunter2\r\nX-Evil: 1","expires_in":3600}`:                             "access_token",
		`{"token_type":"Bearer","access_token":"` + strings.Repeat("x", 16<<10+1) + `","expires_in":3600}`:            "access_token",
		`{"access_token":"hunter2","expires_in":3600}`:                                                                "token_type",
		`{"token_type":"MAC","access_token":"hunter2","expires_in":3600}`:                                             "token_type",
		`{"token_type":"Bearer","access_token":"hunter2"}`:                                                            "expires_in",
		`{"token_type":"Bearer","access_token":"hunter2","expires_in":0}`:                                             "expires_in",
		`{"token_type":"Bearer","access_token":"hunter2","expires_in":-5}`:                                            "expires_in",
		`{"token_type":"Bearer","access_token":"hunter2","expires_in":"soon"}`:                                        "not a token",
		`{"token_type":"Bearer","access_token":"hunter2","expires_in":3600,"x":"` + strings.Repeat("x", 64<<10) + `"`: "not a token",
	} {
		err := signInWith(t, canned{200, nil, body})
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "hunter2")
		require.Equal(t, okta.ClassWrongURL, okta.ClassOf(err))
		var refused *okta.OAuthError
		require.ErrorAs(t, err, &refused)
		require.Equal(t, "Ztoken1", refused.RequestID)
		require.ErrorContains(t, errors.Unwrap(refused), want)
	}
}

func TestAnExtremeLifetimeIsBounded(t *testing.T) {
	t.Parallel()
	at := newClock()
	server := newStrictOkta("https://acme.okta.com")
	server.bearer, server.lifetime = true, 1<<62
	client := server.client(t, server, func(c *okta.OAuthConfig) { c.Now = at.now })
	server.now = at.now
	mustRevoke(t, client, 1)
	at.add(23 * time.Hour)
	mustRevoke(t, client, 1)
	requireTokenCalls(t, server, 1, "in use for a day")
	at.add(time.Hour)
	mustRevoke(t, client, 1)
	requireTokenCalls(t, server, 2, "and no longer")
}

func TestOAuthErrorText(t *testing.T) {
	t.Parallel()
	err := signInWith(t, canned{401, nil, `{"error":"invalid_client","error_description":"no\nsuch` + strings.Repeat("é", 500) + `"}`})
	var refused *okta.OAuthError
	require.ErrorAs(t, err, &refused)
	require.LessOrEqual(t, len(refused.Description), 512)
	require.Less(t, len(err.Error()), 1500)
	require.ErrorContains(t, err, `revoke user sessions: authorize: okta: get access token: status 401 invalid_client "no\nsuch`)
	require.ErrorContains(t, err, `request "Ztoken1"`)
}

func TestAnEndlessTokenAnswerIsCutOff(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusOK, http.StatusBadRequest} {
		var sent atomic.Int64
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			chunk := []byte(strings.Repeat("x", 4096))
			for sent.Load() < 64<<20 {
				n, err := w.Write(chunk)
				if err != nil {
					return
				}
				sent.Add(int64(n))
			}
		}))
		_, err := revoke(t, newStrictOkta(web.URL).client(t, nil))
		require.Error(t, err)
		require.Less(t, len(err.Error()), 1000)
		web.Close()
		require.Less(t, sent.Load(), int64(64<<20))
	}
}

func TestATokenAnswerThatBreaksOff(t *testing.T) {
	t.Parallel()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte(`{"access_token":"hunter2`))
	}))
	t.Cleanup(web.Close)
	_, err := revoke(t, newStrictOkta(web.URL).client(t, nil))
	var transport *okta.TransportError
	require.ErrorAs(t, err, &transport)
	require.Equal(t, okta.ClassTemporary, okta.ClassOf(err))
	require.NotContains(t, err.Error(), "hunter2")
}
