package okta

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

const (
	bucketUserGroups = "user_groups"
	groupPageSize    = 200
)

// Group is a group in Okta, as far as a policy needs to know one.
type Group struct {
	ID   string
	Name string
	Type string // OKTA_GROUP, APP_GROUP or BUILT_IN
}

// ListUserGroups returns all groups a person is in: GET /api/v1/users/{id}/groups, page after page, at most 50 of them. The
// Receipt is that of the last page. An error on any page is an error of the whole: half a list would look like a person
// who is not protected.
//
// Scope: okta.users.read and okta.groups.read. Errors: those of [Client.RevokeUserSessions].
//
// https://developer.okta.com/docs/api/openapi/okta-management/management/tag/UserResources/#tag/UserResources/operation/listUserGroups
func (c *Client) ListUserGroups(ctx context.Context, id UserID) ([]Group, Receipt, error) {
	const op = "list user groups"
	path, err := listPathOf(id, "groups")
	if err != nil {
		return nil, c.unsent(), fmt.Errorf("%s: %w", op, err)
	}
	return listAll(ctx, c, operation{
		name: op, bucket: bucketUserGroups, want: http.StatusOK, maxBody: maxUserBody, target: target{method: http.MethodGet, path: path},
	}, url.Values{"limit": {strconv.Itoa(groupPageSize)}}, decodeGroups)
}

func decodeGroups(body []byte) ([]Group, error) {
	var answers []struct {
		ID      string `json:"id"`
		Type    string `json:"type"`
		Profile struct {
			Name string `json:"name"`
		} `json:"profile"`
	}
	if err := json.Unmarshal(body, &answers); err != nil || answers == nil {
		return nil, errors.New("body is not a list of groups")
	}
	groups := make([]Group, 0, len(answers))
	for _, a := range answers {
		if a.ID == "" {
			return nil, errors.New("body holds a group without an id")
		}
		groups = append(groups, Group{ID: a.ID, Name: a.Profile.Name, Type: a.Type})
	}
	return groups, nil
}
