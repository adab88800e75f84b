package okta

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// maxReserve is the largest share of a rate limit that can be left to others: above it the client would hardly ever call.
const maxReserve = 0.9

const defaultUserAgent = "sever-okta"

// Config says how to reach one Okta org. BaseURL and Auth are required.
type Config struct {
	// BaseURL is the org, such as "https://acme.okta.com": https, or http for a loopback host; no path, query or userinfo.
	BaseURL string
	// Auth puts the credential on every request: [PrivateKeyJWT], or [SSWS].
	Auth Authorizer
	// Transport sends requests; nil means an own transport with bounded connections and times, and TLS 1.2 or later.
	// A proxy is taken from the environment (HTTPS_PROXY, NO_PROXY).
	Transport http.RoundTripper
	// Reserve is the share of Okta's rate limit left to others, 0 to 0.9. Zero keeps nothing back.
	Reserve float64
	// MaxInFlight is how many calls may be in flight at once, 1 to 75; zero means 8. Others wait for an answer.
	MaxInFlight int
	// AttemptTimeout bounds one request and its answer, counted from its turn; zero means 30 s. The caller's context bounds
	// the wait for a turn besides.
	AttemptTimeout time.Duration
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// UserAgent is sent with every request; empty means "sever-okta".
	UserAgent string
}

// Client calls one Okta org. It is safe for concurrent use.
type Client struct {
	base      *url.URL
	auth      Authorizer
	transport http.RoundTripper
	budget    *budget
	now       func() time.Time
	userAgent string

	attemptTimeout time.Duration
}

// New checks cfg and returns a client. It opens no connection.
func New(cfg Config) (*Client, error) {
	base, err := parseBaseURL(cfg.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("okta BaseURL: %w", err)
	}
	if err := cfg.check(); err != nil {
		return nil, err
	}
	c := &Client{
		base: base, auth: cfg.Auth, transport: cfg.Transport, now: cfg.Now,
		userAgent: cmp.Or(cfg.UserAgent, defaultUserAgent), attemptTimeout: cmp.Or(cfg.AttemptTimeout, callTimeout),
	}
	if c.transport == nil {
		c.transport = newTransport()
	}
	if c.now == nil {
		c.now = time.Now
	}
	c.budget = newBudget(cfg.Reserve, cfg.MaxInFlight, c.now)
	return c, nil
}

func (cfg Config) check() error {
	if cfg.Auth == nil {
		return errors.New("okta Auth: missing; give SSWS or another Authorizer")
	}
	// Written so that NaN is refused too.
	if !(cfg.Reserve >= 0 && cfg.Reserve <= maxReserve) {
		return fmt.Errorf("okta Reserve: %v is not between 0 and %v", cfg.Reserve, maxReserve)
	}
	if cfg.MaxInFlight < 0 || cfg.MaxInFlight > maxInFlight {
		return fmt.Errorf("okta MaxInFlight: %d is not between 1 and %d", cfg.MaxInFlight, maxInFlight)
	}
	if cfg.AttemptTimeout < 0 {
		return fmt.Errorf("okta AttemptTimeout: %v is below zero", cfg.AttemptTimeout)
	}
	if !printable(cfg.UserAgent) {
		return errors.New("okta UserAgent: holds a character that a header cannot carry")
	}
	return nil
}

// CloseIdleConnections closes connections kept for later calls, when the transport can do that.
func (c *Client) CloseIdleConnections() {
	if t, ok := c.transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// Budget reports what the newest answers said about each rate limit bucket, ordered by name.
func (c *Client) Budget() []BudgetState {
	return c.budget.snapshot()
}

// parseBaseURL never repeats its input: a wrong URL may hold a password.
func parseBaseURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil {
		return nil, errors.New("is not a URL; give it like https://acme.okta.com")
	}
	if err := orgOnly(u); err != nil {
		return nil, err
	}
	switch {
	case u.Scheme == "https":
	case u.Scheme == "http" && isLoopback(u.Hostname()):
	case u.Scheme == "http":
		return nil, fmt.Errorf("http is for loopback hosts only; use https for %s", excerpt(u.Hostname(), 100))
	default:
		return nil, errors.New("must start with https://")
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host}, nil
}

// orgOnly refuses everything in a URL that is more than an org's address.
func orgOnly(u *url.URL) error {
	switch {
	case u.User != nil:
		return errors.New("holds a user name or password; remove it and set Auth")
	case u.Hostname() == "" || u.Opaque != "":
		return errors.New("has no host; give it like https://acme.okta.com")
	case u.Path != "" && u.Path != "/":
		return errors.New("has a path; give the org alone, like https://acme.okta.com")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return errors.New("has a query or fragment; give the org alone, like https://acme.okta.com")
	}
	return nil
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// http2Silence is how long an HTTP/2 connection may be silent before it is asked whether it lives, and how long it has to
// answer. All calls share one such connection, and without this one that died without a word would take every attempt with it
// until TCP gives it up, which may be a quarter of an hour.
const http2Silence = 5 * time.Second

// newTransport bounds what a stuck or hostile peer can hold: connections, header size and every phase of a call.
func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    5 * time.Second,
		ResponseHeaderTimeout:  20 * time.Second,
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: http2Silence, PingTimeout: http2Silence},
		MaxConnsPerHost:        32,
		MaxIdleConns:           32,
		MaxIdleConnsPerHost:    16,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
}
