package okta_test

import (
	"crypto/elliptic"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"sever/okta"
)

func TestProofContents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		authKey := ecKey(t, elliptic.P256())
		client, server := startStrict(t, func(c *okta.OAuthConfig) {
			c.Keys = []okta.Key{{ID: "k1", PEM: okta.KeyPEM(pkcs8(t, authKey))}}
		})
		server.set(func(s *strictOkta) { s.keys["k1"], s.nonce, s.apiNonce = authKey.Public(), "nonce.token", "nonce.api" })
		mustRevoke(t, client, 2)
		mustRevoke(t, client, 1)

		require.Len(t, server.proofs, 3, "the token's and each call's")
		wants := []jwt.MapClaims{
			{"htm": "POST", "htu": "https://acme.okta.com/oauth2/v1/token", "nonce": "nonce.token"},
			{"htm": "DELETE", "htu": "https://acme.okta.com/api/v1/users/" + alice + "/sessions", "nonce": "nonce.api"},
			{"htm": "DELETE", "htu": "https://acme.okta.com/api/v1/users/" + alice + "/sessions", "nonce": "nonce.api"},
		}
		for i, proof := range server.proofs {
			require.Equal(t, "dpop+jwt", proof.Header["typ"])
			require.Equal(t, "ES256", proof.Header["alg"])
			require.NotContains(t, proof.Header, "kid")
			require.Equal(t, server.proofs[0].Header["jwk"], proof.Header["jwk"], "one key for all")
			key, _, err := publicJWK(proof.Header["jwk"])
			require.NoError(t, err, "and no private part in it")
			require.False(t, key.Equal(authKey.Public()), "and not the one that signs in")

			claims := proof.Claims.(jwt.MapClaims)
			for name, want := range wants[i] {
				require.Equal(t, want, claims[name])
			}
			require.InDelta(t, time.Now().Add(-time.Minute).Unix(), claims["iat"], 0)
			require.Len(t, claims["jti"], 26)
			_, hasAth := claims["ath"]
			require.Equal(t, i > 0, hasAth, "the hash of the token, as soon as there is one")
		}
	})
}

func TestANonceChallengeCostsOneExtraCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, server := startStrict(t)
		server.set(func(s *strictOkta) { s.nonce = "n1" })
		mustRevoke(t, client, 1)
		requireTokenCalls(t, server, 2, "challenged once, then known")
		for renewal := range 5 {
			time.Sleep(time.Hour) //nolint:forbidigo // fake time
			mustRevoke(t, client, 1)
			requireTokenCalls(t, server, 3+renewal, "the nonce is kept")
		}
		server.set(func(s *strictOkta) { s.nonce = "n2" })
		time.Sleep(time.Hour) //nolint:forbidigo // fake time
		mustRevoke(t, client, 1)
		requireTokenCalls(t, server, 9, "one for the rotation")
		require.NotEqual(t, jti(server.assertions[7]), jti(server.assertions[8]))
	})
}

func jti(t *jwt.Token) any { return t.Claims.(jwt.MapClaims)["jti"] }

func TestANonceThatNeverSettlesIsTemporary(t *testing.T) {
	t.Parallel()
	server := newStrictOkta("https://acme.okta.com")
	server.refuse = func(int) *canned {
		return &canned{400, map[string]string{"DPoP-Nonce": "again"}, `{"error":"use_dpop_nonce","error_description":"nonce"}`}
	}
	client := server.client(t, server)
	_, err := revoke(t, client)
	require.Equal(t, okta.ClassTemporary, okta.ClassOf(err))
	requireTokenCalls(t, server, 2, "retried once and no more")
}

func TestAnAPINonceThatNeverSettlesIsTemporary(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 401} {
		client, server := startStrict(t)
		server.set(func(s *strictOkta) {
			s.api = &canned{status, map[string]string{"DPoP-Nonce": "again", "WWW-Authenticate": `DPoP error="use_dpop_nonce"`}, ""}
		})
		receipt, err := revoke(t, client)
		require.Equal(t, okta.ClassTemporary, okta.ClassOf(err))
		require.Equal(t, 2, receipt.Attempts, "retried once and no more")
		requireTokenCalls(t, server, 1, "the token was not the reason")
	}
}

