package oktasim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

const maxEvents = 100

// serveControl answers the routes that steer and show the simulation. They are no part of Okta: no credential, no limits,
// no faults, and not among the recorded calls.
func (s *Server) serveControl(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.EscapedPath(), "/_sim/")
	if id, isUser := strings.CutPrefix(path, "users/"); isUser && r.Method == http.MethodPut {
		s.controlPutUser(r, id).send(w)
		return
	}
	var answer reply
	switch r.Method + " " + path {
	case "GET calls":
		answer = control(s.calls.list())
	case "GET users":
		answer = control(s.users.list())
	case "POST reset":
		s.Reset()
		answer = reply{status: http.StatusNoContent}
	case "POST faults":
		answer = s.controlFaults(r)
	case "POST events":
		answer = s.controlEvents(r)
	default:
		answer = refuse(http.StatusNotFound, errors.New("no such control route and method; there are GET calls, GET users, PUT users/{id}, "+
			"POST reset, POST faults and POST events"))
	}
	answer.send(w)
}

func (s *Server) controlPutUser(r *http.Request, id string) reply {
	user := User{ID: id}
	if err := decodeStrict(r.Body, &user); err != nil {
		return refuse(http.StatusBadRequest, err)
	}
	if user.ID != id {
		return refuse(http.StatusBadRequest, errors.New("id: must be the one in the path"))
	}
	stored, err := s.users.put(user)
	if err != nil {
		return refuse(http.StatusBadRequest, err)
	}
	return control(stored)
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
