package notice

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/template"
	"time"

	"sever/revocation"
)

// maxText bounds what a template may write, in bytes. Chats cut longer texts anyway.
const maxText = 8 << 10

const defaultText = `{{.Title}}
{{- range .Examples}}
- {{.What}}{{with .Source}} from {{.}}{{end}}{{with .Person}}, {{.}}{{end}}{{with .Reason}}: {{.}}{{end}}{{with .ID}} [{{.}}]{{end}}
{{- with .Approve}}
  approve: {{.}}{{end}}
{{- with .Reject}}
  reject: {{.}}{{end}}
{{- end}}
{{- if gt .More 0}}
- and {{.More}} more
{{- end}}
{{- range .Commands}}
> {{.}}
{{- end}}
{{- if gt .LeftOut 0}}
{{.LeftOut}} earlier notices, about {{.LeftOutEvents}} events, could not be sent here.
{{- end}}
`

// parseText reads a template; the empty one is the default.
func parseText(text string) (*template.Template, error) {
	if text == "" {
		text = defaultText
	}
	parsed, err := template.New("template").Option("missingkey=error").Parse(text)
	if err != nil {
		return nil, fmt.Errorf("parse: %w", err)
	}
	return parsed, nil
}

// checkText tries a template on notices of every kind, so that a mistake in it shows at the
// start and not when something is wrong.
func checkText(text string) error {
	parsed, err := parseText(text)
	if err != nil {
		return err
	}
	for _, kind := range append(Kinds(), kindTest) {
		for _, incidents := range [][]incident{nil, {sample(kind)}} {
			b := batch{id: "msg_1", kind: kind, org: "acme", count: 7, since: time.Unix(0, 0), incidents: incidents}
			written, err := render(parsed, b.view(true, sampleLinks, 1, 2))
			if err != nil {
				return err
			}
			if strings.TrimSpace(written) == "" {
				return fmt.Errorf("it writes nothing for %s", kind)
			}
		}
	}
	return nil
}

func sample(kind Kind) incident {
	return incident{
		kind: kind, org: "acme", source: "okta", rule: "suspended", typ: "user.lifecycle.suspend", reason: "why",
		id: "hold_1", hold: &revocation.Hold{Key: "hold_1"}, look: "sever holds list", person: "jane.doe@example.com",
	}
}

func sampleLinks(revocation.Hold) (approve, reject string) {
	return "https://sever.example.com/approve/a", "https://sever.example.com/approve/r"
}

func render(parsed *template.Template, n Notice) (string, error) {
	var out strings.Builder
	err := parsed.Execute(&capped{to: &out, left: maxText}, n)
	if err != nil && !errors.Is(err, errFull) {
		return "", fmt.Errorf("write: %w", err)
	}
	return strings.TrimSpace(strings.ToValidUTF8(out.String(), "")), nil
}

var errFull = errors.New("the text is long enough")

// capped stops a template that writes without end.
type capped struct {
	to   io.Writer
	left int
}

func (c *capped) Write(p []byte) (int, error) {
	if len(p) > c.left {
		_, _ = c.to.Write(p[:c.left]) // a strings.Builder takes all
		c.left = 0
		return 0, errFull
	}
	c.left -= len(p)
	return c.to.Write(p) //nolint:wrapcheck // a strings.Builder never fails
}
