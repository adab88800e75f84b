package okta

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	bucketUserList = "users_list"
	userListPath   = "/api/v1/users"
	// findLimit is how many matches are asked for: two would do to know that there are several; a few more make the count in
	// the message to a person more telling.
	findLimit = 10
	// maxFindValue bounds a value; Okta's own profile strings are shorter.
	maxFindValue = 256
)

var attributePattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,127}$`)

// NoUserError says that nobody has the value that was looked for.
type NoUserError struct {
	Attribute string
}

func (e *NoUserError) Error() string {
	return fmt.Sprintf("okta: no user has this profile.%s", e.Attribute)
}

// SeveralUsersError says that more than one person has the value that was looked for; which one is meant nobody can tell.
type SeveralUsersError struct {
	Attribute string
	Count     int // at least so many: a search stops at the first page
}

func (e *SeveralUsersError) Error() string {
	return fmt.Sprintf("okta: at least %d users have this profile.%s", e.Count, e.Attribute)
}

// InvalidQueryError says that an attribute or value cannot be searched for. Nothing was sent.
type InvalidQueryError struct {
	Field  string // attribute or value
	Reason string
}

func (e *InvalidQueryError) Error() string { return "okta user search: " + e.Field + " " + e.Reason }

// FindUser finds the one person whose profile attribute has exactly this value: GET /api/v1/users. The attribute is a name
// such as email, login or employeeNumber, with or without "profile." before it.
//
// Okta has two ways to ask. For login, email, firstName and lastName this uses filter, which is never out of date; every
// other attribute can only be asked for with search, which may miss a change of the last seconds. Both include deactivated
// people. Filter cares about upper and lower case, search does not. This call does, so every match is compared again; but a
// login or an e-mail address is the same in any case, because HR systems and directories spell them differently: where filter
// finds nobody, search is asked too.
//
// Scope: okta.users.read. Errors: [*NoUserError] and [*SeveralUsersError], which are the answer and not a fault;
// [*InvalidQueryError] before anything is sent; else those of [Client.GetUser].
//
// https://developer.okta.com/docs/api/openapi/okta-management/management/tag/User/#tag/User/operation/listUsers
func (c *Client) FindUser(ctx context.Context, attribute, value string) (User, Receipt, error) {
	const op = "find user"
	attribute = strings.TrimPrefix(attribute, "profile.")
	if err := checkQuery(attribute, value); err != nil {
		return User{}, c.unsent(), fmt.Errorf("%s: %w", op, err)
	}
	kind := queryKind(attribute)
	user, receipt, err := c.find(ctx, kind, attribute, value)
	if _, nobody := errors.AsType[*NoUserError](err); nobody && kind == kindFilter && anyCase(attribute) {
		return c.find(ctx, kindSearch, attribute, value)
	}
	return user, receipt, err
}

func (c *Client) find(ctx context.Context, kind, attribute, value string) (User, Receipt, error) {
	const op = "find user"
	query := url.Values{"limit": {strconv.Itoa(findLimit)}, kind: {"profile." + attribute + ` eq "` + quoted(value) + `"`}}
	body, receipt, err := c.do(ctx, operation{
		name: op, bucket: bucketUserList, want: http.StatusOK, maxBody: maxUserBody, header: omitCredentials(),
		target: target{method: http.MethodGet, path: userListPath, query: query.Encode()},
	})
	if err != nil {
		return User{}, receipt, err
	}
	found, err := matching(body, attribute, value)
	if err != nil {
		return User{}, receipt, unexpectedAnswer(op, receipt, err)
	}
	// A further page may hold a second match, so one match on a page that is not the last is not the only one for sure.
	switch {
	case len(found) == 1 && receipt.next == "":
		return found[0], receipt, nil
	case len(found) == 0 && receipt.next == "":
		return User{}, receipt, &NoUserError{Attribute: attribute}
	}
	return User{}, receipt, &SeveralUsersError{Attribute: attribute, Count: max(2, len(found))}
}

// The parameters that can ask for people.
const (
	kindFilter = "filter" // never out of date, and particular about case
	kindSearch = "search" // neither
)

// queryKind is the parameter to ask for an attribute with.
func queryKind(attribute string) string {
	switch attribute {
	case "login", "email", "firstName", "lastName":
		return kindFilter
	}
	return kindSearch
}

// anyCase reports whether values that differ by case only are the same.
func anyCase(attribute string) bool { return attribute == "login" || attribute == "email" }

func checkQuery(attribute, value string) error {
	switch {
	case !attributePattern.MatchString(attribute):
		return &InvalidQueryError{Field: "attribute", Reason: "must be a profile attribute's name: letters, digits and underscores"}
	case value == "":
		return &InvalidQueryError{Field: "value", Reason: "must not be empty"}
	case !utf8.ValidString(value) || utf8.RuneCountInString(value) > maxFindValue:
		return &InvalidQueryError{Field: "value", Reason: fmt.Sprintf("must be UTF-8 of at most %d characters", maxFindValue)}
	case strings.IndexFunc(value, func(r rune) bool { return !unicode.IsPrint(r) }) >= 0:
		return &InvalidQueryError{Field: "value", Reason: "must not hold control or invisible characters"}
	}
	return nil
}

// quoted escapes what could end the string in an expression, so that no value can become another question.
func quoted(value string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value)
}

// matching are the people in the answer whose attribute is exactly the value.
func matching(body []byte, attribute, value string) ([]User, error) {
	var answers []json.RawMessage
	if err := json.Unmarshal(body, &answers); err != nil {
		return nil, errors.New("body is not a list of users")
	}
	var found []User
	for _, raw := range answers {
		has, err := attributeOf(raw, attribute)
		if err != nil {
			return nil, err
		}
		if !same(attribute, has, value) {
			continue
		}
		user, err := decodeUser(raw)
		if err != nil {
			return nil, err
		}
		found = append(found, user)
	}
	return found, nil
}

func same(attribute, has, value string) bool {
	if anyCase(attribute) {
		return strings.EqualFold(has, value)
	}
	return has == value
}

// attributeOf reads one profile attribute by its exact name. Numbers are compared as they are written: an employee number
// may be either.
func attributeOf(raw []byte, attribute string) (string, error) {
	var answer struct {
		Profile map[string]json.RawMessage `json:"profile"`
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		return "", errors.New("body is not a list of users")
	}
	value := answer.Profile[attribute]
	var s string
	if err := json.Unmarshal(value, &s); err != nil {
		return string(value), nil //nolint:nilerr // not a string: compared as it is
	}
	return s, nil
}
