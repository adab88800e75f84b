package main

import (
	"errors"
	"fmt"
	"strings"

	"sever/internal/config"
	"sever/okta"
)

// oktaNeed is what a call takes: the OAuth scopes of the app, by spaces, and the permission of its role.
type oktaNeed struct{ scope, permission string }

func (n oktaNeed) scopes() []string { return strings.Fields(n.scope) }

// What the calls of the commands need. https://developer.okta.com/docs/api/oauth2/ and
// https://developer.okta.com/docs/concepts/role-assignment/
var (
	needReadUsers   = oktaNeed{"okta.users.read", "okta.users.read"}                                    //nolint:gochecknoglobals // a constant struct
	needRevoke      = oktaNeed{"okta.users.manage", "okta.users.lifecycle.clearSessions"}               //nolint:gochecknoglobals // the same
	needReadHooks   = oktaNeed{"okta.eventHooks.read", "okta.eventhooks.read"}                          //nolint:gochecknoglobals // the same
	needReadRoles   = oktaNeed{"okta.roles.read", "okta.iam.read"}                                      //nolint:gochecknoglobals // the same
	needManageHooks = oktaNeed{"okta.eventHooks.manage okta.eventHooks.read", "okta.eventhooks.manage"} //nolint:gochecknoglobals // the same
)

// oktaFix says in one line what to do about an error of a call to Okta.
func oktaFix(err error, org string, settings config.Org, need oktaNeed) string {
	if refused, ok := errors.AsType[*okta.OAuthError](err); ok && refused.Class() == okta.ClassCredential {
		return tokenFix(refused, org, need)
	}
	answer, answered := errors.AsType[*okta.Error](err)
	switch okta.ClassOf(err) {
	case okta.ClassForbidden:
		return fmt.Sprintf("give the role of the %s the permission %s over the people or things concerned", principal(settings), need.permission)
	case okta.ClassCredential:
		if answered && answer.Challenge.Error == "insufficient_scope" {
			return grantScope(need)
		}
		return credentialFix(org, settings)
	case okta.ClassRateLimited, okta.ClassConcurrency:
		return "wait a minute; if it lasts, see Admin Console, Reports, Rate Limits for who uses the limit"
	case okta.ClassWrongURL:
		return fmt.Sprintf("correct orgs.%s.url: it must be the org's own address, or let the proxy in between pass the call on", org)
	case okta.ClassTemporary:
		if _, unanswered := errors.AsType[*okta.TransportError](err); unanswered {
			return wayFix(org)
		}
		return "Okta is in trouble: try again, and see status.okta.com"
	case okta.ClassUnknown, okta.ClassGone, okta.ClassStatus, okta.ClassInvalid:
		return "see Okta's own words; the request id finds the call in the System Log"
	}
	return "see Okta's own words"
}

// wayFix is for an org that does not answer.
func wayFix(org string) string {
	return fmt.Sprintf("correct orgs.%s.url, or open the way to it (DNS, firewall, HTTPS_PROXY, trusted CAs)", org)
}

func principal(settings config.Org) string {
	if settings.Auth.Type == "ssws" {
		return "API token's owner"
	}
	return "service app"
}

func credentialFix(org string, settings config.Org) string {
	if settings.Auth.Type == "ssws" {
		return fmt.Sprintf("put a valid API token into orgs.%s.auth.token: Okta drops tokens unused for 30 days, and those of a deactivated owner", org)
	}
	return fmt.Sprintf("check orgs.%s.auth and this machine's clock; the app must be ACTIVE in the Admin Console", org)
}

func grantScope(need oktaNeed) string {
	return fmt.Sprintf("grant %s to the app: Admin Console, Applications, the app, Okta API Scopes", strings.Join(need.scopes(), " and "))
}

func tokenFix(refused *okta.OAuthError, org string, need oktaNeed) string {
	switch refused.Code {
	case "invalid_scope":
		return grantScope(need) + fmt.Sprintf("; orgs.%s.auth.scopes must hold only granted ones", org)
	case "invalid_dpop_proof":
		return "set this machine's clock by NTP"
	case "invalid_client":
		if strings.Contains(refused.Description, "expir") || strings.Contains(refused.Description, "issued") {
			return "set this machine's clock by NTP"
		}
		return fmt.Sprintf("make orgs.%s.auth.client_id, key and key_id those of the app, and its public key the one in the Admin Console", org)
	}
	return fmt.Sprintf("check orgs.%s.auth: it must be an API Services app with public key authentication", org)
}
