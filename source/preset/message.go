package preset

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"text/template"
	"time"
)

// Message is a delivery that a sender would send, as templates.
type Message struct {
	Name        string            `yaml:"name"`
	Method      string            `yaml:"method"`       // POST unless it says otherwise
	ContentType string            `yaml:"content_type"` // application/json unless it says otherwise
	Headers     map[string]string `yaml:"headers"`
	Person      string            `yaml:"person"` // whom it names, if not the preset's person
	Body        string            `yaml:"body"`
	Expect      Expect            `yaml:"expect"`
	Reason      string            `yaml:"reason"` // for what is not an alert: why
}

// Values are what the templates of a message are filled with.
type Values struct {
	Person string
	ID     string // the event's; a fresh one unless it is given
	Type   string
	Source string
	Secret string // for senders that put it into the body
	At     time.Time
}

// Now is the time in RFC 3339, UTC.
func (v Values) Now() string { return v.At.UTC().Format("2006-01-02T15:04:05.000Z") }

// Unix is the time in seconds since 1970.
func (v Values) Unix() int64 { return v.At.Unix() }

// UnixMilli is the time in milliseconds since 1970.
func (v Values) UnixMilli() int64 { return v.At.UnixMilli() }

// Date is today, in UTC.
func (v Values) Date() string { return v.At.UTC().Format(time.DateOnly) }

// Tomorrow is the day after today, in UTC.
func (v Values) Tomorrow() string { return v.At.UTC().AddDate(0, 0, 1).Format(time.DateOnly) }

// Yesterday is the day before today, in UTC.
func (v Values) Yesterday() string { return v.At.UTC().AddDate(0, 0, -1).Format(time.DateOnly) }

// Fill gives the body and the headers, Content-Type among them. What values leave empty is
// the preset's own.
func (p Preset) Fill(m Message, values Values) (body []byte, headers map[string]string, err error) {
	if values.Person == "" {
		values.Person = cmp.Or(m.Person, p.Person)
	}
	if values.ID == "" {
		values.ID = freshID()
	}
	if values.Type == "" {
		values.Type = m.Expect.Type
	}
	headers = map[string]string{"Content-Type": "application/json"}
	if m.ContentType != "" {
		headers["Content-Type"] = m.ContentType
	}
	for name, text := range m.Headers {
		value, err := fill(name, text, values)
		if err != nil {
			return nil, nil, err
		}
		headers[name] = string(value)
	}
	body, err = fill("body", m.Body, values)
	return body, headers, err
}

func fill(name, text string, values Values) ([]byte, error) {
	parsed, err := template.New(name).Option("missingkey=error").Funcs(template.FuncMap{
		"base64": func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
		"json":   quoted,
	}).Parse(text)
	if err != nil {
		return nil, fmt.Errorf("sample's %s: %w", name, err)
	}
	var filled bytes.Buffer
	if err := parsed.Execute(&filled, values); err != nil {
		return nil, fmt.Errorf("sample's %s: %w", name, err)
	}
	return filled.Bytes(), nil
}

// quoted is a text as JSON, with its quotes.
func quoted(text string) (string, error) {
	encoded, err := json.Marshal(text)
	return string(encoded), err
}

func freshID() string {
	var id [12]byte
	rand.Read(id[:])
	return hex.EncodeToString(id[:])
}
