// Package peer holds what Sever is compared with: the same work built with Watermill, and a handler that does nothing
// but read and decode.
package peer

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	whttp "github.com/ThreeDotsLabs/watermill-http/v2/pkg/http"
	bus "github.com/ThreeDotsLabs/watermill-nats/v2/pkg/nats"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"
	"github.com/go-chi/chi"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"sever/bench/alert"
)

// Watermill says how to run the peer.
type Watermill struct {
	Listen string // host:port
	Okta   string // base URL
	Secret string // what senders repeat in the header Authorization
	Dir    string // folder of its store
	// Provision has the publisher make sure of the stream (AutoProvision), which asks for it before each message.
	Provision bool
	Sync      bool // have nats-server fsync each message before it acknowledges; its default is every two minutes
}

const (
	topic = "alerts"
	wide  = 64 // consumers at one time
)

// Run serves until ctx ends.
//
// It is a pipeline as Watermill's documentation builds one: watermill-http's subscriber, a router handler that splits
// the hook into events, watermill-nats's publisher and subscriber, and a handler with the Retry middleware. The router
// acknowledges an HTTP message, which answers 200, only after JetStream has acknowledged the events.
//
// Where the libraries leave a choice, the one that serves the peer was taken: the connection to the embedded server is
// in-process as Sever's is, and nothing is logged.
func (w Watermill) Run(ctx context.Context) error {
	store, err := w.store()
	if err != nil {
		return err
	}
	defer store.WaitForShutdown()
	defer store.Shutdown()
	router, err := message.NewRouter(message.RouterConfig{}, watermill.NopLogger{})
	if err != nil {
		return fmt.Errorf("make the router: %w", err)
	}
	router.AddMiddleware(middleware.Recoverer)
	receive, err := w.receive(router, store)
	if err != nil {
		return err
	}
	if err := w.work(router, store); err != nil {
		return err
	}
	running := make(chan error, 1)
	go func() { running <- router.Run(ctx) }()
	select {
	case <-router.Running(): // StartHTTPServer must come after all have subscribed
	case err := <-running:
		return fmt.Errorf("run the router: %w", err)
	}
	serving := make(chan error, 1)
	go func() { serving <- receive.StartHTTPServer() }()
	select {
	case err := <-serving:
		return fmt.Errorf("serve HTTP: %w", err)
	case <-ctx.Done():
		return errors.Join(<-running, ignoreClosed(<-serving)) // the router closes its subscribers
	}
}

func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// store is nats-server with its own defaults, but for SyncAlways when asked for.
func (w Watermill) store() (*server.Server, error) {
	store, err := server.NewServer(&server.Options{
		ServerName: "peer", DontListen: true, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: w.Dir, SyncAlways: w.Sync,
	})
	if err != nil {
		return nil, fmt.Errorf("configure NATS: %w", err)
	}
	store.Start()
	if !store.ReadyForConnections(10 * time.Second) {
		return nil, errors.New("NATS did not come up within 10s")
	}
	return store, nil
}

// receive takes hooks over HTTP and publishes their events.
func (w Watermill) receive(router *message.Router, store *server.Server) (*whttp.Subscriber, error) {
	routes := chi.NewRouter()
	routes.Use(w.authenticate)
	hooks, err := whttp.NewSubscriber(w.Listen, whttp.SubscriberConfig{Router: routes, UnmarshalMessageFunc: read}, watermill.NopLogger{})
	if err != nil {
		return nil, fmt.Errorf("make the HTTP subscriber: %w", err)
	}
	events, err := bus.NewPublisher(bus.PublisherConfig{
		URL: "", NatsOptions: inProcess(store),
		// TrackMsgId sends the event's id as Nats-Msg-Id. The subscriber has made the stream by then.
		JetStream: bus.JetStreamConfig{TrackMsgId: true, AutoProvision: w.Provision},
	}, watermill.NopLogger{})
	if err != nil {
		return nil, fmt.Errorf("make the publisher: %w", err)
	}
	router.AddHandler("receive", alert.Path, hooks, topic, events, split)
	return hooks, nil
}

func (w Watermill) authenticate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte(w.Secret)) != 1 {
			rw.WriteHeader(http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(rw, r)
	})
}

func read(_ string, r *http.Request) (*message.Message, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, fmt.Errorf("read the body: %w", err)
	}
	return message.NewMessage(watermill.NewULID(), body), nil
}

// split makes a message of each event of a hook, named by the event's own id. The events stay as they came.
func split(hook *message.Message) ([]*message.Message, error) {
	var body struct {
		Data struct {
			Events []json.RawMessage `json:"events"`
		} `json:"data"`
	}
	if err := json.Unmarshal(hook.Payload, &body); err != nil {
		return nil, fmt.Errorf("decode the hook: %w", err)
	}
	events := make([]*message.Message, 0, len(body.Data.Events))
	for _, raw := range body.Data.Events {
		var event struct {
			UUID string `json:"uuid"`
		}
		if err := json.Unmarshal(raw, &event); err != nil {
			return nil, fmt.Errorf("decode an event: %w", err)
		}
		events = append(events, message.NewMessage(event.UUID, message.Payload(raw)))
	}
	return events, nil
}

func inProcess(store *server.Server) []nats.Option { return []nats.Option{nats.InProcessServer(store)} }
