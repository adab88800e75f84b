package okta

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ErrUnsafeRequest says that a finished request did not point exactly where the operation must point. Nothing was sent.
var ErrUnsafeRequest = errors.New("request does not match its operation")

const usersPath = "/api/v1/users/"

// InvalidLoginError says that a text cannot be looked up as a user. Excerpt is short and escaped.
type InvalidLoginError struct {
	Excerpt string
	Reason  string
}

func (e *InvalidLoginError) Error() string {
	return fmt.Sprintf("okta login %s: %s", e.Excerpt, e.Reason)
}

// target is where one operation must go. The finished request is held against it.
type target struct {
	method string
	path   string // as it goes over the wire, already escaped
	query  string
}

func (t target) requestURI() string {
	if t.query == "" {
		return t.path
	}
	return t.path + "?" + t.query
}

// sessionsPath is /api/v1/users/{id}/sessions. The id is checked again because a UserID can be made by conversion, and the
// result is checked as a whole: the sibling one segment shorter, DELETE /api/v1/users/{id}, deactivates the user and on a
// second call deletes the user for good, under the same scope. An id such as "00u1?x=" or "00u1/.." must never turn one
// into the other. https://developer.okta.com/docs/api/openapi/okta-management/management/tag/User/#tag/User/operation/deleteUser
func sessionsPath(id UserID) (string, error) {
	if _, err := ParseUserID(string(id)); err != nil {
		return "", err
	}
	path := usersPath + url.PathEscape(string(id)) + "/sessions"
	if !isSessionsPath(path) {
		return "", fmt.Errorf("%w: not the sessions path", ErrUnsafeRequest)
	}
	return path, nil
}

// isSessionsPath reports whether path is api, v1, users, a user id and sessions: those five segments and no more.
func isSessionsPath(path string) bool {
	segments := strings.Split(path, "/")
	return len(segments) == 6 && segments[0] == "" && segments[1] == "api" && segments[2] == "v1" &&
		segments[3] == "users" && validUserID(segments[4]) && segments[5] == "sessions"
}

// userPath is /api/v1/users/{idOrLogin}. It refuses what Okta would read as something other than that one person: "me" is
// the owner of the token, "." and ".." are path steps, and a login with a slash cannot be fetched at all.
func userPath(idOrLogin string) (string, error) {
	if reason := loginProblem(idOrLogin); reason != "" {
		return "", &InvalidLoginError{Excerpt: excerpt(idOrLogin, 64), Reason: reason}
	}
	path := usersPath + url.PathEscape(idOrLogin)
	if strings.Count(path, "/") != 4 {
		return "", fmt.Errorf("%w: not a user path", ErrUnsafeRequest)
	}
	return path, nil
}

func loginProblem(s string) string {
	switch {
	case s == "":
		return "must not be empty"
	case !utf8.ValidString(s):
		return "must be UTF-8"
	case utf8.RuneCountInString(s) > 100:
		return "must have at most 100 characters"
	case strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) >= 0:
		return "must not hold control or invisible characters"
	case strings.Contains(s, "/"):
		return "must not hold a slash; look the person up by id"
	case s == "." || s == "..":
		return "must not be a path step"
	case strings.EqualFold(s, "me"):
		return "would be the owner of the API token"
	}
	return ""
}

// check holds a finished request against the target, last thing before it is sent: an Authorizer has had it in hand.
func (t target) check(req *http.Request, base *url.URL) error {
	switch {
	case req.Method != t.method:
		return fmt.Errorf("%w: method changed", ErrUnsafeRequest)
	case req.Host != "" && req.Host != base.Host:
		return fmt.Errorf("%w: host changed", ErrUnsafeRequest)
	case req.Body != nil && req.Body != http.NoBody:
		return fmt.Errorf("%w: unexpected body", ErrUnsafeRequest)
	case req.Method == http.MethodDelete && !isSessionsPath(req.URL.EscapedPath()):
		return fmt.Errorf("%w: a DELETE that is not for sessions", ErrUnsafeRequest)
	}
	return t.checkURL(req.URL, base)
}

func (t target) checkURL(u, base *url.URL) error {
	switch {
	case u.Scheme != base.Scheme || u.Host != base.Host:
		return fmt.Errorf("%w: host changed", ErrUnsafeRequest)
	case u.User != nil || u.Opaque != "" || u.Fragment != "" || u.RawFragment != "":
		return fmt.Errorf("%w: unexpected part in the URL", ErrUnsafeRequest)
	case u.EscapedPath() != t.path || u.RequestURI() != t.requestURI():
		return fmt.Errorf("%w: path or query changed", ErrUnsafeRequest)
	}
	return nil
}