func TestTheAPIsNonceIsLearned(t *testing.T) {
	t.Parallel()
	client, server := startStrict(t)
	mustRevoke(t, client, 1)
	for _, nonce := range []string{"a1", "a2"} {
		server.set(func(s *strictOkta) { s.apiNonce = nonce })
		mustRevoke(t, client, 2)
		mustRevoke(t, client, 1)
	}
	requireTokenCalls(t, server, 1, "a nonce costs no token")

	server.set(func(s *strictOkta) { s.api = &canned{200, map[string]string{"DPoP-Nonce": "a3"}, ""} })
	receipt, err := revoke(t, client)
	require.Error(t, err)
	require.Equal(t, 1, receipt.Attempts)
	server.set(func(s *strictOkta) { s.api, s.apiNonce = nil, "a3" })
	mustRevoke(t, client, 1)
}

// TestARotationMidRun turns the token endpoint's and the API's nonce over while many call.
func TestARotationMidRun(t *testing.T) {
	t.Parallel()
	client, server := startStrict(t)
	server.set(func(s *strictOkta) { s.nonce, s.apiNonce = "n1", "a1" })
	mustRevoke(t, client, 2)
	server.set(func(s *strictOkta) {
		s.nonce, s.apiNonce = "n2", "a2"
		clear(s.tokens)
	})
	before, apiBefore := server.counts()
	// The first to be refused renews the token: it is challenged once for the new nonce.
	receipt, err := revoke(t, client)
	require.NoError(t, err)
	require.Equal(t, 2, receipt.Attempts)
	tokens, api := server.counts()
	require.Equal(t, 2, tokens-before)
	require.Equal(t, 2, api-apiBefore)

	for _, err := range crowd(t, server, 50) {
		require.NoError(t, err)
	}
	after, apiAfter := server.counts()
	require.Equal(t, tokens, after)
	require.Equal(t, 50, apiAfter-api)

	server.set(func(s *strictOkta) { s.apiNonce = "a3" })
	mustRevoke(t, client, 2)
	for _, err := range crowd(t, server, 50) {
		require.NoError(t, err)
	}
	_, api = server.counts()
	require.Equal(t, 52, api-apiAfter, "one extra call for the rotation")
}

func TestNoncesThatAreNoNonce(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "a b", "a\tb", "é", strings.Repeat("x", 513)} {
		client, server := startStrict(t)
		server.set(func(s *strictOkta) { s.api = &canned{204, map[string]string{"DPoP-Nonce": bad}, ""} })
		mustRevoke(t, client, 1)
		mustRevoke(t, client, 1)
		require.NotContains(t, server.proofs[2].Claims, "nonce", "%q", bad)
	}
}

// TestNoJTIIsEverRepeated is the property behind all others: the server refuses an id it has seen in an assertion or a proof.
func TestNoJTIIsEverRepeated(t *testing.T) {
	t.Parallel()
	server := newStrictOkta("https://acme.okta.com")
	at := newClock()
	server.now = at.now
	server.client(t, server, func(c *okta.OAuthConfig) { c.Now = at.now })
	var wg sync.WaitGroup
	for round := range 20 {
		server.set(func(s *strictOkta) {
			s.nonce, s.apiNonce = "n"+string(rune('a'+round)), "p"+string(rune('a'+round))
			if round%3 == 0 {
				clear(s.tokens)
			}
		})
		wg.Go(func() { crowd(t, server, 20) })
		wg.Wait()
		at.add(25 * time.Minute)
	}
	seen := map[any]bool{}
	for _, token := range append(server.assertions, server.proofs...) {
		require.False(t, seen[jti(token)])
		seen[jti(token)] = true
	}
	require.Greater(t, len(seen), 400)
}

