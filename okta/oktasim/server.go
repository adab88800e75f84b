package oktasim

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	defaultConcurrency = 75 // Customer and Workforce orgs
	defaultHookTimeout = 3 * time.Second
	maxBody            = 1 << 20
)

// Options configure a Server. The zero value is a usable Okta that accepts any API token and any bearer token.
type Options struct {
	// Token must follow SSWS in Authorization, and Bearer while there are no Clients. Empty accepts any non-empty one.
	Token string
	// Clients are the OAuth service apps there are from the start. As long as there is none, any bearer token will do, as
	// with Token; once there is one, bearer tokens must be issued by the token endpoint.
	Clients []Client
	// TokenLifetime is how long an access token is good for; zero means Okta's hour.
	TokenLifetime time.Duration
	// StrictUsers makes only users that were put exist. Else any well-formed id exists and is ACTIVE.
	StrictUsers bool
	// SearchLag is how long a change of a user stays unseen by search=; filter= and reads by id see it at once.
	SearchLag time.Duration
	// TrustedOrigins may call with a session cookie from a browser, such as "https://sever.acme.com".
	TrustedOrigins []string
	// Rate is the limit of every bucket; zero fields mean 600 calls and one minute.
	Rate RateLimit
	// PrincipalShare is the part of every bucket that one credential may use, 0.5 by default at Okta; zero means all of it.
	PrincipalShare float64
	// Concurrency is how many API calls may be in the works at once; zero means 75.
	Concurrency int
	// Latency is added to every API call, plus an even share of up to Jitter.
	Latency, Jitter time.Duration
	// Seed makes ids and jitter repeatable.
	Seed uint64
	// Faults are what the first API calls get.
	Faults []Fault
	// HookTimeout bounds one request to an event hook; zero means Okta's 3 seconds.
	HookTimeout time.Duration
	// Now is the clock of windows, headers and events; nil means time.Now.
	Now func() time.Time
	// Org is the base URL in links and event sources, such as "https://acme.okta.com"; empty means the host that was called.
	Org string
}

// Server is a simulated Okta. It is an http.Handler; the caller serves it and closes it.
type Server struct {
	opts Options
	ids  *ids

	calls  callLog
	faults faultQueue
	limits *limits
	users  *directory
	hooks  *hookStore
	log    *systemLog
	sender *sender

	clients    *clientStore
	grants     *grantStore
	nonces     *nonces
	assertions replays // used ids of client assertions
	proofs     replays // used ids of DPoP proofs
	sessions   *sessionStore
	origins    originSet

	stop     context.CancelFunc
	stopping context.Context //nolint:containedctx // ends latency waits and deliveries when the server closes
	closed   sync.Once
}

// New returns a simulated Okta with nothing going on yet.
func New(opts Options) *Server {
	if opts.Concurrency <= 0 {
		opts.Concurrency = defaultConcurrency
	}
	if opts.HookTimeout <= 0 {
		opts.HookTimeout = defaultHookTimeout
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.TokenLifetime <= 0 {
		opts.TokenLifetime = defaultTokenLifetime
	}
	opts.Org = strings.TrimRight(opts.Org, "/")
	ids := newIDs(opts.Seed)
	s := &Server{
		opts: opts, ids: ids, limits: newLimits(opts.Rate, opts.PrincipalShare, opts.Concurrency),
		users: newDirectory(opts.StrictUsers, opts.SearchLag, opts.Now),
		hooks: newHookStore(), log: newSystemLog(opts.Now, ids), sender: newSender(opts.HookTimeout),
		clients: &clientStore{}, grants: newGrantStore(opts.TokenLifetime), nonces: newNonces(ids), sessions: newSessionStore(opts.Now, ids),
	}
	s.clients.reset(opts.Clients)
	s.origins.set(opts.TrustedOrigins)
	s.stopping, s.stop = context.WithCancel(context.Background())
	s.faults.add(opts.Faults)
	return s
}

// Close ends waiting calls and deliveries and waits for the deliveries. Serve nothing after it.
func (s *Server) Close() {
	s.closed.Do(func() {
		s.stop()
		s.sender.close()
	})
}

// ServeHTTP answers control routes under /_sim/ and Okta's API everywhere else. It routes by the escaped path itself:
// http.ServeMux would answer an unclean path with a redirect, which hides what a client really sent.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if strings.HasPrefix(r.URL.EscapedPath(), "/_sim/") {
		s.serveControl(w, r)
		return
	}
	s.serveAPI(w, r)
}

// Reset returns to a server with nothing going on: no calls, users, faults, hooks, events, sessions, access tokens or
// used-up limits, and the clients and trusted origins it was made with.
func (s *Server) Reset() {
	s.calls.reset()
	s.faults.reset()
	s.limits.reset()
	s.users.reset()
	s.hooks.reset()
	s.log.reset()
	s.clients.reset(s.opts.Clients)
	s.grants.reset()
	s.nonces.reset()
	s.assertions.reset()
	s.proofs.reset()
	s.sessions.reset()
	s.origins.set(s.opts.TrustedOrigins)
}

// org is the base URL for links.
func (s *Server) org(r *http.Request) string {
	if s.opts.Org != "" {
		return s.opts.Org
	}
	return calledOrg(r)
}

// wait sleeps for d unless the caller or the server goes away first.
func (s *Server) wait(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-s.stopping.Done():
	}
}
