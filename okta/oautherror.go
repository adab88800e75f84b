package okta

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"
)

var oauthCodePattern = regexp.MustCompile(`^[A-Za-z0-9_]{1,64}$`)

// OAuthError is an answer of Okta's token endpoint that is not a token. A renewal that failed is remembered for a short time,
// so the same error may be seen by many callers, later ones too.
//
// https://developer.okta.com/docs/reference/error-codes/#okta-oauth-2-0-error-codes
type OAuthError struct {
	Status      int
	Code        string    // such as "invalid_client" or "invalid_scope"; empty when the answer held none
	Description string    // vendor text: untrusted, at most 512 bytes
	RequestID   string    // X-Okta-Request-Id
	RetryAt     time.Time // when a 429 is over, by our clock; else zero
	Err         error     // what was wrong with an answer of a good status, else nil

	concurrency bool // a 429 for too many calls at once
}

func (e *OAuthError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "okta: get access token: status %d", e.Status)
	if e.Code != "" {
		b.WriteString(" " + e.Code)
	}
	if e.Description != "" {
		b.WriteString(" " + excerpt(e.Description, 200))
	}
	if e.RequestID != "" {
		b.WriteString(", request " + excerpt(e.RequestID, 128))
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

func (e *OAuthError) Unwrap() error { return e.Err }

// Class returns what the answer means: the client, its key or its scopes are refused ([ClassCredential]), a limit is
// reached, or it is worth another try later.
func (e *OAuthError) Class() Class {
	switch {
	case e.Status == http.StatusTooManyRequests && e.concurrency:
		return ClassConcurrency
	case e.Status == http.StatusTooManyRequests:
		return ClassRateLimited
	case e.Status >= 500, e.Status == http.StatusRequestTimeout, e.Status == http.StatusTooEarly:
		return ClassTemporary
	case e.Code == codeUseNonce: // a nonce that went stale twice within one renewal
		return ClassTemporary
	case e.Status == http.StatusBadRequest, e.Status == http.StatusUnauthorized, e.Status == http.StatusForbidden:
		return ClassCredential
	}
	return ClassWrongURL
}

// newOAuthError reads an answer. The replacer removes what we sent from everything that came back.
func newOAuthError(resp *http.Response, body []byte, clean *strings.Replacer, now time.Time) *OAuthError {
	rate := parseRate(resp.Header)
	e := &OAuthError{
		Status: resp.StatusCode, RequestID: clean.Replace(visibleASCII(resp.Header.Get("X-Okta-Request-Id"), 128)),
		concurrency: rate.Known && rate.Limit == 0,
	}
	if at, ok := RetryAt(&Error{Status: resp.StatusCode, Rate: rate}, now); ok {
		e.RetryAt = at
	}
	// Okta answers some OAuth failures in the shape of its management API.
	var answer struct {
		Code        string `json:"error"`
		Description string `json:"error_description"`
		APICode     string `json:"errorCode"`
		Summary     string `json:"errorSummary"`
	}
	if err := json.Unmarshal(body, &answer); err != nil && !isTypeError(err) {
		return e
	}
	if answer.Code == "" {
		answer.Code, answer.Description = answer.APICode, answer.Summary
	}
	if oauthCodePattern.MatchString(answer.Code) {
		e.Code = clean.Replace(answer.Code)
	}
	e.Description = clip(clean.Replace(answer.Description), maxSummary)
	return e
}
