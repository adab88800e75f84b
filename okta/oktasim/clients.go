package oktasim

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
)

const maxClients = 1000

// Client is an OAuth service app: who may ask for access tokens, with what keys and for what.
type Client struct {
	// ID is the client id, such as 0oa1gjh63g214q0Hq0g4.
	ID string `json:"id"`
	// JWKS holds its public keys, as JWKS writes them.
	JWKS json.RawMessage `json:"jwks"`
	// Scopes are granted to it, such as okta.users.manage.
	Scopes []string `json:"scopes"`
	// DPoPRequired binds its tokens to a key of the caller. It is on for apps made in the Admin Console.
	DPoPRequired bool `json:"dpop_required"`
	// Roles are what it may do as an admin, beside its scopes: standard roles such as SUPER_ADMIN or permissions of a custom
	// role such as okta.users.lifecycle.clearSessions. Nil means SUPER_ADMIN; empty means no role, and no call works.
	Roles []string `json:"roles"`
}

// registered is a client with its keys read. Without keys it has a key set that Okta could not read.
type registered struct {
	Client

	keys []publicKey
}

// clientStore holds the OAuth service apps.
type clientStore struct {
	mu      sync.Mutex
	clients map[string]registered
}

func (st *clientStore) put(c registered) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	if _, replaces := st.clients[c.ID]; !replaces && len(st.clients) >= maxClients {
		return false
	}
	st.clients[c.ID] = c
	return true
}

func (st *clientStore) get(id string) (registered, bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	c, ok := st.clients[id]
	return c, ok
}

// empty reports whether any bearer token will do.
func (st *clientStore) empty() bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	return len(st.clients) == 0
}

func (st *clientStore) list() []Client {
	st.mu.Lock()
	defer st.mu.Unlock()
	clients := []Client{}
	for _, id := range slices.Sorted(maps.Keys(st.clients)) {
		clients = append(clients, st.clients[id].Client)
	}
	return clients
}

// reset goes back to the clients the server was made with. One whose keys cannot be read is kept: its token requests get
// Okta's own error for that.
func (st *clientStore) reset(clients []Client) {
	fresh := map[string]registered{}
	for _, c := range clients {
		keys, err := parseJWKS(c.JWKS)
		if err != nil {
			keys = nil
		}
		fresh[c.ID] = registered{Client: c, keys: keys}
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	st.clients = fresh
}

// PutClient makes an OAuth service app exist, or changes it. From the first one on, Bearer and DPoP tokens are checked.
func (s *Server) PutClient(c Client) error {
	keys, err := parseJWKS(c.JWKS)
	if err == nil {
		err = c.problem()
	}
	if err != nil {
		return fmt.Errorf("put client: %w", err)
	}
	if !s.clients.put(registered{Client: c, keys: keys}) {
		return fmt.Errorf("put client: there are %d already; reset first", maxClients)
	}
	return nil
}

func (c Client) problem() error {
	if !regexp.MustCompile(`^0oa[0-9A-Za-z]{17}$`).MatchString(c.ID) {
		return errors.New("id: must be 0oa and 17 letters and digits")
	}
	if i := slices.IndexFunc(c.Scopes, func(scope string) bool { return !strings.HasPrefix(scope, "okta.") }); i >= 0 {
		return fmt.Errorf("scopes: %.40q: must be one of Okta's, such as okta.users.manage", c.Scopes[i])
	}
	isRole := func(role string) bool {
		return slices.Contains(standardRoles(), role) || strings.HasPrefix(role, "okta.")
	}
	if i := slices.IndexFunc(c.Roles, func(role string) bool { return !isRole(role) }); i >= 0 {
		return fmt.Errorf("roles: %.40q: must be one of %s or a permission such as okta.users.lifecycle.clearSessions",
			c.Roles[i], strings.Join(standardRoles(), ", "))
	}
	return nil
}

func standardRoles() []string {
	return []string{"SUPER_ADMIN", "ORG_ADMIN", "USER_ADMIN", "READ_ONLY_ADMIN"}
}

// may reports whether a role of the client allows what needs a permission. A permission includes those below it.
// https://developer.okta.com/docs/concepts/role-assignment/
func (c Client) may(permission string) bool {
	if c.Roles == nil {
		return true
	}
	return slices.ContainsFunc(c.Roles, func(role string) bool {
		switch role {
		case "SUPER_ADMIN", "ORG_ADMIN":
			return true
		case "USER_ADMIN":
			return strings.HasPrefix(permission, "okta.users.") || strings.HasPrefix(permission, "okta.groups.")
		case "READ_ONLY_ADMIN":
			return strings.HasSuffix(permission, ".read")
		}
		family, manages := strings.CutSuffix(role, ".manage")
		return role == permission || (manages && strings.HasPrefix(permission, family+"."))
	})
}
