package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"sever/internal/config"
	"sever/internal/hooks"
	"sever/okta"
)

const (
	// skewWarn and skewFail are how far our clock may be from Okta's: it refuses DPoP proofs that are older than five minutes
	// or from the future. https://developer.okta.com/docs/guides/dpop/
	skewWarn = 30 * time.Second
	skewFail = 5 * time.Minute
)

// org checks one Okta org, from the outside in. What cannot be told any more is left out.
func (d *doctor) org(ctx context.Context, name string) {
	settings := d.cfg.Orgs[name]
	if !d.address(ctx, name, settings) {
		return
	}
	client, err := d.oktaClient(d.cfg, name)
	if err != nil {
		d.fail(name+": credential", err.Error(), "correct it")
		return
	}
	defer client.Close()
	visit := &orgVisit{doctor: d, client: client.Client, name: name, settings: settings, nobody: nobodysID()}
	if !visit.credential(ctx) {
		return
	}
	visit.adminRoles(ctx)
	visit.endSessions(ctx)
	visit.headroom()
}

// address makes a call without any credential, which Okta refuses in its own way: that it is Okta shows in the request id.
func (d *doctor) address(ctx context.Context, name string, settings config.Org) bool {
	check := name + ": address"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, settings.URL+"/api/v1/users/me", http.NoBody)
	if err != nil {
		d.fail(check, settings.URL+" is not a URL", fmt.Sprintf("correct orgs.%s.url", name))
		return false
	}
	began := time.Now()
	resp, err := d.client.Do(req)
	if err != nil {
		reason, _ := hooks.Silence(err)
		d.fail(check, fmt.Sprintf("%s: %s", settings.URL, reason), wayFix(name))
		return false
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10) // so that the connection can be used again
	took := time.Since(began)
	if resp.Header.Get("X-Okta-Request-Id") == "" {
		d.fail(check, fmt.Sprintf("%s answers %d, and it is not Okta", settings.URL, resp.StatusCode),
			fmt.Sprintf("correct orgs.%s.url, or let the proxy in between pass calls on", name))
		return false
	}
	d.ok(check, fmt.Sprintf("%s is Okta and answers in %s", settings.URL, max(took.Round(time.Millisecond), time.Millisecond)))
	d.clock(name, resp.Header.Get("Date"), began.Add(took/2))
	return true
}

// clock compares Okta's Date, which has whole seconds, with our time in the middle of the call.
func (d *doctor) clock(name, header string, ours time.Time) {
	check := name + ": clock"
	date, err := http.ParseTime(header)
	if err != nil {
		d.warn(check, "Okta's answer has no date", "find the proxy that removes it")
		return
	}
	skew := ours.Sub(date.Add(time.Second / 2))
	off := fmt.Sprintf("this machine is %s ahead of Okta", skew.Round(time.Second))
	if skew < 0 {
		off = fmt.Sprintf("this machine is %s behind Okta", (-skew).Round(time.Second))
	}
	const fix = "set this machine's clock by NTP"
	switch {
	case skew.Abs() > skewFail:
		d.fail(check, off+"; Okta refuses to sign in more than 5m off", fix)
	case skew.Abs() > skewWarn:
		d.warn(check, off, fix)
	default:
		d.ok(check, off)
	}
}

// orgVisit is the checks that take the org's credential.
type orgVisit struct {
	*doctor

	client   *okta.Client
	name     string
	settings config.Org
	nobody   string // the id of no user
}

// credential looks up a user that is not there. That Okta looked proves the credential, and the right to look people up.
func (v *orgVisit) credential(ctx context.Context) (accepted bool) {
	check := v.name + ": credential"
	_, _, err := v.client.GetUser(ctx, v.nobody)
	switch class := okta.ClassOf(err); {
	case err == nil, class == okta.ClassGone:
		v.ok(check, "accepted: "+v.settings.Auth.Type)
		v.ok(v.name+": read users", "allowed")
		return true
	case class == okta.ClassForbidden, lacksScope(err):
		v.ok(check, "accepted: "+v.settings.Auth.Type)
		v.readUsers(err)
		return true
	}
	v.fail(check, err.Error(), oktaFix(err, v.name, v.settings, v.configured()))
	return false
}

