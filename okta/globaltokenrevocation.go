package okta

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

const (
	bucketGlobalRevocation = "global_token_revocation"
	globalRevocationPath   = "/oauth2/v1/global-token-revocation"
)

// GlobalTokenRevocation starts Universal Logout: POST /oauth2/v1/global-token-revocation. Okta ends all sessions and tokens of
// the person and signs them out of every app that takes part. It reaches further than [Client.RevokeUserSessions] and
// needs a licence for it. The id travels in the body, and success is 204: accepted, while the apps are told one by one.
//
// Scope: okta.universalLogout.manage, which unlike okta.users.manage can do nothing else to a user. Errors: those of
// [Client.RevokeUserSessions].
//
// https://developer.okta.com/docs/api/openapi/okta-oauth/oauth/tag/OrgAS/#tag/OrgAS/operation/globalTokenRevocation
func (c *Client) GlobalTokenRevocation(ctx context.Context, id UserID) (Receipt, error) {
	const op = "global token revocation"
	if _, err := ParseUserID(string(id)); err != nil {
		return c.unsent(), fmt.Errorf("%s: %w", op, err)
	}
	type subject struct {
		Format string `json:"format"`
		ID     string `json:"id"`
	}
	body, err := json.Marshal(struct {
		Subject subject `json:"sub_id"`
	}{subject{Format: "opaque", ID: string(id)}})
	if err != nil {
		return c.unsent(), fmt.Errorf("%s: encode: %w", op, err)
	}
	_, receipt, err := c.do(ctx, operation{
		name: op, bucket: bucketGlobalRevocation, want: http.StatusNoContent, maxBody: maxErrorBody,
		target: target{method: http.MethodPost, path: globalRevocationPath, body: body},
	})
	return receipt, err
}
