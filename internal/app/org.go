package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"sever/internal/config"
	"sever/okta"
	"sever/revocation"
)

// org acts on one Okta org for the work stage: it turns what the client says into
// what the core decides by.
type org struct {
	name       string
	client     *OktaClient
	needsLogin bool // people who are protected by login must be looked up
	now        func() time.Time
}

var _ revocation.Okta = (*org)(nil)

func buildOrg(name string, settings config.Org, needsLogin bool, options Options) (*org, error) {
	client, err := NewOktaClient(name, settings, options)
	if err != nil {
		return nil, err
	}
	return &org{name: name, client: client, needsLogin: needsLogin, now: options.Now}, nil
}

// Ready waits for the budget of revocations.
func (o *org) Ready(ctx context.Context) error { return o.client.WaitForBudget(ctx) }

// Resolve finds the one user a person names.
func (o *org) Resolve(ctx context.Context, person revocation.Person) (revocation.User, error) {
	switch person.Kind {
	case revocation.PersonOktaID:
		return o.resolveID(ctx, person.Value)
	case revocation.PersonLogin:
		return o.resolveLogin(ctx, person.Value)
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
		return o.resolveEmail(ctx, login)
	}
}

func (o *org) resolveEmail(ctx context.Context, email string) (revocation.User, error) {
	user, receipt, err := o.client.FindUser(ctx, "email", email)
	if _, nobody := errors.AsType[*okta.NoUserError](err); nobody {
		return revocation.User{}, invalid(errors.New("no user has this login or email address"))
	}
	if several, ok := errors.AsType[*okta.SeveralUsersError](err); ok {
		return revocation.User{}, invalid(fmt.Errorf("at least %d users have this email address; name the one by id or login", several.Count))
	}
	if err != nil {
		return revocation.User{}, o.callError(err, receipt)
	}
	return revocation.User{ID: string(user.ID), Login: user.Login}, nil
}

// Revoke ends the user's sessions.
func (o *org) Revoke(ctx context.Context, user string, scope revocation.Scope) (revocation.Call, error) {
	id, err := okta.ParseUserID(user)
	if err != nil {
		return revocation.Call{}, invalid(err)
	}
	receipt, err := o.client.RevokeUserSessions(ctx, id, okta.RevokeOptions{
		OAuthTokens: scope.OAuthTokens, ForgetDevices: scope.ForgetDevices,
	})
	if err != nil {
		return revocation.Call{}, o.callError(err, receipt)
	}
	return revocation.Call{Status: receipt.Status, RequestID: receipt.RequestID}, nil
}

func invalid(err error) error {
	return &revocation.CallError{Failure: revocation.FailureInvalid, NotSent: true, Err: err}
}

func (o *org) callError(err error, receipt okta.Receipt) *revocation.CallError {
	callErr := &revocation.CallError{
		Failure: failure(okta.ClassOf(err)), Err: err,
		Call:    revocation.Call{Status: receipt.Status, RequestID: receipt.RequestID},
		NotSent: receipt.Attempts == 0,
	}
	if answer, ok := errors.AsType[*okta.Error](err); ok {
		callErr.Call.Code = answer.Code
	}
	if at, known := okta.RetryAt(err, o.now()); known {
		callErr.RetryAfter = at.Sub(o.now())
	}
	return callErr
}

func failure(class okta.Class) revocation.Failure {
	switch class {
	case okta.ClassGone:
		return revocation.FailureGone
	case okta.ClassForbidden, okta.ClassStatus:
		return revocation.FailureForbidden
	case okta.ClassInvalid:
		return revocation.FailureInvalid
	case okta.ClassCredential:
		return revocation.FailureCredential
	case okta.ClassWrongURL:
		return revocation.FailureWrongURL
	case okta.ClassRateLimited:
		return revocation.FailureRateLimited
	case okta.ClassConcurrency:
		return revocation.FailureConcurrency
	case okta.ClassTemporary, okta.ClassUnknown:
		return revocation.FailureTemporary
	default:
		return revocation.FailureTemporary
	}
}
