package contracttest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// withEndUserSessions puts the operation into the management description. Okta has it in a development description only, and
// our extract is the bare path item: its KeepCurrent is written after the operation's page, and its security after its own
// note, which wants a session cookie and says that the API token is not allowed.
// https://developer.okta.com/docs/api/openapi/okta-management/management/tag/UserSessions/#tag/UserSessions/operation/endUserSessions
func withEndUserSessions(management, extract []byte) ([]byte, error) {
	var doc, item map[string]any
	if err := json.Unmarshal(management, &doc); err != nil {
		return nil, fmt.Errorf("management description: %w", err)
	}
	if err := json.Unmarshal(extract, &item); err != nil {
		return nil, fmt.Errorf("end user sessions description: %w", err)
	}
	post, isOperation := item["post"].(map[string]any)
	paths, hasPaths := doc["paths"].(map[string]any)
	components, _ := doc["components"].(map[string]any)
	schemas, hasSchemas := components["schemas"].(map[string]any)
	if !isOperation || !hasPaths || !hasSchemas {
		return nil, errors.New("end user sessions: the descriptions are not what they were")
	}
	post["security"] = []any{map[string]any{schemeCookie: []any{}}}
	paths["/api/v1/users/me/lifecycle/delete_sessions"] = item
	schemas["KeepCurrent"] = map[string]any{
		"type": "object", "properties": map[string]any{"keepCurrent": map[string]any{"type": "boolean", "default": true}},
	}
	joined, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("join descriptions: %w", err)
	}
	return joined, nil
}

func correctManagement(doc *openapi3.T) {
	declareSchemes(doc)
	addUserGroups(doc)
	addUserRoles(doc)
	// Every operation answers 401 E0000011 to a token it does not know; the descriptions leave it out of most.
	// https://developer.okta.com/docs/reference/error-codes/
	allow(doc, http.StatusUnauthorized, doc.Components.Responses["ErrorInvalidToken401"])
	schemas := doc.Components.Schemas
	// Okta's own example CreateAnEventHookWithFilter sends the type that the schema calls read-only.
	schemas["EventHookFilters"].Value.Properties["type"].Value.ReadOnly = false
	// Real events are full of nulls, see the captured samples, though the description allows few.
	for name, schema := range schemas {
		if strings.HasPrefix(name, "Log") {
			allowNulls(schema)
		}
	}
	// Real events have it, see the same samples.
	schemas["LogEvent"].Value.Properties["device"] = openapi3.NewObjectSchema().WithNullable().WithAnyAdditionalProperties().NewRef()
	// The bounds and forms of these stand in a free text where a format should be.
	for _, parameter := range doc.Paths.Value("/api/v1/logs").Get.Parameters {
		switch schema := parameter.Value.Schema.Value; parameter.Value.Name {
		case "limit":
			schema.Format, schema.Min, schema.Max = "", new(0.0), new(1000.0)
		case "since", "until":
			schema.Format = "date-time"
		}
	}
	forbidUnknown(doc)
}

func correctOAuth(doc *openapi3.T) {
	declareSchemes(doc)
	// A token bound by DPoP has the type DPoP; the description knows Bearer and N_A only.
	// https://developer.okta.com/docs/guides/dpop/
	kinds := doc.Components.Schemas["TokenResponseTokenType"].Value
	kinds.Enum = append(kinds.Enum, "DPoP")
	// The form of client_credentials is named in the extract and not in it. private_key_jwt:
	// https://developer.okta.com/docs/api/openapi/okta-oauth/guides/client-auth/
	form := doc.Components.Schemas["TokenRequestOrgAs"].Value
	for _, field := range []string{"scope", "client_assertion_type", "client_assertion"} {
		form.Properties[field] = openapi3.NewStringSchema().NewRef()
	}
	form.Required = []string{"grant_type", "scope", "client_assertion_type", "client_assertion"}
	// As in correctManagement; this description has no answer of that kind to point to.
	refused := openapi3.NewResponse().WithDescription("Unauthorized").WithJSONSchemaRef(openapi3.NewSchemaRef("", doc.Components.Schemas["Error"].Value))
	allow(doc, http.StatusUnauthorized, &openapi3.ResponseRef{Value: refused})
	forbidUnknown(doc)
}

