// Package notice tells people outside of Sever what needs them: a hold to approve, the
// brake, a dead letter, a credential that Okta refuses, and that it is mended.
//
// It hears the steps of every alert as a revocation.Observer. That costs a stage a moment
// under a lock and never waits: events are counted into groups, and what is sent is one
// notice of a group, not one of an event. What a notice says of a person is nothing,
// unless the channel asks for it: ids of holds, jobs and letters say where to look.
package notice
