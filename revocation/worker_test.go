package revocation_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sever/revocation"
	"sever/revocation/revocationtest"
)

func TestNewWorkerChecksItsBounds(t *testing.T) {
	t.Parallel()
	good := revocation.Config{Concurrency: 1, Heartbeat: 1, AttemptTimeout: 1, GiveUpAfter: 1}
	_, err := revocation.NewWorker(revocation.Deps{}, good)
	require.NoError(t, err)
	for name, spoil := range map[string]func(*revocation.Config){
		"no concurrency":       func(c *revocation.Config) { c.Concurrency = 0 },
		"negative concurrency": func(c *revocation.Config) { c.Concurrency = -1 },
		"no heartbeat":         func(c *revocation.Config) { c.Heartbeat = 0 },
		"no attempt timeout":   func(c *revocation.Config) { c.AttemptTimeout = 0 },
		"negative timeout":     func(c *revocation.Config) { c.AttemptTimeout = -time.Second },
		"no give-up age":       func(c *revocation.Config) { c.GiveUpAfter = 0 },
	} {
		config := good
		spoil(&config)
		_, err := revocation.NewWorker(revocation.Deps{}, config)
		require.Error(t, err, name)
	}
}

func TestWorkerActsRecordsThenAcknowledges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.latency = func(op string) time.Duration { return map[string]time.Duration{opRevoke: 300 * time.Millisecond}[op] }
		job := suspended("sig_1", ada)
		w.lane.publish(job)
		pass(2 * time.Second)
		began := time.Now()
		w.finish(t, w.start(t, 1))

		require.Equal(t, []string{
			opFinished, opResolve, opNewest, opJudge, opRevoke, opCommit, opCommitID, opAppend, opDone,
		}, w.trace)
		calls, audit, letters := w.seen()
		require.Equal(t, []call{{user: ada, scope: job.Scope, at: began.Add(300 * time.Millisecond), ok: true}}, calls)
		require.Empty(t, letters)
		require.Len(t, audit, 1)
		record := audit[0]
		require.NotEmpty(t, record.ID)
		record.ID = ""
		require.Equal(t, revocation.Record{
			Job: job, Attempt: 1, Outcome: revocation.OutcomeRevoked, Reason: "Okta ended the sessions", User: ada,
			Began: began, Ended: began.Add(300 * time.Millisecond), Call: &revocation.Call{Status: 204, RequestID: "req0"},
		}, record)
		finished, found, err := w.ledger.Finished(t.Context(), job.ID)
		require.NoError(t, err)
		require.True(t, found)
		require.Equal(t, audit[0], finished, "the same value goes to the ledger and to the audit")

		var steps []revocation.Step
		for _, event := range w.events {
			require.Equal(t, "work", event.Stage)
			require.Equal(t, job.ID, event.Job.ID)
			require.Equal(t, []string{"acme", "okta", job.Delivery, job.Type},
				[]string{event.Org, event.Source, event.Delivery, event.Type})
			steps = append(steps, event.Step)
		}
		require.Equal(t, []revocation.Step{
			revocation.StepTaken, revocation.StepCalling, revocation.StepCalled,
			revocation.StepRecorded, revocation.StepAudited, revocation.StepSettled,
		}, steps)
	})
}

func TestWorkerSendsEachJobsScope(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		for i, scope := range []revocation.Scope{{}, {OAuthTokens: true}, {ForgetDevices: true}} {
			job := suspended("sig", []string{ada, grace, "00ulinus000000000001"}[i])
			job.Scope, job.ID = scope, revocation.JobID("acme", "sig", scope)
			w.lane.publish(job)
		}
		w.finish(t, w.start(t, 1))
		calls, _, _ := w.seen()
		require.Len(t, calls, 3)
		require.Equal(t, revocation.Scope{}, calls[0].scope)
		require.Equal(t, revocation.Scope{OAuthTokens: true}, calls[1].scope)
		require.Equal(t, revocation.Scope{ForgetDevices: true}, calls[2].scope)
	})
}

