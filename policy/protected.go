package policy

import (
	"strings"

	"sever/revocation"
)

// Protected is the people and the mode for whom no call may be made. It is asked
// last, about the user that was found in Okta.
type Protected struct {
	dryRun bool
	ids    map[string]bool
	logins map[string]bool // lower case: Okta compares logins without regard to case
}

var _ revocation.Guard = (*Protected)(nil)

// NewProtected guards the given users. In a dry run it refuses everybody.
func NewProtected(dryRun bool, ids, logins []string) *Protected {
	p := &Protected{dryRun: dryRun, ids: make(map[string]bool), logins: make(map[string]bool)}
	for _, id := range ids {
		p.ids[id] = true
	}
	for _, login := range logins {
		p.logins[strings.ToLower(login)] = true
	}
	return p
}

// NeedsLogin reports whether a user's login must be known before Refuses is asked.
func (p *Protected) NeedsLogin() bool { return len(p.logins) > 0 }

// Refuses gives the reason why no call may be made for the user, or "".
func (p *Protected) Refuses(user revocation.User) string {
	switch {
	case p.NeedsLogin() && user.Login == "":
		return "this person's login is not known, so it cannot be held against policy.protected.logins"
	case p.ids[user.ID], p.logins[strings.ToLower(user.Login)]:
		return "this person is protected (policy.protected)"
	case p.dryRun:
		return "dry run (policy.mode): no call was made"
	default:
		return ""
	}
}
