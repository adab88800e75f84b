package revocation

import "time"

// Failure classifies why a call did not revoke, in the terms a decision needs.
type Failure string

// The failures.
const (
	FailureGone        Failure = "gone"         // no such active user: nothing left to revoke
	FailureForbidden   Failure = "forbidden"    // not for this person: the role or its resource set lacks them
	FailureInvalid     Failure = "invalid"      // this job can never succeed as it is
	FailureCredential  Failure = "credential"   // our credential is not accepted: not the job's fault
	FailureWrongURL    Failure = "wrong_url"    // the answer is not that of Okta's API: not the job's fault
	FailureRateLimited Failure = "rate_limited" // over the limit until RetryAfter
	FailureConcurrency Failure = "concurrency"  // too many calls at once in the org
	FailureTemporary   Failure = "temporary"    // Okta or the network is in trouble
)

// CallError is a call to Okta that did not do what was asked.
type CallError struct {
	Failure    Failure
	RetryAfter time.Duration // for FailureRateLimited, 0 when Okta did not say
	Call       Call
	NotSent    bool  // held back by our own budget or checks: Okta saw nothing
	Err        error // its text is printable and holds no secret
}

func (e *CallError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *CallError) Unwrap() error { return e.Err }
