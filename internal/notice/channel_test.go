package notice

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sever/internal/secret"
)

func TestChannelsThatWork(t *testing.T) {
	t.Parallel()
	webhook := Channel{Type: typeWebhook, URL: secret.New("http://127.0.0.1:9/in"), Secret: secret.New(testKey), On: []string{"held", "policy"}}
	mail := Channel{Type: typeEmail, Host: "smtp.acme.test", Security: "tls", From: "a@acme.test", To: []string{"Ops <o@acme.test>"}}
	local := mail
	local.Host, local.Security = "localhost", "none"
	unread := Channel{Type: typeWebhook, URL: secret.New(""), Secret: secret.New("")}
	for _, channel := range []Channel{chat(), webhook, mail, withLogin(mail), local, unread} {
		require.Empty(t, channel.Check())
	}
}

func TestChannelProblems(t *testing.T) {
	t.Parallel()
	mail := func(change func(*Channel)) Channel {
		c := Channel{Type: typeEmail, Host: "smtp.acme.test", Security: "starttls", From: "a@acme.test", To: []string{"o@acme.test"}}
		change(&c)
		return c
	}
	at := func(url string) Channel { return Channel{Type: typeSlack, URL: secret.New(url)} }
	key := func(key string) Channel {
		return Channel{Type: typeWebhook, URL: secret.New("https://a.test"), Secret: secret.New(key)}
	}
	for name, test := range map[string]struct {
		channel Channel
		fields  []string
		message string
	}{
		"slack without url":         {Channel{Type: typeSlack}, []string{"url"}, "missing; type slack needs it"},
		"webhook without anything":  {Channel{Type: typeWebhook}, []string{"url", "secret"}, "missing; type webhook needs it"},
		"mail without anything":     {Channel{Type: typeEmail, Security: "tls"}, []string{"host", "from", "to"}, "missing; type email needs it"},
		"slack with a secret":       {Channel{Type: typeSlack, URL: secret.New("https://a.test"), Secret: secret.New(testKey)}, []string{"secret"}, "does not go with type slack"},
		"mail with a url":           {mail(func(c *Channel) { c.URL = secret.New("https://hush.test") }), []string{"url"}, "does not go with type email"},
		"http":                      {at("http://hush.test/x"), []string{"url"}, "http would send notices unencrypted"},
		"ftp":                       {at("ftp://hush.test/x"), []string{"url"}, "is not an https URL"},
		"no url":                    {at("hush"), []string{"url"}, "is not an https URL"},
		"url with a user":           {at("https://hush@a.test/x"), []string{"url"}, "holds a user or password"},
		"short key":                 {key("whsec_aHVzaA=="), []string{"secret"}, errSigningKey.Error()},
		"key that is not base64":    {key("whsec_hush!"), []string{"secret"}, errSigningKey.Error()},
		"mail in the clear":         {mail(func(c *Channel) { c.Security = "none" }), []string{"security"}, "none would send mail unencrypted"},
		"user without password":     {mail(func(c *Channel) { c.User = "u" }), []string{"user"}, "user and password go together"},
		"password without user":     {mail(func(c *Channel) { c.Password = secret.New("hush") }), []string{"user"}, "user and password go together"},
		"host with a port":          {mail(func(c *Channel) { c.Host = "smtp.acme.test:25" }), []string{"host"}, "is not a host name"},
		"from that is no address":   {mail(func(c *Channel) { c.From = "sever" }), []string{"from"}, `"sever" is not a mail address`},
		"to that adds a header":     {mail(func(c *Channel) { c.To = []string{"o@acme.test", "x@a.test\r\nBcc: y@b.test"} }), []string{"to[1]"}, `"x@a.test\r\nBcc: y@b.test" is not a mail address`},
		"a kind that is not known":  {Channel{Type: typeSlack, URL: secret.New("https://a.test"), On: []string{"held", "holds"}}, []string{"on[1]"}, `"holds" is not known`},
		"a template with a mistake": {Channel{Type: typeSlack, URL: secret.New("https://a.test"), Template: "{{.Titel}}"}, []string{"template"}, `write: template: template:1:2: executing "template" at <.Titel>: can't evaluate field Titel in type notice.Notice`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := test.channel.Check()
			require.Len(t, found, len(test.fields))
			for i, problem := range found {
				require.Equal(t, test.fields[i], problem.Field)
				require.Equal(t, test.message, problem.Message)
				require.NotEmpty(t, problem.Fix)
				require.NotContains(t, problem.Message+problem.Fix, "hush")
			}
		})
	}
}

func TestKindsOfChannelsAreChecked(t *testing.T) {
	t.Parallel()
	_, err := New(Config{Channels: map[string]Channel{"x": {Type: "pigeon"}}})
	require.EqualError(t, err, `notices.channels.x: type "pigeon" is not known`)
	_, err = New(Config{Channels: map[string]Channel{"x": {Type: typeWebhook, Secret: secret.New("hush")}}})
	require.EqualError(t, err, "notices.channels.x: secret: "+errSigningKey.Error())
}
