package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"sever/okta/oktasim"
)

// okta is the simulated Okta, in the lab's own process: so a call's start is read from the same clock as the alert's.
type okta struct {
	url     string
	sim     *oktasim.Server
	server  *http.Server
	serving sync.WaitGroup

	revocations atomic.Int64 // calls that asked for one, whatever the answer

	mu      sync.Mutex
	awaited map[string]chan time.Time // by person
}

func startOkta(ctx context.Context, rate oktasim.RateLimit) (*okta, error) {
	var ports net.ListenConfig
	listener, err := ports.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the simulated Okta: %w", err)
	}
	o := &okta{
		url: "http://" + listener.Addr().String(), sim: oktasim.New(oktasim.Options{Seed: 1, Rate: rate}),
		awaited: map[string]chan time.Time{},
	}
	o.server = &http.Server{Handler: o, ReadHeaderTimeout: 5 * time.Second}
	o.serving.Go(func() {
		if err := o.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			panic("serve the simulated Okta: " + err.Error()) // nothing that the lab measures is of use then
		}
	})
	return o, nil
}

func (o *okta) close() {
	_ = o.server.Close()
	o.serving.Wait()
	o.sim.Close()
}

// ServeHTTP notes when a revocation began, then lets the simulated Okta answer.
func (o *okta) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	rest, ours := strings.CutPrefix(r.URL.Path, "/api/v1/users/")
	if person, last, _ := strings.Cut(rest, "/"); ours && r.Method == http.MethodDelete && last == "sessions" {
		o.revocations.Add(1)
		o.tell(person, began)
	}
	o.sim.ServeHTTP(w, r)
}

func (o *okta) tell(person string, began time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if waiting, ok := o.awaited[person]; ok {
		waiting <- began // it has room for the one
		delete(o.awaited, person)
	}
}

// await gives the start of the next revocation of that person.
func (o *okta) await(person string) <-chan time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	waiting := make(chan time.Time, 1)
	o.awaited[person] = waiting
	return waiting
}
