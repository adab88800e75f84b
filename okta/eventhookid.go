package okta

import (
	"fmt"
	"net/url"
	"strings"
)

const (
	eventHooksPath    = "/api/v1/eventHooks"
	eventHookIDPrefix = "who"
)

// EventHookID is the id of a registered event hook such as "who8vt36qfNpCGz9H1e6". Make one with [ParseEventHookID]; a
// converted string is checked again before it is used in a path.
type EventHookID string

// InvalidEventHookIDError says that a text is not the id of an event hook.
type InvalidEventHookIDError struct {
	Excerpt string // short and escaped
}

func (e *InvalidEventHookIDError) Error() string {
	return fmt.Sprintf("okta event hook id %s: want who and 17 letters or digits", e.Excerpt)
}

// ParseEventHookID accepts exactly ^who[0-9A-Za-z]{17}$. The error is an [*InvalidEventHookIDError].
func ParseEventHookID(s string) (EventHookID, error) {
	if !validID(s, eventHookIDPrefix) {
		return "", &InvalidEventHookIDError{Excerpt: excerpt(s, 32)}
	}
	return EventHookID(s), nil
}

// eventHookPath is /api/v1/eventHooks/{id}, and after it what is given: nothing, or a lifecycle step.
func eventHookPath(id EventHookID, step string) (string, error) {
	if _, err := ParseEventHookID(string(id)); err != nil {
		return "", err
	}
	path := eventHooksPath + "/" + url.PathEscape(string(id))
	if !isEventHookPath(path) {
		return "", fmt.Errorf("%w: not an event hook's path", ErrUnsafeRequest)
	}
	return path + step, nil
}

// isEventHookPath reports whether path is api, v1, eventHooks and an event hook's id: those four segments and no more.
func isEventHookPath(path string) bool {
	segments := strings.Split(path, "/")
	return len(segments) == 5 && segments[0] == "" && segments[1] == "api" && segments[2] == "v1" &&
		segments[3] == "eventHooks" && validID(segments[4], eventHookIDPrefix)
}
