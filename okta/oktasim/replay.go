package oktasim

import (
	"crypto/sha256"
	"maps"
	"sync"
	"time"
)

// maxRemembered bounds the memory for used ids; a simulation that gets there forgets them all.
const maxRemembered = 500_000

// replays remembers which ids were used, each until it could not be used again anyway.
type replays struct {
	mu    sync.Mutex
	used  map[[sha256.Size]byte]time.Time
	prune int // how many may be remembered before the expired ones are looked for
}

// use reports whether this is the first use of an id by an owner.
func (r *replays) use(owner, id string, now, until time.Time) bool {
	key := sha256.Sum256([]byte(owner + "\x00" + id))
	r.mu.Lock()
	defer r.mu.Unlock()
	if end, found := r.used[key]; found && now.Before(end) {
		return false
	}
	r.makeRoom(now)
	r.used[key] = until
	return true
}

func (r *replays) makeRoom(now time.Time) {
	if len(r.used) < r.prune {
		return
	}
	maps.DeleteFunc(r.used, func(_ [sha256.Size]byte, end time.Time) bool { return !now.Before(end) })
	if r.used == nil || len(r.used) >= maxRemembered {
		r.used = map[[sha256.Size]byte]time.Time{}
	}
	r.prune = max(1000, 2*len(r.used))
}

func (r *replays) reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.used, r.prune = nil, 0
}
