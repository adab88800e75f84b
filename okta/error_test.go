package okta_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/okta"
)

func failWith(t *testing.T, transport http.RoundTripper) error {
	t.Helper()
	client := newClient(t, "https://acme.okta.com", func(c *okta.Config) { c.Transport = transport })
	_, err := client.RevokeUserSessions(t.Context(), alice, okta.RevokeOptions{OAuthTokens: true})
	require.Error(t, err)
	return err
}

func TestErrorKeepsWhatOktaSaid(t *testing.T) {
	t.Parallel()
	err := failWith(t, canned{403, map[string]string{"X-Okta-Request-Id": "Zreq1"}, `{"errorCode":"E0000006","errorSummary":"You may not",` +
		`"errorId":"oaeX","errorCauses":[{"errorSummary":"first"},{"errorSummary":"second"}]}`})
	var e *okta.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, &okta.Error{
		Op: "revoke user sessions", Status: 403, Code: "E0000006", Summary: "You may not", Causes: []string{"first", "second"}, ErrorID: "oaeX", RequestID: "Zreq1",
	}, e)
	require.Equal(t, `okta: revoke user sessions: status 403 E0000006 "You may not", cause "first", cause "second", request "Zreq1"`, err.Error())
}

func TestErrorBodiesOfEveryShape(t *testing.T) {
	t.Parallel()
	for body, want := range map[string][]string{
		`{"errorCode":"E0000001","errorCauses":{"errorSummary":"one"}}`:                  {"one"},
		`{"errorCode":"E0000001","errorCauses":[]}`:                                      nil,
		`{"errorCode":"E0000001","errorCauses":null}`:                                    nil,
		`{"errorCode":"E0000001","errorCauses":"text"}`:                                  nil,
		`{"errorCode":"E0000001"}`:                                                       nil,
		`{"errorCode":"E0000001","errorSummary":7,"errorCauses":[{"errorSummary":"x"}]}`: {"x"},
	} {
		var e *okta.Error
		require.ErrorAs(t, failWith(t, canned{400, nil, body}), &e)
		require.Equal(t, "E0000001", e.Code, body)
		require.Equal(t, want, e.Causes, body)
	}
}

func TestSampleErrorBodies(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]okta.Class{
		"ErrorAccessDenied.json": okta.ClassForbidden, "ErrorApiValidationFailed.json": okta.ClassInvalid, "ErrorInternalServer.json": okta.ClassTemporary,
		"ErrorInvalidTokenProvided.json": okta.ClassCredential, "ErrorResourceNotFound.json": okta.ClassGone, "ErrorTooManyRequests.json": okta.ClassRateLimited,
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			body := sharedData(t, "okta/api/"+file)
			status := map[okta.Class]int{
				okta.ClassForbidden: 403, okta.ClassInvalid: 400, okta.ClassTemporary: 500, okta.ClassCredential: 401, okta.ClassGone: 404, okta.ClassRateLimited: 429,
			}[want]
			var e *okta.Error
			require.ErrorAs(t, failWith(t, canned{status, nil, string(body)}), &e)
			require.Equal(t, want, e.Class())
			require.NotEmpty(t, e.Code)
			require.NotEmpty(t, e.Summary)
			require.NotEmpty(t, e.ErrorID)
		})
	}
}

func TestErrorTextIsBoundedAndPrintable(t *testing.T) {
	t.Parallel()
	nasty := "\x1b[31m\nlevel=error \u202e " + strings.Repeat("é", 9000)
	causes := make([]map[string]string, 50)
	for i := range causes {
		causes[i] = map[string]string{"errorSummary": nasty}
	}
	body, err := json.Marshal(map[string]any{"errorCode": "E0000001" + nasty, "errorSummary": nasty, "errorId": nasty, "errorCauses": causes})
	require.NoError(t, err)
	err = failWith(t, canned{400, map[string]string{
		"X-Okta-Request-Id": nasty, "WWW-Authenticate": `Bearer error="` + nasty + `", error_description="` + nasty + `"`,
	}, string(body[:60<<10])})
	requirePrintable(t, err.Error())
	require.Less(t, len(err.Error()), 5000)

	short := `{"errorCode":"E0000001","errorSummary":"` + strings.Repeat("x", 2000) + `","errorCauses":[` + strings.Repeat(`{"errorSummary":"y"},`, 40) + `{}]}`
	var e *okta.Error
	require.ErrorAs(t, failWith(t, canned{400, nil, short}), &e)
	require.Len(t, e.Summary, 512)
	require.Len(t, e.Causes, 10)
	require.Less(t, len(e.Error()), 600)
}

