package oktasim

import (
	"crypto/subtle"
	"net/http"
	"net/url"
	"strings"
)

// exchange is one API call on its way.
type exchange struct {
	r         *http.Request
	requestID string
	args      []string // decoded segments where the route has a *
}

// route is one operation. A * in the path stands for exactly one segment that is not empty.
type route struct {
	method string
	path   string
	bucket string
	handle func(*Server, exchange) reply
}

func routes() []route {
	return []route{
		{http.MethodDelete, "/api/v1/users/*/sessions", "users.sessions", (*Server).revokeSessions},
		{http.MethodGet, "/api/v1/users/*", "users.get", (*Server).getUser},
		{http.MethodDelete, "/api/v1/users/*", "users.delete", (*Server).deleteUser},
		{http.MethodGet, "/api/v1/logs", "logs", (*Server).listLog},
		{http.MethodPost, "/api/v1/eventHooks", "hooks", (*Server).createHook},
		{http.MethodGet, "/api/v1/eventHooks", "hooks", (*Server).listHooks},
		{http.MethodGet, "/api/v1/eventHooks/*", "hooks", (*Server).getHook},
		{http.MethodPut, "/api/v1/eventHooks/*", "hooks", (*Server).replaceHook},
		{http.MethodDelete, "/api/v1/eventHooks/*", "hooks", (*Server).deleteHook},
		{http.MethodPost, "/api/v1/eventHooks/*/lifecycle/verify", "hooks", (*Server).verifyHook},
		{http.MethodPost, "/api/v1/eventHooks/*/lifecycle/activate", "hooks", (*Server).activateHook},
		{http.MethodPost, "/api/v1/eventHooks/*/lifecycle/deactivate", "hooks", (*Server).deactivateHook},
	}
}

// serveAPI answers one call of Okta's API: record, limits, latency, fault, credential, effect, answer.
func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request) {
	now := s.opts.Now()
	done := s.calls.add(r, now)
	within := s.limits.enter()
	defer s.limits.leave()

	chosen, args, problem := s.match(r)
	state := concurrencyState(now)
	if within {
		state = s.limits.take(chosen.bucket, now)
	}
	fault, faulty := s.faults.next()
	s.wait(r.Context(), s.opts.Latency+s.ids.upTo(s.opts.Jitter)+fault.Latency)
	if faulty && fault.Cut {
		panic(http.ErrAbortHandler) // closes the connection without an answer
	}

	x := exchange{r: r, requestID: s.ids.request(), args: args}
	var answer reply
	switch {
	case faulty && fault.answers():
		answer, state = s.faultReply(fault), fault.rateState(state, now)
	case state.exceeded:
		answer = s.known(http.StatusTooManyRequests, "E0000047")
	default:
		answer = s.perform(chosen, x, problem)
	}
	if faulty && fault.CutAfter {
		panic(http.ErrAbortHandler)
	}
	h := w.Header()
	h.Set("X-Okta-Request-Id", x.requestID)
	h.Set("Date", s.opts.Now().UTC().Format(http.TimeFormat))
	setRateHeaders(h, state)
	done(answer.status)
	answer.send(w)
}

// perform checks the credential first: without one Okta does not say which paths exist.
func (s *Server) perform(chosen route, x exchange, problem *reply) reply {
	if refusal := s.unauthorized(x.r); refusal != nil {
		return *refusal
	}
	if problem != nil {
		return *problem
	}
	return chosen.handle(s, x)
}

// match finds the operation, or the error for a path or method that has none.
func (s *Server) match(r *http.Request) (route, []string, *reply) {
	path := r.URL.EscapedPath()
	known := false
	for _, candidate := range routes() {
		args, ok := matchPath(candidate.path, path)
		if ok && candidate.method == r.Method {
			return candidate, args, nil
		}
		known = known || ok
	}
	problem := s.known(http.StatusNotFound, "E0000008")
	if known {
		problem = s.known(http.StatusMethodNotAllowed, "E0000022")
	}
	return route{bucket: "other"}, nil, &problem
}

func matchPath(pattern, path string) ([]string, bool) {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return nil, false
	}
	var args []string
	for i := range want {
		segment, err := url.PathUnescape(got[i])
		if err != nil {
			return nil, false
		}
		switch {
		case want[i] == "*" && segment != "":
			args = append(args, segment)
		case want[i] != got[i]:
			return nil, false
		}
	}
	return args, true
}

// unauthorized is the error for a call without an accepted credential.
func (s *Server) unauthorized(r *http.Request) *reply {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.TrimSpace(scheme) == "" {
		problem := s.known(http.StatusForbidden, "E0000005")
		return &problem
	}
	accepted := (scheme == "SSWS" || scheme == "Bearer") && token != ""
	if s.opts.Token != "" {
		accepted = accepted && subtle.ConstantTimeCompare([]byte(token), []byte(s.opts.Token)) == 1
	}
	if accepted {
		return nil
	}
	problem := s.known(http.StatusUnauthorized, "E0000011")
	return &problem
}
