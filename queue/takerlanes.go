package queue

import (
	"sync"

	"sever/revocation"
)

// sharedTake is how often a less urgent lane gets a turn while more urgent ones have
// jobs: one take in so many. Otherwise the most urgent lane that has a job is served.
const sharedTake = 20

// lanes is what a taker holds ready, by lane.
type lanes struct {
	mu      sync.Mutex
	all     []*lane       // most urgent first
	changed chan struct{} // closed and replaced when a job comes
	skips   int           // takes in a row that passed a less urgent job over
}

// lane is what its feeder has for the workers.
type lane struct {
	ready *window
	room  chan struct{} // one element once a job was taken
	// coming says that further jobs lie behind the one that was read last. Without it a
	// less urgent job would be taken while the feeder gets the next urgent one.
	coming bool
	passed int // takes of more urgent jobs since this lane, which had one, was served
}

func newLanes(count int) *lanes {
	l := &lanes{changed: make(chan struct{})}
	for range count {
		l.all = append(l.all, &lane{ready: newWindow(), room: make(chan struct{}, 1)})
	}
	return l
}

// put adds a job. more says whether the lane has others behind it.
func (l *lanes) put(to *lane, task revocation.Task, more bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	to.ready.push(task)
	to.coming = more
	close(l.changed)
	l.changed = make(chan struct{})
}

// full reports whether a lane's feeder is to wait for room.
func (l *lanes) full(of *lane) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return of.ready.full()
}

// take gives the next job. Without one, changed closes when it is worth another look.
// Unless it is patient no more, it gives none while a more urgent one is just coming.
func (l *lanes) take(patient, urgent bool) (task revocation.Task, found, coming bool, changed <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var from *lane
	if urgent {
		from = l.mostUrgent()
	} else {
		from, coming = l.next(patient)
	}
	if from == nil {
		return revocation.Task{}, false, coming, l.changed
	}
	task = from.ready.pop()
	select {
	case from.room <- struct{}{}:
	default:
	}
	return task, true, false, nil
}

// mostUrgent is the most urgent lane, if it has a job.
func (l *lanes) mostUrgent() *lane {
	if l.all[0].ready.size == 0 {
		return nil
	}
	return l.served(l.all[0])
}

// next chooses the lane to serve; nil when none is to be served now.
func (l *lanes) next(patient bool) (chosen *lane, coming bool) {
	for i, lane := range l.all {
		if lane.ready.size > 0 {
			return l.shared(i), false
		}
		if lane.coming && patient {
			return nil, true
		}
		lane.coming = false // another process took it, or JetStream is slow
	}
	return nil, false
}

// shared gives the lane at i, or in its stead, once in sharedTake, the less urgent one
// that was passed over most often.
func (l *lanes) shared(i int) *lane {
	var longest *lane
	for _, lower := range l.all[i+1:] {
		if lower.ready.size == 0 {
			lower.passed = 0
			continue
		}
		lower.passed++
		if longest == nil || lower.passed >= longest.passed {
			longest = lower
		}
	}
	if longest == nil {
		l.skips = 0
		return l.served(l.all[i])
	}
	l.skips++
	if l.skips < sharedTake {
		return l.served(l.all[i])
	}
	l.skips = 0
	return l.served(longest)
}

func (l *lanes) served(chosen *lane) *lane {
	chosen.passed = 0
	return chosen
}

// each shows every job that waits, while none of them can be taken.
func (l *lanes) each(visit func(revocation.Task)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, lane := range l.all {
		lane.ready.each(visit)
	}
}
