package config

import (
	"fmt"
	"slices"

	"github.com/invopop/jsonschema"

	"sever/policy"
)

// adminRoles are the words of policy.protected.admins: any, and the types of role that Okta documents. A type that Okta adds
// later is still among any.
// https://developer.okta.com/docs/api/openapi/okta-management/guides/roles
func adminRoles() []string {
	return []string{
		policy.AnyAdmin, "SUPER_ADMIN", "ORG_ADMIN", "APP_ADMIN", "USER_ADMIN", "GROUP_MEMBERSHIP_ADMIN", "HELP_DESK_ADMIN", "READ_ONLY_ADMIN",
		"REPORT_ADMIN", "MOBILE_ADMIN", "API_ACCESS_MANAGEMENT_ADMIN", "ACCESS_CERTIFICATIONS_ADMIN", "ACCESS_REQUESTS_ADMIN",
		"WORKFLOWS_ADMIN", "CUSTOM",
	}
}

// checkAdmins refuses what is no role: it would protect nobody, and nobody would notice.
func checkAdmins(r *report, roles []string) {
	for i, role := range roles {
		field := fmt.Sprintf("policy.protected.admins[%d]", i)
		if !slices.Contains(adminRoles(), role) && r.sound(field) {
			r.add(field, quote(role)+" is not known", suggest(role, adminRoles()))
		}
	}
}

// JSONSchemaExtend names the roles. The tag cannot: it knows no entries of lists.
func (Protected) JSONSchemaExtend(s *jsonschema.Schema) {
	admins, _ := s.Properties.Get("admins")
	admins.Items.Enum = make([]any, 0, len(adminRoles()))
	for _, role := range adminRoles() {
		admins.Items.Enum = append(admins.Items.Enum, role)
	}
}
