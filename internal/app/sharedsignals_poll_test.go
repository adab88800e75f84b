package app_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/revocation"
)

// stream is a transmitter's end of RFC 8936: tokens wait until they are acknowledged.
type stream struct {
	*transmitter

	url string

	mu      sync.Mutex
	waiting map[string]string // tokens by jti
	acked   []string
	refused map[string]string // codes by jti
	given   map[string]int    // how often each went out
	strange []string          // what a receiver must not do
	moved   chan struct{}     // closed and replaced at every change
}

func newStream(t *testing.T) *stream {
	t.Helper()
	made := &stream{
		transmitter: newTransmitter(t), waiting: map[string]string{}, refused: map[string]string{}, given: map[string]int{},
		moved: make(chan struct{}),
	}
	server := httptest.NewServer(made)
	t.Cleanup(server.Close)
	made.url = server.URL
	return made
}

type pollRequest struct {
	MaxEvents         *int     `json:"maxEvents"`
	ReturnImmediately bool     `json:"returnImmediately"`
	Ack               []string `json:"ack"`
	SetErrs           map[string]struct {
		Err string `json:"err"`
	} `json:"setErrs"`
}

func (s *stream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var asked pollRequest
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		s.oddity("not JSON: " + err.Error())
	}
	if r.Method != http.MethodPost || r.Header.Get("Authorization") != "Bearer "+pollToken || asked.MaxEvents == nil {
		s.oddity(r.Method + " without the token or maxEvents")
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	s.hear(asked)
	for {
		sets, moved := s.hand()
		if len(sets) > 0 || asked.ReturnImmediately {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(yamlMap{"sets": sets})
			return
		}
		select {
		case <-moved:
		case <-r.Context().Done():
			return
		}
	}
}

func (s *stream) hear(asked pollRequest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, jti := range asked.Ack {
		delete(s.waiting, jti)
		s.acked = append(s.acked, jti)
	}
	for jti, problem := range asked.SetErrs {
		delete(s.waiting, jti)
		s.refused[jti] = problem.Err
	}
}

func (s *stream) hand() (sets map[string]string, moved <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for jti := range s.waiting {
		s.given[jti]++
	}
	return maps.Clone(s.waiting), s.moved
}

func (s *stream) oddity(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.strange = append(s.strange, what)
}

// publish puts tokens into the stream.
func (s *stream) publish(t *testing.T, tokens ...yamlMap) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, claims := range tokens {
		jti, _ := claims["jti"].(string)
		s.waiting[jti] = sign(t, s.key, nil, claims)
	}
	close(s.moved)
	s.moved = make(chan struct{})
}

// look gives what is asked for under the lock.
func look[T any](s *stream, get func() T) T {
	s.mu.Lock()
	defer s.mu.Unlock()
	return get()
}

func (s *stream) hasAcked(jti string) bool {
	return look(s, func() bool { return slices.Contains(s.acked, jti) })
}

// newPoller runs Sever with a source that fetches from the stream.
func newPoller(t *testing.T, s *stream) *rig {
	t.Helper()
	return newSources(t, yamlMap{"ssf": yamlMap{
		"type": "ssf", "org": "acme", "verify": s.verify(transmitterIssuer),
		"ssf": yamlMap{"token": "env:POLL_TOKEN", "stream_id": streamID, "poll": yamlMap{"url": s.url}},
	}}, map[string]string{"POLL_TOKEN": pollToken})
}

func about(user, jti string) yamlMap {
	return claims(jti, sessionRevoked, byEmail(user), nil)
}

func TestPolledEventsRevokeAndAreAcknowledged(t *testing.T) {
	t.Parallel()
	s := newStream(t)
	r := newPoller(t, s)
	r.knows(person(1), "ada@acme.example")
	r.knows(person(2), "bob@acme.example")
	r.expectState("ssf", "state-1")
	s.publish(t, about("ada@acme.example", "jti-1"), verifying("jti-v", "state-1"),
		claims("jti-theirs", sessionRevoked, byEmail("bob@acme.example"), yamlMap{"aud": "https://other.example.com"}))
	r.seen.await(t, audited(revocation.OutcomeRevoked), 1)
	require.Eventually(t, func() bool { return s.hasAcked("jti-1") && s.hasAcked("jti-v") }, soon, tick)
	require.True(t, r.seenState("ssf", "state-1"))
	require.Eventually(t, func() bool {
		return look(s, func() string { return s.refused["jti-theirs"] }) == "invalid_audience"
	}, soon, tick)
	require.False(t, s.hasAcked("jti-theirs"))

	// A transmitter that forgot the acknowledgement sends it again: nothing more happens.
	again := about("ada@acme.example", "jti-1")
	s.publish(t, again, about("bob@acme.example", "jti-2"))
	r.seen.await(t, audited(revocation.OutcomeRevoked), 2)
	require.Equal(t, map[string]int{person(1): 1, person(2): 1}, deletes(r.okta.Calls()))
	require.Empty(t, look(s, func() []string { return s.strange }))
}

// While nothing can be stored nothing is acknowledged, and nothing is lost.
func TestAPolledEventIsAcknowledgedOnlyOnceItIsStored(t *testing.T) {
	t.Parallel()
	s := newStream(t)
	r := newPoller(t, s)
	r.knows(person(1), "ada@acme.example")
	r.knows(person(2), "bob@acme.example")
	s.publish(t, about("ada@acme.example", "jti-1"))
	require.Eventually(t, func() bool { return s.hasAcked("jti-1") }, soon, tick)
	require.Len(t, r.seen.find(step(revocation.StepAccepted)), 1, "stored before it is acknowledged")
	r.seen.await(t, audited(revocation.OutcomeRevoked), 1)

	require.NoError(t, r.app.CloseQueue())
	s.publish(t, about("bob@acme.example", "jti-2"))
	// It goes out again and again, and each poll after that would bring the acknowledgement.
	require.Eventually(t, func() bool { return look(s, func() int { return s.given["jti-2"] }) >= 3 }, soon, tick)
	require.False(t, s.hasAcked("jti-2"))
	require.Empty(t, look(s, func() string { return s.refused["jti-2"] }))

	_ = r.stop() // with the store gone, it may say so
	require.False(t, s.hasAcked("jti-2"))
	r.start()
	r.seen.await(t, audited(revocation.OutcomeRevoked), 2)
	require.Eventually(t, func() bool { return s.hasAcked("jti-2") }, soon, tick)
	require.Equal(t, map[string]int{person(1): 1, person(2): 1}, deletes(r.okta.Calls()))
}

// What was said while Sever was away, and what it had stored, is there after a restart.
func TestARestartedPollerLosesNothing(t *testing.T) {
	t.Parallel()
	s := newStream(t)
	r := newPoller(t, s)
	var want []string
	for i := range 6 {
		name := string(rune('a'+i)) + "@acme.example"
		r.knows(person(i), name)
		want = append(want, person(i))
	}
	for i := range 6 {
		s.publish(t, about(string(rune('a'+i))+"@acme.example", "jti-"+string(rune('a'+i))))
		if i%2 == 0 { // in the middle of whatever it is doing
			r.restart()
		}
	}
	r.seen.await(t, audited(revocation.OutcomeRevoked), 6)
	require.Eventually(t, func() bool { return look(s, func() int { return len(s.waiting) }) == 0 }, soon, tick)
	require.Empty(t, look(s, func() map[string]string { return s.refused }))
	got := deletes(r.okta.Calls())
	require.ElementsMatch(t, want, slices.Collect(maps.Keys(got)))
	for user, calls := range got {
		require.Equal(t, 1, calls, user)
	}
}
