package oktasim

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
)

const maxOrigins = 100

// originSet holds the trusted origins: the web pages whose scripts may call with the session cookie.
// https://developer.okta.com/docs/guides/enable-cors/main/
type originSet struct {
	mu      sync.Mutex
	origins []string
}

func (o *originSet) set(origins []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.origins = append([]string{}, origins...)
}

func (o *originSet) list() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.origins)
}

// trusts reports whether the request may come from where it says. One without an origin is not from a script on another
// page; one from the org's own pages is always fine.
func (o *originSet) trusts(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	return origin == "" || origin == calledOrg(r) || slices.Contains(o.list(), origin)
}

// allow adds what a browser needs to see from a trusted origin, and nothing for another: the browser then keeps the answer
// from the page.
func (o *originSet) allow(h http.Header, r *http.Request) {
	origin := r.Header.Get("Origin")
	h.Add("Vary", "Origin")
	if origin == "" || !o.trusts(r) {
		return
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Allow-Credentials", "true")
	h.Set("Access-Control-Expose-Headers", "X-Okta-Request-Id, X-Rate-Limit-Limit, X-Rate-Limit-Remaining, X-Rate-Limit-Reset")
	if isPreflight(r) {
		h.Set("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE, OPTIONS")
		h.Set("Access-Control-Allow-Headers", "Accept, Authorization, Content-Type, X-Okta-User-Agent-Extended")
		h.Set("Access-Control-Max-Age", "3600")
	}
}

// isPreflight reports whether a browser is asking what a script may send.
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != ""
}

// SetTrustedOrigins replaces the trusted origins.
func (s *Server) SetTrustedOrigins(origins ...string) error {
	if len(origins) > maxOrigins {
		return fmt.Errorf("trusted origins: must be at most %d", maxOrigins)
	}
	for _, origin := range origins {
		if err := checkOrigin(origin); err != nil {
			return fmt.Errorf("trusted origins: %.80q: %w", origin, err)
		}
	}
	s.origins.set(origins)
	return nil
}

func checkOrigin(origin string) error {
	u, err := url.Parse(origin)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.Scheme+"://"+u.Host != origin {
		return errors.New("must be a scheme, a host and maybe a port, such as https://sever.acme.com")
	}
	return nil
}
