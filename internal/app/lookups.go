package app

import (
	"sync"
	"time"

	"sever/revocation"
)

// How long a lookup is good for, and how many are kept: a burst of alerts names the same
// few people again and again.
const (
	lookupAge   = time.Minute
	lookupsMost = 10_000
)

// lookups remembers for a moment whom people's names led to. Only who was found is kept:
// an account that is made just now must not stay unknown.
type lookups struct {
	now func() time.Time

	mu    sync.Mutex
	users map[revocation.Person]foundUser
}

type foundUser struct {
	user revocation.User
	at   time.Time
}

func newLookups(now func() time.Time) *lookups {
	if now == nil {
		now = time.Now
	}
	return &lookups{now: now, users: make(map[revocation.Person]foundUser)}
}

func (l *lookups) get(person revocation.Person) (revocation.User, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	found, known := l.users[person]
	if !known || l.old(found) {
		return revocation.User{}, false
	}
	return found.user, true
}

func (l *lookups) put(person revocation.Person, user revocation.User) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.users) >= lookupsMost {
		l.shrink()
	}
	l.users[person] = foundUser{user, l.now()}
}

// shrink drops what is old; where nothing is, all: asking Okta again costs little, and
// looking for the oldest on every put would cost more.
func (l *lookups) shrink() {
	for person, found := range l.users {
		if l.old(found) {
			delete(l.users, person)
		}
	}
	if len(l.users) >= lookupsMost {
		clear(l.users)
	}
}

// old also takes for old what a clock that was set back makes look new for long.
func (l *lookups) old(found foundUser) bool {
	age := l.now().Sub(found.at)
	return age < 0 || age >= lookupAge
}
