package okta

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

// Which endpoints share a limit is not published. Each kind of call is taken for a family of its own, which is safe: the
// headers of every answer tell what is left for exactly that call.
const (
	bucketSessions = "sessions"
	bucketUsers    = "users"
)

// RevokeOptions widen a revocation. Both are always sent, because their defaults differ from org to org.
type RevokeOptions struct {
	OAuthTokens   bool // revoke OpenID Connect and OAuth refresh and access tokens too
	ForgetDevices bool // forget remembered factors on all devices
}

// RevokeUserSessions ends all identity provider sessions of a user: DELETE /api/v1/users/{id}/sessions, one attempt, success
// is 204 and nothing else. Doing it again is harmless. Sessions that apps keep by themselves live on.
//
// Scope: okta.users.manage; least privilege is the role permission okta.users.lifecycle.clearSessions.
// Errors: [*Error] for every answer but 204 and for a refusal by the local budget, [*TransportError] without an answer,
// [*InvalidUserIDError] before anything is sent; see [ClassOf]. The Receipt is filled in every case.
//
// https://developer.okta.com/docs/api/openapi/okta-management/management/tag/UserSessions/
func (c *Client) RevokeUserSessions(ctx context.Context, id UserID, opts RevokeOptions) (Receipt, error) {
	const op = "revoke user sessions"
	path, err := sessionsPath(id)
	if err != nil {
		return c.unsent(), fmt.Errorf("%s: %w", op, err)
	}
	query := url.Values{
		"forgetDevices": {strconv.FormatBool(opts.ForgetDevices)},
		"oauthTokens":   {strconv.FormatBool(opts.OAuthTokens)},
	}
	_, receipt, err := c.do(ctx, operation{
		name: op, bucket: bucketSessions, want: http.StatusNoContent, maxBody: maxErrorBody,
		target: target{method: http.MethodDelete, path: path, query: query.Encode()},
	})
	return receipt, err
}

// unsent is the receipt of a call that was refused before anything was sent.
func (c *Client) unsent() Receipt {
	now := c.now()
	return Receipt{Began: now, Ended: now}
}
