package handlers

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"regexp"
	"strings"

	"github.com/labstack/echo/v4"
)

// SignOutConfig says what the sign-out page shows.
type SignOutConfig struct {
	Okta    string       // where people sign in: scheme, host and maybe a port, such as https://id.acme.com
	Title   string       // heading of the page
	Support string       // whom to ask, shown on every trouble: plain text, or a mailto: or https: link; may be empty
	Logger  *slog.Logger // hears of panics
}

const signOutPath = "/signout"

//go:embed signout
var signOutFiles embed.FS

// oktaOrigin is strict, because the origin becomes part of the page's policy: a comma
// or a semicolon, which a URL's host may hold, would write a policy of its own. IPv6 is
// left out because a policy cannot name it.
var oktaOrigin = regexp.MustCompile(`^https?://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?$`)

// NewSignOut puts the self-service sign-out page, GET /signout, in front of next, which
// answers every other path.
//
// The page's script calls Okta from the person's own browser, with the session cookie
// that the browser holds for Okta. This server never sees that cookie, nor who the
// person is, nor what they chose.
func NewSignOut(next http.Handler, config SignOutConfig) (http.Handler, error) {
	if next == nil {
		return nil, errors.New("sign-out page: there is no handler for the other paths")
	}
	if !oktaOrigin.MatchString(config.Okta) {
		return nil, fmt.Errorf("sign-out page: %.80q is not a plain origin such as https://id.acme.com", config.Okta)
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	page, err := routeSignOut(config)
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if path := req.URL.Path; path == signOutPath || strings.HasPrefix(path, signOutPath+"/") {
			page.ServeHTTP(w, req)
			return
		}
		next.ServeHTTP(w, req)
	}), nil
}

func routeSignOut(config SignOutConfig) (*echo.Echo, error) {
	html, err := renderSignOut(config)
	if err != nil {
		return nil, err
	}
	e := newEcho(config.Logger, answerSignOutError)
	e.Use(lockDown(config.Okta))
	e.GET(signOutPath, blob("text/html; charset=utf-8", html))
	for name, mediaType := range map[string]string{"page.css": "text/css; charset=utf-8", "page.js": "text/javascript; charset=utf-8"} {
		content, err := fs.ReadFile(signOutFiles, "signout/"+name)
		if err != nil {
			return nil, fmt.Errorf("read the sign-out page: %w", err)
		}
		e.GET(signOutPath+"/"+name, blob(mediaType, content))
	}
	return e, nil
}

// renderSignOut makes the page once; it is the same for everyone.
func renderSignOut(config SignOutConfig) ([]byte, error) {
	parsed, err := template.ParseFS(signOutFiles, "signout/page.html")
	if err != nil {
		return nil, fmt.Errorf("parse the sign-out page: %w", err)
	}
	var html bytes.Buffer
	if err := parsed.Execute(&html, config); err != nil {
		return nil, fmt.Errorf("render the sign-out page: %w", err)
	}
	return html.Bytes(), nil
}

// SupportLink is Support where that is a link, else empty.
func (c SignOutConfig) SupportLink() string {
	if strings.HasPrefix(c.Support, "mailto:") || strings.HasPrefix(c.Support, "https://") {
		return c.Support
	}
	return ""
}

// SupportText is what a person reads of Support.
func (c SignOutConfig) SupportText() string {
	return strings.TrimPrefix(strings.TrimPrefix(c.Support, "mailto:"), "https://")
}

func blob(mediaType string, content []byte) echo.HandlerFunc {
	return func(c echo.Context) error { return c.Blob(http.StatusOK, mediaType, content) }
}

// lockDown lets the page run its own script and style, speak to Okta, and do nothing
// else; no other page may frame it, so that nobody can be tricked into a click.
func lockDown(okta string) echo.MiddlewareFunc {
	policy := strings.Join([]string{
		"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src " + okta,
		"base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'",
	}, "; ")
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			header := c.Response().Header()
			setUncached(header)
			header.Set(echo.HeaderContentSecurityPolicy, policy)
			header.Set(echo.HeaderReferrerPolicy, "no-referrer")
			header.Set("Permissions-Policy", "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()")
			header.Set("Cross-Origin-Opener-Policy", "same-origin")
			header.Set("Cross-Origin-Resource-Policy", "same-origin")
			return next(c)
		}
	}
}

func answerSignOutError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	// A browser that has gone cannot be told.
	_ = writeProblem(c, httpStatus(err), "")
}
