package oktasim

import (
	"net/http"
	"net/url"
	"strings"
)

// exchange is one API call on its way.
type exchange struct {
	r         *http.Request
	requestID string
	route     route
	args      []string // decoded segments where the route has a *
	caller    caller
}

// route is one operation. A * in the path stands for exactly one segment that is not empty.
type route struct {
	method     string
	path       string
	bucket     string
	handle     func(*Server, exchange) reply
	admit      func(*Server, exchange) (caller, *reply)
	scope      string // what an access token must hold; exactly this one, as Okta documents it per operation
	permission string // what a role of the service app must allow
}

// serveAPI answers one call of Okta's API: record, limits, latency, fault, credential, effect, answer.
func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request) {
	now := s.opts.Now()
	done := s.calls.add(r, now)
	s.origins.allow(w.Header(), r)
	if isPreflight(r) {
		done(http.StatusNoContent)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	within := s.limits.enter()
	defer s.limits.leave()

	chosen, args, problem := s.match(r)
	state := concurrencyState(now)
	if within {
		state = s.limits.take(chosen.bucket, s.principal(r), now)
	}
	fault, faulty := s.faults.next(r.URL.EscapedPath())
	s.wait(r.Context(), s.opts.Latency+s.ids.upTo(s.opts.Jitter)+fault.Latency)
	if faulty && fault.Cut {
		panic(http.ErrAbortHandler) // closes the connection without an answer
	}

	x := exchange{r: r, requestID: s.ids.request(), route: chosen, args: args}
	var answer reply
	switch {
	case faulty && fault.answers():
		answer, state = s.faultReply(fault), fault.rateState(state, now)
	case state.exceeded:
		answer = s.known(http.StatusTooManyRequests, "E0000047")
	default:
		answer = s.perform(x, problem)
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
func (s *Server) perform(x exchange, problem *reply) reply {
	from, refusal := x.route.admit(s, x)
	if refusal != nil {
		return *refusal
	}
	if problem != nil {
		return *problem
	}
	x.caller = from
	return x.route.handle(s, x)
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
	return route{bucket: "other", admit: (*Server).admitCredential}, nil, &problem
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
