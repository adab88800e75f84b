package handlers

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// apiTimeout bounds one request of an operator.
const apiTimeout = 10 * time.Second

// guard keeps the admin API from strangers and from web pages in an operator's
// browser.
type guard struct {
	open bool              // no token is asked for
	sum  [sha256.Size]byte // of the token: equal lengths make the comparison constant in time
}

func newGuard(token string) guard {
	return guard{open: token == "", sum: sha256.Sum256([]byte(token))}
}

func (g guard) protect(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		req := c.Request()
		if err := g.admit(req); err != nil {
			if err.status == http.StatusUnauthorized {
				c.Response().Header().Set(echo.HeaderWWWAuthenticate, "Bearer")
			}
			return err
		}
		ctx, cancel := context.WithTimeout(req.Context(), apiTimeout)
		defer cancel()
		c.SetRequest(req.WithContext(ctx))
		return next(c)
	}
}

// admit gives the reason to turn a request away, or nil.
func (g guard) admit(req *http.Request) *refusal {
	if !g.open && !g.knows(req.Header.Get(echo.HeaderAuthorization)) {
		return &refusal{status: http.StatusUnauthorized, detail: "send Authorization: Bearer with the admin token"}
	}
	// Without a token, being on this machine is what admits. A page whose name was
	// made to resolve to loopback (DNS rebinding) still says its own name in Host.
	if g.open && !isLoopback(req.Host) {
		return &refusal{
			status: http.StatusForbidden,
			detail: "without an admin token, use a loopback address such as 127.0.0.1; or set admin.token",
		}
	}
	if !sameOrigin(req) {
		return &refusal{status: http.StatusForbidden, detail: "requests from another origin are refused"}
	}
	// A page may post a form anywhere unasked, but not JSON.
	if req.Method == http.MethodPost && !isJSONRequest(req) {
		return &refusal{status: http.StatusUnsupportedMediaType, detail: "send Content-Type: application/json"}
	}
	return nil
}

func (g guard) knows(authorization string) bool {
	scheme, token, _ := strings.Cut(authorization, " ")
	sum := sha256.Sum256([]byte(token))
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(sum[:], g.sum[:]) == 1
}

// isLoopback reports whether host, with or without a port, is localhost or a
// loopback address. Other names are not resolved: that is what an attacker controls.
func isLoopback(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	}
	if strings.EqualFold(name, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(name)
	return err == nil && addr.IsLoopback()
}

// sameOrigin reports whether no other site's page is behind the request. Only
// browsers send Origin; "null" is the origin of a page that hides its own.
func sameOrigin(req *http.Request) bool {
	for _, origin := range req.Header["Origin"] {
		from, err := url.Parse(origin)
		if err != nil || from.Host == "" || !strings.EqualFold(from.Host, req.Host) {
			return false
		}
	}
	return true
}

func isJSONRequest(req *http.Request) bool {
	mediaType, _, err := mime.ParseMediaType(req.Header.Get(echo.HeaderContentType))
	return err == nil && mediaType == jsonType
}
