package notice

import (
	"encoding/base64"
	"net"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"sever/internal/secret"
)

// Channel is one place that notices go to. Its tags are the grammar of notices.channels.NAME.
type Channel struct {
	Type string   `yaml:"type" jsonschema:"required,enum=slack,enum=webhook,enum=email" doc:"slack: a webhook that takes {text}, as those of Slack, Mattermost and many others do. webhook: JSON, signed by Standard Webhooks. email: SMTP."`
	On   []string `yaml:"on" doc:"What it is told of, some of held, brake, dead_letter, credential, recovered, policy. Default: all."`

	URL    secret.Secret `yaml:"url" doc:"slack, webhook: where to send, https; http only for a loopback address. It is a secret, because Slack's is the whole proof of who may post."`
	Secret secret.Secret `yaml:"secret" doc:"webhook: the key that signs, as Standard Webhooks writes it: whsec_ and the base64 of 24 to 64 random bytes."`

	Host     string        `yaml:"host" doc:"email: the mail server's name."`
	Port     int           `yaml:"port" jsonschema:"default=0,minimum=0,maximum=65535" doc:"email: its port. 0 is 587 for starttls, 465 for tls and 25 for none."`
	Security string        `yaml:"security" jsonschema:"default=starttls,enum=starttls,enum=tls,enum=none" doc:"email: starttls, tls from the first byte, or none, for a loopback host only."`
	User     string        `yaml:"user" doc:"email: the user name, if the server wants one."`
	Password secret.Secret `yaml:"password" doc:"email: the password of user."`
	From     string        `yaml:"from" doc:"email: the sender's address."`
	To       []string      `yaml:"to" doc:"email: who gets it."`

	Template   string `yaml:"template" doc:"The text, as a Go text/template over .Kind, .Title, .Org, .Count, .Since, .Examples (.What, .Source, .Reason, .ID, .Person, .Approve, .Reject), .More, .Commands, .LeftOut and .LeftOutEvents. docs/operations.md has examples."`
	People     bool   `yaml:"people" jsonschema:"default=false" doc:"Name the people that alerts are about, and show a sender's own words. Without it a notice holds ids only."`
	MaxPerHour int    `yaml:"max_per_hour" jsonschema:"default=20,minimum=1,maximum=1000" doc:"Most notices in an hour. What is left out is counted in the next."`
}

// Problem is something wrong with a channel.
type Problem struct {
	Field   string // below the channel's name
	Message string // holds no secret
	Fix     string
}

// The types of channels.
const (
	typeSlack   = "slack"
	typeWebhook = "webhook"
	typeEmail   = "email"
)

const (
	minKey     = 24 // bytes, https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
	maxKey     = 64
	keyPrefix  = "whsec_"
	securityNo = "none"
)

// Check finds what the tags cannot state. Secrets that were not read are not looked at.
func (c Channel) Check() []Problem {
	var found problems
	c.checkSettings(&found)
	switch c.Type {
	case typeSlack, typeWebhook:
		c.checkURL(&found)
	case typeEmail:
		c.checkMail(&found)
	}
	if c.Type == typeWebhook && c.Secret.Reveal() != "" {
		if _, err := signingKey(c.Secret.Reveal()); err != nil {
			found.add("secret", err.Error(), "make one with: echo whsec_$(openssl rand -base64 32)")
		}
	}
	for i, kind := range c.On {
		if !slices.Contains(Kinds(), Kind(kind)) {
			found.add("on["+strconv.Itoa(i)+"]", strconv.QuoteToASCII(cut(kind, 40))+" is not known",
				"use some of held, brake, dead_letter, credential, recovered, policy")
		}
	}
	if err := checkText(c.Template); err != nil {
		found.add("template", cut(err.Error(), maxReason), "correct it; docs/operations.md lists what it can use")
	}
	return found
}

type problems []Problem

func (p *problems) add(field, message, fix string) {
	*p = append(*p, Problem{Field: field, Message: message, Fix: fix})
}

// checkSettings wants what the type needs, and nothing of another type: someone would
// believe in it.
func (c Channel) checkSettings(found *problems) {
	for _, setting := range []struct {
		field  string
		given  bool
		needed bool
		of     []string
	}{
		{"url", c.URL.IsSet(), true, []string{typeSlack, typeWebhook}},
		{"secret", c.Secret.IsSet(), true, []string{typeWebhook}},
		{"host", c.Host != "", true, []string{typeEmail}},
		{"from", c.From != "", true, []string{typeEmail}},
		{"to", len(c.To) > 0, true, []string{typeEmail}},
		{"user", c.User != "", false, []string{typeEmail}},
		{"password", c.Password.IsSet(), false, []string{typeEmail}},
	} {
		belongs := slices.Contains(setting.of, c.Type)
		switch {
		case belongs && setting.needed && !setting.given:
			found.add(setting.field, "missing; type "+c.Type+" needs it", "add it")
		case !belongs && setting.given && c.Type != "":
			found.add(setting.field, "does not go with type "+c.Type, "remove it, or change the type")
		}
	}
}

// checkURL never repeats the URL: it is a secret.
func (c Channel) checkURL(found *problems) {
	text := c.URL.Reveal()
	if text == "" {
		return
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || (u.Scheme != "https" && u.Scheme != "http"):
		found.add("url", "is not an https URL", "write https://HOST/PATH where the secret is kept")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		found.add("url", "http would send notices unencrypted", "use https; http is for loopback addresses only")
	case u.User != nil:
		found.add("url", "holds a user or password", "remove it; type webhook signs what it sends")
	}
}

func (c Channel) checkMail(found *problems) {
	if c.Security == securityNo && c.Host != "" && !loopback(c.Host) {
		found.add("security", "none would send mail unencrypted", "use starttls or tls; none is for loopback hosts only")
	}
	if (c.User == "") != !c.Password.IsSet() {
		found.add("user", "user and password go together", "give both, or none")
	}
	if strings.ContainsAny(c.Host, ":/ ") && net.ParseIP(c.Host) == nil {
		found.add("host", "is not a host name", "write it without a port and a scheme")
	}
	for i, address := range c.To {
		checkAddress(found, "to["+strconv.Itoa(i)+"]", address)
	}
	if c.From != "" {
		checkAddress(found, "from", c.From)
	}
}

func checkAddress(found *problems, field, text string) {
	if parsed, err := mail.ParseAddress(text); err != nil || strings.ContainsAny(parsed.Address, "\r\n") {
		found.add(field, strconv.QuoteToASCII(cut(text, 80))+" is not a mail address", "write ops@acme.com or Sever <sever@acme.com>")
	}
}

func loopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

// signingKey reads a Standard Webhooks secret.
func signingKey(text string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, keyPrefix))
	if err != nil || len(key) < minKey || len(key) > maxKey {
		return nil, errSigningKey
	}
	return key, nil
}
