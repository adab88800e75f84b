package okta_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sever/okta"
)

func TestRateLimitedCallsCostNoToken(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]int{"429": 429, "500": 500, "404": 404} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, server := startStrict(t)
			server.set(func(s *strictOkta) { s.api = &canned{status: status} })
			for _, err := range crowd(t, server, 30) {
				require.Error(t, err)
			}
			requireTokenCalls(t, server, 1, "the first one")
		})
	}
}

func TestARevokedTokenIsRenewedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, server := startStrict(t)
		mustRevoke(t, client, 1)
		server.set(func(s *strictOkta) { clear(s.tokens) })
		for _, err := range crowd(t, server, 100) {
			require.NoError(t, err)
		}
		requireTokenCalls(t, server, 2, "one for everybody whose token was refused")
		mustRevoke(t, client, 1)
	})
}

func TestALateRefusalOfAnOldTokenKeepsTheNewOne(t *testing.T) {
	t.Parallel()
	_, server := startStrict(t)
	authorized := func() *http.Request {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, server.origin+"/api/v1/users/x", http.NoBody)
		require.NoError(t, server.auth.Authorize(t.Context(), req))
		return req
	}
	early, late := authorized(), authorized()
	refusal := &okta.Error{Status: http.StatusUnauthorized, Challenge: okta.Challenge{Error: "invalid_token"}}
	require.True(t, server.auth.Learn(early, http.Header{}, refusal))
	require.NotEqual(t, early.Header.Get("Authorization"), authorized().Header.Get("Authorization"))
	requireTokenCalls(t, server, 2, "one for the first refusal")
	require.True(t, server.auth.Learn(late, http.Header{}, refusal), "there is a better one already")
	authorized()
	requireTokenCalls(t, server, 2, "none for the second")
}

func TestTokensThatAreNeverGoodEnoughMakeNoStorm(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]canned{
		"challenge":       {401, map[string]string{"WWW-Authenticate": `DPoP error="invalid_token"`}, ""},
		"invalid token":   {401, nil, code("E0000011")},
		"authentication":  {401, nil, code("E0000004")},
		"invalid session": {403, nil, code("E0000005")},
		"bare 401":        {401, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client, server := startStrict(t)
				server.set(func(s *strictOkta) { s.api = &answer })
				receipt, err := revoke(t, client)
				require.Equal(t, okta.ClassCredential, okta.ClassOf(err))
				require.Equal(t, 2, receipt.Attempts)
				require.Equal(t, answer.status, receipt.Status)
				for range 9 {
					receipt, err = revoke(t, client)
					require.Equal(t, okta.ClassCredential, okta.ClassOf(err))
					require.Equal(t, 1, receipt.Attempts)
					time.Sleep(time.Second) //nolint:forbidigo // fake time
				}
				requireTokenCalls(t, server, 2, "no more than one forced renewal in ten seconds")
				time.Sleep(time.Second) //nolint:forbidigo // fake time
				_, err = revoke(t, client)
				require.Error(t, err)
				requireTokenCalls(t, server, 3, "then another")
			})
		})
	}
}

func TestOtherRefusalsKeepTheToken(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]canned{
		"scope":               {403, map[string]string{"WWW-Authenticate": `DPoP error="insufficient_scope"`}, ""},
		"bad proof":           {400, map[string]string{"WWW-Authenticate": `DPoP error="invalid_dpop_proof"`}, ""},
		"nonce, but none new": {401, map[string]string{"WWW-Authenticate": `DPoP error="use_dpop_nonce"`}, ""},
		"no permission":       {403, nil, code("E0000006")},
		"no feature":          {401, nil, code("E0000015")},
		"bare 403":            {403, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, server := startStrict(t)
			server.set(func(s *strictOkta) { s.api = &answer })
			for range 3 {
				receipt, err := revoke(t, client)
				require.Error(t, err)
				require.Equal(t, 1, receipt.Attempts)
			}
			requireTokenCalls(t, server, 1, "the first one")
		})
	}
}
