package oktasim

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	sessionLife = 2 * time.Hour
	maxSessions = 100_000
)

// session is a person signed in with one browser.
type session struct {
	id      string
	cookie  string
	user    string
	created time.Time
}

// sessionStore holds the sessions by their cookie.
type sessionStore struct {
	now func() time.Time
	ids *ids

	mu       sync.Mutex
	sessions map[string]session
}

func newSessionStore(now func() time.Time, ids *ids) *sessionStore {
	return &sessionStore{now: now, ids: ids, sessions: map[string]session{}}
}

// start signs a person in. Beyond the bound nobody new is.
func (st *sessionStore) start(user string) (session, bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.pruneLocked()
	if len(st.sessions) >= maxSessions {
		return session{}, false
	}
	fresh := session{id: "102" + st.ids.request(), cookie: "102" + st.ids.request(), user: user, created: st.now()}
	st.sessions[fresh.cookie] = fresh
	return fresh, true
}

func (st *sessionStore) byCookie(cookie string) (session, bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.pruneLocked()
	found, ok := st.sessions[cookie]
	return found, ok
}

// list returns the living sessions of a person, or of everyone for "", oldest first.
func (st *sessionStore) list(user string) []session {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.pruneLocked()
	living := []session{}
	for _, each := range st.sessions {
		if user == "" || each.user == user {
			living = append(living, each)
		}
	}
	sortSessions(living)
	return living
}

// end ends the sessions of a person, the one with the kept cookie excepted, and returns those that it ended, oldest first.
func (st *sessionStore) end(user, keptCookie string) []session {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.pruneLocked()
	ended := []session{}
	maps.DeleteFunc(st.sessions, func(cookie string, each session) bool {
		if each.user != user || cookie == keptCookie {
			return false
		}
		ended = append(ended, each)
		return true
	})
	sortSessions(ended)
	return ended
}

func (st *sessionStore) reset() {
	st.mu.Lock()
	defer st.mu.Unlock()
	clear(st.sessions)
}

func (st *sessionStore) pruneLocked() {
	oldest := st.now().Add(-sessionLife)
	maps.DeleteFunc(st.sessions, func(_ string, each session) bool { return !each.created.After(oldest) })
}

func sortSessions(sessions []session) {
	slices.SortFunc(sessions, func(a, b session) int {
		if order := a.created.Compare(b.created); order != 0 {
			return order
		}
		return strings.Compare(a.id, b.id)
	})
}
