package dispatch_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sever/dispatch"
	"sever/policy"
	"sever/revocation"
	"sever/source"
)

func TestDispatchPublishesAJob(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStores()
		stop := s.run(t, nil)
		delivery := suspension(ada, "uuid-1")
		s.entries <- revocation.LogEntry{Deliveries: []revocation.Delivery{delivery}}
		pass(time.Millisecond)
		stop()
		require.Len(t, s.jobs, 1)
		job := s.jobs[0]
		require.Equal(t, revocation.Person{Kind: revocation.PersonOktaID, Value: ada}, job.Person)
		require.Equal(t, "suspended", job.Rule)
		require.Equal(t, revocation.LaneCritical, job.Lane)
		require.Equal(t, revocation.Scope{OAuthTokens: true, ForgetDevices: true}, job.Scope)
		require.Equal(t, []string{"acme", "okta", delivery.ID}, []string{job.Org, job.Source, job.Delivery})
		require.Equal(t, delivery.Received, job.Received)
		require.Equal(t, []revocation.Verdict{{}}, s.verdicts)
		for i, step := range []revocation.Step{revocation.StepDecided, revocation.StepEnqueued, revocation.StepDispatched} {
			require.Equal(t, step, s.events[i].Step)
			require.Equal(t, "dispatch", s.events[i].Stage)
			require.Equal(t, delivery.ID, s.events[i].Delivery)
		}
	})
}

// The store fails a few times: the entry, which comes again when it was handed back, is
// acknowledged once, after all of it is stored.
func TestDispatchTriesUntilTheStoreTakesEverything(t *testing.T) {
	t.Parallel()
	for failures := range 12 {
		synctest.Test(t, func(t *testing.T) {
			s := newStores()
			s.failing, s.err = failures, errors.New("no server")
			stop := s.run(t, nil)
			entry := revocation.LogEntry{Deliveries: []revocation.Delivery{
				suspension(ada, "uuid-1"), suspension("not an id", "uuid-2"), suspension(grace, "uuid-3"),
			}}
			for len(s.verdicts) == 0 || s.verdicts[len(s.verdicts)-1].Again {
				s.entries <- entry
				pass(time.Minute)
			}
			stop()
			require.Len(t, s.jobs, 2)
			require.NotEmpty(t, s.letters)
			for _, letter := range s.letters {
				require.Equal(t, s.letters[0].ID, letter.ID, "the store keeps one")
			}
			require.Equal(t, revocation.Verdict{}, s.verdicts[len(s.verdicts)-1])
			require.Equal(t, len(s.letters)+2, s.storedAtVerdict, "not before everything is stored")
			require.NotContains(t, s.verdicts[:len(s.verdicts)-1], revocation.Verdict{})
		})
	}
}

func TestDispatchBacksOffAndKeepsItsLeaseWhileBlocked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStores()
		s.failing, s.err = 1_000_000, errors.New("no server")
		stop := s.run(t, nil)
		s.entries <- revocation.LogEntry{Deliveries: []revocation.Delivery{suspension(ada, "uuid-1")}}
		pass(time.Minute + time.Millisecond)
		require.Equal(t, 60, s.beats, "a beat a second")
		require.Greater(t, s.tries, 10)
		require.Less(t, s.tries, 25, "it backs off to 5 s")
		require.Empty(t, s.verdicts)

		stopped := time.Now()
		stop()
		require.Zero(t, time.Since(stopped), "it does not wait for the store")
		require.Equal(t, []revocation.Verdict{{Again: true}}, s.verdicts, "handed back")
		beats := s.beats
		pass(time.Minute)
		require.Equal(t, beats, s.beats, "no heartbeat after the end")
		require.Empty(t, s.jobs)
	})
}

// Handed back in the middle and dispatched again: the ids are the same, so nothing is doubled.
func TestDispatchRepeatedGivesTheSameIDs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStores()
		panics := decoderFunc(func(revocation.Delivery) (source.Decoded, error) { panic("a bug") })
		bad := revocation.NewDelivery("broken", "", []byte("x"), time.Now())
		gone := revocation.NewDelivery("gone", "", []byte("x"), time.Now())
		garbled := revocation.NewDelivery("okta", "", []byte("{"), time.Now())
		entries := []revocation.LogEntry{
			{Deliveries: []revocation.Delivery{suspension(ada, "uuid-1"), suspension("nobody", "uuid-2"), bad, gone, garbled}},
			{Damage: errors.New("cut short"), Raw: []byte{1, 2, 3}},
		}
		for range 3 {
			stop := s.run(t, panics)
			for _, entry := range entries {
				s.entries <- entry
			}
			pass(time.Second)
			stop()
		}
		require.Len(t, s.jobs, 1)
		require.Len(t, s.letters, 3*5)
		ids := make(map[string]int)
		for _, letter := range s.letters {
			ids[letter.ID]++
			require.NotEmpty(t, letter.Reason)
			require.NotContains(t, letter.Reason, "\n", "one line")
			require.LessOrEqual(t, len(letter.Reason), 300, "bounded")
		}
		require.Len(t, ids, 5)
		for id, times := range ids {
			require.Equal(t, 3, times, id)
		}
		require.Len(t, s.seen(revocation.StepIgnored), 2, "the job was there already")
		require.Equal(t, dispatch.IgnoredDuplicate, s.seen(revocation.StepIgnored)[0].Reason)
		require.Len(t, s.seen(revocation.StepEnqueued), 1)
	})
}

