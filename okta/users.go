package okta

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

const maxUserBody = 1 << 20

// User is a person in Okta, as far as a revocation needs to know one.
type User struct {
	ID     UserID
	Status string // STAGED, PROVISIONED, ACTIVE, RECOVERY, LOCKED_OUT, PASSWORD_EXPIRED, SUSPENDED or DEPROVISIONED
	Login  string
	Email  string
}

// GetUser looks a person up by id, login or login shortname: GET /api/v1/users/{idOrLogin}, one attempt. Okta also accepts
// a shortname that only one login begins with, so a caller who must have an exact match compares User.Login.
//
// Scope: okta.users.read. Errors: those of [Client.RevokeUserSessions], and [*InvalidLoginError] for texts that Okta cannot
// look up or would read as someone else.
//
// https://developer.okta.com/docs/api/openapi/okta-management/management/tag/User/#tag/User/operation/getUser
func (c *Client) GetUser(ctx context.Context, idOrLogin string) (User, Receipt, error) {
	const op = "get user"
	path, err := userPath(idOrLogin)
	if err != nil {
		return User{}, c.unsent(), fmt.Errorf("%s: %w", op, err)
	}
	body, receipt, err := c.do(ctx, operation{
		name: op, bucket: bucketUsers, want: http.StatusOK, maxBody: maxUserBody,
		target: target{method: http.MethodGet, path: path}, header: omitCredentials(),
	})
	if err != nil {
		return User{}, receipt, err
	}
	user, err := decodeUser(body)
	if err != nil {
		return User{}, receipt, unexpectedAnswer(op, receipt, err)
	}
	if validUserID(idOrLogin) && idOrLogin != string(user.ID) {
		return User{}, receipt, unexpectedAnswer(op, receipt, errors.New("answer is about another user"))
	}
	return user, receipt, nil
}

// omitCredentials spares Okta the lookup of what we would not read. It reads this from a GET's Content-Type.
func omitCredentials() http.Header {
	return http.Header{"Content-Type": {`application/json; okta-response="omitCredentials,omitCredentialsLinks,omitTransitioningToStatus"`}}
}

func decodeUser(body []byte) (User, error) {
	var answer struct {
		ID      string `json:"id"`
		Status  string `json:"status"`
		Profile struct {
			Login string `json:"login"`
			Email string `json:"email"`
		} `json:"profile"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		// The decoder's own text may repeat parts of the body.
		return User{}, errors.New("body is not a user")
	}
	id, err := ParseUserID(answer.ID)
	if err != nil {
		return User{}, err
	}
	return User{ID: id, Status: answer.Status, Login: answer.Profile.Login, Email: answer.Profile.Email}, nil
}