func TestWorkerRefusesProtectedPeople(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.refuse[ada] = "this person is protected"
		first, second := suspended("sig_1", ada), suspended("sig_2", ada)
		other := suspended("sig_3", grace)
		w.lane.publish(first, second, other)
		w.finish(t, w.start(t, 1))

		calls, audit, letters := w.seen()
		require.Len(t, calls, 1)
		require.Equal(t, grace, calls[0].user)
		require.Empty(t, letters)
		require.Len(t, audit, 3)
		for _, record := range audit[:2] {
			require.Equal(t, revocation.OutcomeRefused, record.Outcome)
			require.Equal(t, "this person is protected", record.Reason)
			require.Nil(t, record.Call)
			require.Empty(t, record.CoveredBy, "a refusal covers nothing")
		}
		_, found, err := w.ledger.Newest(t.Context(), "acme", ada)
		require.NoError(t, err)
		require.False(t, found, "a refusal is no revocation")
	})
}

func TestWorkerThatRefusesEverybodyCallsNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // as in a dry run
		w := newWorld()
		w.refuse[ada], w.refuse[grace] = "dry run", "dry run"
		w.lane.publish(suspended("sig_1", ada), suspended("sig_2", grace), suspended("sig_1", ada))
		w.finish(t, w.start(t, 2))
		calls, audit, _ := w.seen()
		require.Empty(t, calls)
		require.GreaterOrEqual(t, len(audit), 2)
		require.Equal(t, []string{"done", "done", "done"}, w.lane.ends())
	})
}

func TestWorkerNeverCallsForADuplicate(t *testing.T) {
	t.Parallel()
	for name, outcome := range map[string]revocation.Outcome{
		"revoked": revocation.OutcomeRevoked, "gone": revocation.OutcomeGone,
		"covered": revocation.OutcomeCovered, "refused": revocation.OutcomeRefused,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				job := suspended("sig_1", ada)
				finished := revocationtest.Finishing(job.ID, outcome, ada, 0)
				finished.Job, finished.Began = job, job.Received.Add(time.Second)
				w.commit(t, finished)
				pass(24 * time.Hour) // she has honestly signed in again
				late := suspended("sig_1", ada)
				require.Equal(t, job.ID, late.ID)
				require.True(t, late.Received.After(finished.Began))
				w.lane.publish(late)
				w.finish(t, w.start(t, 1))

				calls, audit, _ := w.seen()
				require.Empty(t, calls)
				require.Len(t, audit, 2, "the record that finished it, once more, and the duplicate's own")
				require.Equal(t, finished, audit[0])
				require.Equal(t, revocation.OutcomeCovered, audit[1].Outcome)
				require.Equal(t, job.ID, audit[1].CoveredBy)
				require.NotEqual(t, audit[0].ID, audit[1].ID)
				require.Equal(t, []string{"done"}, w.lane.ends())
			})
		})
	}
}

func TestWorkerGivesUpByAgeNeverByCount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.answer = func(context.Context, string) error {
			return &revocation.CallError{Failure: revocation.FailureTemporary, Call: revocation.Call{Status: 503}, Err: errors.New("Okta is down")}
		}
		job := suspended("sig_1", ada)
		w.lane.publish(job)
		p := w.start(t, 1)
		pass(time.Hour - time.Second)
		require.Equal(t, 1, w.lane.open(), "an outage does not use up a job's tries")
		w.finish(t, p)

		calls, audit, letters := w.seen()
		require.Greater(t, len(calls), 40)
		require.Less(t, len(calls), 200, "retries back off")
		require.Len(t, audit, len(calls), "one attempt, one record")
		for _, record := range audit[:len(audit)-1] {
			require.Equal(t, revocation.OutcomeFailed, record.Outcome)
			require.Equal(t, 503, record.Call.Status)
			require.True(t, record.Retry.After(record.Ended))
		}
		require.Equal(t, revocation.OutcomeDead, audit[len(audit)-1].Outcome)
		require.Len(t, letters, 1)
		require.Equal(t, job, *letters[0].Job)
		require.Contains(t, letters[0].Reason, "given up after 1h0m0s")
		require.Equal(t, []string{"ended"}, w.lane.ends())

		// An operator puts it back: dead before, it acts now, with its full time again.
		w.answer = func(context.Context, string) error { return nil }
		again := job
		again.Redrives, again.Enqueued = 1, time.Now()
		w.lane.publish(again)
		w.finish(t, w.start(t, 1))
		after, _, letters := w.seen()
		require.Len(t, after, len(calls)+1)
		require.Len(t, letters, 1)
		require.Len(t, w.revocationsOf(job.ID), 1)
		require.Equal(t, []string{"ended", "done"}, w.lane.ends())
	})
}

