// Package okta is a client for the parts of Okta that ending a person's sessions needs.
//
// # A tour
//
// A [Client] speaks to one org. [New] takes a [Config] with the org's address and a credential: [PrivateKeyJWT], which gets
// access tokens for a service app and binds them to a key of its own (DPoP), or [SSWS], an API token. Anything else that can
// put a credential on a request is an [Authorizer].
//
// Ending sessions is one call, [Client.RevokeUserSessions], with an id from [ParseUserID]. [Client.GlobalTokenRevocation] goes
// further, to the apps that take part in Universal Logout. [Client.EndUserSessions] is what a person can do with their own
// session cookie; it never carries the client's credential.
//
// Who is meant is found out by [Client.GetUser], for an id or login, and [Client.FindUser], for any profile attribute: exactly
// one match, or an error that says whether there was none or more than one. [Client.ListUserGroups] tells which groups a
// person is in, [Client.ListUserRoles] which admin roles they have.
//
// What happened comes in by event hook or is fetched. [Client.CreateEventHook] and its siblings keep the registration,
// [EventHook] is what such a hook is sent, [Client.ListLogs] polls the System Log for what a hook missed, and both hold
// [LogEvent].
//
// # Errors
//
// Every call also returns a [Receipt], which is filled when there is an error too: with Okta's request id, by which the call
// is found in the System Log. A call is one attempt (two when a token or nonce had to be renewed, which Okta refuses
// before it does anything). Trying again is for the caller, and [ClassOf] says whether that makes sense: the person is
// gone, is out of reach, the credential is refused, the limit is used up until [RetryAt], there were too many calls at once,
// Okta is in trouble, or the request is wrong. An [Error] is an answer of Okta, a [TransportError] the lack of one.
//
// # Limits
//
// The client reads the rate limit headers of every answer and keeps a budget for each kind of call. It leaves alone the share
// that [Config] reserves for others, has no more than a few calls in flight, and refuses a call that Okta would refuse. A
// worker that calls [Client.WaitForBudget] before it takes on a revocation hardly ever meets such a refusal, and loses
// next to no time: see there. [Client.Budget] is for metrics.
//
// # What it will never do
//
// The finished request is held against its operation before it is sent, whatever an Authorizer did to it: method, host, path,
// query and body must be exactly the operation's. The only DELETEs that can leave are /api/v1/users/{id}/sessions for a
// well-formed user id and /api/v1/eventHooks/{id}: the path of the former without its last segment would deactivate the
// user. Redirects are not followed, nor a next page that leads elsewhere. No secret stands in an error, in a log or in a
// printed value.
//
// It knows nothing of queues, policies or HTTP servers. Package oktasim is an Okta to practise against.
package okta
