package ssf

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"sever/source"
)

// Without any pause, a transmitter that does not hold its empty answers back would be
// asked as fast as it can answer.
const (
	minWait = 100 * time.Millisecond
	maxWait = time.Hour
)

// Check finds the mistakes that the settings' tags cannot state.
func (c Config) Check() []source.Problem {
	var problems []source.Problem
	report := func(field, message, fix string) {
		problems = append(problems, source.Problem{Field: field, Message: message, Fix: fix})
	}
	for _, setting := range []struct{ field, address, fix string }{
		{"transmitter", c.Transmitter, "write the transmitter's issuer, such as https://transmitter.example.com"},
		{"endpoint", c.Endpoint, "write https://HOST/v1/hooks/NAME, as the transmitter reaches it"},
	} {
		if _, err := parseURL(setting.address); setting.address != "" && err != nil {
			report(setting.field, err.Error(), setting.fix)
		}
	}
	if header := c.Authorization.Reveal(); header != strings.TrimSpace(header) || strings.ContainsFunc(header, isControl) {
		report("authorization", "holds a control character, or a space at its start or end", "correct it where it is kept: a header cannot carry it")
	}
	for i, event := range c.Events {
		if u, err := url.Parse(event); err != nil || !u.IsAbs() {
			report(fmt.Sprintf("events[%d]", i), "is not a URI", "write the whole event type, such as "+caepTypes+"session-revoked")
		}
	}
	return append(problems, c.checkPoll()...)
}

func (c Config) checkPoll() []source.Problem {
	if c.Poll == nil {
		return nil
	}
	var problems []source.Problem
	if _, err := parseURL(c.Poll.URL); c.Poll.URL != "" && err != nil {
		problems = append(problems, source.Problem{Field: "poll.url", Message: err.Error(), Fix: "write the endpoint_url that `sever ssf stream create` prints"})
	}
	if c.Endpoint != "" {
		problems = append(problems, source.Problem{
			Field: "poll", Message: "a stream is either sent to endpoint or fetched by poll", Fix: "remove one of the two",
		})
	}
	if c.Poll.Wait < minWait || c.Poll.Wait > maxWait {
		problems = append(problems, source.Problem{Field: "poll.wait", Message: "is not between 100ms and 1h", Fix: "write 5s"})
	}
	return problems
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// parseURL wants https, or http to a loopback address: a bearer token goes there. The error
// repeats nothing of the address, which may hold a password.
func parseURL(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Hostname() == "" || (u.Scheme != "https" && u.Scheme != "http"):
		return nil, errors.New("is not an https URL")
	case u.Scheme == "http" && !isLoopback(u):
		return nil, errors.New("is http, which anyone on the way can read and change")
	case u.User != nil:
		return nil, errors.New("holds a user or password")
	case u.Fragment != "":
		return nil, errors.New("holds a fragment (#)")
	}
	return u, nil
}

func isLoopback(u *url.URL) bool {
	address, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && address.IsLoopback()
}
