// Package revocation is Sever's core: what a delivery, a signal and a job are,
// when a job is already covered, and how one job is worked off.
//
// The invariant: every job ends in a revocation begun after its delivery was
// received, or in a recorded refusal or dead letter; and a duplicate never
// causes a later call. The order of effects is act, record, acknowledge: call
// Okta, commit to the ledger, append to the audit, then acknowledge. Every step
// before the acknowledgement may run twice, so each is harmless to repeat.
//
// This package imports the standard library only. It knows nothing of HTTP,
// NATS, Okta's JSON or YAML; adapters in queue and internal/app bring those.
package revocation
