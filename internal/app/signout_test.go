package app_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"sever/okta/oktasim"
)

const (
	endOwnSessions = "/api/v1/users/me/lifecycle/delete_sessions"
	signOutPage    = "{org: acme, title: Sign out of Acme, support: \"mailto:help@acme.com\"}"

	saysSignedOut = "Okta does not see you as signed in here"
	saysOthers    = "Your other sessions are signed out"
	saysAll       = "You are signed out everywhere"
)

// desk is an installation with the sign-out page, and a person in front of it. Okta is
// on another port, and so another origin, of the same host: the same site, as with a
// custom domain.
type desk struct {
	*visitor

	sever *rig
	page  string
}

func newDesk(t *testing.T, b browser) desk {
	t.Helper()
	r := newRig(t, settings{signout: signOutPage})
	page := r.app.URL() + "/signout"
	require.NoError(t, r.okta.SetTrustedOrigins(r.app.URL()))
	for n, login := range []string{"alice@acme.com", "bob@acme.com"} {
		require.NoError(t, r.okta.PutUser(oktasim.User{ID: person(n), Login: login}))
		r.signedInElsewhere(person(n))
	}
	return desk{b.visitor(t), r, page}
}

// signedInElsewhere gives a person a session in another browser.
func (r *rig) signedInElsewhere(user string) {
	r.t.Helper()
	_, err := r.okta.StartSession(user)
	require.NoError(r.t, err)
}

// signsIn signs the person in front of the page in at Okta, and returns with them to the page.
func (d desk) signsIn() {
	d.t.Helper()
	d.goTo(d.sever.okta.url + "/_sim/login?" + url.Values{"user": {"alice@acme.com"}, "then": {d.page}}.Encode())
}

// orders are the calls to end one's own sessions that reached Okta, without the browser's own questions.
func (d desk) orders() int {
	count := 0
	for _, call := range d.sever.okta.Calls() {
		if call.Method == http.MethodPost && call.Path == endOwnSessions {
			count++
		}
	}
	return count
}

func (d desk) offered() bool {
	return see[bool](d.visitor, "document.querySelector('#choices').checkVisibility()")
}

func TestSignOutPage(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	for name, visit := range map[string]func(desk){
		"one after the other":       signsOutStepByStep,
		"keyboard alone":            signsOutByKeyboard,
		"not signed in":             isNotSignedIn,
		"session ended meanwhile":   isSignedOutMeanwhile,
		"origin not trusted":        isNotTrusted,
		"cookie kept from the page": hasNoCookieHere,
		"Okta in trouble":           meetsTrouble,
		"answer lost":               losesTheAnswer,
		"Okta gone":                 findsNobody,
		"small screen":              fitsASmallScreen,
		"no JavaScript":             hasNoScript,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, b)
			visit(d)
			require.Empty(t, d.complained())
			require.Equal(t, 1, d.sever.okta.Sessions(person(1)), "nobody else is signed out")
		})
	}
}

func signsOutStepByStep(d desk) {
	d.sever.signedInElsewhere(person(0))
	d.signsIn()
	d.awaits("document.querySelector('#choices').checkVisibility()")
	require.Equal(d.t, "alice@acme.com", see[string](d.visitor, "document.querySelector('#login').textContent"))
	require.Equal(d.t, 3, d.sever.okta.Sessions(person(0)))

	d.clicks("others")
	d.reads(saysOthers)
	require.Equal(d.t, 1, d.sever.okta.Sessions(person(0)))
	require.True(d.t, d.offered())
	require.Equal(d.t, "others", d.focused())

	d.goTo(d.page) // the session in this browser lives on
	d.awaits("document.querySelector('#choices').checkVisibility()")
	require.Equal(d.t, 1, d.orders(), "looking changes nothing")

	d.clicks("everywhere")
	d.reads(saysAll)
	require.Zero(d.t, d.sever.okta.Sessions(person(0)))
	require.False(d.t, d.offered())
	require.Equal(d.t, "result", d.focused(), "the focus is not lost with the button")
	require.False(d.t, see[bool](d.visitor, "document.querySelector('#who').checkVisibility()"))
	require.Equal(d.t, 2, d.orders())
}

