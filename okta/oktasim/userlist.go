package oktasim

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const (
	maxUserPage = 200 // also the default
	everyone    = "Everyone"
)

// listUsers lists the users that were put: all but the deactivated ones, or those that filter or search find, which may be
// deactivated. filter sees changes at once and tells A from a; search is the other way round in both.
// https://developer.okta.com/docs/api/openapi/okta-management/management/tag/User/#tag/User/operation/listUsers
func (s *Server) listUsers(x exchange) reply {
	query := x.r.URL.Query()
	var users []User
	var matches matcher
	var err error
	switch {
	case query.Has("q") || (query.Has("filter") && query.Has("search")):
		return s.known(http.StatusBadRequest, "E0000031")
	case query.Has("search"):
		users = s.users.indexed()
		matches, err = parseExpression(query.Get("search"), expressions{operators: []string{"eq", "sw", "co"}, attribute: searchable, foldCase: true})
	case query.Has("filter"):
		users = s.users.list()
		matches, err = parseExpression(query.Get("filter"), expressions{operators: []string{"eq"}, attribute: filterable})
	default:
		users = s.users.list()
		matches = func(l lookup) bool { return !slices.Contains(l("status"), any(statusDeprovisioned)) }
	}
	if err != nil {
		return s.known(http.StatusBadRequest, "E0000031")
	}
	users = slices.DeleteFunc(users, func(u User) bool { return !matches(u.lookup) })
	return page(s, x, users, func(u User) (string, any) { return u.ID, s.userView(x, u) })
}

// filterable are the attributes of the small language of filter.
func filterable(name, _ string) bool {
	return slices.Contains([]string{"id", "status", "profile.login", "profile.email", "profile.firstName", "profile.lastName"}, name)
}

// searchable are the attributes of the larger one of search, in which only some can be searched for a part.
func searchable(name, operator string) bool {
	if operator == "co" {
		return slices.Contains([]string{"profile.login", "profile.email", "profile.firstName", "profile.lastName"}, name)
	}
	return name == "id" || name == "status" || strings.HasPrefix(name, "profile.")
}

func (u User) lookup(attribute string) []any {
	return valuesAt(map[string]any{"id": u.ID, "status": u.Status, "profile": u.profile()}, strings.Split(attribute, "."))
}

// listUserGroups lists the groups of a person, that of everyone included.
// https://developer.okta.com/docs/api/openapi/okta-management/management/tag/UserResources/#tag/UserResources/operation/listUserGroups
func (s *Server) listUserGroups(x exchange) reply {
	user, ok := s.users.find(x.args[0])
	if !ok {
		return s.noSuch(x.args[0], "User")
	}
	names := append([]string{everyone}, user.Groups...)
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(groupID(a), groupID(b)) })
	return page(s, x, slices.Compact(names), func(name string) (string, any) { return groupID(name), s.groupView(x, name) })
}

func groupID(name string) string {
	sum := sha256.Sum256([]byte(name))
	return "00g" + hex.EncodeToString(sum[:])[:17]
}

func (s *Server) groupView(x exchange, name string) map[string]any {
	const long = "2024-01-01T00:00:00.000Z"
	kind := "OKTA_GROUP"
	if name == everyone {
		kind = "BUILT_IN"
	}
	return map[string]any{
		"id": groupID(name), "created": long, "lastUpdated": long, "lastMembershipUpdated": long, "objectClass": []string{"okta:user_group"},
		"type": kind, "profile": map[string]any{"name": name, "description": nil},
		"_links": map[string]any{"users": map[string]any{"href": s.org(x.r) + "/api/v1/groups/" + groupID(name) + "/users"}},
	}
}

// page answers with one page of a list that is in order of its ids. after is the last id of the page before.
func page[T any](s *Server, x exchange, all []T, show func(T) (id string, view any)) reply {
	query := x.r.URL.Query()
	limit := maxUserPage
	if text := query.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return s.invalid("limit", "must be a number from 1")
		}
		limit = min(n, maxUserPage)
	}
	header := http.Header{"Link": {s.pageLink(x.r, query, "self")}}
	views, last := []any{}, ""
	for _, each := range all {
		id, view := show(each)
		if id <= query.Get("after") {
			continue
		}
		if len(views) == limit {
			query.Set("after", last)
			header.Add("Link", s.pageLink(x.r, query, "next"))
			break
		}
		views, last = append(views, view), id
	}
	return reply{status: http.StatusOK, body: views, header: header}
}

func (s *Server) pageLink(r *http.Request, query url.Values, rel string) string {
	link := s.org(r) + r.URL.EscapedPath()
	if encoded := query.Encode(); encoded != "" {
		link += "?" + encoded
	}
	return "<" + link + `>; rel="` + rel + `"`
}