// readUsers tells of a missing right that matters only when people are looked up.
func (v *orgVisit) readUsers(err error) {
	check, fix := v.name+": read users", oktaFix(err, v.name, v.settings, needReadUsers)
	if len(v.cfg.Policy.Protected.Logins) > 0 {
		v.fail(check, "not allowed, but policy.protected.logins needs it: "+err.Error(), fix)
		return
	}
	v.warn(check, "not allowed; `sever revoke` by login and policy.protected.logins need it", fix)
}

// endSessions asks to end the sessions of nobody. Okta checks scope and role before it looks for the user, so 404 says that
// both are there. No harm can come of it: the id is made up anew from 17 random characters, and the client sends no DELETE
// but to .../sessions.
func (v *orgVisit) endSessions(ctx context.Context) {
	check := v.name + ": end sessions"
	if !v.probe {
		v.warn(check, "not tried (--no-probe)", "run doctor without --no-probe")
		return
	}
	_, err := v.client.RevokeUserSessions(ctx, okta.UserID(v.nobody), okta.RevokeOptions{})
	switch class := okta.ClassOf(err); {
	case class == okta.ClassGone:
		v.ok(check, "allowed: Okta looked for a user that nobody is")
	case err == nil:
		v.ok(check, "allowed: Okta says it ended the sessions of a made-up user, as only a simulated Okta does")
	case class == okta.ClassTemporary, class == okta.ClassRateLimited, class == okta.ClassConcurrency:
		v.warn(check, "not known: "+err.Error(), oktaFix(err, v.name, v.settings, needRevoke))
	default:
		v.fail(check, "not allowed: "+err.Error(), oktaFix(err, v.name, v.settings, needRevoke))
	}
}

// headroom looks at what the calls so far have left of Okta's limits.
func (v *orgVisit) headroom() {
	check := v.name + ": rate limits"
	states := v.client.Budget()
	if len(states) == 0 {
		v.warn(check, "Okta's answers tell of no limits", "find the proxy that removes the X-Rate-Limit headers")
		return
	}
	var left []string
	for _, s := range states {
		left = append(left, fmt.Sprintf("%s: %d of %d left", s.Bucket, s.Remaining, s.Limit))
	}
	for _, s := range states {
		if s.Remaining <= int(math.Ceil(float64(s.Limit)*v.settings.Budget.Reserve)) {
			v.warn(check, strings.Join(left, ", ")+fmt.Sprintf("; at or below the share for others (%v)", v.settings.Budget.Reserve),
				"find out who uses them: Admin Console, Reports, Rate Limits; revocations wait meanwhile")
			return
		}
	}
	v.ok(check, strings.Join(left, ", "))
}

// configured is what the organisation's own token is asked to be good for.
func (v *orgVisit) configured() oktaNeed {
	if len(v.settings.Auth.Scopes) == 0 {
		return oktaNeed{needRevoke.scope + " " + needReadUsers.scope, needReadUsers.permission}
	}
	return oktaNeed{strings.Join(v.settings.Auth.Scopes, " "), needReadUsers.permission}
}

func lacksScope(err error) bool {
	answer, ok := errors.AsType[*okta.Error](err)
	return ok && answer.Challenge.Error == "insufficient_scope"
}

// nobodysID makes up a well-formed user id. One in 62 to the power of 17 is as good as none.
func nobodysID() string {
	const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	id := []byte("00u")
	for range 17 {
		id = append(id, letters[rand.N(len(letters))]) //nolint:gosec // nobody gains from guessing it
	}
	return string(id)
}
