package config

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// Hook is the event hook that Okta is to have for a source. `sever hooks` compares and ensures it.
type Hook struct {
	Name   string   `yaml:"name" jsonschema:"default=Sever" doc:"The event hook's name at Okta, by which it is found again. Each name once per org."`
	URL    string   `yaml:"url" jsonschema:"required" doc:"Where Okta reaches this source: https, and the path /v1/hooks/NAME. http only for a loopback address."`
	Events []string `yaml:"events" doc:"Event types to subscribe to, at most 300. Default: those the built-in policy acts on or that carry a person's risk."`
}

const (
	maxHookEvents = 300 // https://developer.okta.com/docs/concepts/event-hooks/
	maxHookName   = 255
)

var eventTypeForm = regexp.MustCompile(`^[A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)+$`)

func (h *Hook) check(r *report, at, source string) {
	if h == nil {
		return
	}
	if len(h.Name) > maxHookName || strings.ContainsFunc(h.Name, func(c rune) bool { return c < ' ' || c == 0x7f }) {
		r.add(at+".name", "is longer than 255 bytes or holds a control character", "use a short name such as Sever")
	}
	if h.URL != "" {
		checkHookURL(r, at+".url", h.URL, source)
	}
	checkHookEvents(r, at+".events", h.Events)
}

func checkHookEvents(r *report, at string, events []string) {
	if len(events) > maxHookEvents {
		r.add(at, fmt.Sprintf("has %d types; Okta takes %d", len(events), maxHookEvents), "remove some")
	}
	if events != nil && len(events) == 0 && r.sound(at) {
		r.add(at, "empty", "add at least one, or remove the key for the default")
	}
	first := map[string]int{}
	for i, event := range events {
		field := fmt.Sprintf("%s[%d]", at, i)
		if !eventTypeForm.MatchString(event) && r.sound(field) {
			r.add(field, quote(event)+" is not an event type", "write one such as user.lifecycle.suspend")
		}
		if earlier, twice := first[event]; twice && event != "" {
			r.add(field, fmt.Sprintf("is the same type as entry [%d]", earlier), "remove one of them")
		}
		first[event] = i
	}
}

// checkHookURL never repeats the URL: it may carry a password.
func checkHookURL(r *report, at, text, source string) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || (u.Scheme != "https" && u.Scheme != "http"):
		r.add(at, "is not an https URL", "write https://sever.example.com/v1/hooks/"+source)
	case u.Scheme == "http" && !loopbackHost(u.Hostname()):
		r.add(at, "http would send the hook's secret unencrypted, and Okta refuses it", "write https; http is for loopback addresses only")
	case u.User != nil:
		r.add(at, "holds a user or password", "remove it; the secret goes under verify")
	case strings.ContainsAny(text, "?#"):
		r.add(at, "has a query or a fragment", "end it after the path /v1/hooks/"+source)
	case !strings.HasSuffix(u.Path, "/v1/hooks/"+source):
		r.warn(at, "does not end in /v1/hooks/"+source, "correct it, unless a proxy in front changes the path")
	}
}

// checkHookNames keeps two sources of one org from changing one hook back and forth.
func (c *Config) checkHookNames(r *report) {
	type hook struct{ org, name string }
	users := map[hook][]string{}
	for name, source := range c.Sources {
		if source.Hook != nil {
			key := hook{source.Org, source.Hook.Name}
			users[key] = append(users[key], name)
		}
	}
	for key, names := range users {
		if len(names) < 2 {
			continue
		}
		for _, name := range names {
			r.add(join("sources", name)+".hook.name", "another source of the org has an event hook of the name "+quote(key.name)+" too",
				"give each a name of its own")
		}
	}
}
