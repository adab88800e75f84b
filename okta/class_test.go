package okta_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/okta"
)

// canned answers every call the same way.
type canned struct {
	status int
	header map[string]string
	body   string
}

func (c canned) RoundTrip(r *http.Request) (*http.Response, error) {
	header := http.Header{}
	for name, value := range c.header {
		header.Set(name, value)
	}
	return &http.Response{StatusCode: c.status, Header: header, Body: io.NopCloser(strings.NewReader(c.body)), Request: r}, nil
}

func code(c string) string {
	return `{"errorCode":"` + c + `","errorSummary":"text","errorLink":"` + c + `","errorId":"oae1","errorCauses":[]}`
}

func rateHeaders(limit, remaining string) map[string]string {
	return map[string]string{
		"X-Rate-Limit-Limit": limit, "X-Rate-Limit-Remaining": remaining, "X-Rate-Limit-Reset": "1800000030", "Date": "Fri, 15 Jan 2027 08:00:00 GMT",
	}
}

func TestEveryAnswerHasItsClass(t *testing.T) {
	t.Parallel()
	bearer := map[string]string{"WWW-Authenticate": `Bearer authorization_uri="https://acme.okta.com/oauth2/v1/authorize", error="insufficient_scope"`}
	dpop := map[string]string{"WWW-Authenticate": `DPoP error="invalid_dpop_proof", error_description="The DPoP proof JWT has already been used"`}
	const page = "<html>some proxy</html>"
	for _, tc := range []struct {
		name   string
		answer canned
		want   okta.Class
	}{
		{"validation", canned{400, nil, code("E0000001")}, okta.ClassInvalid},
		{"not well-formed", canned{400, nil, code("E0000003")}, okta.ClassInvalid},
		{"bad proof", canned{400, dpop, ""}, okta.ClassCredential},
		{"400 with a challenge", canned{400, map[string]string{"WWW-Authenticate": "Bearer"}, ""}, okta.ClassCredential},
		{"validation with a challenge", canned{400, bearer, code("E0000001")}, okta.ClassInvalid},
		{"400 page", canned{400, nil, page}, okta.ClassInvalid},
		{"authentication failed", canned{401, nil, code("E0000004")}, okta.ClassCredential},
		{"invalid token", canned{401, nil, code("E0000011")}, okta.ClassCredential},
		{"feature not enabled", canned{401, nil, code("E0000015")}, okta.ClassInvalid},
		{"401 empty", canned{401, dpop, ""}, okta.ClassCredential},
		{"invalid session", canned{403, nil, code("E0000005")}, okta.ClassCredential},
		{"no permission", canned{403, nil, code("E0000006")}, okta.ClassForbidden},
		{"current status", canned{403, nil, code("E0000038")}, okta.ClassStatus},
		{"missing scope", canned{403, bearer, ""}, okta.ClassCredential},
		{"missing scope with a code", canned{403, bearer, code("E0000006")}, okta.ClassCredential},
		{"403 empty", canned{403, nil, ""}, okta.ClassCredential},
		{"403 page", canned{403, nil, page}, okta.ClassCredential},
		{"403 other code", canned{403, nil, code("E0000079")}, okta.ClassInvalid},
		{"gone", canned{404, nil, code("E0000007")}, okta.ClassGone},
		{"no such path", canned{404, nil, code("E0000008")}, okta.ClassWrongURL},
		{"404 page", canned{404, nil, page}, okta.ClassWrongURL},
		{"404 other API", canned{404, nil, `{"errorCode":"NOT_FOUND"}`}, okta.ClassWrongURL},
		{"404 other code", canned{404, nil, code("E0000048")}, okta.ClassInvalid},
		{"method", canned{405, nil, code("E0000022")}, okta.ClassWrongURL},
		{"405 page", canned{405, nil, page}, okta.ClassWrongURL},
		{"request timeout", canned{408, nil, ""}, okta.ClassTemporary},
		{"conflict", canned{409, nil, ""}, okta.ClassInvalid},
		{"user not active", canned{423, nil, code("E0000155")}, okta.ClassGone},
		{"locked otherwise", canned{423, nil, ""}, okta.ClassInvalid},
		{"too early", canned{425, nil, ""}, okta.ClassTemporary},
		{"rate", canned{429, rateHeaders("600", "0"), code("E0000047")}, okta.ClassRateLimited},
		{"rate without headers", canned{429, nil, code("E0000047")}, okta.ClassRateLimited},
		{"rate page", canned{429, nil, page}, okta.ClassRateLimited},
		{"concurrency", canned{429, rateHeaders("0", "0"), code("E0000047")}, okta.ClassConcurrency},
		{"internal", canned{500, nil, code("E0000009")}, okta.ClassTemporary},
		{"bad gateway", canned{502, nil, page}, okta.ClassTemporary},
		{"read-only", canned{503, nil, code("E0000010")}, okta.ClassTemporary},
		{"gateway timeout", canned{504, nil, ""}, okta.ClassTemporary},
		{"moved", canned{301, map[string]string{"Location": "https://evil.example"}, ""}, okta.ClassWrongURL},
		{"found", canned{302, nil, page}, okta.ClassWrongURL},
		{"not modified", canned{304, nil, ""}, okta.ClassWrongURL},
		{"temporary redirect", canned{307, map[string]string{"Location": "/x"}, ""}, okta.ClassWrongURL},
		{"ok", canned{200, nil, page}, okta.ClassWrongURL},
		{"accepted", canned{202, nil, ""}, okta.ClassWrongURL},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			client := newClient(t, "https://acme.okta.com", func(c *okta.Config) { c.Transport = tc.answer })
			receipt, err := client.RevokeUserSessions(t.Context(), alice, okta.RevokeOptions{})
			require.Error(t, err)
			require.Equal(t, tc.want, okta.ClassOf(err))
			require.Equal(t, tc.want, okta.ClassOf(fmt.Errorf("wrapped: %w", err)))
			require.Equal(t, tc.answer.status, receipt.Status)
		})
	}
}

