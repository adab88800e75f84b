package revocation

import "sync"

// claims are the jobs and the users that this process has in hand: no two copies
// of one job are worked on side by side, nor two jobs for one person. Other
// processes are not kept out; what they do at the same time is harmless to repeat.
// The zero claims are none.
type claims struct {
	mu   sync.Mutex
	busy map[string]struct{}
}

// claim takes what nobody has in hand.
func (c *claims) claim(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, taken := c.busy[id]; taken {
		return false
	}
	if c.busy == nil {
		c.busy = make(map[string]struct{})
	}
	c.busy[id] = struct{}{}
	return true
}

func (c *claims) release(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.busy, id)
}
