package handlers

import (
	"crypto/tls"
	"log/slog"
	"net/http"
	"time"
)

// ServerConfig sets up a Server. All fields but Timeout may be zero.
type ServerConfig struct {
	Timeout time.Duration // for one request; for the receiver, its ReceiveConfig.Timeout
	TLS     *tls.Config   // serve with ServeTLS(listener, "", "") when it is set
	Logger  *slog.Logger  // hears what net/http has to say
}

const (
	// maxHeaderBytes is far above any sender's headers, and bounds what a stranger can fill.
	maxHeaderBytes = 64 << 10
	// idleTimeout outlasts the pause between a sender's deliveries, so that an alert
	// seldom waits for a new TLS handshake.
	idleTimeout = 90 * time.Second
)

// Server makes the http.Server for a handler; the caller brings the listener.
//
// With the receiver's Timeout of 2s, a sender has its answer at most 2.75s after
// the first byte of its request: 0.75s for the headers, then 2s for the rest. Okta
// waits 3s.
func Server(handler http.Handler, config ServerConfig) *http.Server {
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	return &http.Server{
		Handler:   handler,
		TLSConfig: config.TLS,
		// The headers, and before them the TLS handshake, each.
		ReadHeaderTimeout: config.Timeout * 3 / 8,
		// The whole request, headers and body. What a slow body used up is taken from
		// the time for storing it.
		ReadTimeout: config.Timeout,
		// From the end of the headers to the last byte of the answer: beyond Timeout,
		// so that it cuts off only those who do not read their answer.
		WriteTimeout:   config.Timeout + config.Timeout/8,
		IdleTimeout:    idleTimeout,
		MaxHeaderBytes: maxHeaderBytes,
		ErrorLog:       slog.NewLogLogger(config.Logger.Handler(), slog.LevelWarn),
		// "OPTIONS *" gets our answer, which is 404, and not net/http's 200.
		DisableGeneralOptionsHandler: true,
	}
}
