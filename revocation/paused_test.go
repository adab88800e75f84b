package revocation_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sever/revocation"
)

// refusal is how Okta answers when it does not accept our credential.
func refusal(failure revocation.Failure) error {
	return &revocation.CallError{Failure: failure, Call: revocation.Call{Status: 401}, Err: errors.New("not with this credential")}
}

// user gives different people.
func user(n int) string { return fmt.Sprintf("00u%017d", n) }

func publishSuspended(w *world, from, count int) (jobs []revocation.Job) {
	for i := range count {
		jobs = append(jobs, suspended("sig_"+strconv.Itoa(from+i), user(from+i)))
	}
	w.lane.publish(jobs...)
	return jobs
}

func TestPauseWaitsForTheCredential(t *testing.T) {
	t.Parallel()
	for _, failure := range []revocation.Failure{revocation.FailureCredential, revocation.FailureWrongURL} {
		for _, where := range []string{opRevoke, opResolve} {
			t.Run(string(failure)+" in "+where, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					const count = 50
					w := newWorld()
					var mended atomic.Bool
					w.fault = func(op string) error {
						if op == where && !mended.Load() {
							return refusal(failure)
						}
						return nil
					}
					jobs := publishSuspended(w, 0, count)
					p := w.start(t, 4)
					pass(72 * time.Hour) // for longer than a job's time
					require.Equal(t, 1, w.steps()[revocation.StepPaused])
					require.Zero(t, w.steps()[revocation.StepAudited], "nothing was spent")
					require.Equal(t, count, w.lane.open())
					mended.Store(true)
					pass(2 * time.Minute)
					require.Equal(t, 1, w.steps()[revocation.StepResumed])
					w.finish(t, p)

					calls, audit, letters := w.seen()
					require.Empty(t, letters)
					require.Len(t, calls, count)
					require.Len(t, audit, count)
					for _, job := range jobs {
						requireRevokedOnce(t, w, job)
					}
					require.Equal(t, 1, w.steps()[revocation.StepPaused])
				})
			})
		}
	}
}

// tries are the calls that were refused.
type tries struct {
	mu sync.Mutex
	at []time.Time
}

func (r *tries) list() []time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.at)
}

func refusing(w *world, mended *atomic.Bool) *tries {
	refused := new(tries)
	w.fault = func(op string) error {
		if op != opRevoke || mended.Load() {
			return nil
		}
		refused.mu.Lock()
		defer refused.mu.Unlock()
		refused.at = append(refused.at, time.Now())
		return refusal(revocation.FailureCredential)
	}
	return refused
}

// One job at a time finds out, less and less often.
func TestPauseProbesLessAndLess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		var mended atomic.Bool
		refused := refusing(w, &mended)
		publishSuspended(w, 0, 30)
		p := w.start(t, 1)
		pass(10 * time.Minute)
		p.end()
		var waits []time.Duration
		at := refused.list()
		for i := range at[1:] {
			waits = append(waits, at[i+1].Sub(at[i]).Round(time.Second))
		}
		require.Equal(t, []time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second, 40 * time.Second, 80 * time.Second, 2 * time.Minute, 2 * time.Minute, 2 * time.Minute}, waits)
	})
}

// Hands that waited for a job while the gate shut take none that it would spend.
func TestPauseStopsHandsThatWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		var mended atomic.Bool
		refused := refusing(w, &mended)
		p := w.start(t, 8)
		pass(time.Minute) // all eight wait on the empty lane
		publishSuspended(w, 0, 1)
		pass(time.Second)
		publishSuspended(w, 1, 20)
		pass(time.Second)
		require.Len(t, refused.list(), 1)
		pass(3500 * time.Millisecond)
		require.Len(t, refused.list(), 2, "the first probe, alone")
		mended.Store(true)
		w.finish(t, p)
		calls, _, _ := w.seen()
		require.Len(t, calls, 21)
	})
}

// A lone job is its own probe.
func TestPauseOfALoneJob(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		var mended atomic.Bool
		refused := refusing(w, &mended)
		job := publishSuspended(w, 0, 1)[0]
		p := w.start(t, 4)
		pass(48 * time.Hour)
		require.Greater(t, len(refused.list()), 24*20)
		require.Less(t, len(refused.list()), 48*60)
		mended.Store(true)
		pass(5 * time.Minute)
		p.end()
		requireRevokedOnce(t, w, job)
		require.Equal(t, 1, w.steps()[revocation.StepResumed])
		_, audit, _ := w.seen()
		require.Len(t, audit, 1)
	})
}

// keyed is an Okta whose credential may be renewed.
type keyed struct {
	revocation.Okta

	stamp *atomic.Value
}

func (k keyed) CredentialStamp() string { return k.stamp.Load().(string) }

func TestPauseEndsSoonAfterANewKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		var mended atomic.Bool
		refusing(w, &mended)
		var stamp atomic.Value
		stamp.Store("first")
		w.config = func(_ *revocation.Config, deps *revocation.Deps) { deps.Okta = keyed{deps.Okta, &stamp} }
		publishSuspended(w, 0, 10)
		p := w.start(t, 2)
		pass(time.Hour)
		mended.Store(true)
		stamp.Store("second")
		pass(5 * time.Second)
		require.Equal(t, 1, w.steps()[revocation.StepResumed])
		w.finish(t, p)
	})
}

