package handlers_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/handlers"
)

// signOutFront puts the page in front of a handler that answers 418.
func signOutFront(t *testing.T, config handlers.SignOutConfig) http.Handler {
	t.Helper()
	next := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	front, err := handlers.NewSignOut(next, config)
	require.NoError(t, err)
	return front
}

func acme() handlers.SignOutConfig {
	return handlers.SignOutConfig{Okta: "https://id.acme.com", Title: "Sign out of Acme", Support: "the help desk"}
}

func get(handler http.Handler, path string) *http.Response {
	return serve(handler, httptest.NewRequest(http.MethodGet, path, http.NoBody))
}

func TestSignOutPageIsLockedDown(t *testing.T) {
	t.Parallel()
	front := signOutFront(t, acme())
	for path, mediaType := range map[string]string{
		"/signout":          "text/html; charset=utf-8",
		"/signout/page.css": "text/css; charset=utf-8",
		"/signout/page.js":  "text/javascript; charset=utf-8",
		"/signout/none":     problemCT,
	} {
		resp := get(front, path)
		header := resp.Header
		require.NotEmpty(t, header.Get(requestHdr), path)
		header.Del(requestHdr)
		require.Equal(t, http.Header{
			"Content-Type": {mediaType},
			"Content-Security-Policy": {"default-src 'none'; script-src 'self'; style-src 'self'; connect-src https://id.acme.com; " +
				"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"},
			"Cache-Control":                {"no-store"},
			"X-Content-Type-Options":       {"nosniff"},
			"Referrer-Policy":              {"no-referrer"},
			"Permissions-Policy":           {"camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"},
			"Cross-Origin-Opener-Policy":   {"same-origin"},
			"Cross-Origin-Resource-Policy": {"same-origin"},
		}, header, path)
	}
}

func TestSignOutPageTakesOnlyItsOwnPaths(t *testing.T) {
	t.Parallel()
	front := signOutFront(t, acme())
	for path, status := range map[string]int{
		"/signout": http.StatusOK, "/signout?x=y": http.StatusOK, "/signout/page.css": http.StatusOK, "/signout/page.js": http.StatusOK,
		"/signout/": http.StatusNotFound, "/signout/page.html": http.StatusNotFound, "/signout/../signout.go": http.StatusNotFound,
		"/": http.StatusTeapot, "/signouts": http.StatusTeapot, oktaHook: http.StatusTeapot, "//signout": http.StatusTeapot,
	} {
		require.Equal(t, status, get(front, path).StatusCode, path)
	}
	for _, name := range []string{http.MethodPost, http.MethodPut, http.MethodDelete} {
		resp := serve(front, httptest.NewRequest(name, "/signout", http.NoBody))
		requireProblem(t, resp, http.StatusMethodNotAllowed)
	}
}

// The policy forbids inline script and style: none may be there, or the page would not work.
func TestSignOutPageHasNothingInline(t *testing.T) {
	t.Parallel()
	page := bodyOf(t, get(signOutFront(t, acme()), "/signout"))
	require.NotRegexp(t, `(?i)<style|\sstyle=|\son[a-z]+=|javascript:`, page)
	require.Equal(t, 1, strings.Count(page, "<script"))
	require.Contains(t, page, `<script type="module" src="/signout/page.js"></script>`)
	require.Contains(t, page, "<noscript>")
	for _, heading := range regexp.MustCompile(`say\('([a-z-]+)'`).FindAllStringSubmatch(bodyOf(t, get(signOutFront(t, acme()), "/signout/page.js")), -1) {
		require.Contains(t, page, `<template id="said-`+heading[1]+`">`)
	}
}

func TestSignOutPageEscapesWhatItShows(t *testing.T) {
	t.Parallel()
	page := bodyOf(t, get(signOutFront(t, handlers.SignOutConfig{
		Okta: "http://127.0.0.1:8090", Title: `<script>alert("1")</script>`, Support: `javascript:alert(2) "><img src=x>`,
	}), "/signout"))
	require.NotContains(t, page, "<script>alert")
	require.NotContains(t, page, "<img")
	require.NotContains(t, page, `href="javascript`)
	require.Contains(t, page, "<h1>&lt;script&gt;alert(&#34;1&#34;)&lt;/script&gt;</h1>")
	require.Contains(t, page, `<body data-okta="http://127.0.0.1:8090">`)
}

func TestSignOutPageNamesWhomToAsk(t *testing.T) {
	t.Parallel()
	for support, want := range map[string]string{
		"the help desk, 555 0100": "<p>Help: the help desk, 555 0100</p>",
		"mailto:help@acme.com":    `<p>Help: <a href="mailto:help@acme.com">help@acme.com</a></p>`,
		"https://help.acme.com/x": `<p>Help: <a href="https://help.acme.com/x">help.acme.com/x</a></p>`,
		"http://help.acme.com":    "<p>Help: http://help.acme.com</p>",
	} {
		config := acme()
		config.Support = support
		page := bodyOf(t, get(signOutFront(t, config), "/signout"))
		require.Contains(t, page, want)
		require.Equal(t, 2, strings.Count(page, "see the end of this page"))
	}
	config := acme()
	config.Support = ""
	page := bodyOf(t, get(signOutFront(t, config), "/signout"))
	require.NotContains(t, page, "Help:")
	require.NotContains(t, page, "see the end of this page")
}

// A URL's host may hold the characters that end a part of the policy and begin another.
func TestSignOutPageRefusesAnOriginThatIsMore(t *testing.T) {
	t.Parallel()
	for _, origin := range []string{
		"", "id.acme.com", "https://", "https://id.acme.com/", "https://id.acme.com/x", "https://id.acme.com?x", "ftp://id.acme.com",
		"https://id.acme.com;script-src *", "https://id.acme.com;x", "https://id.acme.com,x", "https://*.acme.com", "https://u@id.acme.com",
		"https://id.acme.com:", "https://[::1]:8090", "https://id.acme.com\r\nX: y", "https://'self'", "https://-acme.com",
	} {
		config := acme()
		config.Okta = origin
		_, err := handlers.NewSignOut(http.NotFoundHandler(), config)
		require.ErrorContains(t, err, "sign-out page", origin)
	}
	for _, origin := range []string{"https://id.acme.com", "https://id.acme.com:8443", "http://127.0.0.1:8090", "http://localhost", "https://a"} {
		config := acme()
		config.Okta = origin
		_, err := handlers.NewSignOut(http.NotFoundHandler(), config)
		require.NoError(t, err, origin)
	}
	_, err := handlers.NewSignOut(nil, acme())
	require.Error(t, err)
}

func TestReceiverHasNoSignOutPageByItself(t *testing.T) {
	t.Parallel()
	resp := setup(t).serve(httptest.NewRequest(http.MethodGet, "/signout", http.NoBody))
	requireProblem(t, resp, http.StatusNotFound)
}
