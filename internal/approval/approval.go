// Package approval makes the signed links by which a notice lets people decide about a
// hold, and reads them back. A link is good for one hold and one verb, until it expires;
// whoever has it may use it. Once the hold is decided, it does nothing.
package approval

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The verbs of a link.
const (
	Approve = "approve"
	Reject  = "reject"
)

// Path is where links lead to on the admin side; the token follows.
const Path = "/approve/"

// Links signs links and reads them back.
type Links struct {
	base string
	key  []byte
	now  func() time.Time
}

// ErrUnknown is all that is said of a token that is not good: it was not made here, was
// changed, or is of another time.
var ErrUnknown = errors.New("this link is not good, or not any more: ask for a new one, or use `sever holds`")

// New makes links to base, such as https://sever.corp.example. Their key is derived from
// the admin token, so that who changes the token makes all links void.
func New(base, adminToken string, now func() time.Time) (*Links, error) {
	if base == "" || adminToken == "" {
		return nil, errors.New("approval links: the admin side's URL and token must be given")
	}
	key, err := hkdf.Key(sha256.New, []byte(adminToken), nil, "sever approval links 2", sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("derive the key of approval links: %w", err)
	}
	return &Links{base: base, key: key, now: now}, nil
}

// Grant is what a link lets its holder do.
type Grant struct {
	Hold    string // the key of the hold
	Case    string // which of the holds of that key, one after the other
	Verb    string // Approve or Reject
	Expires time.Time
}

// Link gives the URL of a grant. Its time is cut to whole seconds.
func (l *Links) Link(grant Grant) string {
	claim := strings.Join([]string{grant.Verb, grant.Hold, grant.Case, strconv.FormatInt(grant.Expires.Unix(), 10)}, ".")
	return l.base + Path + claim + "." + l.sign(claim)
}

// Read gives the grant of a token.
func (l *Links) Read(token string) (Grant, error) {
	cut := strings.LastIndexByte(token, '.')
	if cut < 0 || !hmac.Equal([]byte(token[cut+1:]), []byte(l.sign(token[:cut]))) {
		return Grant{}, ErrUnknown
	}
	parts := strings.Split(token[:cut], ".")
	if len(parts) != 4 { //nolint:mnd // as Link makes them
		return Grant{}, ErrUnknown
	}
	seconds, err := strconv.ParseInt(parts[3], 10, 64)
	if err != nil {
		return Grant{}, ErrUnknown
	}
	grant := Grant{Verb: parts[0], Hold: parts[1], Case: parts[2], Expires: time.Unix(seconds, 0)}
	if (grant.Verb != Approve && grant.Verb != Reject) || !l.now().Before(grant.Expires) {
		return Grant{}, ErrUnknown
	}
	return grant, nil
}

func (l *Links) sign(claim string) string {
	mac := hmac.New(sha256.New, l.key)
	mac.Write([]byte(claim))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
