package okta

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
)

const (
	bucketEndUser     = "end_user"
	endUserPath       = "/api/v1/users/me/lifecycle/delete_sessions"
	maxSessionCookie  = 4 << 10
	sessionCookieName = "sid"
	idxCookieName     = "idx"
)

// SessionCookie is a person's own Okta session, as their browser holds it. It is a secret: whoever has it is that person.
type SessionCookie struct {
	cookie func() (name, value string)
}

// SID is the session cookie of Okta Classic Engine, and the older one of Identity Engine.
func SID(value string) (SessionCookie, error) { return newSessionCookie(sessionCookieName, value) }

// IDX is the session cookie of Okta Identity Engine.
func IDX(value string) (SessionCookie, error) { return newSessionCookie(idxCookieName, value) }

func newSessionCookie(name, value string) (SessionCookie, error) {
	if value == "" || len(value) > maxSessionCookie {
		return SessionCookie{}, errors.New("okta session cookie: value is empty or too long")
	}
	for i := range len(value) {
		if c := value[i]; c <= ' ' || c >= 0x7f || c == '"' || c == ',' || c == ';' || c == '\\' {
			return SessionCookie{}, errors.New("okta session cookie: value holds a character no cookie has: give the bare value")
		}
	}
	return SessionCookie{cookie: func() (string, string) { return name, value }}, nil
}

// Format answers every verb alike, so that no session can be printed by mistake.
func (SessionCookie) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue keeps the session out of structured logs.
func (SessionCookie) LogValue() slog.Value { return slog.StringValue(redacted) }

// Authorize makes the cookie the only credential on a request.
func (s SessionCookie) Authorize(_ context.Context, req *http.Request) error {
	if s.cookie == nil {
		return errors.New("okta session cookie: none given")
	}
	name, value := s.cookie()
	req.Header.Set("Cookie", name+"="+value)
	return nil
}

// EndUserSessions ends the sessions of the very person whose session cookie is given: POST
// /api/v1/users/me/lifecycle/delete_sessions. With keepCurrent the session of that cookie stays. Okta takes no API
// credential here, and this client sends none: the call has the cookie and nothing else.
//
// A service has no such cookie and no business with one; in a browser the page calls Okta directly. This is for tools
// that act for the person who runs them, and for tests.
//
// Scope: none; the session itself. Errors: those of [Client.RevokeUserSessions]; [ClassCredential] means that the session
// is over.
//
// https://developer.okta.com/docs/api/openapi/okta-management/management/tag/UserSessions/#tag/UserSessions/operation/endUserSessions
func (c *Client) EndUserSessions(ctx context.Context, session SessionCookie, keepCurrent bool) (Receipt, error) {
	const op = "end user sessions"
	if session.cookie == nil {
		return c.unsent(), fmt.Errorf("%s: %w: no session cookie given", op, ErrAuthorize)
	}
	_, value := session.cookie()
	_, receipt, err := c.asEndUser(session).do(ctx, operation{
		name: op, bucket: bucketEndUser, want: http.StatusOK, maxBody: maxErrorBody,
		target: target{
			method: http.MethodPost, path: endUserPath, asEndUser: true,
			body: []byte(`{"keepCurrent":` + strconv.FormatBool(keepCurrent) + `}`),
		},
	})
	return receipt, withoutSecrets(err, value)
}

// asEndUser is this client without its credential.
func (c *Client) asEndUser(session SessionCookie) *Client {
	own := *c
	own.auth = session
	return &own
}