// A job that is refused on its own account stops the others once, and for seconds only;
// from then on it is a job that fails, and is given up by age.
func TestPauseIsNotForOneJobsTrouble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.answer = func(_ context.Context, who string) error {
			if who == user(0) {
				return refusal(revocation.FailureWrongURL)
			}
			return nil
		}
		publishSuspended(w, 0, 40)
		p := w.start(t, 4)
		pass(30 * time.Second)
		require.Equal(t, 1, w.lane.open(), "the others are done")
		w.finish(t, p)
		_, audit, letters := w.seen()
		require.Len(t, letters, 1)
		require.Equal(t, user(0), letters[0].Job.Person.Value)
		require.Equal(t, 1, w.steps()[revocation.StepPaused])
		require.Equal(t, 1, w.steps()[revocation.StepResumed])
		require.Equal(t, revocation.OutcomeDead, audit[len(audit)-1].Outcome)
	})
}

// Okta says the same 403 of an administrator and of a role that we lost.
func TestPauseWhenTheRoleIsLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		var mended atomic.Bool
		w.answer = func(_ context.Context, who string) error {
			if !mended.Load() || who == user(90) {
				return refusal(revocation.FailureForbidden)
			}
			return nil
		}
		publishSuspended(w, 0, 20)
		p := w.start(t, 1)
		pass(72 * time.Hour)
		_, _, letters := w.seen()
		require.Len(t, letters, 2, "before it could be told")
		mended.Store(true)
		pass(3 * time.Minute)
		require.Zero(t, w.lane.open())
		publishSuspended(w, 90, 1) // an administrator
		w.finish(t, p)
		_, _, letters = w.seen()
		require.Len(t, letters, 3)
		require.Equal(t, 1, w.steps()[revocation.StepPaused])
	})
}

// Mended by a restart after days, the first trouble of another kind gives up nothing.
func TestPauseOutlivesARestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		var mended atomic.Bool
		refusing(w, &mended)
		jobs := publishSuspended(w, 0, 20)
		first := w.start(t, 4)
		pass(72 * time.Hour)
		first.end()
		mended.Store(true)
		w.fault = failing(opRevoke, 10, &revocation.CallError{Failure: revocation.FailureRateLimited, Err: errors.New("429")})
		w.finish(t, w.start(t, 4))
		_, _, letters := w.seen()
		require.Empty(t, letters)
		for _, job := range jobs {
			requireRevokedOnce(t, w, job)
		}
	})
}

// A probe that needs no call makes room for the next at once; one that meets other
// trouble says nothing either way.
func TestPauseGoesOnWhileAProbeSaysNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		var mended atomic.Bool
		refused := refusing(w, &mended)
		for i := 1; i < 200; i++ {
			w.refuse[user(i)] = "protected"
		}
		publishSuspended(w, 0, 1)
		p := w.start(t, 2)
		pass(time.Second)
		publishSuspended(w, 1, 199)
		pass(20 * time.Second)
		require.Equal(t, 1, w.lane.open(), "those without a call were finished")
		require.Zero(t, w.steps()[revocation.StepResumed])
		require.LessOrEqual(t, len(refused.list()), 3)
		w.answer = func(context.Context, string) error {
			return &revocation.CallError{Failure: revocation.FailureTemporary, Err: errors.New("503")}
		}
		mended.Store(true)
		pass(time.Hour)
		require.Zero(t, w.steps()[revocation.StepResumed], "503 is no proof")
		w.mu.Lock()
		w.answer = func(context.Context, string) error { return nil }
		w.mu.Unlock()
		w.finish(t, p)
		require.Equal(t, 1, w.steps()[revocation.StepResumed])
	})
}

// A call that was sent before the pause and succeeds late is no proof.
func TestPauseIsNotEndedByAnOlderCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.answer = func(_ context.Context, who string) error {
			if who == user(0) {
				<-time.After(3 * time.Second)
				return nil
			}
			return refusal(revocation.FailureCredential)
		}
		publishSuspended(w, 0, 5)
		p := w.start(t, 2)
		pass(time.Minute)
		p.end()
		require.Equal(t, 1, w.steps()[revocation.StepPaused])
		require.Zero(t, w.steps()[revocation.StepResumed])
	})
}

// counting is an Okta that counts the jobs that needed no call.
type counting struct {
	revocation.Okta

	none *atomic.Int32
}

func (c counting) NoCall() { c.none.Add(1) }

func TestOktaHearsOfJobsThatNeedNoCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.refuse[user(3)] = "protected"
		w.refuse[user(7)] = "protected"
		var none atomic.Int32
		w.config = func(_ *revocation.Config, deps *revocation.Deps) { deps.Okta = counting{deps.Okta, &none} }
		publishSuspended(w, 0, 10)
		w.finish(t, w.start(t, 3))
		calls, _, _ := w.seen()
		require.Len(t, calls, 8)
		require.EqualValues(t, 2, none.Load())
	})
}
