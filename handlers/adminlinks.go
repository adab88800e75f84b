package handlers

import (
	"fmt"
	"html/template"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
	"golang.org/x/time/rate"

	"sever/revocation"
)

// LinkGrant is what a signed link lets its holder do.
type LinkGrant struct {
	Key  string // of the hold
	Case string // which of the holds of that key, one after the other: see revocation.Hold.Case
	Verb string // revocation.VerbApprove or VerbReject
}

// ReadLink gives what a signed link lets its holder do. Its error says nothing of why a link
// is not good.
type ReadLink func(token string) (LinkGrant, error)

// How often links may be opened and used, all together: a hand full of people decide, and
// whoever guesses gets nowhere.
const (
	linksASecond = 2
	linksAtOnce  = 20
)

// links is what signed links lead to. A link is a proof of its own: no token is asked for.
type links struct {
	holds Holds
	read  ReadLink
	limit *rate.Limiter
}

func (a *admin) routeLinks(e *echo.Echo) {
	if a.deps.ReadLink == nil || a.deps.Holds == nil {
		return
	}
	l := &links{holds: a.deps.Holds, read: a.deps.ReadLink, limit: rate.NewLimiter(linksASecond, linksAtOnce)}
	e.GET("/approve/:token", l.ask, l.guarded)
	e.POST("/approve/:token", l.act, l.guarded)
}

// guarded keeps the pages from being framed, scripted, remembered or named to others:
// the address is the proof.
func (l *links) guarded(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		header := c.Response().Header()
		header.Set("Content-Security-Policy", "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("X-Robots-Tag", "noindex, nofollow")
		if !l.limit.Allow() {
			header.Set("Retry-After", "1")
			return &refusal{status: http.StatusTooManyRequests, detail: "too many links are being opened: try again in a second"}
		}
		return next(c)
	}
}

// grant is what the link in the path lets its holder do, and the hold it is about. What is
// held under the key of the link may be another hold by now, of which it says nothing.
func (l *links) grant(c echo.Context) (grant LinkGrant, hold revocation.Hold, err error) {
	grant, err = l.read(c.Param("token"))
	if err != nil {
		return grant, hold, &refusal{status: http.StatusForbidden, detail: err.Error()}
	}
	if !idForm.MatchString(grant.Key) {
		return grant, hold, revocation.ErrNotFound
	}
	hold, err = l.holds.Show(c.Request().Context(), grant.Key)
	if err == nil && hold.Case() != grant.Case {
		err = &refusal{status: http.StatusForbidden, detail: "this link is about what was held before: ask for a new one, or use `sever holds`"}
	}
	return grant, hold, err
}

// page shows what is about to be done, or was.
type page struct {
	Verb    string
	Hold    revocation.Hold
	Missing int
	Done    bool
}

//nolint:gochecknoglobals // a constant
var linkPage = template.Must(template.New("link").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Sever: {{.Verb}} a hold</title><meta name="viewport" content="width=device-width"></head><body>
{{- if .Done}}
<h1>{{if eq .Verb "reject"}}Rejected{{else}}Approved{{end}}</h1>
<p>{{if eq .Verb "reject"}}The job is dropped.{{else if .Missing}}{{.Missing}} more must approve, by another name.{{else}}The job is on its way.{{end}}</p>
{{- else}}
<h1>{{if eq .Verb "reject"}}Reject{{else}}Approve{{end}} this hold?</h1>
<dl>
<dt>Person</dt><dd>{{.Hold.Job.Person.Value}}</dd>
<dt>Org</dt><dd>{{.Hold.Job.Org}}</dd>
<dt>Source</dt><dd>{{.Hold.Job.Source}}: {{.Hold.Job.Type}}</dd>
<dt>Rule</dt><dd>{{.Hold.Job.Rule}}</dd>
<dt>Held</dt><dd>{{.Hold.Why}}: {{.Hold.Reason}}</dd>
<dt>Hold</dt><dd>{{.Hold.Key}}</dd>
{{- range .Hold.Approvals}}
<dt>Approved by</dt><dd>{{.By}}</dd>
{{- end}}
</dl>
<form method="post">
<p><label>Your name <input name="by" required maxlength="100" autocomplete="name"></label></p>
<p><label>Why <input name="reason" required maxlength="900"></label></p>
<p>{{if eq .Verb "reject"}}The person's sessions will not be ended for this alert.{{else}}The person's Okta sessions will be ended.{{end}}</p>
<button>{{if eq .Verb "reject"}}Reject{{else}}Approve{{end}}</button>
</form>
{{- end}}
</body></html>
`))

// ask shows what the link would do, and does nothing: whoever previews links only looks.
func (l *links) ask(c echo.Context) error {
	grant, hold, err := l.grant(c)
	if err != nil {
		return err
	}
	return writePage(c, page{Verb: grant.Verb, Hold: hold})
}

// act does what the link lets its holder do.
func (l *links) act(c echo.Context) error {
	grant, _, err := l.grant(c)
	if err != nil {
		return err
	}
	req := c.Request()
	req.Body = http.MaxBytesReader(c.Response().Writer, req.Body, maxAPIBody)
	if err := req.ParseForm(); err != nil {
		return badRequest("the form: " + shorten(err.Error()))
	}
	decision := revocation.HoldDecision{
		Key: grant.Key, Case: grant.Case, Verb: grant.Verb, By: strings.TrimSpace(req.PostForm.Get("by")), Reason: strings.TrimSpace(req.PostForm.Get("reason")),
	}
	if decision.By == "" || decision.Reason == "" {
		return badRequest("say who you are and why: it goes into the audit")
	}
	decision.Reason = "by a signed link: " + decision.Reason
	if err := checkDecision(decision); err != nil {
		return err
	}
	missing, err := l.holds.Decide(req.Context(), decision)
	if err != nil {
		return err
	}
	return writePage(c, page{Verb: grant.Verb, Missing: missing, Done: true})
}

func writePage(c echo.Context, shown page) error {
	var html strings.Builder
	if err := linkPage.Execute(&html, shown); err != nil {
		return fmt.Errorf("write the page of a link: %w", err)
	}
	return c.HTML(http.StatusOK, html.String())
}
