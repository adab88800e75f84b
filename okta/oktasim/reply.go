package oktasim

import (
	"encoding/json"
	"maps"
	"net/http"
	"strconv"
)

// reply is an answer not yet sent, so that its effect can happen and the answer be lost.
type reply struct {
	status int
	body   any // JSON; nil for no body
	header http.Header
}

// apiError is Okta's error body.
type apiError struct {
	Code    string       `json:"errorCode"`
	Summary string       `json:"errorSummary"`
	Link    string       `json:"errorLink"`
	ID      string       `json:"errorId"`
	Causes  []errorCause `json:"errorCauses"`
}

type errorCause struct {
	Summary string `json:"errorSummary"`
}

// fail answers with an Okta error. Each cause is a sentence of its own.
func (s *Server) fail(status int, code, summary string, causes ...string) reply {
	body := apiError{Code: code, Summary: summary, Link: code, ID: "oae" + s.ids.request(), Causes: []errorCause{}}
	for _, cause := range causes {
		body.Causes = append(body.Causes, errorCause{Summary: cause})
	}
	return reply{status: status, body: body}
}

// known fails with the catalogue's text for the code.
func (s *Server) known(status int, code string) reply {
	return s.fail(status, code, knownErrors()[code])
}

func (s *Server) invalid(field, cause string) reply {
	return s.fail(http.StatusBadRequest, "E0000001", "Api validation failed: "+field, field+": "+cause)
}

func (s *Server) noSuch(id, kind string) reply {
	return s.fail(http.StatusNotFound, "E0000007", "Not found: Resource not found: "+id+" ("+kind+")")
}

// knownErrors are the texts of the error catalogue.
// https://developer.okta.com/docs/reference/error-codes/
func knownErrors() map[string]string {
	return map[string]string{
		"E0000001": "Api validation failed: simulated",
		"E0000003": "The request body was not well-formed.",
		"E0000004": "Authentication failed",
		"E0000005": "Invalid session",
		"E0000006": "You do not have permission to perform the requested action",
		"E0000007": "Not found: Resource not found: simulated (User)",
		"E0000008": "The requested path was not found",
		"E0000009": "Internal Server Error",
		"E0000010": "The service is in read only mode",
		"E0000011": "Invalid token provided",
		"E0000015": "You do not have permission to access the feature you are requesting",
		"E0000022": "The endpoint does not support the provided HTTP method",
		"E0000031": "Invalid search criteria.",
		"E0000038": "This operation is not allowed in the user's current status.",
		"E0000047": "API call exceeded rate limit due to too many requests.",
		"E0000155": "User is not active.",
	}
}

// codeFor is the code Okta most likely sends with a status; empty for statuses that are not errors.
func codeFor(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "E0000011"
	case http.StatusForbidden:
		return "E0000006"
	case http.StatusNotFound:
		return "E0000007"
	case http.StatusMethodNotAllowed:
		return "E0000022"
	case http.StatusLocked:
		return "E0000155"
	case http.StatusTooManyRequests:
		return "E0000047"
	case http.StatusServiceUnavailable:
		return "E0000010"
	}
	switch {
	case status >= 500:
		return "E0000009"
	case status >= 400:
		return "E0000001"
	}
	return ""
}

func setRateHeaders(h http.Header, state rateState) {
	h.Set("X-Rate-Limit-Limit", strconv.Itoa(state.limit))
	h.Set("X-Rate-Limit-Remaining", strconv.Itoa(state.remaining))
	h.Set("X-Rate-Limit-Reset", strconv.FormatInt(state.reset.Unix(), 10))
}

func (p reply) send(w http.ResponseWriter) {
	maps.Copy(w.Header(), p.header)
	if p.body == nil {
		w.WriteHeader(p.status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(p.status)
	// The client may be gone; there is nobody else to tell.
	_ = json.NewEncoder(w).Encode(p.body) //nolint:errchkjson // the bodies are our own and JSON that was decoded before
}
