package handlers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/time/rate"

	"sever/revocation"
	"sever/source"
)

// DeliveryLog keeps deliveries until they are dispatched.
type DeliveryLog interface {
	// Append gives nil only after the delivery is durable, and must not hold on to its
	// body once it has: the memory is used again. After an error it may still hold it.
	Append(ctx context.Context, delivery revocation.Delivery) error
}

// ReceiveConfig bounds what one request of a sender may take. Every field may be zero.
type ReceiveConfig struct {
	MaxBody       int64         // bytes of one body; default 4 MiB
	Timeout       time.Duration // from the end of the headers to the answer; default 2s, as Okta waits 3s
	AppendTimeout time.Duration // part of Timeout for storing; default three quarters of it
	Proxies       Proxies       // who may speak for a sender; nobody by default
	Letters       Letters       // takes what is genuine but for its time; nil refuses that as a stranger's

	Now      func() time.Time
	Observer revocation.Observer
	Logger   *slog.Logger // hears of panics and internal errors only
}

// defaultMaxBody is generous, because Okta names no limit for a delivery and does
// not send again what was answered with 413.
const defaultMaxBody = 4 << 20

const defaultTimeout = 2 * time.Second

// hooksPath comes before the name of a source.
const hooksPath = "/v1/hooks/"

func (c ReceiveConfig) withDefaults() ReceiveConfig {
	if c.MaxBody == 0 {
		c.MaxBody = defaultMaxBody
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.AppendTimeout == 0 {
		c.AppendTimeout = c.Timeout * 3 / 4
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func (c ReceiveConfig) check() error {
	if c.MaxBody < 0 {
		return fmt.Errorf("receiver: the largest body is %d bytes; it must be above zero", c.MaxBody)
	}
	if c.Timeout < 0 || c.AppendTimeout < 0 || c.AppendTimeout > c.Timeout {
		return fmt.Errorf("receiver: the append timeout %s must be above zero and within the timeout %s",
			c.AppendTimeout, c.Timeout)
	}
	return nil
}

type receiver struct {
	log     DeliveryLog
	sources map[string]source.Source
	config  ReceiveConfig
	buffers buffers
	doors   map[string]*rate.Limiter // for handshakes that anyone may try, by source
}

// NewReceiver makes the handler that senders talk to. It refuses a source without
// a verifier, which would let anyone end anyone's sessions.
func NewReceiver(log DeliveryLog, sources []source.Source, config ReceiveConfig) (http.Handler, error) {
	config = config.withDefaults()
	if err := config.check(); err != nil {
		return nil, err
	}
	if log == nil {
		return nil, errors.New("receiver: there is no delivery log")
	}
	byName, err := indexSources(sources)
	if err != nil {
		return nil, err
	}
	r := &receiver{log: log, sources: byName, config: config, doors: openDoors(sources)}

	e := newEcho(config.Logger, r.answerError)
	for _, route := range []string{hooksPath + ":source", hooksPath + ":source/:secret"} {
		e.POST(route, r.takeDelivery)
		e.GET(route, r.shakeHands)
		e.OPTIONS(route, r.shakeHands)
		e.RouteNotFound(route, r.refuseMethod) // which is where Echo sends every other method
	}
	return e, nil
}

func indexSources(sources []source.Source) (map[string]source.Source, error) {
	byName := make(map[string]source.Source, len(sources))
	for _, src := range sources {
		if src.Name == "" {
			return nil, errors.New("receiver: a source has no name")
		}
		if _, twice := byName[src.Name]; twice {
			return nil, fmt.Errorf("receiver: source %q is there twice", src.Name)
		}
		if src.Verifier == nil {
			return nil, fmt.Errorf("receiver: source %q has no verifier", src.Name)
		}
		if src.Accepted < http.StatusOK || src.Accepted >= http.StatusMultipleChoices {
			return nil, fmt.Errorf("receiver: source %q accepts with status %d; it must be a 2xx", src.Name, src.Accepted)
		}
		byName[src.Name] = src
	}
	return byName, nil
}

func (r *receiver) refuseMethod(c echo.Context) error {
	src, err := r.source(c)
	if err != nil {
		return err
	}
	return methodRefusal(c, src)
}

// source finds the source that the path names.
func (r *receiver) source(c echo.Context) (source.Source, error) {
	name, secret, withSecret := sourceName(c)
	src, found := r.sources[name]
	if !found || withSecret && !src.PathSecret || strings.Contains(secret, "/") {
		return source.Source{}, &refusal{
			status: http.StatusNotFound, reason: ReasonUnknownSource, detail: "there is no such source",
		}
	}
	return src, nil
}

// sourceName reads the source off the path, and the secret that may follow it. Echo's own
// parameters are empty where the path matched and the method did not.
func sourceName(c echo.Context) (name, secret string, withSecret bool) {
	rest, _ := strings.CutPrefix(echo.GetPath(c.Request()), hooksPath)
	return strings.Cut(rest, "/")
}

func methodRefusal(c echo.Context, src source.Source) error {
	allow := http.MethodPost
	if len(src.Handshakes) > 0 {
		allow = "GET, OPTIONS, POST"
	}
	c.Response().Header().Set(echo.HeaderAllow, allow)
	return &refusal{
		status: http.StatusMethodNotAllowed, reason: ReasonMethod, detail: "use one of the methods in Allow",
	}
}
