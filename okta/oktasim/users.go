package oktasim

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

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
	// Profile has the other attributes of the profile, such as firstName, employeeNumber or custom ones: any JSON values.
	Profile map[string]any `json:"profile,omitempty"`
	// Groups are the names of the groups the person is in, beside Everyone.
	Groups []string `json:"groups,omitempty"`
	// Roles are the admin roles the person has.
	Roles []AdminRole `json:"roles,omitempty"`
}

// directory holds the users that were put, changed or deleted. Other well-formed ids are made up on the spot unless strict.
type directory struct {
	strict bool
	lag    time.Duration
	now    func() time.Time

	mu      sync.Mutex
	users   map[string]User
	deleted map[string]bool
	past    map[string][]version // what search still sees, oldest first
}

// version is a user, or that there was none, until a change that search has not seen yet.
type version struct {
	until time.Time
	user  User
	there bool
}

func newDirectory(strict bool, lag time.Duration, now func() time.Time) *directory {
	d := &directory{strict: strict, lag: lag, now: now}
	d.reset()
	return d
}

func (d *directory) reset() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.users, d.deleted, d.past = map[string]User{}, map[string]bool{}, map[string][]version{}
}

func (d *directory) list() []User {
	d.mu.Lock()
	defer d.mu.Unlock()
	return sortedUsers(slices.Collect(maps.Values(d.users)))
}

// indexed is the list as search sees it: as it was a while ago.
func (d *directory) indexed() []User {
	d.mu.Lock()
	defer d.mu.Unlock()
	seen := maps.Clone(d.users)
	for id := range d.past {
		d.forgetLocked(id)
		if len(d.past[id]) == 0 {
			continue
		}
		delete(seen, id)
		if old := d.past[id][0]; old.there {
			seen[id] = old.user
		}
	}
	return sortedUsers(slices.Collect(maps.Values(seen)))
}

func sortedUsers(users []User) []User {
	slices.SortFunc(users, func(a, b User) int { return cmp.Compare(a.ID, b.ID) })
	return append([]User{}, users...)
}

func (d *directory) put(u User) (User, error) {
	if _, err := okta.ParseUserID(u.ID); err != nil {
		return User{}, fmt.Errorf("put user: %w", err)
	}
	u = withDefaults(u)
	if err := u.problem(); err != nil {
		return User{}, fmt.Errorf("put user: %w", err)
	}
	profile, err := plainJSON(u.Profile)
	if err != nil {
		return User{}, fmt.Errorf("put user: profile: %w", err)
	}
	u.Profile, u.Groups = profile, slices.Clone(u.Groups)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.rememberLocked(u.ID)
	delete(d.deleted, u.ID)
	d.users[u.ID] = u
	return u, nil
}

// rememberLocked keeps the user as it is for searches that have not seen the coming change.
func (d *directory) rememberLocked(id string) {
	if d.lag <= 0 {
		return
	}
	d.forgetLocked(id)
	old, there := d.users[id]
	d.past[id] = append(d.past[id], version{until: d.now(), user: old, there: there})
}

// forgetLocked drops what search no longer sees.
func (d *directory) forgetLocked(id string) {
	now := d.now()
	d.past[id] = slices.DeleteFunc(d.past[id], func(v version) bool { return !now.Before(v.until.Add(d.lag)) })
	if len(d.past[id]) == 0 {
		delete(d.past, id)
	}
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
	d.rememberLocked(id)
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
	u.Roles = withRoleDefaults(u.Roles)
	return u
}

func (u User) problem() error {
	if !slices.Contains(userStatuses(), u.Status) {
		return errors.New("status: must be one of " + strings.Join(userStatuses(), ", "))
	}
	for _, name := range []string{"login", "email"} {
		if _, twice := u.Profile[name]; twice {
			return errors.New("profile: " + name + ": give it beside the profile, not in it")
		}
	}
	for _, role := range u.Roles {
		if err := role.problem(); err != nil {
			return err
		}
	}
	return nil
}

// plainJSON is the profile as JSON has it: numbers are float64 and arrays []any, and nobody else holds it.
func plainJSON(profile map[string]any) (map[string]any, error) {
	b, err := json.Marshal(profile)
	if err != nil {
		return nil, fmt.Errorf("must be JSON values: %w", err)
	}
	var plain map[string]any
	if err := json.Unmarshal(b, &plain); err != nil {
		return nil, fmt.Errorf("must be JSON values: %w", err)
	}
	return plain, nil
}

func userStatuses() []string {
	return []string{"STAGED", "PROVISIONED", statusActive, "RECOVERY", "LOCKED_OUT", "PASSWORD_EXPIRED", "SUSPENDED", statusDeprovisioned}
}

// PutUser makes a user exist, or changes it. An empty status is ACTIVE; an empty login or email is made up. Suspending and
// deactivating end the user's sessions.
func (s *Server) PutUser(u User) error {
	_, err := s.putUser(u)
	return err
}

func (s *Server) putUser(u User) (User, error) {
	stored, err := s.users.put(u)
	if err == nil && (stored.Status == "SUSPENDED" || stored.Status == statusDeprovisioned) {
		s.sessions.end(stored.ID, "")
	}
	return stored, err
}

func (s *Server) getUser(x exchange) reply {
	u, ok := s.users.find(x.args[0])
	if !ok {
		return s.noSuch(x.args[0], "User")
	}
	return reply{status: http.StatusOK, body: s.userView(x, u)}
}

// deleteUser is here so that a test can prove it is never reached: it does real damage.
func (s *Server) deleteUser(x exchange) reply {
	eventType, user, ok := s.users.remove(x.args[0])
	if !ok {
		return s.noSuch(x.args[0], "User")
	}
	s.sessions.end(user.ID, "")
	s.emit(s.userEvent(x, eventType, user))
	return reply{status: http.StatusNoContent}
}

// userView is a user as Okta shows it.
func (s *Server) userView(x exchange, u User) map[string]any {
	const long = "2024-01-01T00:00:00.000Z"
	return map[string]any{
		"id": u.ID, "status": u.Status, "created": long, "activated": long, "statusChanged": long, "lastLogin": nil, "lastUpdated": long,
		"passwordChanged": nil, "type": map[string]any{"id": "oty00000000000000001"}, "profile": u.profile(),
		"credentials": map[string]any{"provider": map[string]any{"type": "OKTA", "name": "OKTA"}},
		"_links":      map[string]any{"self": map[string]any{"href": s.org(x.r) + "/api/v1/users/" + u.ID}},
	}
}

func (u User) profile() map[string]any {
	profile := map[string]any{"firstName": "Sim", "lastName": "User", "mobilePhone": nil}
	maps.Copy(profile, u.Profile)
	profile["login"], profile["email"] = u.Login, u.Email
	return profile
}
