package oktasim

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"sever/okta"
)

const (
	statusActive        = "ACTIVE"
	statusDeprovisioned = "DEPROVISIONED"
)

// User is a person of the simulated org.
type User struct {
	ID     string `json:"id"`
	Status string `json:"status"`
	Login  string `json:"login"`
	Email  string `json:"email"`
}

// directory holds the users that were put, changed or deleted. Other well-formed ids are made up on the spot unless strict.
type directory struct {
	strict bool

	mu      sync.Mutex
	users   map[string]User
	deleted map[string]bool
}

func newDirectory(strict bool) *directory {
	d := &directory{strict: strict}
	d.reset()
	return d
}

func (d *directory) reset() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.users, d.deleted = map[string]User{}, map[string]bool{}
}

func (d *directory) list() []User {
	d.mu.Lock()
	defer d.mu.Unlock()
	users := make([]User, 0, len(d.users))
	for _, u := range d.users {
		users = append(users, u)
	}
	slices.SortFunc(users, func(a, b User) int { return cmp.Compare(a.ID, b.ID) })
	return users
}

func (d *directory) put(u User) (User, error) {
	if _, err := okta.ParseUserID(u.ID); err != nil {
		return User{}, fmt.Errorf("put user: %w", err)
	}
	u = withDefaults(u)
	if !slices.Contains(userStatuses(), u.Status) {
		return User{}, errors.New("put user: status: must be one of " + strings.Join(userStatuses(), ", "))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.deleted, u.ID)
	d.users[u.ID] = u
	return u, nil
}

func (d *directory) byID(id string) (User, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.byIDLocked(id)
}

func (d *directory) byIDLocked(id string) (User, bool) {
	if _, err := okta.ParseUserID(id); err != nil || d.deleted[id] {
		return User{}, false
	}
	if u, ok := d.users[id]; ok {
		return u, true
	}
	return withDefaults(User{ID: id}), !d.strict
}

// find looks up by id, then login, then by a shortname (the part before the @) if only one login has it.
func (d *directory) find(idOrLogin string) (User, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if u, ok := d.byIDLocked(idOrLogin); ok {
		return u, true
	}
	var short []User
	for _, u := range d.users {
		if strings.EqualFold(u.Login, idOrLogin) {
			return u, true
		}
		if name, _, _ := strings.Cut(u.Login, "@"); strings.EqualFold(name, idOrLogin) {
			short = append(short, u)
		}
	}
	if len(short) == 1 {
		return short[0], true
	}
	// The login that a made-up user shows leads back to it, unless it was put with another one.
	name, madeUp := strings.CutSuffix(idOrLogin, "@example.com")
	u, ok := d.byIDLocked(name)
	return u, madeUp && ok && u.Login == idOrLogin
}

// remove does what Okta does: the first time it deactivates, the second time the user is gone for good.
func (d *directory) remove(id string) (eventType string, user User, found bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	u, ok := d.byIDLocked(id)
	if !ok {
		return "", User{}, false
	}
	if u.Status == statusDeprovisioned {
		delete(d.users, id)
		d.deleted[id] = true
		return "user.lifecycle.delete.initiated", u, true
	}
	u.Status = statusDeprovisioned
	d.users[id] = u
	return "user.lifecycle.deactivate", u, true
}

func withDefaults(u User) User {
	if u.Status == "" {
		u.Status = statusActive
	}
	if u.Login == "" {
		u.Login = u.ID + "@example.com"
	}
	if u.Email == "" {
		u.Email = u.Login
	}
	return u
}

func userStatuses() []string {
	return []string{"STAGED", "PROVISIONED", statusActive, "RECOVERY", "LOCKED_OUT", "PASSWORD_EXPIRED", "SUSPENDED", statusDeprovisioned}
}

// PutUser makes a user exist. An empty status is ACTIVE; an empty login or email is made up.
func (s *Server) PutUser(u User) error {
	_, err := s.users.put(u)
	return err
}

func (s *Server) getUser(x exchange) reply {
	u, ok := s.users.find(x.args[0])
	if !ok {
		return s.noSuch(x.args[0], "User")
	}
	return reply{status: http.StatusOK, body: map[string]any{
		"id": u.ID, "status": u.Status, "created": "2024-01-01T00:00:00.000Z", "type": map[string]any{"id": "oty00000000000000001"},
		"profile": map[string]any{"login": u.Login, "email": u.Email, "firstName": "Sim", "lastName": "User", "mobilePhone": nil},
		"_links":  map[string]any{"self": map[string]any{"href": s.org(x.r) + "/api/v1/users/" + u.ID}},
	}}
}

// deleteUser is here so that a test can prove it is never reached: it does real damage.
func (s *Server) deleteUser(x exchange) reply {
	eventType, user, ok := s.users.remove(x.args[0])
	if !ok {
		return s.noSuch(x.args[0], "User")
	}
	s.emit(s.userEvent(x, eventType, user))
	return reply{status: http.StatusNoContent}
}

// revokeSessions takes ids only, as documented, and knows no deactivated users.
func (s *Server) revokeSessions(x exchange) reply {
	user, ok := s.users.byID(x.args[0])
	if !ok || user.Status == statusDeprovisioned {
		return s.noSuch(x.args[0], "User")
	}
	query := x.r.URL.Query()
	for _, flag := range []string{"oauthTokens", "forgetDevices"} {
		if value := query.Get(flag); query.Has(flag) && value != "true" && value != "false" {
			return s.invalid(flag, "must be true or false")
		}
	}
	s.emit(s.userEvent(x, "user.session.clear", user))
	return reply{status: http.StatusNoContent}
}

// userEvent is what Okta logs when our service acts on a user. Its requestId is the X-Okta-Request-Id of the answer.
func (s *Server) userEvent(x exchange, eventType string, user User) event {
	uri := x.r.URL.EscapedPath()
	return event{
		"eventType": eventType,
		"actor": map[string]any{
			"id": "0oaSever000000000001", "type": "PublicClientAppEntity", "alternateId": "unknown", "displayName": "Sever", "detailEntry": nil,
		},
		"target": []any{map[string]any{
			"id": user.ID, "type": "User", "alternateId": user.Login, "displayName": user.Login, "detailEntry": nil,
		}},
		"transaction":  map[string]any{"type": "WEB", "id": x.requestID, "detail": map[string]any{}},
		"debugContext": map[string]any{"debugData": map[string]any{"requestId": x.requestID, "requestUri": uri, "url": uri + "?" + x.r.URL.RawQuery}},
	}
}