// isChallenge reports whether an answer is an OAuth failure as the API has them: an empty body and a WWW-Authenticate header
// that names the error, where the descriptions have Okta's error body.
// https://github.com/okta/okta-sdk-golang/issues/145 and https://github.com/okta/okta-sdk-nodejs/issues/453
func isChallenge(status int, header http.Header, body []byte) bool {
	statuses := []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden}
	scheme, rest, _ := strings.Cut(header.Get("WWW-Authenticate"), " ")
	return len(body) == 0 && slices.Contains(statuses, status) && (scheme == "Bearer" || scheme == "DPoP") && strings.Contains(rest, `error="`)
}

// declareSchemes adds the security schemes that the extracts name and do not hold.
func declareSchemes(doc *openapi3.T) {
	if doc.Components.SecuritySchemes == nil {
		doc.Components.SecuritySchemes = openapi3.SecuritySchemes{}
	}
	declared := doc.Components.SecuritySchemes
	declare := func(requirements openapi3.SecurityRequirements) {
		for _, requirement := range requirements {
			for name := range requirement {
				if declared[name] == nil {
					declared[name] = &openapi3.SecuritySchemeRef{Value: openapi3.NewSecurityScheme()}
				}
			}
		}
	}
	for _, item := range doc.Paths.Map() {
		for _, operation := range item.Operations() {
			if operation.Security != nil {
				declare(*operation.Security)
			}
		}
	}
}

// addUserGroups describes an operation of ours that no extract has, after its page.
// https://developer.okta.com/docs/api/openapi/okta-management/management/tag/UserResources/#tag/UserResources/operation/listUserGroups
func addUserGroups(doc *openapi3.T) {
	text, object := openapi3.NewStringSchema, openapi3.NewObjectSchema
	group := object().WithProperty("id", text()).WithProperty("created", text().WithFormat("date-time")).
		WithProperty("lastUpdated", text().WithFormat("date-time")).WithProperty("lastMembershipUpdated", text().WithFormat("date-time")).
		WithProperty("objectClass", openapi3.NewArraySchema().WithItems(text())).
		WithProperty("type", text().WithEnum("APP_GROUP", "BUILT_IN", "OKTA_GROUP")).
		WithProperty("profile", object().WithProperty("name", text()).WithProperty("description", text().WithNullable()).WithRequired([]string{"name"})).
		WithProperty("_links", object().WithAnyAdditionalProperties()).
		WithRequired([]string{"id", "type", "profile"}).WithoutAdditionalProperties()
	found := openapi3.NewResponse().WithDescription("Success").WithJSONSchema(openapi3.NewArraySchema().WithItems(group))
	known := doc.Components.Responses
	doc.Paths.Set("/api/v1/users/{id}/groups", &openapi3.PathItem{
		Parameters: openapi3.Parameters{doc.Components.Parameters["pathId"]},
		Get: &openapi3.Operation{
			OperationID: "listUserGroups",
			Parameters: openapi3.Parameters{
				doc.Components.Parameters["queryAfter"],
				{Value: openapi3.NewQueryParameter("limit").WithSchema(openapi3.NewIntegerSchema().WithMin(1).WithMax(200))},
			},
			Responses: openapi3.NewResponses(
				openapi3.WithStatus(http.StatusOK, &openapi3.ResponseRef{Value: found}),
				openapi3.WithStatus(http.StatusForbidden, known["ErrorAccessDenied403"]),
				openapi3.WithStatus(http.StatusNotFound, known["ErrorResourceNotFound404"]),
				openapi3.WithStatus(http.StatusTooManyRequests, known["ErrorTooManyRequests429"]),
			),
			Security: &openapi3.SecurityRequirements{{schemeAPIToken: {}}, {schemeOAuth: {"okta.groups.read"}}},
		},
	})
}

