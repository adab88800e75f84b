package okta

import (
	"context"
	"errors"
	"net/http"
)

// Class is what an error means to whoever decides about a retry.
type Class int

// The classes. Which status and code gives which is the table in the tests, after
// https://developer.okta.com/docs/reference/error-codes/.
const (
	ClassUnknown     Class = iota // no error, or an error that did not come from this package
	ClassGone                     // the user does not exist or is deactivated: there is nothing left to revoke
	ClassForbidden                // this user is out of our reach, an administrator for one: a person must look
	ClassStatus                   // not allowed in the user's current status: a person must look
	ClassCredential               // our credential or its scope is refused: nothing works until that is mended
	ClassRateLimited              // the window is used up; see RetryAt
	ClassConcurrency              // too many calls at once: wait a short, jittered time; Okta's reset means nothing here
	ClassTemporary                // try again later
	ClassInvalid                  // this request will never work as it is
	ClassWrongURL                 // whatever answered is not the Okta API we expect: check the base URL
)

func (c Class) String() string {
	switch c {
	case ClassUnknown:
		return "unknown"
	case ClassGone:
		return "gone"
	case ClassForbidden:
		return "forbidden"
	case ClassStatus:
		return "status"
	case ClassCredential:
		return "credential"
	case ClassRateLimited:
		return "rate_limited"
	case ClassConcurrency:
		return "concurrency"
	case ClassTemporary:
		return "temporary"
	case ClassInvalid:
		return "invalid"
	case ClassWrongURL:
		return "wrong_url"
	}
	return "unknown"
}

// ClassOf returns the class of an error of this package, wrapped or not.
func ClassOf(err error) Class {
	var (
		answer    interface{ Class() Class } // *Error, *OAuthError
		transport *TransportError
		refused   interface{ refusedLocally() }
	)
	switch {
	case errors.As(err, &answer):
		return answer.Class()
	case errors.As(err, &transport), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return ClassTemporary
	case errors.As(err, &refused), errors.Is(err, ErrUnsafeRequest):
		return ClassInvalid
	case errors.Is(err, ErrAuthorize):
		return ClassCredential
	}
	return ClassUnknown
}

// Class returns what the answer means.
func (e *Error) Class() Class {
	switch {
	case e.Local:
		return ClassRateLimited
	case e.Status >= 500:
		return ClassTemporary
	case e.Status < 400:
		// A redirect or another kind of success: a portal, a proxy or a wrong host. Okta's API sends neither.
		return ClassWrongURL
	}
	switch e.Status {
	case http.StatusBadRequest:
		return e.classOf400()
	case http.StatusUnauthorized:
		return e.classOf401()
	case http.StatusForbidden:
		return e.classOf403()
	case http.StatusNotFound:
		return e.classOf404()
	case http.StatusMethodNotAllowed:
		return ClassWrongURL
	case http.StatusRequestTimeout, http.StatusTooEarly:
		return ClassTemporary
	case http.StatusLocked:
		return e.classOf423()
	case http.StatusTooManyRequests:
		return e.classOf429()
	}
	return ClassInvalid
}

// classOf400: a bad DPoP proof is a 400 with an empty body and a challenge; a bad request has a code.
func (e *Error) classOf400() Class {
	if e.Challenge.Error == codeUseNonce {
		return ClassTemporary // a DPoP nonce that went stale twice within one call
	}
	if e.Code == "" && e.Challenge != (Challenge{}) {
		return ClassCredential
	}
	return ClassInvalid
}

func (e *Error) classOf401() Class {
	if e.Challenge.Error == codeUseNonce {
		return ClassTemporary
	}
	if e.Code == "E0000015" { // feature not enabled in this org: no credential helps
		return ClassInvalid
	}
	return ClassCredential
}

// classOf403: without a code it is an OAuth failure such as a missing scope, or something in between that refuses us; neither
// is about this one user.
func (e *Error) classOf403() Class {
	switch {
	case e.Challenge.Error == "insufficient_scope", e.Code == "", e.Code == "E0000005":
		return ClassCredential
	case e.Code == "E0000006":
		return ClassForbidden
	case e.Code == "E0000038":
		return ClassStatus
	}
	return ClassInvalid
}

func (e *Error) classOf404() Class {
	switch e.Code {
	case "E0000007":
		return ClassGone
	case "", "E0000008":
		return ClassWrongURL
	}
	return ClassInvalid
}

func (e *Error) classOf423() Class {
	if e.Code == "E0000155" { // user not active
		return ClassGone
	}
	return ClassInvalid
}

// classOf429: a limit of zero marks the concurrency limit.
// https://developer.okta.com/docs/reference/rl2-concurrency/
func (e *Error) classOf429() Class {
	if e.Rate.Known && e.Rate.Limit == 0 {
		return ClassConcurrency
	}
	return ClassRateLimited
}

// The errors about arguments: nothing was sent, and nothing will be however often it is tried.
func (*InvalidUserIDError) refusedLocally()      {}
func (*InvalidLoginError) refusedLocally()       {}
func (*InvalidQueryError) refusedLocally()       {}
func (*InvalidPollError) refusedLocally()        {}
func (*InvalidEventHookError) refusedLocally()   {}
func (*InvalidEventHookIDError) refusedLocally() {}
