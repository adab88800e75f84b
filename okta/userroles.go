package okta

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

const bucketUserRoles = "user_roles"

// Role is an admin role that is assigned to a person.
type Role struct {
	ID string // of the assignment
	// Type is SUPER_ADMIN, ORG_ADMIN and so on, or CUSTOM for all roles that an org made itself.
	// https://developer.okta.com/docs/api/openapi/okta-management/guides/roles
	Type           string
	Label          string // for people
	Status         string // ACTIVE or INACTIVE
	AssignmentType string // USER, or GROUP for a role that a group brings
}

// InForce reports whether the role counts: whatever is not said to be inactive does.
func (r Role) InForce() bool { return r.Status != "INACTIVE" }

// ListUserRoles returns the admin roles of a person, those that a group brings among them: GET /api/v1/users/{id}/roles. Okta
// documents no pages for it; should it ever send some, all are fetched, at most 50. The Receipt is that of the last page, and an
// error on any page is an error of the whole.
//
// Scope: okta.roles.read. Errors: those of [Client.RevokeUserSessions].
//
// https://developer.okta.com/docs/api/openapi/okta-management/management/tag/RoleAssignmentAUser/#tag/RoleAssignmentAUser/operation/listAssignedRolesForUser
func (c *Client) ListUserRoles(ctx context.Context, id UserID) ([]Role, Receipt, error) {
	const op = "list user roles"
	path, err := listPathOf(id, "roles")
	if err != nil {
		return nil, c.unsent(), fmt.Errorf("%s: %w", op, err)
	}
	return listAll(ctx, c, operation{
		name: op, bucket: bucketUserRoles, want: http.StatusOK, maxBody: maxUserBody, target: target{method: http.MethodGet, path: path},
	}, url.Values{}, decodeRoles)
}

func decodeRoles(body []byte) ([]Role, error) {
	var answers []struct {
		ID             string `json:"id"`
		Type           string `json:"type"`
		Label          string `json:"label"`
		Status         string `json:"status"`
		AssignmentType string `json:"assignmentType"`
	}
	if err := json.Unmarshal(body, &answers); err != nil || answers == nil {
		return nil, errors.New("body is not a list of roles")
	}
	roles := make([]Role, 0, len(answers))
	for _, a := range answers {
		if a.Type == "" {
			return nil, errors.New("body holds a role without a type")
		}
		roles = append(roles, Role(a))
	}
	return roles, nil
}
