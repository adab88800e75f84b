package okta

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	tokenPath      = "/oauth2/v1/token" //nolint:gosec // a path
	maxTokenBody   = 64 << 10
	maxAccessToken = 16 << 10
	maxTokenLife   = 24 * time.Hour // Okta's last one hour
	// assertionLife is what Okta has to check our signature; it allows up to an hour.
	assertionLife = 5 * time.Minute
)

// tokenRequest asks the token endpoint of one org for access tokens.
type tokenRequest struct {
	url       string
	clientID  string
	scope     string
	prover    *prover // nil without DPoP
	transport http.RoundTripper
	now       func() time.Time
}

// send asks once, and once more at once when all that was missing is the newest nonce.
func (t *tokenRequest) send(ctx context.Context, key *signingKey) (*token, error) {
	access, learned, err := t.post(ctx, key)
	var refused *OAuthError
	if learned && errors.As(err, &refused) && refused.Code == codeUseNonce {
		access, _, err = t.post(ctx, key)
	}
	return access, err
}

// post sends one request, with an assertion and a proof that were never sent before: Okta takes neither twice.
func (t *tokenRequest) post(ctx context.Context, key *signingKey) (_ *token, learned bool, err error) {
	asked := t.now()
	req, assertion, err := t.request(ctx, key)
	if err != nil {
		return nil, false, err
	}
	// As in the client there is nothing around the transport that could follow a redirect.
	resp, err := t.transport.RoundTrip(req)
	if err != nil {
		return nil, false, newTransportError(ctx, "get access token", err, req)
	}
	defer func() { _ = resp.Body.Close() }()
	learned = t.prover != nil && t.prover.token.learn(resp.Header)
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxTokenBody))
	if err != nil && resp.StatusCode == http.StatusOK {
		return nil, learned, newTransportError(ctx, "get access token", err, req)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, learned, newOAuthError(resp, body, credentials(req, assertion), t.now())
	}
	access, err := t.parse(body, asked)
	if err != nil {
		requestID := visibleASCII(resp.Header.Get("X-Okta-Request-Id"), 128)
		return nil, learned, &OAuthError{Status: resp.StatusCode, RequestID: requestID, Err: err}
	}
	return access, learned, nil
}

// request also returns the assertion, which must not come back in an error.
//
// https://developer.okta.com/docs/guides/implement-oauth-for-okta-serviceapp/
func (t *tokenRequest) request(ctx context.Context, key *signingKey) (_ *http.Request, assertion string, err error) {
	now := t.now()
	assertion, err = key.sign(jwt.MapClaims{
		"iss": t.clientID, "sub": t.clientID, "aud": t.url, "jti": rand.Text(),
		"iat": now.Add(-clockSlack).Unix(), "exp": now.Add(assertionLife).Unix(),
	})
	if err != nil {
		return nil, "", err
	}
	form := url.Values{
		"grant_type":            {"client_credentials"},
		"scope":                 {t.scope},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		"client_assertion":      {assertion},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, "", fmt.Errorf("get access token: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", defaultUserAgent)
	if t.prover == nil {
		return req, assertion, nil
	}
	proof, err := t.prover.prove(req, t.prover.token.get(), "")
	if err != nil {
		return nil, "", err
	}
	req.Header.Set("DPoP", proof)
	return req, assertion, nil
}

// parse never repeats what it was given: most of it is the token.
func (t *tokenRequest) parse(body []byte, asked time.Time) (*token, error) {
	var answer struct {
		Type   string  `json:"token_type"`
		Value  string  `json:"access_token"`
		Expire float64 `json:"expires_in"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, errors.New("answer is not a token")
	}
	bound := strings.EqualFold(answer.Type, "DPoP")
	switch {
	case answer.Value == "" || len(answer.Value) > maxAccessToken || !allVisibleASCII(answer.Value):
		return nil, errors.New("answer has no usable access_token")
	case !bound && !strings.EqualFold(answer.Type, "Bearer"):
		return nil, errors.New("answer has a token_type that is neither DPoP nor Bearer")
	case bound && t.prover == nil:
		return nil, errors.New("answer has a token bound by DPoP, which is turned off here")
	case answer.Expire < 1:
		return nil, errors.New("answer has no usable expires_in")
	}
	life := time.Duration(min(answer.Expire, maxTokenLife.Seconds()) * float64(time.Second))
	return newToken(answer.Value, bound, asked, life), nil
}
