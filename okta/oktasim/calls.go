package oktasim

import (
	"net/http"
	"strings"
	"sync"
	"time"

	"sever/okta"
)

// maxCalls is how many calls are remembered; older ones are forgotten first.
const maxCalls = 100_000

// Call is one API call as it was received.
type Call struct {
	Time   time.Time `json:"time"`
	Method string    `json:"method"`
	Path   string    `json:"path"`   // escaped, as received
	Query  string    `json:"query"`  // raw, as received
	Auth   string    `json:"auth"`   // the scheme, never the credential: "SSWS ***"
	Status int       `json:"status"` // 0 while the call is in the works, and when the connection was cut
	User   string    `json:"user"`   // the user id in the path, or ""
}

// callLog keeps the newest calls in order of arrival.
type callLog struct {
	mu    sync.Mutex
	calls []*Call
}

// add records a call on arrival and returns what fills in its status.
func (l *callLog) add(r *http.Request, at time.Time) func(status int) {
	path := r.URL.EscapedPath()
	call := &Call{
		Time: at, Method: r.Method, Path: path, Query: r.URL.RawQuery, Auth: redactedAuth(r.Header.Get("Authorization")), User: userInPath(path),
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls = append(l.calls, call)
	if len(l.calls) > maxCalls {
		l.calls = l.calls[len(l.calls)-maxCalls:]
	}
	return func(status int) {
		l.mu.Lock()
		defer l.mu.Unlock()
		call.Status = status
	}
}

func (l *callLog) list() []Call {
	l.mu.Lock()
	defer l.mu.Unlock()
	calls := make([]Call, 0, len(l.calls))
	for _, call := range l.calls {
		calls = append(calls, *call)
	}
	return calls
}

func (l *callLog) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls = nil
}

// Calls returns the API calls received so far, oldest first, at most the newest 100,000. Control routes are not in it.
func (s *Server) Calls() []Call { return s.calls.list() }

// redactedAuth keeps a scheme only if it is a known one: a header that is a bare secret has no scheme to show.
func redactedAuth(header string) string {
	scheme, _, found := strings.Cut(header, " ")
	switch {
	case header == "":
		return ""
	case found && (scheme == "SSWS" || scheme == "Bearer" || scheme == "DPoP" || scheme == "Basic"):
		return scheme + " ***"
	}
	return "***"
}

func userInPath(path string) string {
	rest, found := strings.CutPrefix(path, "/api/v1/users/")
	if !found {
		return ""
	}
	segment, _, _ := strings.Cut(rest, "/")
	id, err := okta.ParseUserID(segment)
	if err != nil {
		return ""
	}
	return string(id)
}
