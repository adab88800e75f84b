package main

import (
	"context"

	"sever/okta"
)

// adminRoles asks for the admin roles of nobody, where people are protected by theirs.
func (v *orgVisit) adminRoles(ctx context.Context) {
	if len(v.cfg.Policy.Protected.Admins) == 0 {
		return
	}
	check := v.name + ": read admin roles"
	_, _, err := v.client.ListUserRoles(ctx, okta.UserID(v.nobody))
	switch class := okta.ClassOf(err); {
	case err == nil, class == okta.ClassGone:
		v.ok(check, "allowed")
	case class == okta.ClassTemporary, class == okta.ClassRateLimited, class == okta.ClassConcurrency:
		v.warn(check, "not known: "+err.Error(), oktaFix(err, v.name, v.settings, needReadRoles))
	default:
		v.fail(check, "not allowed, but policy.protected.admins needs it: "+err.Error(), oktaFix(err, v.name, v.settings, needReadRoles))
	}
}