func TestClockSkew(t *testing.T) {
	t.Parallel()
	for skew, works := range map[time.Duration]bool{
		0: true, 55 * time.Second: true, -3*time.Minute - 55*time.Second: true, 65 * time.Second: false, -4*time.Minute - 5*time.Second: false,
	} {
		t.Run(skew.String(), func(t *testing.T) {
			t.Parallel()
			at := newClock()
			client, server := startStrict(t, func(c *okta.OAuthConfig) {
				c.Now = func() time.Time { return at.now().Add(skew) }
			})
			server.set(func(s *strictOkta) { s.now = at.now })
			_, err := revoke(t, client)
			if works {
				require.NoError(t, err)
			} else {
				require.Equal(t, okta.ClassCredential, okta.ClassOf(err))
			}
		})
	}
}

func TestBearerWhenOktaSaysSo(t *testing.T) {
	t.Parallel()
	for name, disable := range map[string]bool{"proof ignored": false, "no proof": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seen := &lastHeader{}
			server := newStrictOkta("https://acme.okta.com")
			server.bearer = true
			seen.next = server
			client := server.client(t, seen, func(c *okta.OAuthConfig) { c.DisableDPoP = disable })
			mustRevoke(t, client, 1)
			require.True(t, strings.HasPrefix(seen.api.Get("Authorization"), "Bearer "))
			require.Empty(t, seen.api.Values("DPoP"))
			require.Equal(t, disable, seen.token.Get("DPoP") == "", "the first token call already has a proof")
		})
	}
}

func TestDPoPComesBackWithTheNextToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, server := startStrict(t)
		server.set(func(s *strictOkta) { s.bearer = true })
		mustRevoke(t, client, 1)
		server.set(func(s *strictOkta) { s.bearer = false })
		mustRevoke(t, client, 1)
		require.Empty(t, server.proofs)
		time.Sleep(time.Hour) //nolint:forbidigo // fake time
		mustRevoke(t, client, 1)
		require.Len(t, server.proofs, 2)
	})
}

func TestOktaWantsAProofThatIsTurnedOff(t *testing.T) {
	t.Parallel()
	client, server := startStrict(t, func(c *okta.OAuthConfig) { c.DisableDPoP = true })
	_, err := revoke(t, client)
	var refused *okta.OAuthError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "invalid_dpop_proof", refused.Code)
	require.Equal(t, okta.ClassCredential, okta.ClassOf(err))

	server.set(func(s *strictOkta) {
		s.refuse = func(int) *canned {
			return &canned{400, map[string]string{"DPoP-Nonce": "n"}, `{"error":"use_dpop_nonce"}`}
		}
	})
	before, _ := server.counts()
	client = server.client(t, server, func(c *okta.OAuthConfig) { c.DisableDPoP = true })
	_, err = revoke(t, client)
	require.Error(t, err)
	requireTokenCalls(t, server, before+1, "a nonce is of no use without a proof")

	server.set(func(s *strictOkta) {
		s.refuse = func(int) *canned {
			return &canned{200, nil, `{"token_type":"DPoP","access_token":"t","expires_in":3600}`}
		}
	})
	_, err = revoke(t, server.client(t, server, func(c *okta.OAuthConfig) { c.DisableDPoP = true }))
	require.ErrorContains(t, err, "turned off here")
}

func TestNoPrivatePartLeaves(t *testing.T) {
	t.Parallel()
	client, server := startStrict(t)
	mustRevoke(t, client, 1)
	header, err := json.Marshal(server.proofs[0].Header)
	require.NoError(t, err)
	require.NotContains(t, string(header), `"d"`)
	require.NotContains(t, string(header), "PRIVATE")
}

// lastHeader remembers the headers of the newest token and API request.
type lastHeader struct {
	next       http.RoundTripper
	token, api http.Header
}

func (l *lastHeader) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path == "/oauth2/v1/token" {
		l.token = r.Header.Clone()
	} else {
		l.api = r.Header.Clone()
	}
	return l.next.RoundTrip(r)
}
