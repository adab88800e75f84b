package oktasim

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// AdminRole is an admin role that a person has.
type AdminRole struct {
	Type           string `json:"type"`           // such as SUPER_ADMIN; CUSTOM for one that the org made
	Status         string `json:"status"`         // ACTIVE, the default, or INACTIVE
	AssignmentType string `json:"assignmentType"` // USER, the default, or GROUP
}

var roleTypeForm = regexp.MustCompile(`^[A-Z]+(_[A-Z]+)*$`)

func withRoleDefaults(roles []AdminRole) []AdminRole {
	roles = slices.Clone(roles)
	for i := range roles {
		if roles[i].Status == "" {
			roles[i].Status = statusActive
		}
		if roles[i].AssignmentType == "" {
			roles[i].AssignmentType = "USER"
		}
	}
	return roles
}

func (r AdminRole) problem() error {
	switch {
	case !roleTypeForm.MatchString(r.Type):
		return fmt.Errorf("roles: type: %.40q: must be one of Okta's, such as SUPER_ADMIN", r.Type)
	case !slices.Contains([]string{statusActive, "INACTIVE"}, r.Status):
		return fmt.Errorf("roles: status: %.40q: must be ACTIVE or INACTIVE", r.Status)
	case !slices.Contains([]string{"USER", "GROUP"}, r.AssignmentType):
		return fmt.Errorf("roles: assignmentType: %.40q: must be USER or GROUP", r.AssignmentType)
	}
	return nil
}

// listUserRoles lists the admin roles of a person, in one page: Okta documents no other.
// https://developer.okta.com/docs/api/openapi/okta-management/management/tag/RoleAssignmentAUser/#tag/RoleAssignmentAUser/operation/listAssignedRolesForUser
func (s *Server) listUserRoles(x exchange) reply {
	user, ok := s.users.find(x.args[0])
	if !ok {
		return s.noSuch(x.args[0], "User")
	}
	views := make([]any, 0, len(user.Roles))
	for _, role := range user.Roles {
		views = append(views, s.roleView(x, user, role))
	}
	return reply{status: http.StatusOK, body: views}
}

// roleView is an assignment as Okta shows it. One of a role that the org made, or that is built like those, has two more ids.
func (s *Server) roleView(x exchange, user User, role AdminRole) map[string]any {
	const long = "2024-01-01T00:00:00.000Z"
	sum := sha256.Sum256([]byte(user.ID + role.Type + role.AssignmentType))
	view := map[string]any{
		"id": "ra1" + hex.EncodeToString(sum[:])[:17], "type": role.Type, "status": role.Status, "assignmentType": role.AssignmentType,
		"label": strings.ReplaceAll(strings.ToLower(role.Type), "_", " "), "created": long, "lastUpdated": long,
		"_links": map[string]any{"assignee": map[string]any{"href": s.org(x.r) + "/api/v1/users/" + user.ID}},
	}
	if role.Type == "CUSTOM" {
		view["role"], view["resource-set"] = "cr0"+hex.EncodeToString(sum[:])[:17], "iam"+hex.EncodeToString(sum[:])[:17]
	}
	return view
}
