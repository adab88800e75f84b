package app_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"sever/revocation"
	"sever/source"
)

// message is something a sender has to say, and what came of it.
type message struct {
	source string
	user   string
	at     time.Time // when it happened: another time is another signal
	body   []byte
	alert  bool // it deserves a revocation
	forged bool // its secret is wrong
	keep   bool // sent until it is accepted

	accepted bool // answered with 2xx at least once
}

// key names a signal where jobs and records tell of it.
func (m *message) key() string { return signalKey(m.source, m.user, m.at) }

func signalKey(sender, user string, at time.Time) string {
	return fmt.Sprintf("%s %s %d", sender, user, at.UnixMilli())
}

// crashLoad is what the senders of one round say, and to whom of the round's processes.
type crashLoad struct {
	random   *rand.Rand
	last     time.Time
	messages []*message
	posts    [][]*message // for each process of the round, in order; a duplicate is a second post
	asked    map[string]bool
	// withdrawn are the leavers whose terminations are called off.
	withdrawn []string
}

// lowLanes brings the two lanes into play that no rule of ours uses for Okta's events.
const lowLanes = "{mode: enforce, rules: [" +
	"{name: normal, when: 'signal.type == \"user.account.update_password\"', do: {revoke: {}, lane: normal}}, " +
	"{name: bulk, when: 'signal.type == \"user.mfa.factor.reset_all\"', do: {revoke: {}, lane: bulk}}]}"

func alertTypes() []string {
	return []string{
		"user.lifecycle.suspend", "user.lifecycle.deactivate", "user.account.report_suspicious_activity_by_enduser",
		"user.account.update_password", "user.mfa.factor.reset_all",
	}
}

// newCrashLoad makes up a load for so many processes: 5 to 40 people with several alerts
// each, terminations with a date to come, some of them called off, duplicates, what is
// no alert, and what is forged.
func newCrashLoad(random *rand.Rand, processes int) *crashLoad {
	l := &crashLoad{
		random: random, last: time.Now().Add(-time.Minute), posts: make([][]*message, processes), asked: make(map[string]bool),
	}
	next := 0
	someone := func() string { next++; return person(next) }
	for range 5 + random.IntN(36) {
		user := someone()
		for range 1 + random.IntN(4) {
			l.okta(user, alertTypes()[random.IntN(len(alertTypes()))]).alert = true
		}
	}
	for range random.IntN(4) {
		l.okta(someone(), "user.session.start")
		l.okta(someone(), "user.lifecycle.suspend").forged = true
	}
	for range random.IntN(4) {
		l.termination(someone(), time.Duration(500+random.IntN(2500))*time.Millisecond).alert = true
	}
	for range random.IntN(3) {
		user := someone()
		l.termination(user, time.Hour)
		l.hr(user, "termination_cancelled", "")
		l.withdrawn = append(l.withdrawn, user)
	}
	l.spread()
	// What was accepted before this has been dispatched once this is.
	fence := l.okta(someone(), "user.lifecycle.suspend")
	fence.alert, fence.keep = true, true
	l.posts[processes-1] = append(l.posts[processes-1], fence)
	for _, m := range l.messages {
		l.asked[m.user] = l.asked[m.user] || m.alert
	}
	return l
}

// spread says which process gets what, and how often: most comes to the first.
func (l *crashLoad) spread() {
	for _, m := range l.messages {
		times := 1
		if l.random.IntN(3) == 0 {
			times += 1 + l.random.IntN(3)
		}
		for range times {
			to := 0
			if l.random.IntN(4) == 0 {
				to = l.random.IntN(len(l.posts))
			}
			l.posts[to] = append(l.posts[to], m)
		}
	}
	for _, posts := range l.posts {
		l.random.Shuffle(len(posts), func(i, j int) { posts[i], posts[j] = posts[j], posts[i] })
	}
}

func (l *crashLoad) add(m *message) *message {
	l.messages = append(l.messages, m)
	return m
}

func (l *crashLoad) now() time.Time {
	l.last = l.last.Add(time.Millisecond)
	return l.last.Truncate(time.Millisecond)
}

func (l *crashLoad) okta(user, kind string) *message {
	at := l.now()
	return l.add(&message{source: "okta", user: user, at: at, body: source.OktaSample{
		Type: kind, User: user, UUID: fmt.Sprintf("crash-%d", at.UnixMilli()), Published: at,
	}.Body()})
}

// hr is a message that must come through, however often it takes: what is called off only
// by half would wait for an hour.
func (l *crashLoad) hr(user, event, effective string) *message {
	at := l.now()
	return l.add(&message{source: "hr", user: user, at: at, keep: true, body: fmt.Appendf(nil,
		`{"event": %q, "employee_number": %q, "effective_date": %q, "id": "%d", "time": %q}`,
		event, user, effective, at.UnixMilli(), at.UTC().Format(time.RFC3339Nano))})
}

func (l *crashLoad) termination(user string, in time.Duration) *message {
	return l.hr(user, "termination", time.Now().Add(in).UTC().Format(time.RFC3339Nano))
}

// crashSources are the two senders. One secret is enough for both.
func crashSources() map[string]any {
	verify := func(kind string) yamlMap { return yamlMap{"type": kind, "secrets": []string{"env:OKTA_HOOK_SECRET"}} }
	okta := verify("header")
	okta["header"] = "Authorization"
	return map[string]any{
		"okta": yamlMap{"type": "okta_event_hook", "org": "acme", "verify": okta},
		"hr": yamlMap{
			"type": "workday", "org": "acme", "verify": verify("bearer"),
			"map": yamlMap{"person": yamlMap{"kind": "okta_id", "value": "employee_number"}, "effective": yamlMap{"zone": "UTC"}},
		},
	}
}

// tell posts a message to a process and gives the status; 0 where no answer came.
func (r *rig) tell(p *process, m *message) int {
	secret := hookSecret
	if m.forged {
		secret = "guessed"
	}
	if m.source == "hr" {
		secret = "Bearer " + secret
	}
	given, err := r.do(http.MethodPost, p.url+"/v1/hooks/"+m.source, asOkta(secret), m.body)
	if err != nil {
		return 0
	}
	return given.status
}

// tellAll posts by many at once and gives back what was not accepted.
func (r *rig) tellAll(p *process, posts []*message) (missing []*message) {
	var mu sync.Mutex
	var senders sync.WaitGroup
	places := make(chan struct{}, 16)
	for _, m := range posts {
		places <- struct{}{}
		senders.Go(func() {
			defer func() { <-places }()
			status := r.tell(p, m)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case m.forged && status != 0 && status != http.StatusUnauthorized:
				r.t.Errorf("a forged delivery was answered with %d", status)
			case status/100 == 2:
				m.accepted = true
			case !m.forged:
				missing = append(missing, m)
			}
		})
	}
	senders.Wait()
	return missing
}

// owed are the people of whom Okta has told us something that no process has yet said to
// be on record. Those whose date may be still to come are not among them.
func (l *crashLoad) owed(seen *recorder) map[string]bool {
	done := make(map[string]bool)
	for _, event := range seen.find(step(revocation.StepRecorded)) {
		done[signalKey(event.Job.Source, event.Job.Person.Value, event.Job.Occurred)] = true
	}
	owed := make(map[string]bool)
	for _, m := range l.messages {
		if m.alert && m.accepted && m.source == "okta" && !done[m.key()] {
			owed[m.user] = true
		}
	}
	return owed
}