func signsOutByKeyboard(d desk) {
	d.signsIn()
	d.awaits("document.querySelector('#choices').checkVisibility()")
	d.do(chromedp.KeyEvent(kb.Tab))
	require.Equal(d.t, "others", d.focused())
	require.Equal(d.t, "solid", see[string](d.visitor, "getComputedStyle(document.activeElement).outlineStyle"), "the focus can be seen")
	d.do(chromedp.KeyEvent(kb.Tab))
	require.Equal(d.t, "everywhere", d.focused())
	d.do(chromedp.KeyEvent(kb.Enter))
	d.reads(saysAll)
	require.Zero(d.t, d.sever.okta.Sessions(person(0)))
	d.do(chromedp.KeyEvent(kb.Tab))
	require.Equal(d.t, d.sever.okta.url+"/", see[string](d.visitor, "document.activeElement.href"), "on from the result to its link")
}

func isNotSignedIn(d desk) {
	d.goTo(d.page)
	d.reads(saysSignedOut)
	require.Equal(d.t, d.sever.okta.url+"/", see[string](d.visitor, "document.querySelector('#result a').href"))
	require.False(d.t, d.offered())
	require.Equal(d.t, "mailto:help@acme.com", see[string](d.visitor, "document.querySelector('footer p:last-child a').href"))
	require.Equal(d.t, 1, d.sever.okta.Sessions(person(0)))

	d.signsIn()
	d.awaits("document.querySelector('#choices').checkVisibility()")
}

func isSignedOutMeanwhile(d desk) {
	d.signsIn()
	d.awaits("document.querySelector('#choices').checkVisibility()")
	require.NoError(d.t, d.sever.okta.PutUser(oktasim.User{ID: person(0), Status: "SUSPENDED"})) // which ends the sessions
	d.clicks("others")
	d.reads(saysSignedOut)
	require.False(d.t, d.offered())
}

func isNotTrusted(d desk) {
	require.NoError(d.t, d.sever.okta.SetTrustedOrigins("http://127.0.0.1:9"))
	d.goTo(d.sever.okta.url + "/_sim/login?user=alice@acme.com")
	d.goTo(d.page)
	d.reads("Okta does not accept requests from this page")
	require.Equal(d.t, d.sever.app.URL(), see[string](d.visitor, "document.querySelector('#result .origin').textContent"))
	require.False(d.t, d.offered())
	require.Equal(d.t, 2, d.sever.okta.Sessions(person(0)))

	// Trust that is taken away between the two calls stops the order before it is sent.
	require.NoError(d.t, d.sever.okta.SetTrustedOrigins(d.sever.app.URL()))
	d.goTo(d.page)
	d.awaits("document.querySelector('#choices').checkVisibility()")
	require.NoError(d.t, d.sever.okta.SetTrustedOrigins())
	d.clicks("everywhere")
	d.reads("Okta’s answer did not arrive")
	require.Zero(d.t, d.orders())
	require.Equal(d.t, 2, d.sever.okta.Sessions(person(0)))
}

// localhost and 127.0.0.1 are different sites to a browser, as sever.acme.com and acme.okta.com are.
func hasNoCookieHere(d desk) {
	elsewhere := strings.Replace(d.sever.app.URL(), "127.0.0.1", "localhost", 1)
	require.NoError(d.t, d.sever.okta.SetTrustedOrigins(elsewhere))
	d.goTo(d.sever.okta.url + "/_sim/login?user=alice@acme.com")
	d.goTo(elsewhere + "/signout")
	d.reads(saysSignedOut)
	require.Contains(d.t, see[string](d.visitor, "document.querySelector('#result').innerText"), "third-party cookies")
	require.Equal(d.t, 2, d.sever.okta.Sessions(person(0)))
}

