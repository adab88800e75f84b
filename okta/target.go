package okta

import (
	"bytes"
	"errors"
	"fmt"
	"io"
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

// target is what one operation must send. The finished request is held against it.
type target struct {
	method string
	path   string // as it goes over the wire, already escaped
	query  string
	body   []byte // JSON; nil for no body
	// asEndUser is set when the call is made as the person, with their session cookie: the API credential must not be on it.
	asEndUser bool
}

// reader is a fresh reader of the body, of a type that net/http knows the length of.
func (t target) reader() io.Reader {
	if t.body == nil {
		return http.NoBody
	}
	return bytes.NewReader(t.body)
}

// describe says in the header what the body is.
func (t target) describe(h http.Header) {
	if t.body != nil {
		h.Set("Content-Type", "application/json")
	}
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

// listPathOf is /api/v1/users/{id}/ and groups or roles. Okta takes logins here too, but what asks for these protects people
// and must not ask about somebody else.
func listPathOf(id UserID, list string) (string, error) {
	if _, err := ParseUserID(string(id)); err != nil {
		return "", err
	}
	return usersPath + url.PathEscape(string(id)) + "/" + list, nil
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
	case req.Method == http.MethodDelete && !deletable(req.URL.EscapedPath()):
		return fmt.Errorf("%w: a DELETE that is not for sessions or an event hook", ErrUnsafeRequest)
	case t.asEndUser && (req.Header.Get("Authorization") != "" || req.Header.Get("DPoP") != ""):
		return fmt.Errorf("%w: the API credential on an end user's call", ErrUnsafeRequest)
	}
	if err := t.checkURL(req.URL, base); err != nil {
		return err
	}
	return t.checkBody(req)
}

// deletable reports whether a path is one of the two that a DELETE may ever go to.
func deletable(path string) bool {
	return isSessionsPath(path) || isEventHookPath(path)
}

// checkBody reads the body that would be sent, holds it against the target's and puts a fresh one in its place.
func (t target) checkBody(req *http.Request) error {
	if t.body == nil {
		if req.Body != nil && req.Body != http.NoBody {
			return fmt.Errorf("%w: unexpected body", ErrUnsafeRequest)
		}
		return nil
	}
	if req.Body == nil || req.ContentLength != int64(len(t.body)) {
		return fmt.Errorf("%w: body changed", ErrUnsafeRequest)
	}
	sent, err := io.ReadAll(io.LimitReader(req.Body, int64(len(t.body))+1))
	if err != nil || !bytes.Equal(sent, t.body) {
		return fmt.Errorf("%w: body changed", ErrUnsafeRequest)
	}
	req.Body = io.NopCloser(t.reader())
	return nil
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
