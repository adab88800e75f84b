package peer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	bus "github.com/ThreeDotsLabs/watermill-nats/v2/pkg/nats"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// work consumes the events and revokes.
func (w Watermill) work(router *message.Router, store *server.Server) error {
	events, err := bus.NewSubscriber(bus.SubscriberConfig{
		URL: "", NatsOptions: inProcess(store),
		QueueGroupPrefix: "revoke", SubscribersCount: wide,
		AckWaitTimeout: 30 * time.Second, // its default
		// The default gives a message back at once, to fail again at once.
		NakDelay: bus.NewStaticDelay(time.Second),
		JetStream: bus.JetStreamConfig{
			// The stream with JetStream's defaults: on disk, no limits, duplicates known for two minutes.
			AutoProvision: true, DurablePrefix: "revoke",
			SubscribeOptions: []nats.SubOpt{nats.DeliverAll(), nats.AckExplicit()},
		},
	}, watermill.NopLogger{})
	if err != nil {
		return fmt.Errorf("make the subscriber: %w", err)
	}
	okta := revoker{base: w.Okta, client: &http.Client{
		Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: wide},
	}}
	handler := router.AddConsumerHandler("revoke", topic, events, okta.revoke)
	// The documentation's figures (3 retries from 100 ms) would give up within a second; these end within AckWait.
	handler.AddMiddleware(middleware.Retry{
		MaxRetries: 8, InitialInterval: 100 * time.Millisecond, Multiplier: 2, MaxInterval: 10 * time.Second,
	}.Middleware)
	return nil
}

type revoker struct {
	base   string
	client *http.Client
}

// revoke ends the sessions of whom an event is about, as the worker of Sever does.
func (o revoker) revoke(msg *message.Message) error {
	var event struct {
		Target []struct {
			ID   string `json:"id"`
			Type string `json:"type"`
		} `json:"target"`
	}
	if err := json.Unmarshal(msg.Payload, &event); err != nil {
		return fmt.Errorf("decode the event: %w", err)
	}
	for _, target := range event.Target {
		if target.Type == "User" {
			return o.clear(msg.Context(), target.ID)
		}
	}
	return errors.New("the event is about nobody")
}

func (o revoker) clear(ctx context.Context, person string) error {
	path := o.base + "/api/v1/users/" + url.PathEscape(person) + "/sessions?oauthTokens=true&forgetDevices=true"
	req, err := http.NewRequestWithContext(ctx, http.MethodDelete, path, http.NoBody)
	if err != nil {
		return fmt.Errorf("make the call: %w", err)
	}
	req.Header.Set("Authorization", "SSWS lab")
	answer, err := o.client.Do(req)
	if err != nil {
		return fmt.Errorf("call Okta: %w", err)
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return fmt.Errorf("read Okta's answer: %w", err)
	}
	if answer.StatusCode != http.StatusNoContent {
		return fmt.Errorf("okta answered %d", answer.StatusCode)
	}
	return nil
}
