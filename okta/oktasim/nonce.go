package oktasim

import (
	"maps"
	"net/http"
	"sync"
	"time"
)

const (
	nonceAge  = 24 * time.Hour     // then there is a new one
	nonceLife = 3 * 24 * time.Hour // so long it is accepted, though there is a new one
)

// nonces are what a DPoP proof for the token endpoint must repeat.
// https://developer.okta.com/docs/guides/dpop/nonoktaresourceserver/main/
type nonces struct {
	ids *ids

	mu      sync.Mutex
	current string
	made    map[string]time.Time
}

func newNonces(ids *ids) *nonces { return &nonces{ids: ids, made: map[string]time.Time{}} }

// newest is the nonce to challenge with, made anew when a day has passed.
func (n *nonces) newest(now time.Time) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.current == "" || !now.Before(n.made[n.current].Add(nonceAge)) {
		n.makeLocked(now)
	}
	return n.current
}

func (n *nonces) accepts(nonce string, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	made, ok := n.made[nonce]
	return ok && now.Before(made.Add(nonceLife))
}

// rotate makes a new nonce and accepts no older one.
func (n *nonces) rotate(now time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	clear(n.made)
	n.makeLocked(now)
}

func (n *nonces) reset() {
	n.mu.Lock()
	defer n.mu.Unlock()
	clear(n.made)
	n.current = ""
}

func (n *nonces) makeLocked(now time.Time) {
	maps.DeleteFunc(n.made, func(_ string, made time.Time) bool { return !now.Before(made.Add(nonceLife)) })
	n.current = n.ids.request()
	n.made[n.current] = now
}

// RotateNonce makes a new DPoP nonce and refuses every older one, so that the next token request is challenged. By itself
// the nonce changes once a day and each is accepted for three.
func (s *Server) RotateNonce() { s.nonces.rotate(s.opts.Now()) }

func (s *Server) nonceHeader() http.Header {
	return http.Header{"Dpop-Nonce": {s.nonces.newest(s.opts.Now())}}
}
