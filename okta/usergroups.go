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
	// maxGroupPages bounds what one call fetches: at 200 groups a page, more than any person should be in.
	maxGroupPages = 50
	groupPageSize = 200
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
	path, err := groupsPath(id)
	if err != nil {
		return nil, c.unsent(), fmt.Errorf("%s: %w", op, err)
	}
	query := url.Values{"limit": {strconv.Itoa(groupPageSize)}}
	var groups []Group
	var receipt Receipt
	for range maxGroupPages {
		var body []byte
		body, receipt, err = c.do(ctx, operation{
			name: op, bucket: bucketUserGroups, want: http.StatusOK, maxBody: maxUserBody,
			target: target{method: http.MethodGet, path: path, query: query.Encode()},
		})
		if err != nil {
			return nil, receipt, err
		}
		page, err := decodeGroups(body)
		if err != nil {
			return nil, receipt, unexpectedAnswer(op, receipt, err)
		}
		groups = append(groups, page...)
		next, err := c.nextQuery(receipt.next, path)
		if err != nil {
			return nil, receipt, unexpectedAnswer(op, receipt, err)
		}
		if next == nil {
			return groups, receipt, nil
		}
		query.Set("after", next.Get("after"))
	}
	return nil, receipt, unexpectedAnswer(op, receipt, fmt.Errorf("more than %d pages", maxGroupPages))
}

func decodeGroups(body []byte) ([]Group, error) {
	var answers []struct {
		ID      string `json:"id"`
		Type    string `json:"type"`
		Profile struct {
			Name string `json:"name"`
		} `json:"profile"`
	}
	if err := json.Unmarshal(body, &answers); err != nil {
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
