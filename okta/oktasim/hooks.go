package oktasim

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
)

const (
	statusInactive = "INACTIVE"
	verified       = "VERIFIED"
	unverified     = "UNVERIFIED"

	maxHooks      = 1000
	maxHookEvents = 300
)

// hookInput is the body of a create or replace.
type hookInput struct {
	Name        string  `json:"name"`
	Description *string `json:"description"`
	Events      struct {
		Type   string          `json:"type"`
		Items  []string        `json:"items"`
		Filter json.RawMessage `json:"filter"`
	} `json:"events"`
	Channel struct {
		Type    string `json:"type"`
		Version string `json:"version"`
		Config  struct {
			URI     string       `json:"uri"`
			Headers []hookHeader `json:"headers"`
			Auth    *struct {
				Type  string `json:"type"`
				Key   string `json:"key"`
				Value string `json:"value"`
			} `json:"authScheme"`
		} `json:"config"`
	} `json:"channel"`
}

type hookHeader struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// hook is a registered event hook.
type hook struct {
	hookInput

	ID           string
	Status       string
	Verification string
	Created      string
	Updated      string
}

// hookStore keeps hooks in the order they were made.
type hookStore struct {
	mu    sync.Mutex
	hooks []hook
}

func newHookStore() *hookStore { return &hookStore{} }

func (st *hookStore) list() []hook {
	st.mu.Lock()
	defer st.mu.Unlock()
	return slices.Clone(st.hooks)
}

func (st *hookStore) get(id string) (hook, bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if i := st.index(id); i >= 0 {
		return st.hooks[i], true
	}
	return hook{}, false
}

func (st *hookStore) add(h hook) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	if len(st.hooks) >= maxHooks {
		return false
	}
	st.hooks = append(st.hooks, h)
	return true
}

// change applies a change to a hook that may have gone meanwhile.
func (st *hookStore) change(id string, change func(*hook)) (hook, bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	i := st.index(id)
	if i < 0 {
		return hook{}, false
	}
	change(&st.hooks[i])
	return st.hooks[i], true
}

func (st *hookStore) remove(id string) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.hooks = slices.DeleteFunc(st.hooks, func(h hook) bool { return h.ID == id })
}

func (st *hookStore) reset() {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.hooks = nil
}

func (st *hookStore) index(id string) int {
	return slices.IndexFunc(st.hooks, func(h hook) bool { return h.ID == id })
}

// subscribed returns the hooks that get an event: active, verified, asking for its type and not filtering it out.
func (st *hookStore) subscribed(e event) []hook {
	return slices.DeleteFunc(st.list(), func(h hook) bool {
		return h.Status != statusActive || h.Verification != verified || !slices.Contains(h.Events.Items, e.text("eventType")) || !h.lets(e)
	})
}

func (s *Server) createHook(x exchange) reply {
	input, problem := s.readHook(x)
	if problem != nil {
		return *problem
	}
	now := s.opts.Now().UTC().Format(timeLayout)
	h := hook{
		ID: s.ids.object("who"), Status: statusActive, Verification: unverified, Created: now, Updated: now, hookInput: input,
	}
	if !s.hooks.add(h) {
		return s.invalid("eventHook", "too many event hooks")
	}
	return reply{status: http.StatusOK, body: s.hookView(x, h)}
}

func (s *Server) listHooks(x exchange) reply {
	views := []any{}
	for _, h := range s.hooks.list() {
		views = append(views, s.hookView(x, h))
	}
	return reply{status: http.StatusOK, body: views}
}

func (s *Server) getHook(x exchange) reply {
	h, ok := s.hooks.get(x.args[0])
	if !ok {
		return s.noSuch(x.args[0], "EventHook")
	}
	return reply{status: http.StatusOK, body: s.hookView(x, h)}
}

// replaceHook makes a hook with another channel prove itself again. A replace carries the secret, which cannot be compared
// by whoever reads the hook, so every replace counts as a change of the channel.
func (s *Server) replaceHook(x exchange) reply {
	if _, ok := s.hooks.get(x.args[0]); !ok {
		return s.noSuch(x.args[0], "EventHook")
	}
	input, problem := s.readHook(x)
	if problem != nil {
		return *problem
	}
	return s.changeHook(x, func(h *hook) { h.hookInput, h.Verification = input, unverified })
}

func (s *Server) activateHook(x exchange) reply {
	return s.changeHook(x, func(h *hook) { h.Status = statusActive })
}

func (s *Server) deactivateHook(x exchange) reply {
	return s.changeHook(x, func(h *hook) { h.Status = statusInactive })
}

// verifyHook asks the endpoint to echo a challenge.
func (s *Server) verifyHook(x exchange) reply {
	h, ok := s.hooks.get(x.args[0])
	if !ok {
		return s.noSuch(x.args[0], "EventHook")
	}
	ctx, cancel := s.whileServing(x.r.Context())
	defer cancel()
	if err := s.sender.verify(ctx, h, s.ids.object("")); err != nil {
		return s.invalid("eventHook", "the endpoint could not be verified: "+err.Error())
	}
	return s.changeHook(x, func(h *hook) { h.Verification = verified })
}

