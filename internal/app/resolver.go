package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"sever/okta"
	"sever/revocation"
)

// Resolve finds the one user that a job's person names. A lookup is good for a moment;
// not so for a job that waited for a date, which also wants to know the person's status
// as it is now.
func (o *org) Resolve(ctx context.Context, job revocation.Job) (revocation.User, error) {
	if !job.Effective.IsZero() {
		user, err := o.lookup(ctx, job.Person)
		if err != nil {
			return user, err
		}
		return o.withStatus(ctx, user)
	}
	if job.Person.Kind == revocation.PersonOktaID {
		return o.lookup(ctx, job.Person)
	}
	if user, known := o.found.get(job.Person); known {
		return user, nil
	}
	user, err := o.lookup(ctx, job.Person)
	if err == nil {
		o.found.put(job.Person, user)
	}
	return user, err
}

func (o *org) lookup(ctx context.Context, person revocation.Person) (revocation.User, error) {
	switch person.Kind {
	case revocation.PersonOktaID:
		return o.resolveID(ctx, person.Value)
	case revocation.PersonLogin:
		return o.resolveLogin(ctx, person.Value)
	case revocation.PersonEmail:
		return o.find(ctx, "email", person.Value, "email address")
	case revocation.PersonAttribute:
		return o.find(ctx, person.Attribute, person.Value, "profile."+strings.TrimPrefix(person.Attribute, "profile."))
	default:
		return revocation.User{}, invalid(fmt.Errorf("a person given by %.32q cannot be looked up", person.Kind))
	}
}

func (o *org) resolveID(ctx context.Context, value string) (revocation.User, error) {
	id, err := okta.ParseUserID(value)
	if err != nil {
		return revocation.User{}, invalid(err)
	}
	if !o.needsLogin {
		return revocation.User{ID: string(id)}, nil
	}
	user, receipt, err := o.client.GetUser(ctx, string(id))
	if err != nil {
		return revocation.User{}, o.callError(err, receipt)
	}
	return revocation.User{ID: string(user.ID), Login: user.Login}, nil
}

// resolveLogin takes nothing but the exact login, since Okta would also take the
// start of one, which is a guess; or else the email address of exactly one user.
func (o *org) resolveLogin(ctx context.Context, login string) (revocation.User, error) {
	user, receipt, err := o.client.GetUser(ctx, login)
	switch {
	case err == nil && strings.EqualFold(user.Login, login):
		return revocation.User{ID: string(user.ID), Login: user.Login}, nil
	case err != nil && okta.ClassOf(err) != okta.ClassGone:
		return revocation.User{}, o.callError(err, receipt)
	case !strings.Contains(login, "@"):
		return revocation.User{}, invalid(errors.New("no user has exactly this login"))
	default:
		return o.find(ctx, "email", login, "login or email address")
	}
}

// find takes exactly one user. What was searched for is called what: the value itself is
// about a person and stays out of the reason.
func (o *org) find(ctx context.Context, attribute, value, what string) (revocation.User, error) {
	user, receipt, err := o.client.FindUser(ctx, attribute, value)
	if _, nobody := errors.AsType[*okta.NoUserError](err); nobody {
		return revocation.User{}, invalid(fmt.Errorf("no user has this %s", what))
	}
	if several, ok := errors.AsType[*okta.SeveralUsersError](err); ok {
		return revocation.User{}, invalid(fmt.Errorf("at least %d users have this %s; name the one by id or login", several.Count, strings.TrimPrefix(what, "login or ")))
	}
	if err != nil {
		return revocation.User{}, o.callError(err, receipt)
	}
	return revocation.User{ID: string(user.ID), Login: user.Login}, nil
}

const statusDeprovisioned = "DEPROVISIONED"

// withStatus asks for a user by id, since a search may lag behind. Who was deactivated
// has no session left: the HR system, or Okta by itself, was faster.
func (o *org) withStatus(ctx context.Context, found revocation.User) (revocation.User, error) {
	user, receipt, err := o.client.GetUser(ctx, found.ID)
	if err != nil {
		return found, o.callError(err, receipt)
	}
	if user.Status == statusDeprovisioned {
		return found, &revocation.CallError{
			Failure: revocation.FailureGone, NotSent: true,
			Err: errors.New("their status is " + statusDeprovisioned + ": no call was needed"),
		}
	}
	return revocation.User{ID: string(user.ID), Login: user.Login, Status: statusWord(user.Status)}, nil
}

// statusWord keeps what is not one of Okta's words out of the evidence.
// https://developer.okta.com/docs/api/openapi/okta-management/management/tag/User/
func statusWord(status string) string {
	known := []string{
		"STAGED", "PROVISIONED", "ACTIVE", "RECOVERY", "LOCKED_OUT", "PASSWORD_EXPIRED", "SUSPENDED", statusDeprovisioned,
	}
	if slices.Contains(known, status) {
		return status
	}
	return "unknown"
}