func TestWorkerPutsAsideWhatCanNeverSucceed(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*world, error){
		"the call": func(w *world, err error) { w.answer = func(context.Context, string) error { return err } },
		"the look-up": func(w *world, err error) {
			w.identify = func(revocation.Person) (string, error) { return "", err }
		},
	} {
		for _, failure := range []revocation.Failure{revocation.FailureForbidden, revocation.FailureInvalid} {
			t.Run(name+" "+string(failure), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := newWorld()
					spoil(w, &revocation.CallError{Failure: failure, Call: revocation.Call{Status: 403, Code: "E0000006"}, Err: errors.New("not for you")})
					w.lane.publish(suspended("sig_1", ada))
					w.finish(t, w.start(t, 1))
					_, audit, letters := w.seen()
					require.Len(t, letters, 1)
					require.Contains(t, letters[0].Reason, "not for you")
					require.Len(t, audit, 1)
					require.Equal(t, revocation.OutcomeDead, audit[0].Outcome)
					require.Equal(t, &revocation.Call{Status: 403, Code: "E0000006"}, audit[0].Call)
					require.Equal(t, []string{"ended"}, w.lane.ends())
					effects := w.effects()
					require.Equal(t, []string{opBury, opAppend, opEnded}, effects[len(effects)-3:])
				})
			})
		}
	}
}

func TestWorkerFinishesTheJobsOfThoseWhoAreGone(t *testing.T) {
	t.Parallel()
	gone := &revocation.CallError{Failure: revocation.FailureGone, Call: revocation.Call{Status: 404}, Err: errors.New("no such user")}
	t.Run("the call says so", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.answer = func(context.Context, string) error { return gone }
			w.lane.publish(suspended("sig_1", ada), suspended("sig_2", ada))
			pass(time.Second)
			w.finish(t, w.start(t, 1))
			calls, audit, letters := w.seen()
			require.Len(t, calls, 1, "the second is covered: nobody is there")
			require.Empty(t, letters)
			require.Equal(t, revocation.OutcomeGone, audit[0].Outcome)
			require.Equal(t, revocation.OutcomeCovered, audit[1].Outcome)
		})
	})
	t.Run("the look-up says so", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.identify = func(revocation.Person) (string, error) { return "", gone }
			w.latency = func(op string) time.Duration { return map[string]time.Duration{opResolve: time.Second}[op] }
			started := time.Now()
			job := suspended("sig_1", ada)
			w.lane.publish(job, suspended("sig_2", grace))
			w.finish(t, w.start(t, 1))
			calls, audit, _ := w.seen()
			require.Empty(t, calls)
			require.Len(t, audit, 2)
			require.Equal(t, revocation.OutcomeGone, audit[0].Outcome)
			require.Equal(t, started, audit[0].Began, "before Okta was asked")
			require.Equal(t, started.Add(time.Second), audit[0].Ended)
			require.Equal(t, revocation.OutcomeGone, audit[1].Outcome, "one who is gone says nothing of another")
			_, found, err := w.ledger.Newest(t.Context(), "acme", "")
			require.NoError(t, err)
			require.False(t, found, "nobody knows which user is gone")
		})
	})
}