func TestChallengeIsRead(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]okta.Challenge{
		`Bearer authorization_uri="http://acme.okta.com/oauth2/v1/authorize", realm="http://acme.okta.com", scope="okta.users.manage", ` +
			`error="insufficient_scope", error_description="The access token provided does not contain the required scopes.", resource="/api/v1/users"`: {
			Scheme: "Bearer", Error: "insufficient_scope", Description: "The access token provided does not contain the required scopes.",
		},
		`DPoP error="invalid_dpop_proof", error_description="a, \"b\" = c"`: {Scheme: "DPoP", Error: "invalid_dpop_proof", Description: `a, "b" = c`},
		`Bearer error=invalid_token , error_description=x`:                  {Scheme: "Bearer", Error: "invalid_token", Description: "x"},
		`Bearer realm="x, error=\"no\"", ERROR="yes"`:                       {Scheme: "Bearer", Error: "yes"},
		`Bearer error="never closed`:                                        {Scheme: "Bearer", Error: "neverclosed"},
		`Bearer`:                                                            {Scheme: "Bearer"},
		`Bearer =,=,"`:                                                      {Scheme: "Bearer"},
		``:                                                                  {},
	} {
		var e *okta.Error
		require.ErrorAs(t, failWith(t, canned{403, map[string]string{"WWW-Authenticate": header}, ""}), &e)
		require.Equal(t, want, e.Challenge, header)
	}
}

func TestNoErrorHoldsTheToken(t *testing.T) {
	t.Parallel()
	echo := "you sent SSWS " + testToken
	for _, answer := range []http.RoundTripper{
		canned{401, nil, `{"errorCode":"E0000011","errorSummary":"` + echo + `","errorId":"` + testToken + `","errorCauses":[{"errorSummary":"` + echo + `"}]}`},
		canned{401, map[string]string{"WWW-Authenticate": `Bearer error="` + testToken + `", error_description="` + echo + `"`, "X-Okta-Request-Id": testToken}, ""},
		canned{401, nil, echo},
		broken{errors.New("dial https://acme.okta.com/?x=" + testToken + ": " + echo)},
	} {
		err := failWith(t, answer)
		require.NotContains(t, err.Error(), testToken)
		if e, ok := errors.AsType[*okta.Error](err); ok {
			require.NotContains(t, fmt.Sprintf("%#v", *e), testToken)
		}
	}
}

// broken never gets an answer.
type broken struct{ err error }

func (b broken) RoundTrip(*http.Request) (*http.Response, error) { return nil, b.err }

func TestTransportError(t *testing.T) {
	t.Parallel()
	cause := errors.New(`proxyconnect "http://bob:hunter2@proxy:8080/x?secret=1": ` + "\n" + strings.Repeat("é", 900))
	err := failWith(t, broken{cause})
	require.ErrorIs(t, err, cause)
	require.NotErrorIs(t, err, context.DeadlineExceeded)
	require.Equal(t, okta.ClassTemporary, okta.ClassOf(err))
	require.NotContains(t, err.Error(), "hunter2")
	require.NotContains(t, err.Error(), "secret=1")
	require.Contains(t, err.Error(), "revoke user sessions")
	requirePrintable(t, err.Error())
	require.Less(t, len(err.Error()), 2200)

	require.ErrorIs(t, failWith(t, broken{os.ErrDeadlineExceeded}), context.DeadlineExceeded, "the transport's own timeouts count")
	require.NotErrorIs(t, failWith(t, broken{os.ErrDeadlineExceeded}), io.EOF)
}
