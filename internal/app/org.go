package app

import (
	"context"
	"errors"
	"time"

	"sever/internal/config"
	"sever/okta"
	"sever/policy"
	"sever/revocation"
)

// org acts on one Okta org for the work stage: it turns what the client says into
// what the core decides by.
type org struct {
	name       string
	client     *OktaClient
	needsLogin bool // people who are protected by login must be looked up
	now        func() time.Time
	found      *lookups[revocation.Person, revocation.User]
	groups     *lookups[string, []policy.Group]
	keyFiles   []string // of the credential
}

var _ revocation.Okta = (*org)(nil)

func buildOrg(name string, settings config.Org, needsLogin bool, options Options) (*org, error) {
	client, err := NewOktaClient(name, settings, options)
	if err != nil {
		return nil, err
	}
	return &org{
		name: name, client: client, needsLogin: needsLogin, now: options.Now,
		found:  newLookups[revocation.Person, revocation.User](options.Now),
		groups: newLookups[string, []policy.Group](options.Now), keyFiles: keyFiles(settings.Auth),
	}, nil
}

// Ready waits for the budget of revocations.
func (o *org) Ready(ctx context.Context) error { return o.client.WaitForBudget(spending(ctx)) }

// spending lets critical work have the reserve.
func spending(ctx context.Context) context.Context {
	if revocation.IsUrgent(ctx) {
		return okta.WithReserve(ctx)
	}
	return ctx
}

// Revoke ends the user's sessions.
func (o *org) Revoke(ctx context.Context, user string, scope revocation.Scope) (revocation.Call, error) {
	id, err := okta.ParseUserID(user)
	if err != nil {
		return revocation.Call{}, invalid(err)
	}
	receipt, err := o.client.RevokeUserSessions(spending(ctx), id, okta.RevokeOptions{
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
