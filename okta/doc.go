// Package okta is a small client for the parts of Okta that ending a person's sessions needs: the sessions call, the user
// lookup, typed errors, the rate budget and the event hook payloads.
//
// Its main invariant: the only DELETE it can ever send is DELETE /api/v1/users/{id}/sessions for a well-formed user id. Every
// call is one attempt; retrying belongs to the caller, who learns from [ClassOf] and [RetryAt] what an error means.
//
// It uses the standard library only and knows nothing of queues, policies or HTTP servers.
package okta