// addUserRoles describes another that no extract has, after its page and the models of Okta's own Go SDK, StandardRole and
// CustomRole. That the page has no parameter for pages is taken for there being none.
// https://developer.okta.com/docs/api/openapi/okta-management/management/tag/RoleAssignmentAUser/#tag/RoleAssignmentAUser/operation/listAssignedRolesForUser
func addUserRoles(doc *openapi3.T) {
	text := openapi3.NewStringSchema
	role := openapi3.NewObjectSchema().WithProperty("id", text()).WithProperty("label", text()).
		WithProperty("type", text().WithEnum(
			"ACCESS_CERTIFICATIONS_ADMIN", "ACCESS_REQUESTS_ADMIN", "API_ACCESS_MANAGEMENT_ADMIN", "APP_ADMIN", "CUSTOM", "GROUP_MEMBERSHIP_ADMIN",
			"HELP_DESK_ADMIN", "MOBILE_ADMIN", "ORG_ADMIN", "READ_ONLY_ADMIN", "REPORT_ADMIN", "SUPER_ADMIN", "USER_ADMIN", "WORKFLOWS_ADMIN")).
		WithProperty("status", text().WithEnum("ACTIVE", "INACTIVE")).
		WithProperty("created", text().WithFormat("date-time")).WithProperty("lastUpdated", text().WithFormat("date-time")).
		WithProperty("assignmentType", text().WithEnum("USER", "GROUP")).
		WithProperty("role", text()).WithProperty("resource-set", text()).
		WithProperty("_links", openapi3.NewObjectSchema().WithAnyAdditionalProperties()).
		WithRequired([]string{"id", "type", "status"}).WithoutAdditionalProperties()
	found := openapi3.NewResponse().WithDescription("Success").WithJSONSchema(openapi3.NewArraySchema().WithItems(role))
	known := doc.Components.Responses
	doc.Paths.Set("/api/v1/users/{userId}/roles", &openapi3.PathItem{
		Parameters: openapi3.Parameters{doc.Components.Parameters["pathUserId"]},
		Get: &openapi3.Operation{
			OperationID: "listAssignedRolesForUser",
			Responses: openapi3.NewResponses(
				openapi3.WithStatus(http.StatusOK, &openapi3.ResponseRef{Value: found}),
				openapi3.WithStatus(http.StatusForbidden, known["ErrorAccessDenied403"]),
				openapi3.WithStatus(http.StatusNotFound, known["ErrorResourceNotFound404"]),
				openapi3.WithStatus(http.StatusTooManyRequests, known["ErrorTooManyRequests429"]),
			),
			Security: &openapi3.SecurityRequirements{{schemeAPIToken: {}}, {schemeOAuth: {"okta.roles.read"}}},
		},
	})
}

// allow adds an answer to every operation that does not have one for the status.
func allow(doc *openapi3.T, status int, answer *openapi3.ResponseRef) {
	for _, item := range doc.Paths.Map() {
		for _, operation := range item.Operations() {
			if operation.Responses.Status(status) == nil {
				openapi3.WithStatus(status, answer)(operation.Responses)
			}
		}
	}
}

func allowNulls(ref *openapi3.SchemaRef) {
	ref.Value.Nullable = true
	for _, property := range ref.Value.Properties {
		property.Value.Nullable = true
	}
}

// forbidUnknown makes objects that do not say whether they may have more properties than those described have no more, so
// that a misspelt one is found. Parts of an allOf are left alone: each would refuse the properties of the others.
func forbidUnknown(doc *openapi3.T) {
	parts, seen := map[*openapi3.Schema]bool{}, map[*openapi3.Schema]bool{}
	var visit func(ref *openapi3.SchemaRef)
	visit = func(ref *openapi3.SchemaRef) {
		if ref == nil || seen[ref.Value] {
			return
		}
		schema := ref.Value
		seen[schema] = true
		for _, part := range schema.AllOf {
			parts[part.Value] = true
			visit(part)
		}
		for _, choice := range slices.Concat(schema.OneOf, schema.AnyOf) {
			visit(choice)
		}
		visit(schema.Items)
		for _, property := range schema.Properties {
			visit(property)
		}
	}
	for _, schema := range doc.Components.Schemas {
		visit(schema)
	}
	for schema := range seen {
		extra := &schema.AdditionalProperties
		if !parts[schema] && len(schema.AllOf) == 0 && len(schema.Properties) > 0 && extra.Has == nil && extra.Schema == nil {
			extra.Has = new(false)
		}
	}
}
