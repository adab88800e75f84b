package revocation

import "sync"

// unanswered are records that a worker gave up to bring to the audit, and that may be there all the same: an answer
// can get lost. Who brings one again and hears that it is there tells of it then, once.
// The zero unanswered are none.
type unanswered struct {
	mu  sync.Mutex
	ids map[string]struct{}
}

// mostUnanswered bounds them: another process may bring a record and this one never hear of it. One too many costs
// its line in the log, not its evidence.
const mostUnanswered = 10_000

func (u *unanswered) add(id string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.ids == nil {
		u.ids = make(map[string]struct{})
	}
	if len(u.ids) < mostUnanswered {
		u.ids[id] = struct{}{}
	}
}

// take reports whether id was there, and forgets it.
func (u *unanswered) take(id string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	_, there := u.ids[id]
	delete(u.ids, id)
	return there
}
