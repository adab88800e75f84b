package revocation_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sever/revocation"
)

// human is somebody with sessions in Okta.
type human struct {
	gone     bool // deactivated
	wasGone  []time.Time
	sessions []time.Time // when each that is open was begun, honestly

	shield revocation.Outcome // what the guard says of them: refused, held, or nothing
}

// attempt is one call, with what nobody but the model knows of it.
type attempt struct {
	id    string // the request id of its answer
	node  *node
	job   revocation.Job
	user  string
	began time.Time // true time
	clock time.Time // the worker's

	acted    time.Time // when the sessions ended; zero if they did not
	refusal  revocation.Failure
	answered bool // the worker has its answer
	failed   bool // what the worker has is no answer of Okta's, or its refusal
	ended    bool // the worker waits no more
	unsent   bool // held back by the budget

	ledgered  int // step at which the ledger had its record; 0 if never
	audited   int // the same of the audit
	unwritten bool
}

// Ready never waits: the limits are okta's affair.
func (n *node) Ready(ctx context.Context) error { return ctx.Err() }

func (n *node) Resolve(ctx context.Context, job revocation.Job) (user revocation.User, err error) {
	var refusal revocation.Failure
	err = n.do(ctx, opResolve, job, func() {
		if job.Person.Kind != revocation.PersonOktaID && n.model.locked {
			refusal = revocation.FailureCredential
			return
		}
		user.ID = userOf(job)
	})
	if err == nil && refusal != "" {
		return user, &revocation.CallError{Failure: refusal, Call: revocation.Call{Status: 401}, Err: errors.New("no")}
	}
	return user, asCallError(err, nil)
}

// Revoke has three places for trouble: before Okta acts, between that and the answer, and
// after it.
func (n *node) Revoke(ctx context.Context, user string, _ revocation.Scope) (revocation.Call, error) {
	call := n.model.begin(n, user)
	about := fmt.Sprintf("%s for %s", call.id, n.model.named(call.job))
	err := n.ask(ctx, &request{op: opRevoke, about: about, effect: func() { n.model.act(call) }})
	if err == nil {
		err = n.ask(ctx, &request{op: opAnswer, about: about, effect: func() {}})
	}
	n.model.mu.Lock()
	defer n.model.mu.Unlock()
	call.ended = true
	answer := revocation.Call{Status: 204, RequestID: call.id}
	switch {
	case err != nil:
		call.failed = true
		err = asCallError(err, &call.unsent)
		return revocation.Call{}, err
	case call.refusal != "":
		call.answered, call.failed = true, call.refusal != revocation.FailureGone
		answer.Status = 400
		return revocation.Call{}, &revocation.CallError{Failure: call.refusal, Call: answer, Err: errors.New("no")}
	default:
		call.answered = true
		return answer, nil
	}
}

// asCallError makes of any trouble one that the worker knows.
func asCallError(err error, unsent *bool) error {
	var callErr *revocation.CallError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &callErr):
		if unsent != nil {
			*unsent = callErr.NotSent
		}
		return err
	default:
		return &revocation.CallError{Failure: revocation.FailureTemporary, Err: err}
	}
}

// begin is the moment before a call is sent. What it may not be is looked at here.
func (m *model) begin(n *node, user string) *attempt {
	m.mu.Lock()
	defer m.mu.Unlock()
	call := &attempt{
		id: fmt.Sprintf("call %d", len(m.calls)+1), node: n, job: n.calling, user: user,
		began: time.Now(), clock: time.Now().Add(n.skew),
	}
	m.mayCall(call)
	m.calls = append(m.calls, call)
	return call
}

// act is Okta doing, or not, what it was asked for.
func (m *model) act(call *attempt) {
	person := m.people[call.user]
	switch {
	case m.locked:
		call.refusal = revocation.FailureCredential
	case call.user == forbidden:
		call.refusal = revocation.FailureForbidden
	case person.gone:
		call.refusal = revocation.FailureGone
		person.wasGone = append(person.wasGone, time.Now())
	default:
		call.acted = time.Now()
		person.sessions = nil
	}
}

// callOf finds the call that a record tells of: by its answer, or by when it began.
func (m *model) callOf(record revocation.Record) *attempt {
	for _, call := range m.calls {
		same := call.job.ID == record.Job.ID && call.clock.Equal(record.Began)
		if record.Call != nil && record.Call.RequestID == call.id || same && record.Call != nil && record.Call.RequestID == "" {
			return call
		}
	}
	return nil
}

// trouble is how a call or a look-up can fail before Okta hears of it.
func trouble(kind int) error {
	failure := &revocation.CallError{Failure: revocation.FailureTemporary, Err: errors.New("bad gateway")}
	switch kind % 6 {
	case 1:
		failure.Failure, failure.RetryAfter = revocation.FailureRateLimited, 2*time.Second
	case 2:
		failure.Failure = revocation.FailureConcurrency
	case 3:
		failure.Failure, failure.NotSent = revocation.FailureRateLimited, true
	}
	return failure
}
