package okta_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/okta"
)

// recorder answers 204 and remembers what would have gone over the wire.
type recorder struct {
	seen []string
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	r.seen = append(r.seen, req.Method+" "+req.URL.Scheme+"://"+req.URL.Host+" "+req.URL.RequestURI())
	return &http.Response{StatusCode: http.StatusNoContent, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
}

// FuzzRevokeUserSessionsPath: whatever the id, either nothing is sent or exactly the sessions call of exactly that id.
func FuzzRevokeUserSessionsPath(f *testing.F) {
	for _, seed := range []string{
		"00u1?x=", "00u1/..", "../00u1", "00u1%2f", "", strings.Repeat("0", 5000), alice, alice + "\n", alice + "?x=", alice + "#", alice + "/",
		alice + "/..", alice + ";", "00u2di94bАMSEPvAY1d6", "００u2di94bAMSEPvAY1d6", "me", ".", "..", "%2e%2e", `00u\..\`, "00u2di94bAMSEPvAY1d\x00",
	} {
		f.Add(seed, true, false)
	}
	f.Fuzz(func(t *testing.T, id string, tokens, devices bool) {
		sent := &recorder{}
		client := newClient(t, "https://acme.okta.com", func(c *okta.Config) { c.Transport = sent })
		_, err := client.RevokeUserSessions(t.Context(), okta.UserID(id), okta.RevokeOptions{OAuthTokens: tokens, ForgetDevices: devices})
		if err != nil {
			require.Equal(t, okta.ClassInvalid, okta.ClassOf(err))
			require.Empty(t, sent.seen)
			return
		}
		query := "forgetDevices=" + yesNo(devices) + "&oauthTokens=" + yesNo(tokens)
		require.Equal(t, []string{"DELETE https://acme.okta.com /api/v1/users/" + id + "/sessions?" + query}, sent.seen)
		require.Regexp(t, `\A00u[0-9A-Za-z]{17}\z`, id)
	})
}

// FuzzGetUserPath: whatever the login, either nothing is sent or one GET with exactly one segment after users.
func FuzzGetUserPath(f *testing.F) {
	for _, seed := range []string{alice, "alice@example.com", "a/b", "..", "%2e%2e", "a?b", "a#b", "me", "", "a b", `a\b`, "jörg", ";x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, login string) {
		sent := &recorder{}
		client := newClient(t, "https://acme.okta.com", func(c *okta.Config) { c.Transport = sent })
		_, _, err := client.GetUser(t.Context(), login)
		require.Error(t, err, "the recorder never answers with a user")
		if len(sent.seen) == 0 {
			require.Equal(t, okta.ClassInvalid, okta.ClassOf(err))
			return
		}
		require.Len(t, sent.seen, 1)
		require.Regexp(t, `\AGET https://acme\.okta\.com /api/v1/users/[^/?#]+\z`, sent.seen[0])
	})
}

func yesNo(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

// newClient is a client with a token and whatever else a test needs.
func newClient(t *testing.T, base string, change ...func(*okta.Config)) *okta.Client {
	t.Helper()
	auth, err := okta.SSWS(testToken)
	require.NoError(t, err)
	cfg := okta.Config{BaseURL: base, Auth: auth}
	for _, c := range change {
		c(&cfg)
	}
	client, err := okta.New(cfg)
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)
	return client
}

const testToken = "00TestTokenThatMustNeverBeSeen"
