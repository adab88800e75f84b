package oktasim

import "net/http"

// routes are the operations there are, with the scope Okta's OpenAPI description names for each and the permission a custom
// role needs.
func routes() []route {
	return append(apiRoutes(), []route{
		{method: http.MethodPost, path: "/oauth2/v1/token", bucket: "token", handle: (*Server).issueToken, admit: (*Server).admitAnyone},
		{method: http.MethodGet, path: "/api/v1/sessions/me", bucket: "sessions.me", handle: (*Server).currentSession, admit: (*Server).admitAnyone},
		{
			method: http.MethodPost, path: "/api/v1/users/me/lifecycle/delete_sessions", bucket: "users.me",
			handle: (*Server).endOwnSessions, admit: (*Server).admitCookie,
		},
	}...)
}

// apiRoutes take an API token or an access token.
func apiRoutes() []route {
	const hooks = "/api/v1/eventHooks"
	needs := func(method, path, bucket, scope, permission string, handle func(*Server, exchange) reply) route {
		return route{
			method: method, path: path, bucket: bucket, handle: handle, admit: (*Server).admitCredential, scope: scope, permission: permission,
		}
	}
	seeHooks := func(path string, handle func(*Server, exchange) reply) route {
		return needs(http.MethodGet, path, "hooks", "okta.eventHooks.read", "okta.eventhooks.read", handle)
	}
	changeHooks := func(method, path string, handle func(*Server, exchange) reply) route {
		return needs(method, path, "hooks", "okta.eventHooks.manage", "okta.eventhooks.manage", handle)
	}
	const manageUsers, readUsers = "okta.users.manage", "okta.users.read"
	return []route{
		needs(http.MethodDelete, "/api/v1/users/*/sessions", "users.sessions", manageUsers, "okta.users.lifecycle.clearSessions", (*Server).revokeSessions),
		needs(http.MethodGet, "/api/v1/users/*", "users.get", readUsers, readUsers, (*Server).getUser),
		needs(http.MethodGet, "/api/v1/users", "users.list", readUsers, readUsers, (*Server).listUsers),
		needs(http.MethodGet, "/api/v1/users/*/groups", "users.groups", "okta.groups.read", "okta.groups.read", (*Server).listUserGroups),
		needs(http.MethodGet, "/api/v1/users/*/roles", "users.roles", "okta.roles.read", "okta.iam.read", (*Server).listUserRoles),
		needs(http.MethodDelete, "/api/v1/users/*", "users.delete", manageUsers, "okta.users.lifecycle.delete", (*Server).deleteUser),
		needs(http.MethodGet, "/api/v1/logs", "logs", "okta.logs.read", "okta.logs.read", (*Server).listLog),
		needs(http.MethodPost, "/oauth2/v1/global-token-revocation", "token.revocation", "okta.universalLogout.manage",
			"okta.users.lifecycle.clearSessions", (*Server).revokeTokensGlobally),
		changeHooks(http.MethodPost, hooks, (*Server).createHook),
		seeHooks(hooks, (*Server).listHooks),
		seeHooks(hooks+"/*", (*Server).getHook),
		changeHooks(http.MethodPut, hooks+"/*", (*Server).replaceHook),
		changeHooks(http.MethodDelete, hooks+"/*", (*Server).deleteHook),
		changeHooks(http.MethodPost, hooks+"/*/lifecycle/verify", (*Server).verifyHook),
		changeHooks(http.MethodPost, hooks+"/*/lifecycle/activate", (*Server).activateHook),
		changeHooks(http.MethodPost, hooks+"/*/lifecycle/deactivate", (*Server).deactivateHook),
	}
}
