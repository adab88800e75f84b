package oktasim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
)

const maxEvents = 100

// serveControl answers the routes that steer and show the simulation. They are no part of Okta: no credential, no limits,
// no faults, and not among the recorded calls.
func (s *Server) serveControl(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.EscapedPath(), "/_sim/")
	operation := r.Method + " " + path
	if id, ok := strings.CutPrefix(operation, "PUT users/"); ok {
		s.controlPutUser(r, id).send(w)
		return
	}
	if id, ok := strings.CutPrefix(operation, "PUT clients/"); ok {
		s.controlPutClient(r, id).send(w)
		return
	}
	handle, ok := controlRoutes()[operation]
	if !ok {
		refuse(http.StatusNotFound, errors.New("no such control route and method; there are PUT users/{id}, PUT clients/{id}, "+
			strings.Join(slices.Sorted(maps.Keys(controlRoutes())), ", "))).send(w)
		return
	}
	handle(s, r).send(w)
}

func controlRoutes() map[string]func(*Server, *http.Request) reply {
	show := func(list func(*Server) any) func(*Server, *http.Request) reply {
		return func(s *Server, _ *http.Request) reply { return control(list(s)) }
	}
	do := func(act func(*Server)) func(*Server, *http.Request) reply {
		return func(s *Server, _ *http.Request) reply {
			act(s)
			return reply{status: http.StatusNoContent}
		}
	}
	return map[string]func(*Server, *http.Request) reply{
		"GET calls":           show(func(s *Server) any { return s.calls.list() }),
		"GET users":           show(func(s *Server) any { return s.users.list() }),
		"GET clients":         show(func(s *Server) any { return s.clients.list() }),
		"GET trusted-origins": show(func(s *Server) any { return s.origins.list() }),
		"PUT trusted-origins": (*Server).controlOrigins,
		"GET sessions":        show((*Server).sessionViews),
		"POST sessions":       (*Server).controlStartSession,
		"GET login":           (*Server).signInPage,
		"POST reset":          do((*Server).Reset),
		"POST rotate-nonce":   do((*Server).RotateNonce),
		"POST revoke-tokens":  do((*Server).RevokeTokens),
		"POST faults":         (*Server).controlFaults,
		"POST events":         (*Server).controlEvents,
	}
}

func (s *Server) controlPutUser(r *http.Request, id string) reply {
	user := User{ID: id}
	if err := decodeStrict(r.Body, &user); err != nil {
		return refuse(http.StatusBadRequest, err)
	}
	if user.ID != id {
		return refuse(http.StatusBadRequest, errors.New("id: must be the one in the path"))
	}
	stored, err := s.putUser(user)
	if err != nil {
		return refuse(http.StatusBadRequest, err)
	}
	return control(stored)
}

func (s *Server) controlPutClient(r *http.Request, id string) reply {
	client := Client{ID: id}
	if err := decodeStrict(r.Body, &client); err != nil {
		return refuse(http.StatusBadRequest, err)
	}
	if client.ID != id {
		return refuse(http.StatusBadRequest, errors.New("id: must be the one in the path"))
	}
	if err := s.PutClient(client); err != nil {
		return refuse(http.StatusBadRequest, err)
	}
	return control(client)
}

// controlOrigins takes all trusted origins as an array of texts.
func (s *Server) controlOrigins(r *http.Request) reply {
	var origins []string
	if err := decodeStrict(r.Body, &origins); err != nil {
		return refuse(http.StatusBadRequest, err)
	}
	if err := s.SetTrustedOrigins(origins...); err != nil {
		return refuse(http.StatusBadRequest, err)
	}
	return control(s.origins.list())
}

// controlStartSession takes {"user":"id or login"} and answers with the session and its cookie.
func (s *Server) controlStartSession(r *http.Request) reply {
	var body struct {
		User string `json:"user"`
	}
	if err := decodeStrict(r.Body, &body); err != nil {
		return refuse(http.StatusBadRequest, err)
	}
	return s.signInReply(r, body.User)
}

// controlFaults takes one fault or an array of them.
func (s *Server) controlFaults(r *http.Request) reply {
	faults, err := oneOrMany[Fault](r.Body, maxFaults)
	if err != nil {
		return refuse(http.StatusBadRequest, err)
	}
	for _, fault := range faults {
		if err := fault.validate(); err != nil {
			return refuse(http.StatusBadRequest, fmt.Errorf("fault: %w", err))
		}
	}
	s.faults.add(faults)
	return reply{status: http.StatusNoContent}
}

// controlEvents takes one event or an array that is delivered together.
func (s *Server) controlEvents(r *http.Request) reply {
	events, err := oneOrMany[event](r.Body, maxEvents)
	if err != nil {
		return refuse(http.StatusBadRequest, err)
	}
	for _, e := range events {
		if e.text("eventType") == "" {
			return refuse(http.StatusBadRequest, errors.New("eventType: missing; give one such as user.lifecycle.suspend"))
		}
	}
	return control(s.publish(r.Context(), events))
}

func oneOrMany[T any](body io.Reader, limit int) ([]T, error) {
	raw, err := io.ReadAll(body)
	if err != nil {
		return nil, fmt.Errorf("body: %w", err)
	}
	if !bytes.HasPrefix(bytes.TrimSpace(raw), []byte("[")) {
		raw = bytes.Join([][]byte{[]byte("["), raw, []byte("]")}, nil)
	}
	var many []T
	if err := json.Unmarshal(raw, &many); err != nil {
		return nil, fmt.Errorf("body: %w", err)
	}
	if len(many) == 0 || len(many) > limit {
		return nil, fmt.Errorf("body: must hold 1 to %d entries", limit)
	}
	return many, nil
}

func decodeStrict(body io.Reader, v any) error {
	decoder := json.NewDecoder(body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(v); err != nil {
		return fmt.Errorf("body: %w", err)
	}
	return nil
}

func control(body any) reply {
	return reply{status: http.StatusOK, body: body}
}

func refuse(status int, err error) reply {
	return reply{status: status, body: map[string]string{"error": err.Error()}}
}
