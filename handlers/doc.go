// Package handlers is Sever's HTTP side: it receives the deliveries of sources,
// and serves health, metrics and the admin API on a listener of their own.
//
// The invariant of receiving: a sender hears 2xx only after its bytes are
// durable, and never hears 4xx for trouble of our own. Okta sends once more after
// a 5xx or a timeout, and never after a 4xx.
//
// The package knows HTTP and nothing behind it: what stores a delivery, a job or
// a dead letter is an interface here.
package handlers
