// Package oktasim is an Okta for tests, demos and practice: real paths, bodies, headers, status codes, limits and faults,
// over plain HTTP. It is faithful in what matters for ending sessions, the dangerous parts included: DELETE on a user
// deactivates and then deletes that user, so that a test can prove it never happened.
//
// It records every API call with its path exactly as received; no path is cleaned and nothing is redirected.
package oktasim