func TestDispatchPutsAside(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		delivery revocation.Delivery
		decoder  source.Decoder
		org      string
		reason   string
	}{
		"unreadable":      {revocation.NewDelivery("okta", "", []byte("not json"), time.Time{}), nil, "acme", "not valid JSON"},
		"empty":           {revocation.NewDelivery("okta", "", nil, time.Time{}), nil, "acme", "JSON"},
		"unknown source":  {revocation.NewDelivery("gone", "", []byte("{}"), time.Time{}), nil, "", "not configured any more"},
		"nobody":          {hook(source.OktaSample{Type: "user.lifecycle.suspend", User: "ada@example.com"}), nil, "acme", "user.lifecycle.suspend: okta user id"},
		"decoder's error": {revocation.NewDelivery("broken", "", []byte("{}"), time.Time{}), decoderFunc(func(revocation.Delivery) (source.Decoded, error) { return source.Decoded{}, errors.New("what is this") }), "acme", "what is this"},
		"decoder's panic": {revocation.NewDelivery("broken", "", []byte("{}"), time.Time{}), decoderFunc(func(revocation.Delivery) (source.Decoded, error) { panic("secret?") }), "acme", "bug in Sever"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newStores()
				stop := s.run(t, tt.decoder)
				s.entries <- revocation.LogEntry{Deliveries: []revocation.Delivery{tt.delivery}}
				pass(time.Millisecond)
				stop()
				require.Empty(t, s.jobs)
				require.Len(t, s.letters, 1)
				letter := s.letters[0]
				require.Contains(t, letter.Reason, tt.reason)
				require.NotContains(t, letter.Reason, "secret?")
				require.Equal(t, tt.org, letter.Org)
				require.Equal(t, tt.delivery, *letter.Delivery, "byte for byte, to be redriven")
				require.Equal(t, []revocation.Verdict{{}}, s.verdicts)
				events := s.seen(revocation.StepDeadLetter)
				require.Len(t, events, 1)
				require.Equal(t, tt.delivery.ID, events[0].Delivery)
			})
		})
	}
}

// A delivery full of events that name nobody is one dead letter, and not one for each.
func TestDispatchPutsADeliveryAsideOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStores()
		stop := s.run(t, decoderFunc(func(revocation.Delivery) (source.Decoded, error) {
			suspended := revocation.Signal{ID: "sig_1", Org: "acme", Source: "broken", Type: "user.lifecycle.suspend"}
			known := suspended
			known.Person = revocation.Person{Kind: revocation.PersonOktaID, Value: ada}
			suspended.NoPerson = "no target of type User"
			return source.Decoded{Signals: []revocation.Signal{suspended, known, suspended, suspended}}, nil
		}))
		s.entries <- revocation.LogEntry{Deliveries: []revocation.Delivery{revocation.NewDelivery("broken", "", []byte("{}"), time.Time{})}}
		pass(time.Millisecond)
		stop()
		require.Len(t, s.jobs, 1, "who is known is revoked all the same")
		require.Len(t, s.letters, 1)
		require.Equal(t, "user.lifecycle.suspend: no target of type User; and 2 more signals that name nobody", s.letters[0].Reason)
	})
}

// While the dead letters are full, revocations behind the one that finds no room go on.
func TestDispatchGoesOnWhenTheDeadLettersAreFull(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStores()
		s.failing, s.err = 1, errors.New("maximum bytes exceeded")
		stop := s.run(t, nil)
		unreadable := revocation.NewDelivery("okta", "", []byte("not json"), time.Time{})
		s.entries <- revocation.LogEntry{Deliveries: []revocation.Delivery{unreadable}}
		s.entries <- revocation.LogEntry{Deliveries: []revocation.Delivery{suspension(ada, "1")}}
		pass(time.Millisecond)
		stop()
		require.Empty(t, s.letters)
		require.Len(t, s.jobs, 1)
		require.Equal(t, []revocation.Verdict{{Again: true, Delay: 15 * time.Second}, {}}, s.verdicts)
	})
}

