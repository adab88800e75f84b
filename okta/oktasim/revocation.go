package oktasim

import (
	"encoding/json"
	"net/http"
)

// revokeSessions takes ids only, as documented, and knows no deactivated users.
// https://developer.okta.com/docs/api/openapi/okta-management/management/tag/UserSessions/#tag/UserSessions/operation/revokeUserSessions
func (s *Server) revokeSessions(x exchange) reply {
	user, ok := s.users.byID(x.args[0])
	if !ok || user.Status == statusDeprovisioned {
		return s.noSuch(x.args[0], "User")
	}
	query := x.r.URL.Query()
	for _, flag := range []string{"oauthTokens", "forgetDevices"} {
		if value := query.Get(flag); query.Has(flag) && value != "true" && value != "false" {
			return s.invalid(flag, "must be true or false")
		}
	}
	s.clearSessions(x, user)
	return reply{status: http.StatusNoContent}
}

// revokeTokensGlobally is Okta's own universal logout. The id is in the body, so it cannot become another path.
// https://developer.okta.com/docs/api/openapi/okta-oauth/oauth/tag/GlobalTokenRevocation/
func (s *Server) revokeTokensGlobally(x exchange) reply {
	var body struct {
		Subject struct {
			Format string `json:"format"`
			ID     string `json:"id"`
		} `json:"sub_id"`
	}
	if err := json.NewDecoder(x.r.Body).Decode(&body); err != nil {
		return s.known(http.StatusBadRequest, "E0000003")
	}
	if body.Subject.Format != "opaque" {
		return s.invalid("sub_id", "only the format opaque is simulated")
	}
	user, ok := s.users.byID(body.Subject.ID)
	if !ok || user.Status == statusDeprovisioned {
		return s.invalid("sub_id", "there is no such user") // 404 is not among the answers Okta documents here
	}
	s.emit(s.userEvent(x, "user.authentication.universal_logout", user))
	s.clearSessions(x, user)
	return reply{status: http.StatusNoContent}
}

// clearSessions ends all sessions of a person and logs it as Okta does: once for the person and once for each session, all
// of one transaction.
func (s *Server) clearSessions(x exchange, user User) {
	s.emit(s.userEvent(x, "user.session.clear", user))
	for _, ended := range s.sessions.end(user.ID, "") {
		s.emit(s.sessionEnd(x, user, ended))
	}
}

// userEvent is what Okta logs when our service acts on a user. Its requestId is the X-Okta-Request-Id of the answer.
func (s *Server) userEvent(x exchange, eventType string, user User) event {
	actor := x.caller.client
	if actor == "" {
		actor = "0oaSever000000000001"
	}
	e := s.requestEvent(x, eventType)
	e["actor"] = map[string]any{
		"id": actor, "type": "PublicClientAppEntity", "alternateId": "unknown", "displayName": "Sever", "detailEntry": nil,
	}
	e["target"] = []any{userEntity(user)}
	return e
}

// sessionEnd is what Okta logs for each session that an admin or a service ended.
func (s *Server) sessionEnd(x exchange, user User, ended session) event {
	return withSession(s.userEvent(x, "user.session.end", user), ended, "SESSION_REVOKED")
}

// ownSessionEnd is what Okta logs for each session that a person ended: the person is the actor and there is no target.
func (s *Server) ownSessionEnd(x exchange, user User, ended session) event {
	e := s.requestEvent(x, "user.session.end")
	e["actor"] = userEntity(user)
	return withSession(e, ended, "USER_LOGOUT")
}

func withSession(e event, ended session, reason string) event {
	e["authenticationContext"] = map[string]any{"authenticationStep": 0, "externalSessionId": ended.id}
	if context, ok := e["debugContext"].(map[string]any); ok {
		if data, ok := context["debugData"].(map[string]any); ok {
			data["endedSessionId"], data["terminationReason"] = ended.id, reason
		}
	}
	return e
}

func (s *Server) requestEvent(x exchange, eventType string) event {
	uri := x.r.URL.EscapedPath()
	return event{
		"eventType":    eventType,
		"transaction":  map[string]any{"type": "WEB", "id": x.requestID, "detail": map[string]any{}},
		"debugContext": map[string]any{"debugData": map[string]any{"requestId": x.requestID, "requestUri": uri, "url": uri + "?" + x.r.URL.RawQuery}},
	}
}

func userEntity(user User) map[string]any {
	return map[string]any{"id": user.ID, "type": "User", "alternateId": user.Login, "displayName": user.Login, "detailEntry": nil}
}
