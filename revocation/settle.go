package revocation

import (
	"errors"
	"math/rand/v2"
	"time"
)

// Bounds on how long a failed job waits before it is tried again.
const (
	minRetry        = time.Second
	maxRetry        = time.Minute
	credentialRetry = 30 * time.Second
	rateLimitRetry  = 15 * time.Second // when Okta named no time
)

// settlement is what becomes of a job after a try.
type settlement struct {
	outcome Outcome
	reason  string
	delay   time.Duration // for OutcomeFailed
}

// settle turns the result of a try into a settlement. It is the only place that
// decides so. age is how long the job has been on its lane: a job is given up by
// age and never by count, so that an outage at Okta cannot use up its tries.
func settle(err error, age, giveUpAfter time.Duration) settlement {
	if err == nil {
		return settlement{outcome: OutcomeRevoked, reason: "Okta ended the sessions"}
	}
	result := settleFailure(err, age)
	if result.outcome == OutcomeFailed && age >= giveUpAfter {
		return settlement{
			outcome: OutcomeDead,
			reason:  "given up after " + giveUpAfter.String() + " on its lane: " + err.Error(),
		}
	}
	return result
}

func settleFailure(err error, age time.Duration) settlement {
	var callErr *CallError
	if !errors.As(err, &callErr) {
		return settlement{OutcomeFailed, err.Error(), backoff(age)}
	}
	switch callErr.Failure {
	case FailureGone:
		return settlement{OutcomeGone, err.Error(), 0}
	case FailureForbidden, FailureInvalid:
		return settlement{OutcomeDead, err.Error(), 0}
	case FailureCredential, FailureWrongURL:
		return settlement{OutcomeFailed, err.Error(), jitter(credentialRetry)}
	case FailureRateLimited:
		return settlement{OutcomeFailed, err.Error(), rateLimitDelay(callErr.RetryAfter)}
	case FailureConcurrency:
		return settlement{OutcomeFailed, err.Error(), jitter(minRetry)}
	case FailureTemporary:
		return settlement{OutcomeFailed, err.Error(), backoff(age)}
	default:
		return settlement{OutcomeFailed, err.Error(), backoff(age)}
	}
}

// backoff grows with the job's age: a quarter of it, between a second and a
// minute. It needs no count of tries, which redeliveries would distort.
func backoff(age time.Duration) time.Duration {
	return jitter(min(max(age/4, minRetry), maxRetry))
}

// rateLimitDelay spreads the jobs that wait for one reset over the second after
// it, lest all of them meet the new window at once.
func rateLimitDelay(after time.Duration) time.Duration {
	if after <= 0 {
		return jitter(rateLimitRetry)
	}
	return after + rand.N(time.Second) //nolint:gosec // nobody gains by guessing it
}

// jitter spreads d over [d/2, d*3/2).
func jitter(d time.Duration) time.Duration {
	return d/2 + rand.N(d) //nolint:gosec // nobody gains by guessing it
}
