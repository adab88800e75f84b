package app

import (
	"sync"
	"time"
)

// How long a lookup is good for, and how many are kept: a burst of alerts names the same
// few people again and again.
const (
	lookupAge   = time.Minute
	lookupsMost = 10_000
)

// lookups remembers for a moment what Okta said: whom people's names led to, and in which
// groups they are. Only what was found is kept: an account that is made just now must not
// stay unknown.
type lookups[K comparable, V any] struct {
	now func() time.Time

	mu    sync.Mutex
	found map[K]lookup[V]
}

type lookup[V any] struct {
	value V
	at    time.Time
}

func newLookups[K comparable, V any](now func() time.Time) *lookups[K, V] {
	if now == nil {
		now = time.Now
	}
	return &lookups[K, V]{now: now, found: make(map[K]lookup[V])}
}

func (l *lookups[K, V]) get(key K) (value V, known bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	found, known := l.found[key]
	if !known || l.old(found) {
		return value, false
	}
	return found.value, true
}

func (l *lookups[K, V]) put(key K, value V) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.found) >= lookupsMost {
		l.shrink()
	}
	l.found[key] = lookup[V]{value, l.now()}
}

// shrink drops what is old; where nothing is, all: asking Okta again costs little, and
// looking for the oldest on every put would cost more.
func (l *lookups[K, V]) shrink() {
	for key, found := range l.found {
		if l.old(found) {
			delete(l.found, key)
		}
	}
	if len(l.found) >= lookupsMost {
		clear(l.found)
	}
}

// old also takes for old what a clock that was set back makes look new for long.
func (l *lookups[K, V]) old(found lookup[V]) bool {
	age := l.now().Sub(found.at)
	return age < 0 || age >= lookupAge
}