func TestClassOfOtherErrors(t *testing.T) {
	t.Parallel()
	_, badID := okta.ParseUserID("x")
	for _, tc := range []struct {
		err  error
		want okta.Class
	}{
		{nil, okta.ClassUnknown},
		{errors.New("x"), okta.ClassUnknown},
		{badID, okta.ClassInvalid},
		{&okta.InvalidLoginError{}, okta.ClassInvalid},
		{&okta.InvalidQueryError{}, okta.ClassInvalid},
		{&okta.InvalidPollError{}, okta.ClassInvalid},
		{&okta.InvalidEventHookError{}, okta.ClassInvalid},
		{&okta.InvalidEventHookIDError{}, okta.ClassInvalid},
		{&okta.NoUserError{}, okta.ClassUnknown},
		{&okta.SeveralUsersError{}, okta.ClassUnknown},
		{okta.ErrUnsafeRequest, okta.ClassInvalid},
		{okta.ErrAuthorize, okta.ClassCredential},
		{fmt.Errorf("%w: %w", okta.ErrAuthorize, &okta.Error{Status: 503}), okta.ClassTemporary},
		{context.DeadlineExceeded, okta.ClassTemporary},
		{context.Canceled, okta.ClassTemporary},
		{&okta.TransportError{Err: io.EOF}, okta.ClassTemporary},
		{&okta.Error{Status: 429, Local: true}, okta.ClassRateLimited},
	} {
		require.Equal(t, tc.want, okta.ClassOf(tc.err), "%v", tc.err)
	}
}

func TestClassNamesDiffer(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for class := okta.ClassUnknown; class <= okta.ClassWrongURL; class++ {
		require.False(t, seen[class.String()], class.String())
		seen[class.String()] = true
	}
	require.Equal(t, "unknown", okta.Class(99).String())
}
