// Package oktasim is an Okta for tests, demos and practice: real paths, bodies, headers, status codes, limits and faults,
// over plain HTTP. It is faithful in what matters for ending sessions, the dangerous parts included: DELETE on a user
// deactivates and then deletes that user, so that a test can prove it never happened.
//
// It is as strict as Okta where a client can be wrong: once there is an OAuth client (Options.Clients, PutClient), its token
// endpoint checks every claim of an assertion and of a DPoP proof, its API checks token, proof, scope and role, and refuses
// with Okta's own texts: empty bodies and a WWW-Authenticate header included. As long as there is none, any credential will
// do for practice.
//
// It records every API call with its path exactly as received; no path is cleaned and nothing is redirected.
package oktasim