func TestDispatchPutsADamagedEntryAside(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStores()
		stop := s.run(t, nil)
		s.entries <- revocation.LogEntry{Damage: errors.New("cut short"), Raw: []byte{0xff, 0}}
		s.entries <- revocation.LogEntry{Deliveries: []revocation.Delivery{suspension(ada, "uuid-1")}}
		pass(time.Millisecond)
		stop()
		require.Len(t, s.letters, 1)
		require.Equal(t, []byte{0xff, 0}, s.letters[0].Raw)
		require.Contains(t, s.letters[0].Reason, "cut short")
		require.Len(t, s.jobs, 1, "the log goes on behind it")
		require.Len(t, s.verdicts, 2)
	})
}

// What the store lost before an entry waits for an operator, and the entry itself is worked.
func TestDispatchPutsAGapAside(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStores()
		stop := s.run(t, nil)
		s.entries <- revocation.LogEntry{Missing: errors.New("3 entries are gone"), Deliveries: []revocation.Delivery{suspension(ada, "uuid-1")}}
		pass(time.Millisecond)
		stop()
		require.Len(t, s.letters, 1)
		require.Equal(t, "3 entries are gone", s.letters[0].Reason)
		require.Len(t, s.jobs, 1)
	})
}

// One event without a person costs the others of its delivery nothing.
func TestDispatchOfABatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStores()
		stop := s.run(t, nil)
		bodies := make([]string, 0, 3)
		for _, user := range []string{ada, "", grace} {
			body := string(suspension(user, "uuid-"+user).Body)
			event := body[strings.Index(body, `"events":[`)+len(`"events":[`):]
			bodies = append(bodies, event[:strings.LastIndex(event, `]}`)])
		}
		body := `{"data":{"events":[` + strings.Join(bodies, ",") + `]}}`
		s.entries <- revocation.LogEntry{Deliveries: []revocation.Delivery{
			revocation.NewDelivery("okta", "application/json", []byte(body), time.Now()),
		}}
		pass(time.Millisecond)
		stop()
		require.Len(t, s.jobs, 2)
		require.Equal(t, ada, s.jobs[0].Person.Value)
		require.Equal(t, grace, s.jobs[1].Person.Value)
		require.Len(t, s.letters, 1)
		require.Equal(t, []revocation.Verdict{{}}, s.verdicts)
	})
}

func TestDispatchIgnoresWhatDeservesNothing(t *testing.T) {
	t.Parallel()
	for eventType, reason := range map[string]string{
		"user.session.clear":                             source.SkippedEcho,
		"user.session.end":                               source.SkippedEcho,
		"user.authentication.universal_logout":           source.SkippedEcho,
		"user.authentication.universal_logout.scheduled": source.SkippedEcho,
		"user.of.the.future":                             source.SkippedUnknownType,
		"user.session.start":                             policy.NoRule,
		"user.lifecycle.unsuspend":                       policy.NoRule,
	} {
		t.Run(eventType, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newStores()
				stop := s.run(t, nil)
				s.entries <- revocation.LogEntry{Deliveries: []revocation.Delivery{hook(source.OktaSample{Type: eventType, User: ada})}}
				pass(time.Millisecond)
				stop()
				require.Empty(t, s.jobs)
				require.Empty(t, s.letters)
				require.Equal(t, []revocation.Verdict{{}}, s.verdicts)
				events := s.seen(revocation.StepIgnored)
				require.Len(t, events, 1)
				require.Equal(t, reason, events[0].Reason)
				require.Equal(t, eventType, events[0].Type)
			})
		})
	}
}

// A high risk makes even a sign-in a reason; not so the risk of an admin's own request.
func TestDispatchOfRisk(t *testing.T) {
	t.Parallel()
	for eventType, jobs := range map[string]int{"user.session.start": 1, "user.risk.detect": 1, "user.lifecycle.unsuspend": 0} {
		synctest.Test(t, func(t *testing.T) {
			s := newStores()
			stop := s.run(t, nil)
			s.entries <- revocation.LogEntry{Deliveries: []revocation.Delivery{hook(source.OktaSample{Type: eventType, User: ada, Risk: "HIGH"})}}
			pass(time.Millisecond)
			stop()
			require.Len(t, s.jobs, jobs, eventType)
		})
	}
}

func TestDispatchGoesOnAfterItsLogFailed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStores()
		s.nextErr = []error{errors.New("no server"), errors.New("no server")}
		stop := s.run(t, nil)
		s.entries <- revocation.LogEntry{Deliveries: []revocation.Delivery{suspension(ada, "uuid-1")}}
		pass(time.Millisecond)
		require.Len(t, s.seen(revocation.StepTrouble), 1, "it pauses after a failure")
		pass(5 * time.Second)
		stop()
		require.Len(t, s.seen(revocation.StepTrouble), 2)
		require.Len(t, s.jobs, 1)
	})
}

func TestDispatchStopsAtOnceWhenIdle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStores()
		stop := s.run(t, nil)
		pass(time.Second)
		stopped := time.Now()
		stop()
		require.Zero(t, time.Since(stopped))
		require.Empty(t, s.seen(revocation.StepTrouble), "an end is no trouble")
	})
}