// deleteHook takes inactive hooks only.
func (s *Server) deleteHook(x exchange) reply {
	h, ok := s.hooks.get(x.args[0])
	if !ok {
		return s.noSuch(x.args[0], "EventHook")
	}
	if h.Status != statusInactive {
		return s.known(http.StatusForbidden, "E0000006")
	}
	s.hooks.remove(h.ID)
	return reply{status: http.StatusNoContent}
}

func (s *Server) changeHook(x exchange, change func(*hook)) reply {
	h, ok := s.hooks.change(x.args[0], func(h *hook) {
		change(h)
		h.Updated = s.opts.Now().UTC().Format(timeLayout)
	})
	if !ok {
		return s.noSuch(x.args[0], "EventHook")
	}
	return reply{status: http.StatusOK, body: s.hookView(x, h)}
}

func (s *Server) readHook(x exchange) (hookInput, *reply) {
	var input hookInput
	if err := json.NewDecoder(x.r.Body).Decode(&input); err != nil {
		problem := s.known(http.StatusBadRequest, "E0000003")
		return hookInput{}, &problem
	}
	if field, cause := input.problem(); field != "" {
		problem := s.invalid(field, cause)
		return hookInput{}, &problem
	}
	return input, nil
}

func (in hookInput) problem() (field, cause string) {
	switch {
	case in.Name == "" || len(in.Name) > 255:
		return "name", "must be 1 to 255 characters"
	case in.Events.Type != "EVENT_TYPE":
		return "events.type", "must be EVENT_TYPE"
	case len(in.Events.Items) == 0 || len(in.Events.Items) > maxHookEvents:
		return "events.items", "must be 1 to 300 event types"
	}
	return in.channelProblem()
}

func (in hookInput) channelProblem() (field, cause string) {
	config := in.Channel.Config
	badHeader := func(h hookHeader) bool { return !headerName(h.Key) || !headerValue(h.Value) }
	switch {
	case in.Channel.Type != "HTTP":
		return "channel.type", "must be HTTP"
	case in.Channel.Version != "1.0.0":
		return "channel.version", "must be 1.0.0"
	case !hookURI(config.URI):
		return "channel.config.uri", "must be an https URL; the simulation also takes http on loopback"
	case config.Auth != nil && (config.Auth.Type != "HEADER" || badHeader(hookHeader{config.Auth.Key, config.Auth.Value})):
		return "channel.config.authScheme", "must be HEADER with a key and a value"
	case slices.ContainsFunc(config.Headers, badHeader):
		return "channel.config.headers", "must have a key and a value each"
	}
	return "", ""
}

// hookURI is stricter about hosts and laxer about schemes than Okta: plain http works, on this machine only.
func hookURI(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.User != nil {
		return false
	}
	addr, err := netip.ParseAddr(u.Hostname())
	loopback := u.Hostname() == "localhost" || (err == nil && addr.IsLoopback())
	return u.Scheme == "https" || u.Scheme == "http" && loopback
}

func headerName(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`()<>@,;:\"/[]?={}`, r) }) < 0
}

func headerValue(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) < 0
}

// hookView is a hook as Okta shows it: the secret is never given back and its header name comes in lower case.
func (s *Server) hookView(x exchange, h hook) map[string]any {
	config := map[string]any{"uri": h.Channel.Config.URI, "method": http.MethodPost, "headers": []hookHeader{}}
	if len(h.Channel.Config.Headers) > 0 {
		config["headers"] = h.Channel.Config.Headers
	}
	if auth := h.Channel.Config.Auth; auth != nil {
		config["authScheme"] = map[string]any{"type": auth.Type, "key": strings.ToLower(auth.Key)}
	}
	self := s.org(x.r) + "/api/v1/eventHooks/" + h.ID
	post := map[string]any{"allow": []string{http.MethodPost}}
	toggle := "deactivate"
	if h.Status == statusInactive {
		toggle = "activate"
	}
	return map[string]any{
		"id": h.ID, "status": h.Status, "verificationStatus": h.Verification, "name": h.Name, "description": h.Description,
		"created": h.Created, "createdBy": "00uSever000000000001", "lastUpdated": h.Updated,
		"events":  map[string]any{"type": h.Events.Type, "items": h.Events.Items, "filter": h.Events.Filter},
		"channel": map[string]any{"type": h.Channel.Type, "version": h.Channel.Version, "config": config},
		"_links": map[string]any{
			"self":   map[string]any{"href": self},
			"verify": map[string]any{"href": self + "/lifecycle/verify", "hints": post},
			toggle:   map[string]any{"href": self + "/lifecycle/" + toggle, "hints": post},
		},
	}
}