func meetsTrouble(d desk) {
	d.signsIn()
	d.awaits("document.querySelector('#choices').checkVisibility()")
	for heading, fault := range map[string]oktasim.Fault{
		"Okta is busy":         {RateLimited: true},
		"Okta could not do it": {Status: http.StatusServiceUnavailable},
		"Okta refused":         {Status: http.StatusForbidden},
	} {
		fault.Path = endOwnSessions
		d.sever.okta.AddFaults(fault)
		d.clicks("everywhere")
		d.reads(heading)
		require.Regexp(d.t, `^Okta said \d{3}, E\d{7}, request [\w-]+\.$`, see[string](d.visitor, "document.querySelector('#result .details').textContent"))
		require.Equal(d.t, 2, d.sever.okta.Sessions(person(0)))
		require.Equal(d.t, "everywhere", d.focused())
	}
	d.clicks("others")
	d.reads(saysOthers)
}

func losesTheAnswer(d desk) {
	d.signsIn()
	d.awaits("document.querySelector('#choices').checkVisibility()")
	// A browser may try once more by itself on a connection that breaks.
	d.sever.okta.AddFaults(oktasim.Fault{Path: endOwnSessions, CutAfter: true, Count: 10})
	d.clicks("others")
	d.reads("Okta’s answer did not arrive")
	require.Equal(d.t, 1, d.sever.okta.Sessions(person(0)), "it had its effect all the same")
	require.True(d.t, d.offered())
}

func findsNobody(d desk) {
	d.sever.okta.AddFaults(oktasim.Fault{Path: "/", Cut: true, Count: 100})
	d.goTo(d.page)
	d.reads("Okta could not be reached")
	require.True(d.t, d.offered(), "to try again")
}

func fitsASmallScreen(d desk) {
	d.do(
		chromedp.EmulateViewport(320, 640),
		command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}},
		}),
	)
	d.signsIn()
	d.awaits("document.querySelector('#choices').checkVisibility()")
	require.LessOrEqual(d.t, see[int](d.visitor, "document.documentElement.scrollWidth"), 320, "nothing to scroll sideways")
	require.GreaterOrEqual(d.t, see[float64](d.visitor, "document.querySelector('#others').getBoundingClientRect().height"), 44.0, "a finger hits it")
	require.Equal(d.t, "0s", see[string](d.visitor, "getComputedStyle(document.querySelector('#others')).transitionDuration"))
	d.clicks("others")
	d.reads(saysOthers)
	require.LessOrEqual(d.t, see[int](d.visitor, "document.documentElement.scrollWidth"), 320)
}

func hasNoScript(d desk) {
	d.do(command(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))
	d.goTo(d.page)
	require.Contains(d.t, see[string](d.visitor, "document.body.innerText"), "This page needs JavaScript")
	require.False(d.t, d.offered())
}

func TestSignOutPageIsOffUnlessConfigured(t *testing.T) {
	t.Parallel()
	r := newRig(t, settings{})
	for _, path := range []string{"/signout", "/signout/page.js"} {
		given, err := r.do(http.MethodGet, r.app.URL()+path, nil, nil)
		require.NoError(t, err)
		require.Equal(t, http.StatusNotFound, given.status)
	}
}

// The page is for everyone, so it must not be where operators are; and senders are served beside it.
func TestSignOutPageIsOnTheSendersSideOnly(t *testing.T) {
	t.Parallel()
	r := newRig(t, settings{signout: "{org: acme, sign_in_url: \"https://id.acme.com\"}"})
	given, err := r.do(http.MethodGet, r.app.URL()+"/signout", nil, nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, given.status)
	require.Contains(t, given.body, "<h1>Sign out of your sessions</h1>")
	require.Contains(t, given.header.Get("Content-Security-Policy"), "connect-src https://id.acme.com;")
	require.NotContains(t, given.body, r.okta.url)
	require.Equal(t, http.StatusNotFound, r.admin(http.MethodGet, "/signout", "").status)
	r.deliver(suspension(person(1), "beside the page"))
}
