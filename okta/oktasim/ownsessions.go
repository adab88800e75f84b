package oktasim

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

// sessionCookie is the name of the cookie that carries a session.
const sessionCookie = "sid"

// sessionOf is the living session whose cookie a request carries.
func (s *Server) sessionOf(r *http.Request) (session, User, bool) {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return session{}, User{}, false
	}
	current, ok := s.sessions.byCookie(cookie.Value)
	if !ok {
		return session{}, User{}, false
	}
	user, ok := s.users.byID(current.user)
	return current, user, ok
}

// admitCookie wants the session cookie of the person it is about. An API token or access token is not allowed, and neither
// is a page of another origin, unless it is trusted.
func (s *Server) admitCookie(x exchange) (caller, *reply) {
	if x.r.Header.Get("Authorization") != "" || !s.origins.trusts(x.r) {
		problem := s.known(http.StatusForbidden, "E0000006")
		return caller{}, &problem
	}
	current, _, ok := s.sessionOf(x.r)
	if !ok {
		problem := s.known(http.StatusForbidden, "E0000005")
		return caller{}, &problem
	}
	return caller{session: current}, nil
}

// endOwnSessions ends the sessions of the person whose browser is calling.
// https://developer.okta.com/docs/api/openapi/okta-management/management/tag/UserSessions/#tag/UserSessions/operation/endUserSessions
func (s *Server) endOwnSessions(x exchange) reply {
	body := struct {
		KeepCurrent *bool `json:"keepCurrent"`
	}{}
	if err := json.NewDecoder(x.r.Body).Decode(&body); err != nil && !errors.Is(err, io.EOF) {
		return s.known(http.StatusBadRequest, "E0000003")
	}
	current := x.caller.session
	kept := current.cookie
	if body.KeepCurrent != nil && !*body.KeepCurrent {
		kept = ""
	}
	user, _ := s.users.byID(current.user)
	for _, ended := range s.sessions.end(current.user, kept) {
		s.emit(s.ownSessionEnd(x, user, ended))
	}
	answer := reply{status: http.StatusOK, body: map[string]any{}}
	if kept == "" {
		gone := newSessionCookie(x.r, "") //nolint:gosec // over plain http, which a simulation speaks, Secure would lose the cookie
		gone.MaxAge = -1
		answer.header = http.Header{"Set-Cookie": {gone.String()}}
	}
	return answer
}

// currentSession shows the session of the calling browser; without one there is nothing there.
func (s *Server) currentSession(x exchange) reply {
	current, user, ok := s.sessionOf(x.r)
	if !ok {
		return s.noSuch("me", "Session")
	}
	at := func(t time.Time) string { return t.UTC().Format(timeLayout) }
	return reply{status: http.StatusOK, body: map[string]any{
		"id": current.id, "userId": user.ID, "login": user.Login, "createdAt": at(current.created), "expiresAt": at(current.created.Add(sessionLife)),
		"status": statusActive, "lastPasswordVerification": at(current.created), "lastFactorVerification": nil, "amr": []string{"pwd"},
		"idp": map[string]any{"id": "00o00000000000000001", "type": "OKTA"}, "mfaActive": false,
		"_links": map[string]any{"self": map[string]any{"href": s.org(x.r) + "/api/v1/sessions/me"}},
	}}
}

// newSessionCookie is the cookie as Okta sets it. Over plain http a browser would refuse SameSite=None, which has to be Secure;
// Lax still reaches the pages of other ports of the same host.
func newSessionCookie(r *http.Request, value string) *http.Cookie {
	cookie := &http.Cookie{Name: sessionCookie, Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if r.TLS != nil {
		cookie.Secure, cookie.SameSite = true, http.SameSiteNoneMode
	}
	return cookie
}

// signIn starts a session for an active person, by id or login.
func (s *Server) signIn(idOrLogin string) (session, User, error) {
	user, ok := s.users.find(idOrLogin)
	if !ok {
		return session{}, User{}, errors.New("user: no such user; give an id or a login")
	}
	if user.Status != statusActive && user.Status != "PASSWORD_EXPIRED" {
		return session{}, User{}, errors.New("user: is " + user.Status + " and cannot sign in")
	}
	fresh, ok := s.sessions.start(user.ID)
	if !ok {
		return session{}, User{}, errors.New("user: there are too many sessions; reset first")
	}
	return fresh, user, nil
}

// StartSession signs a person in, by id or login, and returns the value of the sid cookie.
func (s *Server) StartSession(idOrLogin string) (cookie string, err error) {
	fresh, _, err := s.signIn(idOrLogin)
	return fresh.cookie, err
}

// Sessions is how many living sessions a person has.
func (s *Server) Sessions(userID string) int { return len(s.sessions.list(userID)) }

// signInPage is GET /_sim/login?user=...&then=URL: what a browser can be sent to in place of a sign-in page. It goes on to
// then, which must be of a trusted origin.
func (s *Server) signInPage(r *http.Request) reply {
	then := r.URL.Query().Get("then")
	trusted := func(origin string) bool {
		return then == origin || strings.HasPrefix(then, origin+"/") || strings.HasPrefix(then, origin+"?")
	}
	known := false
	for _, origin := range append(s.origins.list(), calledOrg(r)) {
		known = known || trusted(origin)
	}
	if then != "" && !known {
		return refuse(http.StatusBadRequest, errors.New("then: must be a URL of a trusted origin"))
	}
	answer := s.signInReply(r, r.URL.Query().Get("user"))
	if then != "" && answer.status == http.StatusOK {
		answer.status = http.StatusSeeOther
		answer.header.Set("Location", then)
	}
	return answer
}

func (s *Server) signInReply(r *http.Request, idOrLogin string) reply {
	fresh, user, err := s.signIn(idOrLogin)
	if err != nil {
		return refuse(http.StatusBadRequest, err)
	}
	answer := control(sessionView(fresh, user))
	answer.header = http.Header{"Set-Cookie": {newSessionCookie(r, fresh.cookie).String()}}
	return answer
}

func sessionView(each session, user User) map[string]any {
	return map[string]any{"id": each.id, "user": each.user, "login": user.Login, "created": each.created}
}

// sessionViews are the living sessions, never their cookies.
func (s *Server) sessionViews() any {
	views := []map[string]any{}
	for _, each := range s.sessions.list("") {
		user, _ := s.users.byID(each.user)
		views = append(views, sessionView(each, user))
	}
	return views
}
